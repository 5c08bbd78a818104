"""ForecastTrader on a live chart, over the terminal's own sockets: its daemon comes and goes, is
slow, is cut off, or is none at all. Each ends in an error that names what is wrong, in no trade
without a forecast, in nothing left open, and, where there is a daemon again, in trades again.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
import pytest

from bridge.bars import Bars
from tests.conftest import Daemon, StartDaemon
from tests.mql5.experts import EVERY_LIKELIHOOD, assert_left_nothing, entries, trader
from tests.mql5.history import write_export
from tests.mql5.host import Result, Running
from tests.mql5.peers import Behaviour, Left, Listener, Talk, unused_endpoint
from tests.mql5.relay import Relay, Spoil, cut_off, damaged, late, relay_to, shortened, whole
from tests.mql5.terminal import Terminal

TICK_MS = 30  # a bar is four ticks
TIME_LIMIT_MS = 250
A_HANG_MS = 5_000  # a machine that is busy holds up what should take TIME_LIMIT_MS
OPENED = "lots at"
BACK = "The forecasts are back"


@pytest.fixture
def relay(daemon: Daemon) -> Iterator[Relay]:
    with relay_to(daemon.endpoint) as relay:
        yield relay


def attached(terminal: Terminal, bars: Bars, endpoint: str, **settings: object) -> Running:
    """The EA on a chart whose hours pass in an eighth of a second, and which it likes to trade."""
    return trader().live(
        terminal,
        bars=write_export(terminal.folder, bars),
        inputs={
            "InpEndpoint": endpoint.removeprefix("tcp://"),
            "InpHorizon": 1,
            **EVERY_LIKELIHOOD,
        },
        tick_ms=TICK_MS,
        spread_points=10,
        **{"from": "2018.01.01", **settings},
    )


def ended(running: Running) -> Result:
    """What it left when it was removed from the chart: nothing. No call of it took long."""
    result = running.stop()
    assert result.code == 0
    assert_left_nothing(result)
    for handler in result.report["handlers"].values():  # type: ignore[attr-defined]
        assert handler["longest_microseconds"] < A_HANG_MS * 1000, result.report["handlers"]
    return result


def between(journal: list[str], first: str, second: str) -> list[str]:
    """The lines after the first that contains `first`, up to the next that contains `second`."""
    begin = next(number for number, line in enumerate(journal) if first in line)
    rest = journal[begin + 1 :]
    return rest[: next(number for number, line in enumerate(rest) if second in line)]


def wait_until(running: Running, happened: Callable[[], bool], timeout: float = 60) -> None:
    """Wait for something that the journal does not tell."""
    end = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < end, "\n".join(running.journal()[-30:])
        time.sleep(0.02)


def trade_on(running: Running, positions: int) -> None:
    """Wait until it has opened so many positions more."""
    enough = opened(running.journal()) + positions
    wait_until(running, lambda: opened(running.journal()) >= enough)


def opened(journal: list[str]) -> int:
    return sum(OPENED in line for line in journal)


def test_it_asks_once_for_each_new_bar_about_bars_that_are_closed(
    terminal: Terminal, bars: Bars, relay: Relay
) -> None:
    with attached(terminal, bars, relay.endpoint) as running:
        trade_on(running, 10)
        ended(running)
    asked = [forecast["time"] for forecast in relay.forecasts]
    assert len(asked) >= 10
    assert (np.diff(asked) > 0).all()
    for forecast in relay.forecasts:
        (row,) = np.flatnonzero(bars.time == forecast["time"])
        window = bars.ohlc[row - 127 : row + 1]
        assert forecast["ohlc"] == window.astype("<f8").tobytes()
        assert (forecast["symbol"], forecast["tf"]) == ("EURUSD", 3600)
        assert 0 < forecast["ttl_ms"] <= TIME_LIMIT_MS


@pytest.mark.parametrize(
    "sockets",
    [
        pytest.param({}, id="reads wait for all that is asked for"),
        pytest.param(
            {"socket_read_waits": 0, "socket_speculates": 1}, id="reads take what there is"
        ),
    ],
)
def test_every_trade_follows_a_forecast_of_the_bar_before(
    terminal: Terminal, bars: Bars, relay: Relay, sockets: dict[str, int]
) -> None:
    with attached(terminal, bars, relay.endpoint, **sockets) as running:
        trade_on(running, 10)
        result = ended(running)
    assert len(entries(result)) >= 10
    assert_traded_on_forecasts_only(result, bars, relay)


def assert_traded_on_forecasts_only(result: Result, bars: Bars, relay: Relay) -> None:
    for entry in entries(result):
        row = int(np.searchsorted(bars.time, entry["time"], side="right")) - 1
        assert int(bars.time[row - 1]) in relay.answered


def test_it_says_who_answers_and_what_it_does(
    terminal: Terminal, bars: Bars, daemon: Daemon
) -> None:
    with attached(terminal, bars, daemon.endpoint) as running:
        assert daemon.endpoint.removeprefix("tcp://") in running.wait_for("Forecasts come from")
        trade_on(running, 1)
        ended(running)


# The daemon comes and goes


def test_a_daemon_that_is_started_later_is_found(
    terminal: Terminal, bars: Bars, start_daemon: StartDaemon
) -> None:
    endpoint = unused_endpoint()
    with attached(terminal, bars, endpoint) as running:
        assert "eabridge serve" in running.wait_for("Paused (no_daemon)")
        start_daemon("--bind", f"tcp://{endpoint}")
        running.wait_for(BACK)
        trade_on(running, 1)
        result = ended(running)
    assert not opened(result.journal[: result.journal.index(BACK)])


def test_nothing_is_opened_while_the_daemon_is_away_and_all_goes_on_when_it_is_back(
    terminal: Terminal, bars: Bars, start_daemon: StartDaemon
) -> None:
    endpoint = unused_endpoint()
    first = start_daemon("--bind", f"tcp://{endpoint}")
    with attached(terminal, bars, endpoint) as running:
        trade_on(running, 1)
        first.process.kill()
        first.process.wait()
        running.wait_for("Paused (no_daemon)")
        start_daemon("--bind", f"tcp://{endpoint}")
        running.wait_for(BACK)
        trade_on(running, 1)
        result = ended(running)
    assert not opened(between(result.journal, "Paused", BACK))
    paused = [line for line in result.journal if line.startswith("Paused")]
    assert len(paused) <= 2  # that it was lost, and that it is not there: each told once
    assert result.journal.count(BACK) == 1


@pytest.mark.skipif(os.name != "posix", reason="Windows does not stop processes")
def test_a_daemon_that_stands_still_is_noticed_and_missed_until_it_moves_again(
    terminal: Terminal, bars: Bars, start_daemon: StartDaemon
) -> None:
    slow = start_daemon()
    with attached(terminal, bars, slow.endpoint) as running:
        trade_on(running, 1)
        slow.process.send_signal(signal.SIGSTOP)
        try:
            running.wait_for("Paused (timeout)")
        finally:
            slow.process.send_signal(signal.SIGCONT)
        running.wait_for(BACK)
        result = ended(running)
    assert not opened(between(result.journal, "Paused", BACK))


def test_a_daemon_that_is_there_ends_no_pause_that_something_else_began(
    terminal: Terminal, bars: Bars, daemon: Daemon
) -> None:
    few = bars[:127]  # one fewer than the model reads
    with attached(terminal, few, daemon.endpoint, **{"from": int(few.time[1])}) as running:
        running.wait_for("Paused (few_bars)")
        time.sleep(12)  # two heartbeats
        result = ended(running)
    assert sum(line.startswith("Paused") for line in result.journal) == 1
    assert BACK not in result.journal


# What becomes of replies on their way


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        pytest.param(late(4 * TIME_LIMIT_MS / 1000), "timeout", id="later than the time limit"),
        pytest.param(cut_off(0), "lost", id="cut off before the first byte"),
        pytest.param(cut_off(1), "lost", id="cut off in the envelope"),
        pytest.param(cut_off(7), "lost", id="cut off in the frame's head"),
        pytest.param(cut_off(100), "lost", id="cut off in the body"),
        pytest.param(cut_off(-1), "lost", id="cut off before the last byte"),
        pytest.param(shortened(0), "bad_reply", id="an empty body"),
        pytest.param(shortened(100), "bad_reply", id="a part of a body"),
        pytest.param(shortened(-1), "bad_reply", id="all but the last byte of a body"),
    ],
)
def test_a_reply_that_does_not_come_whole_and_in_time_is_no_forecast(
    terminal: Terminal, bars: Bars, relay: Relay, spoil: Spoil, error: str
) -> None:
    with attached(terminal, bars, relay.endpoint) as running:
        trade_on(running, 1)
        relay.spoil = spoil
        running.wait_for(f"Paused ({error})")
        relay.spoil = whole
        running.wait_for(BACK)
        trade_on(running, 1)
        result = ended(running)
    assert not opened(between(result.journal, "Paused", BACK))
    assert_traded_on_forecasts_only(result, bars, relay)


def test_damaged_replies_by_the_hundred_do_it_no_harm(
    terminal: Terminal, bars: Bars, relay: Relay
) -> None:
    with attached(terminal, bars, relay.endpoint) as running:
        trade_on(running, 1)
        relay.spoil = damaged(Random(1))
        begun = len(relay.forecasts)
        wait_until(running, lambda: len(relay.forecasts) > begun + 100)
        relay.spoil = whole
        trade_on(running, 1)
        ended(running)


# What is no daemon


def silent(talk: Talk) -> None:
    talk.greet()
    talk.wait()


def another_server(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(range(256)))
    talk.wait()


def noise(talk: Talk) -> None:
    talk.send(Random(1).randbytes(10_000))
    talk.wait()


def noise_in_place_of_ready(talk: Talk) -> None:
    talk.greet(ours_ready=Random(2).randbytes(10_000))
    talk.wait()


def huge(talk: Talk) -> None:
    talk.greet()
    while True:
        talk.request()
        talk.reply(b"\xdf\xff\xff\xff\xff" + b"\x81" * 100)


def deep(talk: Talk) -> None:
    talk.greet()
    while True:
        talk.request()
        talk.reply(b"\x81\xa1x" * 20_000)


def leaving(talk: Talk) -> None:
    talk.greet()
    talk.request()
    raise Left


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        (silent, "timeout"),
        (another_server, "not_zmtp"),
        (noise, "not_zmtp"),
        (noise_in_place_of_ready, "bad_reply"),
        (huge, "bad_reply"),
        (deep, "bad_reply"),
        (leaving, "lost"),
    ],
)
def test_whatever_listens_in_the_daemons_place_gets_no_trade_and_does_no_harm(
    terminal: Terminal, bars: Bars, behave: Behaviour, error: str
) -> None:
    with (
        Listener(behave) as listener,
        attached(terminal, bars, listener.endpoint) as running,
    ):
        running.wait_for(f"Paused ({error})")
        wait_until(running, lambda: len(listener.talks) > 1)
        result = ended(running)
    assert not entries(result)


def test_where_nothing_listens_it_says_how_to_start_the_daemon(
    terminal: Terminal, bars: Bars
) -> None:
    with attached(terminal, bars, unused_endpoint()) as running:
        assert "eabridge serve" in running.wait_for("Paused (no_daemon)")
        assert not entries(ended(running))


def test_an_address_that_is_not_allowed_is_told_with_where_to_allow_it(
    terminal: Terminal, bars: Bars, daemon: Daemon
) -> None:
    closed = Terminal(terminal.folder, allowed_addresses=("192.168.1.9",))
    with attached(closed, bars, daemon.endpoint) as running:
        line = running.wait_for("Paused (not_allowed)")
        assert "127.0.0.1" in line
        assert "Tools > Options" in line
        assert not entries(ended(running))
