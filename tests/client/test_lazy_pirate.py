"""Reliability: a client that asks again on a new socket, and takes no answer for another's."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

import msgpack
import numpy as np
import pytest

from bridge import Bars, Client, Unreachable
from bridge.client import ClientError
from tests.client.fake import FakeDaemon, Send, health, hello, reply

BARS = Bars("EURUSD", 3600, np.arange(16) * 3600, np.ones((16, 4)), np.zeros(16))


def _answer(_: int, request: dict[str, Any], send: Send) -> None:
    send(health(request))


def _client(daemon: FakeDaemon, timeout_ms: int = 300, retries: int = 2) -> Client:
    return Client(daemon.endpoint, timeout_ms=timeout_ms, retries=retries)


@pytest.fixture
def silent_endpoint() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"tcp://127.0.0.1:{taken.getsockname()[1]}"


def test_nobody_there_is_unreachable_with_what_to_do(silent_endpoint: str) -> None:
    with (
        Client(silent_endpoint, timeout_ms=20, retries=1) as client,
        pytest.raises(Unreachable) as absence,
    ):
        client.health()
    message = str(absence.value)
    assert silent_endpoint in message
    assert "2 times 20 ms" in message
    assert "eabridge serve" in message


def test_nobody_there_is_unreachable_for_a_forecast_too(silent_endpoint: str) -> None:
    with Client(silent_endpoint, timeout_ms=20, retries=0) as client:
        for ask in (lambda: client.forecast(BARS), lambda: client.forecast_batch([BARS])):
            with pytest.raises(Unreachable, match="in 20 ms"):
                ask()


def test_a_daemon_that_starts_later_is_reached(silent_endpoint: str) -> None:
    with Client(silent_endpoint, timeout_ms=300) as client:
        with pytest.raises(Unreachable):
            client.health()
        with FakeDaemon(_answer, silent_endpoint):
            assert client.health().status == "ready"


@pytest.mark.parametrize("ignored", [1, 2])
def test_a_request_that_is_not_answered_is_asked_again(ignored: int) -> None:
    def answer_later(number: int, request: dict[str, Any], send: Send) -> None:
        if number > ignored:
            send(health(request, uptime_s=number))

    with FakeDaemon(answer_later) as daemon, _client(daemon) as client:
        assert client.health().uptime_s == ignored + 1


def test_a_request_is_asked_no_more_often_than_told() -> None:
    with FakeDaemon(lambda *_: None) as daemon:
        with _client(daemon, timeout_ms=100, retries=2) as client, pytest.raises(Unreachable):
            client.health()
        assert len(daemon.requests) == 3


def test_each_try_has_an_id_of_its_own() -> None:
    with FakeDaemon(lambda *_: None) as daemon:
        with _client(daemon, timeout_ms=100) as client, pytest.raises(Unreachable):
            client.health()
        ids = [request["id"] for request in daemon.requests]
    assert len(set(ids)) == len(ids) == 3


def test_each_try_tells_how_long_the_client_waits() -> None:
    with FakeDaemon(_answer) as daemon:
        with _client(daemon, timeout_ms=1234) as client:
            client.health()
        assert daemon.requests[0]["ttl_ms"] == 1234


def test_a_late_answer_is_not_taken_for_the_next_ones() -> None:
    held: list[tuple[dict[str, Any], Send]] = []

    def answer_late(number: int, request: dict[str, Any], send: Send) -> None:
        if number == 1:
            held.append((request, send))
            return
        for early, send_early in held:
            send_early(health(early, uptime_s=111))
        send(health(request, uptime_s=222))

    with FakeDaemon(answer_late) as daemon, _client(daemon) as client:
        assert client.health().uptime_s == 222


def test_an_answer_to_another_request_is_not_taken() -> None:
    def answer_the_last_one(number: int, request: dict[str, Any], send: Send) -> None:
        if number == 1:
            return
        wrong = number == 2
        send(health({"id": request["id"] - 1} if wrong else request, uptime_s=number))

    with FakeDaemon(answer_the_last_one) as daemon, _client(daemon) as client:
        assert client.health().uptime_s == 3


def test_a_refusal_without_id_is_taken_for_the_request_in_flight() -> None:
    refusal = msgpack.packb(
        {"v": 1, "id": 0, "ok": False, "code": "bad_message", "message": "cut short"}
    )
    with (
        FakeDaemon(lambda _number, _request, send: send(refusal)) as daemon,
        _client(daemon) as client,
        pytest.raises(ClientError, match="bad_message: cut short"),
    ):
        client.health()


def test_a_code_of_a_later_daemon_is_an_error_all_the_same() -> None:
    def refuse(_: int, request: dict[str, Any], send: Send) -> None:
        send(reply(request, ok=False, code="brand_new", message="something new"))

    with (
        FakeDaemon(refuse) as daemon,
        _client(daemon) as client,
        pytest.raises(ClientError, match="something new"),
    ):
        client.health()


@pytest.mark.parametrize(
    "frames",
    [
        (b"",),
        (b"\xc1",),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
        (msgpack.packb([1, 2]),),
        (msgpack.packb({"v": 1}) + b"\xc0",),
        (b"\xdf\xff\xff\xff\xff",),
        (b"\x91" * 100_000,),
        (msgpack.packb({"ok": True}), b"more"),
    ],
    ids=["nothing", "no msgpack", "HTTP", "an array", "a tail", "a bomb", "nesting", "two frames"],
)
def test_bytes_that_are_no_answer_are_told(frames: tuple[bytes, ...]) -> None:
    with (
        FakeDaemon(lambda _number, _request, send: send(*frames)) as daemon,
        _client(daemon) as client,
    ):
        for _ in range(2):
            with pytest.raises(ClientError, match=f"{daemon.endpoint} does not speak"):
                client.health()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"quantiles": b"", "up": b""},
        {"horizon": "one"},
        {"horizon": -2},
        {"levels": 5},
        {"levels": []},
        {"quantiles": b"1234567"},
        {"quantiles": b"\0" * 24},
        {"quantiles": 5},
        {"quantiles": ["x"]},
        {"horizon": -1},
        {"up": None},
        {"up": b"1"},
        {"up": b"\0" * 16},
    ],
    ids=str,
)
def test_a_forecast_of_the_wrong_shape_is_told(fields: dict[str, Any]) -> None:
    good: dict[str, Any] = {"model": "m@1", "time": 0, "tf": 3600, "horizon": 1, "levels": [0.5]}
    good |= {"quantiles": b"\0" * 8, "up": b"\0" * 8}
    good |= {"cached": False, "infer_us": 1, "server_us": 2}

    def answer(_: int, request: dict[str, Any], send: Send) -> None:
        if request["op"] == "hello":
            send(hello(request))
        else:
            send(reply(request, **({**good, **fields} if fields else {})))

    with (
        FakeDaemon(answer) as daemon,
        _client(daemon) as client,
        pytest.raises(ClientError, match="does not speak"),
    ):
        client.forecast(BARS)


@pytest.mark.parametrize("items", [None, 5, [], [5], [{"ok": True}], [{}, {}]], ids=repr)
def test_a_batch_of_the_wrong_shape_is_told(items: object) -> None:
    def answer(_: int, request: dict[str, Any], send: Send) -> None:
        send(hello(request) if request["op"] == "hello" else reply(request, items=items))

    with (
        FakeDaemon(answer) as daemon,
        _client(daemon) as client,
        pytest.raises(ClientError, match="does not speak"),
    ):
        client.forecast_batch([BARS])


@pytest.mark.parametrize("models", [None, 5, [5], [{}], [{"name": "m"}]], ids=repr)
def test_a_hello_of_the_wrong_shape_is_told(models: object) -> None:
    def answer(_: int, request: dict[str, Any], send: Send) -> None:
        send(reply(request, server="fake", protocols=[1], models=models))

    with FakeDaemon(answer) as daemon, _client(daemon) as client:
        for ask in (client.hello, lambda: client.forecast(BARS)):
            with pytest.raises(ClientError, match="does not speak"):
                ask()


@pytest.mark.parametrize("context", [0, -4, "4", None, 4.0, True])
def test_a_model_of_no_possible_context_is_told(context: object) -> None:
    with (
        FakeDaemon(lambda _number, request, send: send(hello(request, context))) as daemon,
        _client(daemon) as client,
        pytest.raises(ClientError, match="does not speak"),
    ):
        client.forecast(BARS)


def test_a_health_of_the_wrong_shape_is_told() -> None:
    with (
        FakeDaemon(lambda _number, request, send: send(reply(request))) as daemon,
        _client(daemon) as client,
        pytest.raises(ClientError, match="does not speak"),
    ):
        client.health()


def test_no_more_bars_are_sent_than_the_model_reads() -> None:
    def answer(_: int, request: dict[str, Any], send: Send) -> None:
        if request["op"] == "hello":
            send(hello(request, context=4))
        else:
            send(reply(request, ok=False, code="busy", message="later"))

    with FakeDaemon(answer) as daemon:
        with _client(daemon) as client, pytest.raises(ClientError, match="busy"):
            client.forecast(BARS)
        assert len(daemon.requests[-1]["ohlc"]) == 4 * 32


def test_what_the_model_reads_is_asked_once() -> None:
    def answer(_: int, request: dict[str, Any], send: Send) -> None:
        if request["op"] == "hello":
            send(hello(request))
        else:
            send(reply(request, ok=False, code="busy", message="later"))

    with FakeDaemon(answer) as daemon:
        with _client(daemon) as client:
            for _ in range(3):
                with pytest.raises(ClientError, match="busy"):
                    client.forecast(BARS)
        ops = [request["op"] for request in daemon.requests]
    assert ops == ["hello", "forecast", "forecast", "forecast"]


class _Interrupt(BaseException):
    """What a signal's handler raises, as Ctrl-C raises KeyboardInterrupt."""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no interval timer to interrupt a wait")
def test_a_client_that_was_interrupted_while_waiting_asks_again() -> None:
    def answer_from_the_second(number: int, request: dict[str, Any], send: Send) -> None:
        if number > 1:
            send(health(request, uptime_s=number))

    def interrupt(*_: object) -> None:
        raise _Interrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with (
            FakeDaemon(answer_from_the_second) as daemon,
            _client(daemon, timeout_ms=60_000, retries=0) as client,
        ):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(_Interrupt):
                client.health()
            assert client.health().uptime_s == 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
