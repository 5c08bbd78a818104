"""ForecastTrader over months of real hours: the same trades from every source of forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bridge.bars import Bars
from bridge.book import make_book
from tests.conftest import Daemon
from tests.mql5.history import write_export
from tests.mql5.host import MQL5, TesterResult, build
from tests.mql5.installed import installed, shipped_bundle
from tests.mql5.terminal import Terminal

EXPERTS = MQL5 / "Experts" / "EABridge"


@pytest.fixture(scope="module")
def history(bars: Bars) -> Bars:
    return bars[-2000:]


def tested(
    program: Path, folder: Path, history: Bars, inputs: Mapping[str, object], **options: bool
) -> TesterResult:
    terminal = Terminal(folder, **options)
    if inputs.get("InpSource") == "TRADER_BOOK":
        make_book(shipped_bundle(), history, terminal.files / "forecast.book")
    result = build(program).test(
        terminal,
        bars=write_export(folder, history),
        inputs={"InpMinProbability": 0.53, "InpMinMoveSpreads": 0.5, **inputs},
        spread_points=10,
    )
    assert result.code == 0
    assert not result.undeleted
    assert result.report["sockets_left"] == 0
    return result


@pytest.fixture(scope="module")
def by_book(history: Bars, tmp_path_factory: pytest.TempPathFactory) -> TesterResult:
    program = EXPERTS / "ForecastTraderBook.mq5"
    return tested(program, tmp_path_factory.mktemp("book"), history, {"InpSource": "TRADER_BOOK"})


def test_the_book_leads_to_trades(by_book: TesterResult) -> None:
    assert len(by_book.deals) > 60
    assert {deal["type"] for deal in by_book.deals} >= {"buy", "sell"}


def test_the_daemon_leads_to_the_same_trades(
    by_book: TesterResult, history: Bars, tmp_path: Path, daemon: Daemon
) -> None:
    inputs = {"InpEndpoint": daemon.endpoint.removeprefix("tcp://")}
    result = tested(EXPERTS / "ForecastTraderDll.mq5", tmp_path, history, inputs, allow_dll=True)
    assert result.deals == by_book.deals
    assert result.balance == by_book.balance
    assert result.on_tester == by_book.on_tester


def test_the_model_inside_the_terminal_leads_to_the_same_trades(
    by_book: TesterResult, history: Bars, tmp_path: Path
) -> None:
    program = installed("Experts/EABridge/ForecastTraderModel.mq5")
    result = tested(program, tmp_path, history, {})
    assert result.deals == by_book.deals
    assert result.balance == by_book.balance


def test_without_dlls_the_daemon_cannot_be_asked_in_the_tester_and_nothing_starts(
    history: Bars, tmp_path: Path, daemon: Daemon
) -> None:
    terminal = Terminal(tmp_path)
    result = build(EXPERTS / "ForecastTrader.mq5").test(
        terminal,
        bars=write_export(tmp_path, history[-200:]),
        inputs={"InpEndpoint": daemon.endpoint.removeprefix("tcp://")},
    )
    assert result.code == 2
    assert any("ForecastTraderDll" in line and "book" in line for line in result.journal)


def test_where_dlls_are_not_allowed_the_terminal_does_not_start_the_build_that_has_them(
    history: Bars, tmp_path: Path
) -> None:
    result = build(EXPERTS / "ForecastTraderDll.mq5").test(
        Terminal(tmp_path, allow_dll=False), bars=write_export(tmp_path, history[-200:])
    )
    assert result.code == 4
