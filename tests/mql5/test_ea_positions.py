"""ForecastTrader's positions beside those of other programs, and orders that a broker refuses."""

from __future__ import annotations

import pytest

from bridge.bars import Bars
from tests.mql5.history import write_export
from tests.mql5.host import HERE, Program, build
from tests.mql5.terminal import Terminal


@pytest.fixture(scope="module")
def positions() -> Program:
    return build(HERE / "programs" / "Positions.mq5")


def told(positions: Program, terminal: Terminal, bars: Bars, margin_mode: str) -> list[list[str]]:
    result = positions.test(
        terminal,
        bars=write_export(terminal.folder, bars[-50:]),
        spread_points=10,
        margin_mode=margin_mode,
    )
    assert result.code == 0
    return [line.split("\t") for line in result.journal]


def test_on_a_hedging_account_they_stand_beside_each_other(
    positions: Program, terminal: Terminal, bars: Bars
) -> None:
    rows = [row for row in told(positions, terminal, bars, "hedging") if len(row) == 4]
    assert rows == [
        # when, positions, whether one is ours, whether the symbol is another's
        ["nothing", "0", "false", "false"],
        ["another's", "1", "false", "false"],
        ["both", "2", "true", "false"],
        ["another's again", "1", "false", "false"],
    ]


def test_on_a_netting_account_the_symbol_is_left_to_who_holds_it(
    positions: Program, terminal: Terminal, bars: Bars
) -> None:
    rows = [row for row in told(positions, terminal, bars, "netting") if len(row) == 4]
    assert rows == [["nothing", "0", "false", "false"], ["another's", "1", "false", "true"]]


def test_an_order_that_is_refused_is_explained_once(
    positions: Program, terminal: Terminal, bars: Bars
) -> None:
    rows = told(positions, terminal, bars, "hedging")
    assert ["refused", "true"] in rows
    explained = [row[0] for row in rows if row[0].startswith("Refused")]
    assert len(explained) == 1
    assert "10016" in explained[0]  # invalid stops
    assert "stop" in explained[0]
