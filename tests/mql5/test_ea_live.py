"""ForecastTrader on a live chart, over the terminal's own sockets, its daemon coming and going."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bridge.bars import Bars
from tests.conftest import Daemon, StartDaemon
from tests.mql5.history import write_export
from tests.mql5.host import MQL5, Program, Result, Running, build
from tests.mql5.peers import Behaviour, Listener, Talk, unused_endpoint
from tests.mql5.terminal import Terminal

TICK_MS = 20  # a bar is four ticks
TIME_LIMIT_MS = 250
EASY_RULES = {"InpMinProbability": 0.5, "InpMinMoveSpreads": 0.0, "InpHorizon": 1}


@pytest.fixture(scope="module")
def trader() -> Program:
    return build(MQL5 / "Experts" / "EABridge" / "ForecastTrader.mq5")


def attached(
    trader: Program,
    terminal: Terminal,
    bars: Bars,
    endpoint: str,
    inputs: Mapping[str, object] | None = None,
) -> Running:
    """The EA on a chart whose hours pass in a twelfth of a second, and which it likes to trade."""
    return trader.live(
        terminal,
        bars=write_export(terminal.folder, bars),
        inputs={"InpEndpoint": endpoint.removeprefix("tcp://"), **EASY_RULES, **(inputs or {})},
        tick_ms=TICK_MS,
        spread_points=10,
        **{"from": "2018.01.01"},
    )


def ended(running: Running) -> Result:
    """What it left when it was removed from the chart: nothing."""
    result = running.stop()
    assert result.code == 0
    assert result.report["open_sockets"] == 0
    assert result.report["objects"] == 0
    assert not result.undeleted
    return result


def entries(result: Result) -> list[int]:
    return [deal["time"] for deal in result.report["deals"] if deal["entry"] == "in"]  # type: ignore[attr-defined]


def test_it_trades_on_forecasts_shows_what_it_knows_and_cleans_up(
    trader: Program, terminal: Terminal, bars: Bars, daemon: Daemon
) -> None:
    with attached(trader, terminal, bars, daemon.endpoint) as running:
        running.wait_for("fx-h1@")
        running.wait_for("lots at")
        assert entries(ended(running))


def test_it_waits_for_a_daemon_that_is_started_later(
    trader: Program, terminal: Terminal, bars: Bars, start_daemon: StartDaemon
) -> None:
    endpoint = unused_endpoint()
    with attached(trader, terminal, bars, endpoint) as running:
        assert "eabridge serve" in running.wait_for("Paused (no_daemon)")
        start_daemon("--bind", f"tcp://{endpoint}")
        running.wait_for("The forecasts are back")
        running.wait_for("lots at")
        ended(running)


def test_it_pauses_when_the_daemon_dies_and_goes_on_when_it_is_back(
    trader: Program, terminal: Terminal, bars: Bars, start_daemon: StartDaemon
) -> None:
    endpoint = unused_endpoint()
    first = start_daemon("--bind", f"tcp://{endpoint}")
    with attached(trader, terminal, bars, endpoint) as running:
        running.wait_for("lots at")
        first.process.kill()
        first.process.wait()
        running.wait_for("Paused")
        start_daemon("--bind", f"tcp://{endpoint}")
        running.wait_for("The forecasts are back")
        ended(running)


def silent(talk: Talk) -> None:
    talk.greet()
    talk.wait()


def babbling(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(range(256)))
    talk.wait()


def hostile(talk: Talk) -> None:
    talk.greet()
    while True:
        talk.request()
        talk.reply(b"\xdf\xff\xff\xff\xff" + b"\x81" * 100)


def leaving(talk: Talk) -> None:
    talk.greet()
    talk.request()


@pytest.mark.parametrize(
    ("behave", "error"),
    [(silent, "timeout"), (babbling, "not_zmtp"), (hostile, "bad_reply"), (leaving, "lost")],
)
def test_whatever_answers_in_the_daemons_place_there_is_no_trade_and_no_hang(
    trader: Program, terminal: Terminal, bars: Bars, behave: Behaviour, error: str
) -> None:
    with (
        Listener(behave) as listener,
        attached(
            trader, terminal, bars, listener.endpoint, {"InpTimeLimitMs": TIME_LIMIT_MS}
        ) as running,
    ):
        running.wait_for(f"Paused ({error})")
        result = ended(running)
    assert not entries(result)


def test_an_address_that_is_not_allowed_is_told_with_where_to_allow_it(
    trader: Program, terminal: Terminal, bars: Bars, daemon: Daemon
) -> None:
    closed = Terminal(terminal.folder, allowed_addresses=())
    with attached(trader, closed, bars, daemon.endpoint) as running:
        assert "Tools > Options" in running.wait_for("Paused (not_allowed)")
        assert not entries(ended(running))
