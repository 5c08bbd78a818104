"""Bodies, envelopes and byte streams that are not the protocol's: told so, and harm nobody."""

from __future__ import annotations

import os
import random
import socket
import struct

import msgpack
import numpy as np
import pytest

from bridge.bars import Bars
from tests.conftest import Daemon
from tests.daemon.peer import Peer, bits, forecast, ohlc_item, refused

pytestmark = pytest.mark.usefixtures("bystander")

_LINGER_ZERO = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
HELLO = msgpack.packb({"v": 1, "op": "hello", "id": 7})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        HELLO[:-1],
        HELLO[:1],
        b"\x81\xa2op\xa2\xff\xfe",
        b"\x81\x90\x01",
        b"\x81\x80\x01",
        b"\x81\xa4time\xc7\x05\xff12345",
        bytes(range(256)),
        b"\xc1" + random.Random(5).randbytes(4096),
    ],
    ids=[
        "nothing",
        "the byte that msgpack never uses",
        "cut short by a byte",
        "a map's first byte alone",
        "a string that is not UTF-8",
        "an array as a key",
        "a map as a key",
        "a timestamp of the wrong length",
        "all bytes in turn",
        "noise",
    ],
)
def test_a_body_that_is_not_msgpack_is_a_bad_message(peer: Peer, body: bytes) -> None:
    refused(peer.ask_bytes(body), "bad_message", "msgpack map")


@pytest.mark.parametrize(
    "body",
    [
        b"\xdf\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff" + b"\xa1a\x01" * 1000,
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        b"\x81\xa5items\xdd\xff\xff\xff\xff",
        b"\x91" * 100_000 + b"\xc0",
        b"\x81\xa1a" * 100_000 + b"\xc0",
        b"\x81\xa5items" + b"\x91" * 100_000,
        b"\x91" * 1023 + b"\xc0",
    ],
    ids=[
        "a map of 2^32 entries",
        "a map of 2^32 entries, a thousand of them there",
        "an array of 2^32 items",
        "a bin of 2^32 bytes",
        "a string of 2^32 bytes",
        "an extension of 2^32 bytes",
        "items said to be 2^32",
        "100,000 arrays in each other",
        "100,000 maps in each other",
        "100,000 arrays in items",
        "as many arrays in each other as can be read",
    ],
)
def test_a_msgpack_bomb_is_a_bad_message(peer: Peer, body: bytes) -> None:
    refused(peer.ask_bytes(body), "bad_message", "map")


@pytest.mark.parametrize(
    ("value", "kind"), [([1, 2], "list"), (7, "int"), (None, "NoneType"), ("hello", "str")]
)
def test_a_body_that_is_no_map_is_a_bad_message(peer: Peer, value: object, kind: str) -> None:
    refused(peer.ask_bytes(msgpack.packb(value)), "bad_message", kind, "send one map")


@pytest.mark.parametrize("tail", [b"\xc0", b"\x00" * 1000, HELLO], ids=["nil", "zeros", "another"])
def test_bytes_after_the_map_are_a_bad_message_with_the_id_echoed(peer: Peer, tail: bytes) -> None:
    reply = peer.ask_bytes(HELLO + tail)
    refused(reply, "bad_message", f"{len(tail)} bytes follow the map")
    assert reply["id"] == 7


def test_an_error_reply_carries_the_protocols_version(peer: Peer) -> None:
    assert peer.ask_bytes(b"")["v"] == 1


def test_ten_million_bars_are_too_large_with_the_id_echoed(peer: Peer) -> None:
    item = {"tf": 3600, "time": 0, "close": np.ones(10_000_000).tobytes()}
    message = forecast(item)
    reply = peer.ask(message)
    refused(reply, "too_large", "80,000,0", "16,777,216", "fewer bars")
    assert reply["id"] == message["id"]


