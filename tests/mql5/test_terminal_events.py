"""When handlers run: in the tester on simulated time, on a live chart on the real clock."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.mql5.expectations import PROGRAMS
from tests.mql5.host import Program, TesterResult, build
from tests.mql5.made_bars import HOUR, START, Bar, export
from tests.mql5.terminal import Terminal

INIT_FAILED, CRITICAL = 2, 3
REASON_PROGRAM, REASON_REMOVE, REASON_INITFAILED = 0, 1, 8


@pytest.fixture(scope="module")
def program() -> Program:
    return build(PROGRAMS / "Events.mq5")


def flat(*hours: int) -> list[Bar]:
    return [(START + HOUR * hour, 1.1, 1.1, 1.1, 1.1, 1) for hour in hours]


def played(program: Program, terminal: Terminal, bars: list[Bar], **inputs: object) -> TesterResult:
    path = export(terminal.folder / "bars.csv", bars)
    return program.test(terminal, bars=path, inputs=inputs, spread_points=10)


def told(result: TesterResult, handler: str) -> list[str]:
    """The simulated times at which a handler ran, of the day."""
    said = [line.split("|") for line in result.journal]
    return [words[1].split(" ")[1] for words in said if words[0] == handler]


def test_handlers_run_in_order(program: Program, terminal: Terminal) -> None:
    result = played(program, terminal, flat(0))
    assert result.journal == [
        "OnInit|2020.01.02 10:00:00",
        "OnTick|2020.01.02 10:00:00|slept",
        "OnTick|2020.01.02 10:20:00|slept",
        "OnTick|2020.01.02 10:40:00|slept",
        "OnTick|2020.01.02 10:59:59|slept",
        "OnTester|2020.01.02 10:59:59",
        f"OnDeinit {REASON_REMOVE}|2020.01.02 10:59:59",
    ]
    assert result.on_tester == 0.25
    handlers = result.report["handlers"]
    assert {name: spent["calls"] for name, spent in handlers.items()} == {  # type: ignore[attr-defined]
        "OnInit": 1,
        "OnTick": 4,
        "OnTimer": 0,
        "OnTrade": 0,
        "OnTester": 1,
        "OnStart": 0,
        "OnDeinit": 1,
    }


@pytest.mark.parametrize("returned", [1, 2, 3])
def test_a_program_that_does_not_initialise_is_removed(
    program: Program, terminal: Terminal, returned: int
) -> None:
    result = played(program, terminal, flat(0), InitReturns=returned)
    assert result.code == INIT_FAILED
    assert [line.split("|")[0] for line in result.journal] == [
        "OnInit",
        f"initialization failed with code {returned}",
        f"OnDeinit {REASON_INITFAILED}",
    ]


def test_a_critical_error_removes_the_program_without_a_farewell(
    program: Program, terminal: Terminal
) -> None:
    result = played(program, terminal, flat(0), Stop=1)
    assert result.code == CRITICAL
    assert result.journal[-1].startswith("critical error: zero divide in 'Events.mq5' (")
    assert not any(line.startswith("OnDeinit") for line in result.journal)


def test_the_timer_runs_on_simulated_time(program: Program, terminal: Terminal) -> None:
    result = played(program, terminal, flat(0), TimerSeconds=1500)
    assert told(result, "OnTimer") == ["10:25:00", "10:50:00"]


def test_a_timer_may_be_faster_than_a_second(program: Program, terminal: Terminal) -> None:
    result = played(program, terminal, flat(0), TimerMilliseconds=1_200_500)
    assert told(result, "OnTimer") == ["10:20:00", "10:40:01"]


def test_a_killed_timer_is_silent(program: Program, terminal: Terminal) -> None:
    result = played(program, terminal, flat(0, 1), TimerSeconds=600, KillTimerAfter=3)
    assert told(result, "OnTimer") == ["10:10:00", "10:20:00", "10:30:00"]


def test_between_bars_the_market_is_closed(program: Program, terminal: Terminal) -> None:
    result = played(program, terminal, flat(0, 3), TimerSeconds=2400, TradeOnTimer=1)
    trades = [line for line in result.journal if line.startswith("Buy|")]
    # At 10:40, 11:20, 12:00, 12:40, 13:20: only the first and the last have a bar around them.
    done, closed = "Buy|true|10009|0", "Buy|false|10018|4756"
    assert trades == [done, closed, closed, closed, f"{done[:-1]}4756"]


def test_a_program_may_remove_itself(program: Program, terminal: Terminal) -> None:
    result = played(program, terminal, flat(0, 1, 2), RemoveAtTick=2)
    assert result.code == 0
    assert told(result, "OnTick") == ["10:00:00", "10:20:00"]
    assert result.journal[-1].startswith(f"OnDeinit {REASON_PROGRAM}")


def test_sleep_does_not_wait_in_the_tester(program: Program, terminal: Terminal) -> None:
    result = played(program, terminal, flat(0), TickSleeps=60_000)
    assert all(line.endswith("went on") for line in result.journal if line.startswith("OnTick"))
    assert told(result, "OnTick") == ["10:00:00", "10:20:00", "10:40:00", "10:59:59"]


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_a_live_chart_ticks_in_real_time_until_the_program_is_removed(
    terminal: Terminal, platform: str
) -> None:
    bars = export(terminal.folder / "bars.csv", flat(*range(50)))
    live = build(PROGRAMS / "Events.mq5", platform=platform).live(
        terminal,
        bars=bars,
        inputs={"TimerMilliseconds": 50},
        tick_ms=100,
        **{"from": START + 2 * HOUR},
    )
    with live:
        live.wait_for("OnTick|2020.01.02 13:")
    result = live.stop()
    ticks = [line for line in result.journal if line.startswith("OnTick")]
    timers = [line for line in result.journal if line.startswith("OnTimer")]
    assert result.journal[0] == "OnInit|2020.01.02 12:00:00"  # the price of the first tick
    assert ticks[:2] == ["OnTick|2020.01.02 12:20:00|slept", "OnTick|2020.01.02 12:40:00|slept"]
    assert len(timers) >= len(ticks)
    assert result.journal[-1].startswith(f"OnDeinit {REASON_REMOVE}")


def test_ticks_that_come_while_a_handler_runs_are_one(program: Program, terminal: Terminal) -> None:
    bars = export(terminal.folder / "bars.csv", flat(*range(200)))
    live = program.live(terminal, bars=bars, inputs={"TickSleeps": 400}, tick_ms=20)
    with live:
        live.wait_for("OnTick|")
        time.sleep(1.5)
    ticks = [line for line in live.stop().journal if line.startswith("OnTick")]
    assert 2 <= len(ticks) <= 6
    # Some twenty ticks have passed from one to the next, and Sleep sees them pass.
    assert ticks[1] >= "OnTick|2020.01.02 15"


def test_a_market_that_stands_still_ticks_no_more(program: Program, terminal: Terminal) -> None:
    bars = export(terminal.folder / "bars.csv", flat(0, 1))
    live = program.live(terminal, bars=bars, inputs={"TimerMilliseconds": 20}, tick_ms=0)
    with live:
        live.wait_for("OnTimer|2020.01.02 10:00:00")
    assert not any(line.startswith("OnTick") for line in live.stop().journal)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(("name", "farewell"), [("Events", "OnDeinit 1"), ("Waits", "stopped")])
def test_sigterm_stops_a_program_that_sleeps(terminal: Terminal, name: str, farewell: str) -> None:
    bars = export(terminal.folder / "bars.csv", flat(0, 1, 2))
    program = build(PROGRAMS / f"{name}.mq5")
    mode = {"mode": "script"} if name == "Waits" else {"tick_ms": 10}
    inputs = {} if name == "Waits" else {"TickSleeps": 60_000}
    running = program.live(terminal, bars=bars, inputs=inputs, **mode)
    with running:
        running.wait_for("waiting" if name == "Waits" else "OnInit")
        os.kill(running.pid, signal.SIGTERM)
        result = running.finish(10)
    assert result.code == 0
    assert result.journal[-1].startswith(farewell)


def test_bars_are_needed_where_the_test_begins(
    program: Program, terminal: Terminal, tmp_path: Path
) -> None:
    path = export(tmp_path / "bars.csv", flat(0, 1))
    result = program.test(terminal, bars=path, **{"from": START + 5 * HOUR})
    assert result.code == 5
    assert "no bar of the file opens between from and to" in result.errors


def test_an_agent_has_the_files_that_the_program_names_and_no_others(terminal: Terminal) -> None:
    (terminal.files / "folder").mkdir()
    for name in ("named.txt", "folder/named.txt", "other.txt"):
        (terminal.files / name).write_text(f"content of {name}")
    bars = export(terminal.folder / "bars.csv", flat(0))
    result = build(PROGRAMS / "TesterFile.mq5").test(terminal, bars=bars)
    assert result.journal == [
        "named.txt|content of named.txt",
        "folder\\named.txt|content of folder/named.txt",
        "other.txt|missing",
    ]


def test_a_named_file_that_is_missing_is_told(terminal: Terminal) -> None:
    bars = export(terminal.folder / "bars.csv", flat(0))
    journal = build(PROGRAMS / "TesterFile.mq5").test(terminal, bars=bars).journal
    assert journal[0].startswith("tester file 'named.txt' was not copied: ")
    assert "named.txt|missing" in journal
