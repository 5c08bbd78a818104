"""What the Strategy Tester refuses, and what an EA makes of it: it says why, and trades nothing."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bridge.bars import Bars
from bridge.book import make_book
from bridge.client import Client
from tests.backends import graphs
from tests.conftest import Daemon, StartDaemon
from tests.mql5.experts import (
    EVERY_LIKELIHOOD,
    assert_left_nothing,
    entries,
    trader,
    trader_book,
    trader_dll,
)
from tests.mql5.history import write_export
from tests.mql5.host import Program, TesterResult
from tests.mql5.installed import shipped_bundle
from tests.mql5.peers import unused_endpoint
from tests.mql5.relay import Relay, relay_to, until
from tests.mql5.terminal import Terminal

CONTEXT = 128
TESTED_BARS = 200


@pytest.fixture(scope="module")
def history(bars: Bars) -> Bars:
    return bars[-(TESTED_BARS + CONTEXT) :]


def trade_over(
    expert: Program, terminal: Terminal, history: Bars, daemon: Daemon | Relay | None = None
) -> TesterResult:
    inputs = {} if daemon is None else {"InpEndpoint": daemon.endpoint.removeprefix("tcp://")}
    return expert.test(
        terminal,
        bars=write_export(terminal.folder, history),
        inputs={**EVERY_LIKELIHOOD, **inputs},
        spread_points=10,
        **{"from": int(history.time[CONTEXT])},
    )


def said(result: TesterResult, *words: str) -> bool:
    """Whether a line of the journal has all the words."""
    return any(all(word in line for word in words) for line in result.journal)


def test_the_terminals_sockets_are_refused_and_the_build_without_dlls_names_those_that_work(
    terminal: Terminal, history: Bars, daemon: Daemon
) -> None:
    result = trade_over(trader(), terminal, history, daemon)
    assert result.code == 2
    assert said(result, "ForecastTraderDll", "book")
    assert_left_nothing(result)


def test_a_program_with_dlls_does_not_start_where_they_are_not_allowed(
    terminal: Terminal, history: Bars, daemon: Daemon
) -> None:
    result = trade_over(trader_dll(), terminal, history, daemon)
    assert result.code == 4
    assert said(result, "ws2_32.dll")


def test_where_they_are_allowed_it_trades(tmp_path: Path, history: Bars, daemon: Daemon) -> None:
    result = trade_over(trader_dll(), Terminal(tmp_path, allow_dll=True), history, daemon)
    assert result.code == 0
    assert entries(result)


def test_a_daemon_that_ends_in_the_middle_of_a_test_ends_the_test(
    tmp_path: Path, history: Bars, daemon: Daemon
) -> None:
    terminal = Terminal(tmp_path, allow_dll=True)
    whole = trade_over(trader_dll(), terminal, history, daemon)
    answered = TESTED_BARS // 2
    with relay_to(daemon.endpoint) as relay:
        relay.spoil = until(answered)
        cut = trade_over(trader_dll(), terminal, history, relay)
    ended = history.time[CONTEXT + answered]
    assert entries(cut) == [deal for deal in entries(whole) if deal["time"] < ended]
    assert entries(cut)
    assert said(cut, "Paused (lost)")
    assert said(cut, "The test is stopped", "3 bars in a row")
    assert cut.on_tester == 0
    assert_left_nothing(cut)


def test_a_daemon_that_is_restarted_in_the_middle_of_a_test_costs_it_no_bar(
    tmp_path: Path, bars: Bars, start_daemon: StartDaemon
) -> None:
    endpoint = f"tcp://{unused_endpoint()}"
    first = start_daemon("--bind", endpoint)
    terminal = Terminal(tmp_path, allow_dll=True)
    history = bars[-3000:]
    whole = trade_over(trader_dll(), terminal, history, first)

    def restart() -> None:
        with Client(endpoint) as client:
            before = client.health().requests
            while client.health().requests < before + 1000:  # most of them the program's
                time.sleep(0.01)
        first.process.kill()
        first.process.wait()
        start_daemon("--bind", endpoint)

    with ThreadPoolExecutor(1) as pool:
        restarted = pool.submit(restart)
        result = trade_over(trader_dll(), terminal, history, first)
        restarted.result()
    assert result.code == 0
    assert entries(result) == entries(whole)
    assert not said(result, "Paused")


@pytest.fixture(scope="module")
def book(history: Bars, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_book(
        shipped_bundle(), history, tmp_path_factory.mktemp("books") / "forecast.book"
    ).path


def over_book(terminal: Terminal, history: Bars, book: Path | None) -> TesterResult:
    if book is not None:
        shutil.copy(book, terminal.files / "forecast.book")
    result = trade_over(trader_book(), terminal, history)
    assert_left_nothing(result)
    return result


def test_its_own_book_is_traded_on(terminal: Terminal, history: Bars, book: Path) -> None:
    result = over_book(terminal, history, book)
    assert result.code == 0
    assert entries(result)


def test_without_a_book_it_does_not_start_and_says_how_to_make_one(
    terminal: Terminal, history: Bars
) -> None:
    result = over_book(terminal, history, None)
    assert result.code == 2
    assert said(result, "forecast.book", "eabridge book", "Files")


@pytest.mark.parametrize("kept", [0, 7, 64, 1000, -8, -1])
def test_a_book_that_was_copied_in_part_is_refused_at_once(
    terminal: Terminal, history: Bars, book: Path, tmp_path: Path, kept: int
) -> None:
    part = tmp_path / "part.book"
    part.write_bytes(book.read_bytes()[:kept])
    result = over_book(terminal, history, part)
    assert result.code == 2
    assert said(result, "forecast.book", "eabridge book")


def test_a_book_made_from_another_brokers_bars_is_believed_for_no_bar(
    terminal: Terminal, history: Bars, book: Path
) -> None:
    other = Bars(
        history.symbol, history.tf, history.time, np.round(history.ohlc + 2e-5, 5), history.volume
    )
    result = over_book(terminal, other, book)
    assert result.code == 0
    assert said(result, "Paused (book_other_bars)", "ExportBars")
    assert said(result, "The test is stopped", "ExportBars")
    assert not entries(result)


def test_a_book_of_another_timeframe_is_not_believed(
    terminal: Terminal, history: Bars, tmp_path: Path
) -> None:
    daily = graphs.put(tmp_path, graphs.steady(), graphs.manifest("daily", tf=86_400))
    some = history[:50]
    days = Bars("EURUSD", 86_400, np.arange(50) * 86_400, some.ohlc, some.volume)
    result = over_book(terminal, history, make_book(daily, days, tmp_path / "daily.book").path)
    assert said(result, "Paused (book_other_timeframe)", "D1", "H1")
    assert not entries(result)


def test_bars_that_the_book_has_not_are_passed_over_and_the_rest_is_traded(
    terminal: Terminal, history: Bars, tmp_path: Path
) -> None:
    part = make_book(shipped_bundle(), history[:-100], tmp_path / "part.book")
    result = over_book(terminal, history, part.path)
    assert said(result, "Paused (book_no_bar)")
    assert not said(result, "The test is stopped")
    times = [deal["time"] for deal in entries(result)]
    assert times
    assert max(times) <= history.time[-100]
