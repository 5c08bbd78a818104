"""What is special about each way to a daemon: the terminal's sockets, winsock, libzmq and CURVE."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import pytest
import zmq

from tests.client.fake import FakeDaemon, Send, hello, reply
from tests.conftest import Daemon
from tests.mql5.network import Carrier, build_network
from tests.mql5.peers import unused_endpoint, zeromq
from tests.mql5.terminal import Terminal
from tests.mql5.toolchain import missing

ENOUGH_MS = 20_000
LIMIT_MS = 400
CONNECT = f"connect {ENOUGH_MS}"
ASK = f"ask {ENOUGH_MS} hello"
DESCRIBE = f"describe {ENOUGH_MS}"
FORECAST = f"forecast {ENOUGH_MS}"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, allow_dll=True)


@pytest.fixture
def libzmq(terminal: Terminal) -> Carrier:
    if find_library("zmq") is None:
        missing("no libzmq: apt install libzmq5, or put libzmq.dll on the PATH")
    return Carrier(build_network("linux", "EABRIDGE_LIBZMQ"), terminal, "libzmq")


# The terminal's sockets


def test_sockets_need_an_allowed_address(tmp_path: Path, daemon: Daemon) -> None:
    terminal = Terminal(tmp_path, allow_dll=True, allowed_addresses=("localhost",))
    step = Carrier(build_network(), terminal, "native").last(daemon.endpoint, CONNECT)
    assert step.outcome == "not_allowed, closed"
    assert "add it in Tools > Options > Expert Advisors" in step.text


# Winsock


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_winsock_needs_no_allowed_address(tmp_path: Path, daemon: Daemon, platform: str) -> None:
    terminal = Terminal(tmp_path, allow_dll=True, allowed_addresses=())
    port = daemon.endpoint.rpartition(":")[2]
    carrier = Carrier(build_network(platform), terminal, "winsock")
    for endpoint in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert carrier.last(endpoint, CONNECT).outcome == "ok"


def test_winsock_takes_numbers_for_addresses_and_says_so(terminal: Terminal) -> None:
    carrier = Carrier(build_network(), terminal, "winsock")
    for host in ("example.org", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3."):
        step = carrier.last(f"{host}:5655", CONNECT)
        assert step.outcome == "bad_endpoint, closed", host
        assert "in numbers, such as 127.0.0.1" in step.text


def test_winsock_may_be_opened_and_closed_again_and_again(
    terminal: Terminal, daemon: Daemon
) -> None:
    taken = Carrier(build_network(), terminal, "winsock").take(
        daemon.endpoint, *[CONNECT, "close"] * 20, "close", CONNECT, CONNECT
    )
    assert {step.outcome for step in taken} == {"ok"}


# libzmq


def test_libzmq_carries_bodies_of_any_size(libzmq: Carrier) -> None:
    sizes = [0, 1, 255, 256, 65_536, 1 << 20]
    with zeromq() as endpoint:
        taken = libzmq.take(endpoint, CONNECT, *[f"echo {ENOUGH_MS} {size}" for size in sizes])
    assert [step.text for step in taken[1:]] == ["same"] * len(sizes)


def test_libzmq_tells_a_silence_and_takes_the_late_reply(libzmq: Carrier) -> None:
    held: list[list[bytes]] = []

    def late(socket: zmq.Socket[bytes], message: list[bytes]) -> None:
        held.append(message)
        if len(held) == 2:
            for each in held:
                socket.send_multipart(each)

    with zeromq(late) as endpoint:
        steps = [f"ask {LIMIT_MS} first", f"ask {ENOUGH_MS} second", f"reply {ENOUGH_MS}"]
        _, silent, first, second = libzmq.take(endpoint, CONNECT, *steps)
    assert silent.outcome == "timeout"
    assert LIMIT_MS - 20 <= silent.milliseconds < LIMIT_MS + 1000
    assert (first.text, second.text) == ("first", "second")


def test_libzmq_has_no_connection_where_nobody_is_and_ends_at_once(libzmq: Carrier) -> None:
    taken = libzmq.take(unused_endpoint(), CONNECT, f"ask {LIMIT_MS} hello", "close", CONNECT)
    assert taken[1].outcome == "no_daemon, closed"
    assert "eabridge serve" in taken[1].text
    assert LIMIT_MS - 20 <= taken[1].milliseconds < LIMIT_MS + 1000
    assert taken[2].milliseconds < 1000


@pytest.mark.parametrize(
    "parts", [[b"hello"], [b"x", b"hello"], [b""], [b"", b"hello", b"more"]], ids=str
)
def test_libzmq_refuses_what_is_not_in_reqs_envelope(libzmq: Carrier, parts: list[bytes]) -> None:
    def wrong(socket: zmq.Socket[bytes], message: list[bytes]) -> None:
        socket.send_multipart([message[0], *parts])

    with zeromq(wrong) as endpoint:
        assert libzmq.last(endpoint, CONNECT, ASK).outcome == "bad_reply, closed"


def test_libzmq_takes_no_reply_of_more_than_a_mebibyte(libzmq: Carrier) -> None:
    def large(socket: zmq.Socket[bytes], message: list[bytes]) -> None:
        socket.send_multipart([*message[:2], bytes((1 << 20) + 1)])

    with zeromq(large) as endpoint:
        assert libzmq.last(endpoint, CONNECT, f"ask {LIMIT_MS} hello").outcome == "timeout"


# libzmq with CURVE


def test_curve_reaches_a_daemon_that_knows_the_key(libzmq: Carrier) -> None:
    server_public, server_secret = (key.decode() for key in zmq.curve_keypair())
    public, secret = (key.decode() for key in zmq.curve_keypair())
    pairs = [{}, {"PublicKey": public, "SecretKey": secret}]
    with zeromq(curve_secret=server_secret) as endpoint:
        for pair in pairs:
            step = libzmq.last(endpoint, CONNECT, ASK, ServerKey=server_public, **pair)
            assert (step.outcome, step.text) == ("ok", "hello")


def test_a_wrong_key_brings_no_connection_and_says_so(libzmq: Carrier) -> None:
    _, server_secret = zmq.curve_keypair()
    other, _ = zmq.curve_keypair()
    with zeromq(curve_secret=server_secret.decode()) as endpoint:
        for keys in ({"ServerKey": other.decode()}, {}):
            step = libzmq.last(endpoint, CONNECT, f"ask {LIMIT_MS} hello", **keys)
            assert step.outcome in ("no_daemon, closed", "timeout")
            assert step.milliseconds < LIMIT_MS + 1000
            if keys and "no_daemon" in step.outcome:
                assert "CURVE keys" in step.text


def test_keys_that_are_none_are_told_before_anything_is_tried(libzmq: Carrier) -> None:
    key = "x" * 40
    for keys in (
        {"ServerKey": "short"},
        {"ServerKey": key, "PublicKey": key},
        {"ServerKey": key, "SecretKey": key},
        {"ServerKey": key, "PublicKey": key, "SecretKey": "short"},
        {"PublicKey": key, "SecretKey": key},
    ):
        step = libzmq.last(unused_endpoint(), CONNECT, **keys)
        assert step.outcome == "bad_endpoint, closed", keys
        assert "40 letters" in step.text


def test_forecasts_come_through_curve(libzmq: Carrier, daemon: Daemon) -> None:
    native = Carrier(build_network(), libzmq.terminal, "native")
    plain = native.last(daemon.endpoint, "open", DESCRIBE, FORECAST)
    public, secret = (key.decode() for key in zmq.curve_keypair())
    with gateway(daemon.endpoint, curve_secret=secret) as endpoint:
        steps = ["open", DESCRIBE, FORECAST, f"beat {ENOUGH_MS}", f"health {ENOUGH_MS}", "end"]
        taken = libzmq.take(endpoint, *steps, ServerKey=public)
    assert [step.outcome for step in taken] == ["ok"] * 6
    assert "CURVE" in taken[0].text
    assert taken[2].text == plain.text


def test_through_libzmq_a_silent_daemon_is_connected_to_anew(libzmq: Carrier) -> None:
    good = {"model": "m@1", "time": 1_700_000_000, "tf": 3600, "horizon": 1, "levels": [0.5]}
    numbers = {"quantiles": [1.5], "up": [0.25]}
    asked = 0

    def silent_at_first(_: int, request: dict[str, object], send: Send) -> None:
        nonlocal asked
        asked += request["op"] == "forecast"
        if request["op"] == "hello":
            send(hello(request))
        elif asked > 3:
            send(reply(request, **good, **numbers))

    with FakeDaemon(silent_at_first) as fake:
        steps = ["open", DESCRIBE, *[f"forecast {LIMIT_MS}"] * 3, FORECAST]
        taken = libzmq.take(fake.endpoint, *steps)
        ops = [request["op"] for request in fake.requests]
    assert [step.outcome for step in taken[2:]] == ["timeout"] * 3 + ["ok"]
    assert ops == ["hello", *["forecast"] * 3, "hello", "forecast"]


@contextmanager
def gateway(endpoint: str, *, curve_secret: str) -> Iterator[str]:
    """A way to a daemon from beyond its computer: CURVE outside, plain inside."""
    with zmq.Context() as context, context.socket(zmq.REQ) as inside:
        inside.linger = 0
        inside.connect(endpoint)

        def ask_inside(socket: zmq.Socket[bytes], message: list[bytes]) -> None:
            inside.send(message[-1])
            socket.send_multipart([*message[:-1], inside.recv()])

        with zeromq(ask_inside, curve_secret=curve_secret) as outside:
            yield outside
