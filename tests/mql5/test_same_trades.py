"""ForecastTrader in the Strategy Tester: the daemon, the book and the model inside the terminal
give the same trades, over all real hours that there are and over a year made of them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bridge.bars import Bars
from tests.conftest import Daemon
from tests.mql5.experts import (
    EVERY_LIKELIHOOD,
    assert_left_nothing,
    entries,
    trader_book,
    trader_dll,
    trader_model,
)
from tests.mql5.history import read_probe, write_export
from tests.mql5.host import Program, TesterResult, build
from tests.mql5.installed import beside_installed
from tests.mql5.terminal import Terminal
from tests.mql5.year import year_of

CONTEXT = 128


@dataclass(frozen=True)
class Period:
    """A history to test over.

    Attributes:
        bars: the history; the last bar begins to form when the test ends.
        export: the same, as the terminal exports it.
        book: of it, as `eabridge book` makes it.
    """

    bars: Bars
    export: Path
    book: Path


@pytest.fixture(scope="module", params=["the real hours", "a year of hours"])
def period(
    request: pytest.FixtureRequest, bars: Bars, tmp_path_factory: pytest.TempPathFactory
) -> Period:
    history = bars if request.param == "the real hours" else year_of(bars, weeks=53, seed=1)
    folder = tmp_path_factory.mktemp("period")
    export = write_export(folder, history)
    book = folder / "forecast.book"
    command = [sys.executable, "-m", "bridge", "book", "--model", "fx-h1"]
    subprocess.run(
        [*command, "--data", str(export), "--out", str(book)],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return Period(history, export, book)


def terminal_with(period: Period, folder: Path) -> Terminal:
    """A terminal that has the book."""
    terminal = Terminal(folder, allow_dll=True)
    shutil.copy(period.book, terminal.files)
    return terminal


def trade_over(
    expert: Program, period: Period, folder: Path, inputs: Mapping[str, object] | None = None
) -> TesterResult:
    result = expert.test(
        terminal_with(period, folder),
        bars=period.export,
        inputs={**EVERY_LIKELIHOOD, **(inputs or {})},
        spread_points=10,
        **{"from": int(period.bars.time[CONTEXT])},
    )
    assert result.code == 0
    assert not [line for line in result.journal if line.startswith("Paused")]
    assert_left_nothing(result)
    return result


@pytest.fixture(scope="module")
def by_book(period: Period, tmp_path_factory: pytest.TempPathFactory) -> TesterResult:
    return trade_over(trader_book(), period, tmp_path_factory.mktemp("by_book"))


def test_there_are_hundreds_of_trades_both_ways(by_book: TesterResult) -> None:
    opened = entries(by_book)
    assert len(opened) > 500
    assert {deal["type"] for deal in opened} == {"buy", "sell"}
    assert {deal["reason"] for deal in by_book.deals} >= {"expert", "sl", "tp"}


def test_the_daemon_gives_the_trades_of_the_book(
    period: Period, by_book: TesterResult, tmp_path: Path, daemon: Daemon
) -> None:
    result = trade_over(trader_dll(), period, tmp_path, asking(daemon))
    assert result.deals == by_book.deals
    assert result.balance == by_book.balance
    assert result.on_tester == by_book.on_tester


def test_the_model_inside_the_terminal_gives_the_trades_of_the_book(
    period: Period, by_book: TesterResult, tmp_path: Path
) -> None:
    result = trade_over(trader_model(), period, tmp_path)
    assert result.deals == by_book.deals
    assert result.balance == by_book.balance
    assert result.on_tester == by_book.on_tester


def test_the_daemons_and_the_books_forecasts_are_the_same_bits(
    period: Period, tmp_path: Path, daemon: Daemon
) -> None:
    probe = build(beside_installed("Probe.mq5"))
    numbers = {}
    for source, inputs in (("book", {}), ("daemon", asking(daemon))):
        terminal = terminal_with(period, tmp_path / source)
        result = probe.test(terminal, bars=period.export, inputs={"InpSource": source, **inputs})
        assert result.code == 0
        asked = read_probe(terminal.agent_files / "probe.bin")
        assert [each.bar for each in asked] == period.bars.time.tolist()
        numbers[source] = np.array([each.numbers for each in asked[CONTEXT:]])
    assert numbers["book"].size
    assert numbers["book"].tobytes() == numbers["daemon"].tobytes()


def asking(daemon: Daemon) -> dict[str, object]:
    return {"InpEndpoint": daemon.endpoint.removeprefix("tcp://")}
