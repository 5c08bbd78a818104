"""Something that answers behind the daemon's own gate, and those who ask it, well or badly."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import zmq

from bridge import keys
from bridge.daemon.doors.access import Access
from bridge.daemon.doors.gate import Gate
from bridge.keys import ClientKeys
from tests.client.fake import FakeDaemon, Send, reply
from tests.waiting import PATIENCE_S

GREETING = (b"\xff" + bytes(8) + b"\x7f\x03\x00NULL").ljust(64, b"\0")
CURVE_GREETING = GREETING.replace(b"NULL\0", b"CURVE")
READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ"

Logged = Callable[[str], int]


def echo(_: int, request: dict[str, Any], send: Send) -> None:
    send(reply(request, size=len(request.get("load", b""))))


class Asker:
    """A client, as a socket and its monitor know it."""

    def __init__(self, endpoint: str, client_keys: ClientKeys | None = None) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        if client_keys is not None:
            keys.use_keys(self._socket, client_keys)
        self._socket.connect(endpoint)

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._context.term()

    def ask(self, **fields: Any) -> dict[str, Any]:
        """The reply to a request."""
        self.send(**fields)
        assert self._socket.poll(PATIENCE_S * 1000), "no answer"
        answer: dict[str, Any] = msgpack.unpackb(self._socket.recv_multipart()[-1])
        return answer

    def send(self, **fields: Any) -> None:
        self._socket.send_multipart([b"", msgpack.packb({"id": 1, **fields})])

    def has_answer(self, within_s: float = 0.0) -> bool:
        return bool(self._socket.poll(1000 * within_s))


@contextmanager
def guarded(access: Access | None = None) -> Iterator[FakeDaemon]:
    """Something that answers, behind the daemon's own gate."""
    with FakeDaemon(echo, access=access or Access()) as daemon:
        yield daemon


def gate_of(daemon: FakeDaemon) -> Gate:
    assert daemon.gate is not None
    return daemon.gate


def address_of(endpoint: str) -> tuple[str, int]:
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    return host, int(port)


def ended(connection: socket.socket) -> bool:
    """Whether the other side has ended a connection; waits for it."""
    connection.settimeout(PATIENCE_S)
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


@contextmanager
def shaken(endpoint: str) -> Iterator[socket.socket]:
    """A connection whose handshake is done, byte by byte."""
    with socket.create_connection(address_of(endpoint), PATIENCE_S) as connection:
        connection.sendall(GREETING + READY)
        received = b""
        while b"READY" not in received:
            more = connection.recv(4096)
            assert more, "it hung up"
            received += more
        yield connection