def test_ten_million_bars_as_an_array_of_numbers_are_too_large(peer: Peer) -> None:
    head = msgpack.packb({"v": 1, "op": "forecast", "id": 9, "close": 0})[:-1]
    numbers = b"\xdd" + struct.pack(">I", 10_000_000) + b"\xcb?\xf0\0\0\0\0\0\0" * 10_000_000
    reply = peer.ask_bytes(head + numbers)
    refused(reply, "too_large")
    assert reply["id"] == 9


def test_a_message_just_under_the_limit_is_answered(peer: Peer, bars: Bars) -> None:
    item = ohlc_item(bars)
    early = np.ones(4 * 500_000).tobytes()  # 16,000,000 bytes that no model reads
    reply = peer.ask(forecast({**item, "ohlc": early + item["ohlc"]}))
    assert bits(reply) == bits(peer.ask(forecast(item)))


def test_sixteen_mib_of_empty_maps_are_too_large(peer: Peer) -> None:
    body = b"\x81\xa5items\xdd\x00\xff\xff\x00" + b"\x80" * 0xFFFF00
    refused(peer.ask_bytes(body), "too_large")


def test_a_body_without_delimiter_is_a_bad_message_in_the_shape_it_came(peer: Peer) -> None:
    peer.send(HELLO)
    (body,) = peer.receive()
    refused(msgpack.unpackb(body), "bad_message", "empty delimiter frame")


@pytest.mark.parametrize(
    "frames",
    [
        (b"", HELLO, b""),
        (b"", HELLO, HELLO),
        (b"", b"", HELLO),
        (b"", *[b"frame"] * 1000),
        (b"",),
    ],
    ids=["an empty one more", "two bodies", "two delimiters", "a thousand", "no body"],
)
def test_frames_that_are_not_reqs_are_a_bad_message(peer: Peer, frames: tuple[bytes, ...]) -> None:
    peer.send(*frames)
    refused(peer.receive_message(), "bad_message", "one empty delimiter frame and one body frame")


@pytest.mark.parametrize(
    "frames", [(b"x", HELLO), (HELLO, b""), (b"\0", HELLO)], ids=["text", "at the end", "zero"]
)
def test_a_delimiter_that_is_not_empty_is_a_bad_message(
    peer: Peer, frames: tuple[bytes, ...]
) -> None:
    peer.send(*frames)
    (body,) = peer.receive()
    refused(msgpack.unpackb(body), "bad_message", "empty delimiter frame")


def test_a_client_is_answered_after_what_it_sent_was_refused(peer: Peer, bars: Bars) -> None:
    item = ohlc_item(bars)
    before = bits(peer.ask(forecast(item)))
    peer.ask_bytes(b"\xc1")
    assert bits(peer.ask(forecast(item))) == before


def test_each_of_a_clients_bad_messages_is_answered(peer: Peer) -> None:
    for _ in range(500):
        peer.send(b"", b"\xc1")
    for _ in range(500):
        refused(peer.receive_message(), "bad_message")


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        random.Random(5).randbytes(8192),
        b"\xff\0\0\0\0\0\0\0\x01\x7f",
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL" + b"\0" * 48 + b"\x04\xff\xff\xff\xff\xff\xff",
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL" + b"\0" * 48 + b"\x02" + b"\x7f" + b"\xff" * 7,
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x09\x09OAUTH" + b"\0" * 64,
    ],
    ids=[
        "nothing",
        "HTTP",
        "TLS",
        "noise",
        "half a greeting",
        "a greeting, then noise",
        "a greeting, then a frame of 2^63 bytes",
        "an unknown mechanism",
    ],
)
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_stream_that_is_not_zeromqs_disturbs_nobody(
    daemon: Daemon, peer: Peer, bars: Bars, stream: bytes, reset: bool
) -> None:
    host, _, port = daemon.endpoint.removeprefix("tcp://").rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(stream)
        assert peer.ask(forecast(ohlc_item(bars)))["ok"]
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    assert peer.ask(forecast(ohlc_item(bars)))["ok"]
