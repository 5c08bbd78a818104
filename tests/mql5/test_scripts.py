"""The scripts: ExportBars writes what eabridge reads, Ping tells how fast the daemon is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bridge.bars import Bars, read_bars
from tests.conftest import Daemon
from tests.mql5.history import write_export
from tests.mql5.host import MQL5, Program, Result, build
from tests.mql5.peers import unused_endpoint
from tests.mql5.terminal import Terminal

SCRIPTS = MQL5 / "Scripts" / "EABridge"


@pytest.fixture(scope="module")
def history(bars: Bars) -> Bars:
    return bars[-500:]


# ExportBars


@pytest.fixture(scope="module")
def export_bars() -> Program:
    return build(SCRIPTS / "ExportBars.mq5")


def exported(
    export_bars: Program, terminal: Terminal, history: Bars, **inputs: object
) -> tuple[Path, Result]:
    """The file that the script wrote, and what it said."""
    source = write_export(terminal.folder, history)
    result = export_bars.script(terminal, bars=source, inputs=inputs)
    assert result.code == 0
    (path,) = terminal.files.iterdir()
    return path, result


def test_the_bars_it_writes_are_the_closed_ones_bit_for_bit(
    export_bars: Program, terminal: Terminal, history: Bars
) -> None:
    path, _ = exported(export_bars, terminal, history)
    found, report = read_bars(path)
    assert (found.symbol, found.tf) == ("EURUSD", 3600)
    np.testing.assert_array_equal(found.time, history.time[:-1])  # the last one forms
    np.testing.assert_array_equal(found.ohlc, history.ohlc[:-1])
    np.testing.assert_array_equal(found.volume, history.volume[:-1])
    assert not report.faults


def test_the_file_is_laid_out_and_named_as_the_terminals_own_export(
    export_bars: Program, terminal: Terminal, history: Bars
) -> None:
    path, _ = exported(export_bars, terminal, history)
    again = write_export(terminal.folder, history[:-1])
    assert path.name == again.name
    assert path.read_text().splitlines() == again.read_text().splitlines()


def test_it_says_where_the_file_is_and_what_to_do_next(
    export_bars: Program, terminal: Terminal, history: Bars
) -> None:
    path, result = exported(export_bars, terminal, history)
    said = "\n".join(result.journal)
    assert f"{len(history) - 1} bars of EURUSD H1" in said
    assert path.name in said
    assert "eabridge train --data" in said
    assert "eabridge book --model" in said


def test_a_part_of_the_history_can_be_asked_for(
    export_bars: Program, terminal: Terminal, history: Bars
) -> None:
    path, _ = exported(
        export_bars,
        terminal,
        history,
        InpFrom=int(history.time[100]),
        InpTo=int(history.time[199]),
    )
    found, _ = read_bars(path)
    np.testing.assert_array_equal(found.time, history.time[100:200])


def test_prices_have_the_digits_of_their_symbol(
    export_bars: Program, terminal: Terminal, history: Bars
) -> None:
    yen = Bars("USDJPY", 3600, history.time, np.round(history.ohlc * 90, 3), history.volume)
    result = export_bars.script(
        terminal,
        bars=write_export(terminal.folder, yen, digits=3),
        symbol="USDJPY",
        digits=3,
        account_currency="JPY",
    )
    assert result.code == 0
    (path,) = terminal.files.iterdir()
    found, _ = read_bars(path)
    assert found.symbol == "USDJPY"
    np.testing.assert_array_equal(found.ohlc, yen.ohlc[:-1])


def test_a_symbol_that_is_not_there_is_told(export_bars: Program, terminal: Terminal) -> None:
    result = export_bars.script(terminal, inputs={"InpSymbol": "EURXXX"})
    assert any("EURXXX" in line and "Market Watch" in line for line in result.journal)
    assert not list(terminal.files.iterdir())


def test_a_history_without_closed_bars_is_told(
    export_bars: Program, terminal: Terminal, history: Bars
) -> None:
    result = export_bars.script(
        terminal,
        bars=write_export(terminal.folder, history),
        inputs={"InpFrom": int(history.time[-1])},
        timeout=60,
    )
    assert any("no closed bars" in line for line in result.journal)
    assert not list(terminal.files.iterdir())


# Ping


@pytest.fixture(scope="module")
def ping() -> Program:
    return build(SCRIPTS / "Ping.mq5")


def test_ping_tells_percentiles_and_a_verdict(
    ping: Program, terminal: Terminal, history: Bars, daemon: Daemon
) -> None:
    result = pinged(ping, terminal, history, daemon.endpoint)
    said = "\n".join(result.journal)
    for kind in ("health", "forecast"):
        match = re.search(
            rf"{kind}, 20 round trips in microseconds: "
            r"p50 (\d+), p90 (\d+), p99 (\d+), max (\d+)",
            said,
        )
        assert match is not None, said
        percentiles = [int(value) for value in match.groups()]
        assert percentiles[0] > 0
        assert percentiles == sorted(percentiles)
    assert "Verdict: " in said
    assert "fx-h1" in said
    assert "The daemon is ready" in said
    assert result.report["sockets_left"] == 0
    assert not result.undeleted


def pinged(
    ping: Program, terminal: Terminal, history: Bars, endpoint: str, **settings: object
) -> Result:
    result = ping.script(
        terminal,
        bars=write_export(terminal.folder, history),
        inputs={"InpEndpoint": endpoint.removeprefix("tcp://"), "InpRounds": 20},
        **settings,
    )
    assert result.code == 0
    return result


def test_ping_on_a_chart_that_the_model_is_not_for_still_tells_of_the_way(
    ping: Program, terminal: Terminal, history: Bars, daemon: Daemon
) -> None:
    days = Bars("EURUSD", 86_400, np.arange(500) * 86_400, history.ohlc, history.volume)
    result = pinged(ping, terminal, days, daemon.endpoint, tf=86_400)
    said = "\n".join(result.journal)
    assert "health, 20 round trips" in said
    assert "gives no forecast for this chart" in said
    assert "H1" in said


def test_ping_without_a_daemon_says_how_to_start_one(
    ping: Program, terminal: Terminal, history: Bars
) -> None:
    result = pinged(ping, terminal, history, unused_endpoint())
    assert any("eabridge serve" in line for line in result.journal)


def test_ping_where_the_address_is_not_allowed_says_where_to_allow_it(
    ping: Program, tmp_path: Path, history: Bars, daemon: Daemon
) -> None:
    terminal = Terminal(tmp_path, allowed_addresses=())
    result = pinged(ping, terminal, history, daemon.endpoint)
    assert any("Tools > Options" in line for line in result.journal)
