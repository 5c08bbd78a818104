"""What ForecastTrader says on the chart, and what it draws there, where somebody looks on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.bars import Bars
from bridge.bars.times import stamp
from tests.mql5.experts import assert_left_nothing, trader_book
from tests.mql5.history import write_export
from tests.mql5.host import Program, TesterResult
from tests.mql5.plans import write_plan
from tests.mql5.terminal import Terminal

LAST = 58  # number of the last closed bar when a test over 60 bars ends


@pytest.fixture(scope="module")
def trader() -> Program:
    return trader_book()


@pytest.fixture(scope="module")
def history(bars: Bars) -> Bars:
    return bars[1000:1060]


def panel(
    trader: Program, terminal: Terminal, history: Bars, **inputs: object
) -> tuple[str, TesterResult]:
    """The panel when the test ends, and the test."""
    result = trader.test(
        terminal,
        bars=write_export(terminal.folder, history),
        inputs=inputs,
        visual=True,
        spread_points=10,
        **{"from": stamp(int(history.time[5])).replace("-", ".")},
    )
    assert result.code == 0
    assert_left_nothing(result)
    return str(result.report["comment_last"]), result


@pytest.fixture
def book(terminal: Terminal) -> Path:
    return terminal.files / "forecast.book"


def test_it_names_its_source_the_forecast_and_what_it_does(
    trader: Program, terminal: Terminal, history: Bars, book: Path
) -> None:
    write_plan(book, history, {})
    shown, _ = panel(trader, terminal, history)
    last = stamp(int(history.time[LAST])).replace("-", ".")
    for line in (
        "ForecastTrader: an example, and no promise of profit",
        "source: book forecast.book",
        f"forecast: plan@1, bar of {last}",
        "4 bars ahead: up with 50.0 %, move +0.0 points, 80 % between",
        "now: no trade: up 50.0 %",
    ):
        assert line in shown
    assert "last error" not in shown


def test_it_says_that_it_holds_a_position(
    trader: Program, terminal: Terminal, history: Bars, book: Path
) -> None:
    write_plan(book, history, {LAST - 1: 1})
    shown, _ = panel(trader, terminal, history, InpUseTarget=False)
    assert "now: holding a position" in shown


def test_it_says_why_it_pauses(
    trader: Program, terminal: Terminal, history: Bars, book: Path
) -> None:
    write_plan(book, history, {}, holes=frozenset({LAST}))
    shown, _ = panel(trader, terminal, history)
    assert "now: paused: no entries without a fresh forecast" in shown
    assert "last error: The book forecast.book has no forecast for the bar of" in shown


def test_it_says_nothing_where_it_is_not_to(
    trader: Program, terminal: Terminal, history: Bars, book: Path
) -> None:
    write_plan(book, history, {})
    shown, _ = panel(trader, terminal, history, InpShowPanel=False)
    assert shown == ""
