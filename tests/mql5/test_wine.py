"""The library's programs as a Windows terminal runs them, under wine, against a daemon on loopback:
the tester over Windows' own sockets, a live chart over the terminal's, and Ping.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.bars import Bars
from tests.conftest import Daemon
from tests.mql5.experts import EVERY_LIKELIHOOD, assert_left_nothing, trader, trader_dll
from tests.mql5.history import write_export
from tests.mql5.host import TesterResult, build
from tests.mql5.installed import installed
from tests.mql5.terminal import Terminal

CONTEXT = 128
MONTHS = 1_500  # bars: three months


def endpoint(daemon: Daemon) -> str:
    return daemon.endpoint.removeprefix("tcp://")


@pytest.fixture(scope="module")
def history(bars: Bars) -> Bars:
    return bars[-(MONTHS + CONTEXT) :]


def trade_over(platform: str, folder: Path, history: Bars, daemon: Daemon) -> TesterResult:
    result = trader_dll(platform).test(
        Terminal(folder, allow_dll=True),
        bars=write_export(folder, history),
        inputs={**EVERY_LIKELIHOOD, "InpEndpoint": endpoint(daemon)},
        spread_points=10,
        **{"from": int(history.time[CONTEXT])},
    )
    assert result.code == 0
    assert_left_nothing(result)
    return result


def test_the_tester_makes_the_same_trades_on_windows_and_on_linux(
    tmp_path: Path, history: Bars, daemon: Daemon
) -> None:
    windows = trade_over("windows", tmp_path / "windows", history, daemon)
    linux = trade_over("linux", tmp_path / "linux", history, daemon)
    assert len(windows.deals) > 200
    assert windows.deals == linux.deals
    assert windows.balance == linux.balance
    assert windows.on_tester == linux.on_tester


def test_dlls_that_are_not_allowed_keep_the_program_from_starting(
    terminal: Terminal, history: Bars
) -> None:
    result = trader_dll("windows").test(terminal, bars=write_export(terminal.folder, history))
    assert result.code == 4


def test_a_live_chart_trades_over_the_terminals_sockets(
    terminal: Terminal, history: Bars, daemon: Daemon
) -> None:
    running = trader("windows").live(
        terminal,
        bars=write_export(terminal.folder, history),
        inputs={**EVERY_LIKELIHOOD, "InpEndpoint": endpoint(daemon), "InpHorizon": 1},
        tick_ms=20,
        spread_points=10,
        **{"from": int(history.time[CONTEXT])},
    )
    with running:
        running.wait_for("lots at", timeout=60)
        result = running.stop()
    assert result.code == 0
    assert not [line for line in result.journal if line.startswith("Paused")]
    assert_left_nothing(result)


def test_ping_measures_both_ways_of_asking(
    terminal: Terminal, history: Bars, daemon: Daemon
) -> None:
    ping = build(installed("Scripts/EABridge/Ping.mq5"), platform="windows")
    result = ping.script(
        terminal,
        bars=write_export(terminal.folder, history),
        inputs={"InpEndpoint": endpoint(daemon), "InpRounds": 50},
    )
    said = "\n".join(result.journal)
    assert result.code == 0
    assert "health, 50 round trips" in said
    assert "forecast, 50 round trips" in said
    assert "Verdict: " in said
    assert_left_nothing(result)
