"""Forecasts from a daemon in MQL5: described, asked, lost and found again."""

from __future__ import annotations

import os
import signal
import struct
from pathlib import Path

import numpy as np
import pytest

from bridge import Client
from tests.conftest import Daemon, StartDaemon
from tests.mql5.network import Carrier, build_network, synthetic_bars
from tests.mql5.peers import Listener, Talk, unused_endpoint
from tests.mql5.terminal import Terminal

ENOUGH_MS = 20_000
LIMIT_MS = 300
DESCRIBE = f"describe {ENOUGH_MS}"
FORECAST = f"forecast {ENOUGH_MS}"


@pytest.fixture(params=["linux", "windows"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Carrier:
    return Carrier(build_network(request.param), Terminal(tmp_path, allow_dll=True), "native")


@pytest.fixture
def carrier(tmp_path: Path) -> Carrier:
    return Carrier(build_network(), Terminal(tmp_path, allow_dll=True), "native")


# A real daemon


def test_the_default_model_is_described(anywhere: Carrier, daemon: Daemon) -> None:
    with Client(daemon.endpoint) as client:
        model = next(model for model in client.hello().models if model.default)
    _, described = anywhere.take(daemon.endpoint, "open", DESCRIBE)
    columns = {"close": 1, "ohlc": 4}[model.inputs]
    shape = (columns, model.context, model.horizon, model.tf, len(model.levels))
    assert described.outcome == "ok"
    assert described.text == " ".join(map(str, (model.label, *shape)))


def test_a_forecast_has_the_bits_of_the_python_clients(anywhere: Carrier, daemon: Daemon) -> None:
    with Client(daemon.endpoint) as client:
        model = next(model for model in client.hello().models if model.default)
        forecast = client.forecast(synthetic_bars(model.context))
    step = anywhere.last(daemon.endpoint, "open", DESCRIBE, FORECAST)
    rows = np.column_stack([forecast.quantiles, forecast.up])
    assert step.text == " ".join([model.label, *(bits(value) for value in rows.flat)])


def test_a_model_is_asked_by_its_name_or_its_label(carrier: Carrier, daemon: Daemon) -> None:
    with Client(daemon.endpoint) as client:
        model = client.hello().models[0]
    for name in (model.name, model.label):
        step = carrier.last(daemon.endpoint, "open", DESCRIBE, FORECAST, Model=name)
        assert step.text.startswith(f"{model.label} ")


def test_a_model_that_is_not_there_is_told_with_those_that_are(
    carrier: Carrier, daemon: Daemon
) -> None:
    with Client(daemon.endpoint) as client:
        label = client.hello().models[0].label
    step = carrier.last(daemon.endpoint, "open", DESCRIBE, Model="nobody")
    assert step.outcome == "unknown_model"
    assert "'nobody'" in step.text
    assert label in step.text


def test_a_window_that_is_too_short_is_told(carrier: Carrier, daemon: Daemon) -> None:
    step = carrier.last(daemon.endpoint, "open", DESCRIBE, f"{FORECAST} 5")
    assert step.outcome == "short_window"


def test_health_and_heartbeat_are_answered(anywhere: Carrier, daemon: Daemon) -> None:
    steps = ["open", f"beat {ENOUGH_MS}", f"health {ENOUGH_MS}", "sleep 1100", f"beat {ENOUGH_MS}"]
    taken = anywhere.take(daemon.endpoint, *steps)
    assert [step.outcome for step in taken] == ["ok"] * 5
    assert taken[2].text == "ready"


def test_asking_again_after_the_end_connects_again(carrier: Carrier, daemon: Daemon) -> None:
    steps = ["open", DESCRIBE, FORECAST, "end", FORECAST, "open", FORECAST]
    taken = carrier.take(daemon.endpoint, *steps)
    assert [step.outcome for step in taken] == ["ok"] * 7
    assert taken[2].text == taken[4].text == taken[6].text


@pytest.mark.skipif(os.name != "posix", reason="stops a process by a signal")
def test_a_silent_daemon_is_noticed_and_found_again(
    carrier: Carrier, start_daemon: StartDaemon
) -> None:
    started = start_daemon()
    silent = [f"forecast {LIMIT_MS}"] * 2 + [f"beat {LIMIT_MS}", f"describe {LIMIT_MS}"]
    awake = [f"await {ENOUGH_MS} awake", "sleep 200", f"beat {ENOUGH_MS}", FORECAST]
    steps = ["open", DESCRIBE, f"await {ENOUGH_MS} asleep", "sleep 1000", *silent, *awake]
    doing = carrier.start(started.endpoint, *steps)
    doing.wait_for(DESCRIBE)
    started.process.send_signal(signal.SIGSTOP)
    doing.go("asleep")
    doing.wait_for(silent[-1])
    started.process.send_signal(signal.SIGCONT)
    doing.go("awake")
    taken = doing.finish()
    assert [step.outcome for step in taken[4:8]] == ["timeout"] * 4
    assert all(step.milliseconds < LIMIT_MS + 1000 for step in taken[4:8])
    assert [step.outcome for step in taken[-2:]] == ["ok", "ok"]


def test_a_daemon_that_is_restarted_is_found_within_the_same_question(
    carrier: Carrier, start_daemon: StartDaemon
) -> None:
    first = start_daemon()
    steps = ["open", DESCRIBE, FORECAST, f"await {3 * ENOUGH_MS} restarted", FORECAST]
    doing = carrier.start(first.endpoint, *steps)
    doing.wait_for(FORECAST)
    first.process.kill()
    first.process.wait()
    start_daemon("--bind", first.endpoint)
    doing.go("restarted")
    taken = doing.finish()
    assert [step.outcome for step in taken] == ["ok"] * 5
    assert taken[2].text == taken[4].text


def test_a_daemon_that_is_gone_is_told_and_asked_less_and_less(
    carrier: Carrier, start_daemon: StartDaemon
) -> None:
    started = start_daemon()
    limited = f"forecast {LIMIT_MS}"
    steps = ["open", DESCRIBE, f"await {ENOUGH_MS} gone", limited, limited]
    doing = carrier.start(started.endpoint, *steps)
    doing.wait_for(DESCRIBE)
    started.process.kill()
    started.process.wait()
    doing.go("gone")
    *_, gone, waiting = doing.finish()
    assert gone.outcome == "no_daemon"
    assert waiting.outcome == "backing_off"
    assert "eabridge serve" in gone.text
    assert "eabridge serve" in waiting.text
    assert waiting.milliseconds < 90


# Connecting


def test_waits_between_tries_to_connect_double_up_to_five_seconds(carrier: Carrier) -> None:
    fail = f"describe {LIMIT_MS}"
    steps = ["open", fail, "sleep 120", fail, "sleep 220"]
    waits = [400, 800, 1600, 3200, 5000]
    for wait_ms in waits:
        steps += [fail, "describe 1", f"sleep {wait_ms + 20}"]
    taken = carrier.take(unused_endpoint(), *steps[:-1])
    assert {step.outcome for step in [taken[1], taken[3], *taken[5::3]]} == {"no_daemon"}
    for wait_ms, early in zip(waits, taken[6::3], strict=True):
        assert early.outcome == "backing_off"
        told_ms = int(early.text.partition("the next try is in ")[2].partition(" ")[0])
        assert wait_ms - 350 <= told_ms <= wait_ms


def test_an_address_that_the_terminal_does_not_allow_is_told(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, allow_dll=True, allowed_addresses=())
    carrier = Carrier(build_network(), terminal, "native")
    step = carrier.last(unused_endpoint(), "open", DESCRIBE)
    assert step.outcome == "not_allowed"
    assert "127.0.0.1" in step.text
    assert "Tools > Options > Expert Advisors" in step.text


def test_something_else_behind_the_address_is_told(carrier: Carrier) -> None:
    def web_server(talk: Talk) -> None:
        talk.take(1)
        talk.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with Listener(web_server) as listener:
        taken = carrier.take(listener.endpoint, "open", DESCRIBE, DESCRIBE)
    assert [step.outcome for step in taken[1:]] == ["not_zmtp", "backing_off"]


@pytest.mark.parametrize(
    "endpoint",
    ["127.0.0.1:{}", "tcp://127.0.0.1:{}", "  127.0.0.1:{} ", "{}", "localhost:{}"],
)
def test_an_endpoint_may_be_written_in_several_ways(
    tmp_path: Path, daemon: Daemon, endpoint: str
) -> None:
    terminal = Terminal(tmp_path, allow_dll=True, allowed_addresses=("127.0.0.1", "localhost"))
    carrier = Carrier(build_network(), terminal, "native")
    port = daemon.endpoint.rpartition(":")[2]
    assert carrier.last(endpoint.format(port), "open", DESCRIBE).outcome == "ok"


NO_ENDPOINTS = [
    "",
    " ",
    "daemon",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:99999999999",
    "127.0.0.1:5655x",
    "127.0.0.1:-1",
    "127.0.0.1:*",
    ":5655",
    "a b:5655",
    "127.0.0.1:5655:5655",
    "http://127.0.0.1:5655",
    "ipc:///tmp/daemon",
    "[::1]:5655",
    "tcp://",
]


def test_what_is_no_endpoint_is_told_before_anything_is_tried(carrier: Carrier) -> None:
    for endpoint in NO_ENDPOINTS:
        opened, asked = carrier.take(endpoint, "open", DESCRIBE)
        assert (opened.outcome, asked.outcome) == ("bad_endpoint", "bad_endpoint"), endpoint
        assert "127.0.0.1:5655" in opened.text


def bits(value: float) -> str:
    return struct.pack(">d", value).hex()
