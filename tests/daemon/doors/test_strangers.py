"""Strangers who speak otherwise than a client: refused, told of once, and nobody notices.

A bystander's requests are in flight throughout each test, and each of its answers is compared.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable

import pytest
import zmq

from bridge.bars import Bars
from bridge.keys import ClientKeys
from tests.daemon.doors.guarded import CURVE_GREETING, GREETING
from tests.daemon.doors.siege import Besieged, ended
from tests.daemon.peer import Peer, forecast, ohlc_item
from tests.daemon.ring import KeyedPeer, Ring, new_pair
from tests.waiting import until

HANDSHAKE_S = 5


# Wrong keys


@pytest.mark.parametrize("besieged", ["CURVE"], indirect=True)
@pytest.mark.parametrize(
    ("keys_of", "said"),
    [
        (lambda ring: None, "it came without keys"),
        (lambda ring: ring.client(allowed=False), "is not allowed here"),
        (
            lambda ring: ClientKeys(ring.client("x").own, new_pair().public),
            "the server key it has is not this daemon's",
        ),
    ],
    ids=["no key", "a key that is not allowed", "another daemon's key"],
)
def test_a_client_with_the_wrong_keys_is_refused_and_said_once(
    besieged: Besieged,
    zmq_context: zmq.Context[zmq.Socket[bytes]],
    bars: Bars,
    keys_of: Callable[[Ring], ClientKeys | None],
    said: str,
) -> None:
    assert besieged.ring is not None
    client_keys = keys_of(besieged.ring)
    for _ in range(20):
        peer = (
            Peer(zmq_context, besieged.daemon.endpoint)
            if client_keys is None
            else KeyedPeer(zmq_context, besieged.daemon.endpoint, client_keys)
        )
        with contextlib.closing(peer):
            peer._socket.setsockopt(zmq.LINGER, 0)
            peer.send_message(forecast(ohlc_item(bars)))
            assert not peer._socket.poll(50)
    if client_keys is None:  # ZeroMQ's own sees the difference too, and may be the first to leave
        with besieged.connect() as connection:
            connection.sendall(GREETING)
            assert ended([connection]) == 1
    until(lambda: besieged.said(said) == 1)
    assert besieged.said("refused") == 1


@pytest.mark.parametrize("besieged", ["loopback"], indirect=True)
def test_a_client_with_keys_where_there_are_none_is_refused_and_said_once(
    besieged: Besieged, zmq_context: zmq.Context[zmq.Socket[bytes]], bars: Bars
) -> None:
    given = ClientKeys(new_pair(), new_pair().public)
    for _ in range(20):
        with contextlib.closing(KeyedPeer(zmq_context, besieged.daemon.endpoint, given)) as peer:
            peer._socket.setsockopt(zmq.LINGER, 0)
            peer.send_message(forecast(ohlc_item(bars)))
            assert not peer._socket.poll(50)
    with besieged.connect() as connection:
        connection.sendall(CURVE_GREETING)
        assert ended([connection]) == 1
    until(lambda: besieged.said("it came with keys, and this daemon has none") == 1)
    assert besieged.said("refused") == 1


# Other languages than ZeroMQ's


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.Random(1).randbytes(500),
        b"\0" + random.Random(5).randbytes(8192),
    ],
    ids=["HTTP", "TLS", "noise"],
)
def test_another_protocol_is_cut_off_and_said_once(besieged: Besieged, stream: bytes) -> None:
    for _ in range(100):
        with besieged.connect() as connection:
            connection.sendall(stream)
            assert ended([connection]) == 1
    until(lambda: besieged.said("what it sent is not ZeroMQ 3") == 1)
    assert besieged.said("refused") == 1


def test_noise_behind_a_good_greeting_is_cut_off(besieged: Besieged) -> None:
    for seed in range(50):
        with besieged.connect() as connection:
            connection.sendall(besieged.greeting + b"\x04\x20" + random.Random(seed).randbytes(900))
            assert ended([connection]) == 1
    until(lambda: besieged.said("its handshake is not ZeroMQ's") == 1)


# Those that take their time


def test_the_silent_and_the_slow_are_cut_off_and_said_once(besieged: Besieged) -> None:
    starts = (b"", b"\xff", besieged.greeting[:11], besieged.greeting[:40], besieged.greeting)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(besieged.connect()) for _ in range(100)]
        for number, connection in enumerate(silent):
            connection.sendall(starts[number % len(starts)])
        slow = [stack.enter_context(besieged.connect()) for _ in range(20)]
        for byte in besieged.greeting[: HANDSHAKE_S + 3]:
            for connection in slow:  # a byte a second
                with contextlib.suppress(OSError):
                    connection.sendall(bytes([byte]))
            time.sleep(1)
        assert ended([*silent, *slow]) == 120
    until(lambda: besieged.said("it had not said within 5 seconds who it is") == 1)
    assert besieged.said("refused") == 1
