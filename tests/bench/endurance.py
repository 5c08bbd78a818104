"""A million requests of all kinds, and ten thousand connections: what is left of them."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Callable, Iterator

import msgpack

from bridge.bundles import Bundle
from bridge.synthetic import SyntheticRequests
from tests.bench import servers
from tests.bench.figures import Figure
from tests.bench.requests import requests

_SETTLE_S = 1.0
_WARM_SHARE = 0.05
_HALF = 0.5


def many_requests(bundle: Bundle, count: int = 1_000_000) -> Iterator[Figure]:
    """Resident memory after `count` mixed requests over that after a twentieth of them."""
    # A cache that is full by then: one that fills is no leak.
    with servers.daemon(bundle, "--cache", "16") as running, _Client(running) as client:
        kinds = _kinds()
        draw = random.Random(0)
        warm = 0
        for done in range(count):
            client.ask(draw.choice(kinds)())
            if done == int(count * _WARM_SHARE):
                warm = running.resident_bytes
        end = running.resident_bytes
    yield Figure(
        f"resident memory after {count:,} mixed requests, over that after the first "
        f"{int(count * _WARM_SHARE):,}",
        end / warm,
        1.05,
        detail=f"{end / 1e6:.1f} and {warm / 1e6:.1f} MB, with a cache of 16 MiB",
    )


def many_connections(bundle: Bundle, count: int = 10_000) -> Iterator[Figure]:
    """Descriptors and memory after `count` connects and disconnects, half of them mid-request."""
    with servers.daemon(bundle, "--cache", "0") as running:  # one that fills is no leak
        asking = requests()
        _come_and_go(running, asking, count // 20)
        time.sleep(_SETTLE_S)
        before, memory = running.descriptors, running.resident_bytes
        _come_and_go(running, asking, count)
        until = time.monotonic() + 30
        while running.descriptors > before and time.monotonic() < until:
            time.sleep(_SETTLE_S)
        left, grown = running.descriptors - before, running.resident_bytes / memory
    yield Figure(f"descriptors left by {count:,} connections, half cut mid-request", left, 0)
    yield Figure(
        f"resident memory after {count:,} connections, over that before",
        grown,
        1.05,
        detail="without a cache",
    )


class _Client:
    """One connection that asks anything and reads one answer."""

    def __init__(self, running: servers.Running) -> None:
        self._socket = socket.create_connection(("127.0.0.1", running.port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._framing = running.framing
        self._framing.greet(self._socket)
        self._buffer = bytearray()

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, body: bytes) -> bytes:
        self._socket.sendall(self._framing.request(body))
        while True:
            more = self._socket.recv(1 << 16)
            if not more:
                raise ConnectionResetError("the daemon closed the connection")
            self._buffer += more
            reply = self._framing.take(self._buffer)
            if reply is not None:
                return reply


def _kinds() -> list[Callable[[], bytes]]:
    """Good and bad requests, in about equal shares."""
    asking, repeating = requests(), requests(fresh=False, seed=1)
    draw = random.Random(1)

    def fresh() -> bytes:
        return asking.next()[1]

    def again() -> bytes:
        return repeating.next()[1]

    def cut_short() -> bytes:
        body = fresh()
        return body[: draw.randrange(1, len(body))]

    def spoiled(**fields: object) -> bytes:
        message = msgpack.unpackb(fresh())
        message.update(fields)
        packed: bytes = msgpack.packb(message)
        return packed

    return [
        fresh,
        fresh,
        again,
        cut_short,
        lambda: draw.randbytes(draw.randrange(1, 2000)),
        lambda: spoiled(model=f"none-{draw.random()}"),
        lambda: spoiled(symbol=f"S{draw.randrange(10**9)}"),
        lambda: spoiled(ohlc=bytes(8 * 4 * 128)),
        lambda: spoiled(tf=draw.randrange(1, 10**6)),
        lambda: spoiled(ttl_ms=0),
        lambda: spoiled(op=f"op{draw.randrange(10**6)}"),
        lambda: msgpack.packb({"v": 1, "op": "hello", "id": draw.randrange(2**60)}),
        lambda: msgpack.packb({"v": 1, "op": "health", f"key{draw.random()}": 1}),
    ]


def _come_and_go(running: servers.Running, asking: SyntheticRequests, count: int) -> None:
    draw = random.Random(2)
    for number in range(count):
        with socket.create_connection(("127.0.0.1", running.port), 30) as connection:
            running.framing.greet(connection)
            message = running.framing.request(asking.next()[1])
            with contextlib.suppress(OSError):
                if number % 2:
                    connection.sendall(message[: draw.randrange(1, len(message))])
                else:
                    connection.sendall(message)
                    if draw.random() < _HALF:
                        connection.recv(1 << 16)
