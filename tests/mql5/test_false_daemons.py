"""Daemons that answer late, wrongly, with other models or not at all, as MQL5 sees them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from bridge.wire.errors import Code
from tests.client.fake import FakeDaemon, Send, health, hello, reply
from tests.mql5.network import Carrier, build_network
from tests.mql5.terminal import Terminal

ENOUGH_MS = 20_000
LIMIT_MS = 300
DESCRIBE = f"describe {ENOUGH_MS}"
FORECAST = f"forecast {ENOUGH_MS}"


@pytest.fixture
def carrier(tmp_path: Path) -> Carrier:
    return Carrier(build_network(), Terminal(tmp_path, allow_dll=True), "native")


CONTEXT = 4
GOOD: dict[str, Any] = {
    "model": "m@1",
    "time": 1_700_000_000,
    "tf": 3600,
    "horizon": 1,
    "levels": [0.5],
    "quantiles": struct.pack("<d", 1.5),
    "up": struct.pack("<d", 0.25),
    "cached": False,
    "infer_us": 1,
    "server_us": 2,
}


def describing(answer: Callable[[int, dict[str, Any], Send], None]) -> Any:
    """Answers `hello` well, and leaves forecasts, numbered from 1, to `answer`."""
    asked = 0

    def behave(_: int, request: dict[str, Any], send: Send) -> None:
        nonlocal asked
        if request["op"] == "hello":
            send(hello(request, CONTEXT))
        else:
            asked += 1
            answer(asked, request, send)

    return behave


def test_each_request_has_an_id_of_its_own_and_tells_what_time_is_left(carrier: Carrier) -> None:
    def later(asked: int, request: dict[str, Any], send: Send) -> None:
        send(reply(request, **GOOD) if request["op"] == "forecast" else health(request))

    steps = ["open", DESCRIBE, "forecast 5000", "forecast 700", f"health {ENOUGH_MS}"]
    with FakeDaemon(describing(later)) as fake:
        taken = carrier.take(fake.endpoint, *steps)
        asked = fake.requests
    assert [step.outcome for step in taken] == ["ok"] * 5
    assert [request["op"] for request in asked] == ["hello", "forecast", "forecast", "health"]
    assert len({request["id"] for request in asked}) == 4
    assert 4000 < asked[1]["ttl_ms"] <= 5000
    assert 300 < asked[2]["ttl_ms"] <= 700
    assert len(asked[1]["ohlc"]) == CONTEXT * 32


def test_a_late_reply_is_not_taken_for_the_next_ones(carrier: Carrier) -> None:
    held: list[tuple[dict[str, Any], Send]] = []

    def late(asked: int, request: dict[str, Any], send: Send) -> None:
        if asked == 1:
            held.append((request, send))
            return
        first, send_first = held[0]
        send_first(reply(first, **{**GOOD, "model": "late@1"}))
        send(reply(request, **GOOD))

    with FakeDaemon(describing(late)) as fake:
        steps = ["open", DESCRIBE, f"forecast {LIMIT_MS}", FORECAST]
        *_, given_up, answered = carrier.take(fake.endpoint, *steps)
    assert given_up.outcome == "timeout"
    assert answered.text.startswith("m@1 ")


def test_replies_to_others_do_not_hold_it(carrier: Carrier) -> None:
    def others(asked: int, request: dict[str, Any], send: Send) -> None:
        for _ in range(1000):
            send(reply({"id": 1 << 63}, **GOOD))

    with FakeDaemon(describing(others)) as fake:
        step = carrier.last(fake.endpoint, "open", DESCRIBE, f"forecast {LIMIT_MS}")
    assert step.outcome == "timeout"
    assert step.milliseconds < LIMIT_MS + 1000


def test_a_refusal_without_an_id_is_the_requests_in_flight(carrier: Carrier) -> None:
    def refuse(asked: int, request: dict[str, Any], send: Send) -> None:
        send(reply({"id": 0}, ok=False, code="bad_message", message="cut short"))

    with FakeDaemon(describing(refuse)) as fake:
        step = carrier.last(fake.endpoint, "open", DESCRIBE, FORECAST)
    assert (step.outcome, step.text) == ("bad_message", "cut short")


def test_every_refusal_is_an_error_by_its_name_in_the_daemons_words(carrier: Carrier) -> None:
    codes = [code.value for code in Code]

    def refuse(asked: int, request: dict[str, Any], send: Send) -> None:
        send(reply(request, ok=False, code=codes[asked - 1], message=f"words {asked}"))

    with FakeDaemon(describing(refuse)) as fake:
        steps = ["open", DESCRIBE, *[FORECAST] * len(codes)]
        taken = carrier.take(fake.endpoint, *steps)[2:]
    assert [step.outcome for step in taken] == codes
    assert [step.text for step in taken] == [f"words {n + 1}" for n in range(len(codes))]


def test_after_three_silences_it_connects_anew(carrier: Carrier) -> None:
    def silent_at_first(asked: int, request: dict[str, Any], send: Send) -> None:
        if asked > 3:
            send(reply(request, **GOOD))

    with FakeDaemon(describing(silent_at_first)) as fake:
        steps = ["open", DESCRIBE, *[f"forecast {LIMIT_MS}"] * 3, FORECAST]
        taken = carrier.take(fake.endpoint, *steps)
        ops = [request["op"] for request in fake.requests]
    assert [step.outcome for step in taken[2:]] == ["timeout"] * 3 + ["ok"]
    assert ops == ["hello", *["forecast"] * 3, "hello", "forecast"]


def test_another_model_after_a_restart_asks_for_another_window(carrier: Carrier) -> None:
    contexts = iter((CONTEXT, 2 * CONTEXT))

    def behave(_: int, request: dict[str, Any], send: Send) -> None:
        if request["op"] == "hello":
            send(hello(request, next(contexts)))
        else:
            send(reply(request, **GOOD))

    with FakeDaemon(behave) as fake:
        steps = ["open", DESCRIBE, "end", f"forecast {ENOUGH_MS} {CONTEXT}", DESCRIBE, FORECAST]
        *_, other, described, answered = carrier.take(fake.endpoint, *steps)
    assert other.outcome == "short_window"
    assert "m@1, which reads 8 bars" in other.text
    assert described.text.startswith("m@1 4 8 ")
    assert answered.outcome == "ok"


WRONG: dict[str, dict[str, Any]] = {
    "another bar": {"time": 1_699_996_400},
    "another timeframe": {"tf": 60},
    "a horizon that is not its numbers'": {"horizon": 2},
    "no levels": {"levels": []},
    "levels that descend": {"levels": [0.9, 0.5]},
    "a level of 1": {"levels": [1.0]},
    "more levels than numbers": {"levels": [0.1, 0.5]},
    "no numbers": {"quantiles": b"", "up": b""},
    "a number that is none": {"quantiles": struct.pack("<d", float("nan"))},
    "infinity": {"quantiles": struct.pack("<d", float("inf"))},
    "a row that descends": {
        "levels": [0.1, 0.9],
        "quantiles": struct.pack("<2d", 2, 1),
    },
    "a probability above 1": {"up": struct.pack("<d", 1.5)},
    "a probability that is none": {"up": struct.pack("<d", float("nan"))},
    "no model": {"model": None},
    "strings": {"quantiles": ["x"]},
}


def test_a_forecast_that_cannot_be_is_refused(carrier: Carrier) -> None:
    cases = [*WRONG.values(), {}]

    def answer(asked: int, request: dict[str, Any], send: Send) -> None:
        send(reply(request, **{**GOOD, **cases[asked - 1]}))

    with FakeDaemon(describing(answer)) as fake:
        taken = carrier.take(fake.endpoint, "open", DESCRIBE, *[FORECAST] * len(cases))[2:]
    assert [step.outcome for step in taken] == ["bad_reply"] * len(WRONG) + ["ok"]


NO_REPLIES = [
    (b"",),
    (b"\xc1",),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
    (msgpack.packb([1, 2]),),
    (msgpack.packb({"v": 1}) + b"\xc0",),
    (b"\xdf\xff\xff\xff\xff",),
    (b"\x91" * 100_000,),
    (msgpack.packb({"v": 1, "id": 1, "ok": True}), b"more"),
]


def test_bytes_that_are_no_reply_end_the_connection_and_the_next_is_made(
    carrier: Carrier,
) -> None:
    def answer(asked: int, request: dict[str, Any], send: Send) -> None:
        if asked <= len(NO_REPLIES):
            send(*NO_REPLIES[asked - 1])
        else:
            send(reply(request, **GOOD))

    with FakeDaemon(describing(answer)) as fake:
        steps = ["open", DESCRIBE, *[FORECAST] * (len(NO_REPLIES) + 1)]
        taken = carrier.take(fake.endpoint, *steps)[2:]
    assert [step.outcome for step in taken] == ["bad_reply"] * len(NO_REPLIES) + ["ok"]


@pytest.mark.parametrize("models", [None, 5, [5], [{}], [{"name": "m"}]], ids=repr)
def test_a_hello_that_describes_no_model_is_told(carrier: Carrier, models: object) -> None:
    def behave(_: int, request: dict[str, Any], send: Send) -> None:
        send(reply(request, server="fake", protocols=[1], models=models))

    with FakeDaemon(behave) as fake:
        step = carrier.last(fake.endpoint, "open", DESCRIBE)
    assert step.outcome in ("bad_reply", "unknown_model")
