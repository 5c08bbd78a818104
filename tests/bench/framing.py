"""Two ways to put a body on a plain socket: ZeroMQ's ZMTP 3.0 as a REQ peer, and HTTP/1.1."""

from __future__ import annotations

import re
import socket
from typing import Protocol

_GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_READY = b"\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ"
_LONG, _COMMAND = 0x02, 0x04
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Framing(Protocol):
    """How requests and replies stand on the socket."""

    def greet(self, connection: socket.socket) -> None:
        """What has to pass before the first request."""
        ...

    def request(self, body: bytes) -> bytes:
        """The bytes of one request."""
        ...

    def take(self, buffer: bytearray) -> bytes | None:
        """One whole reply's body off the front of what arrived; None where more has to come."""
        ...


class Zmtp:
    """A REQ peer with the NULL mechanism."""

    def greet(self, connection: socket.socket) -> None:
        connection.sendall(_GREETING + bytes([_COMMAND, len(_READY)]) + _READY)
        _read(connection, len(_GREETING))
        flags, size = _read(connection, 2)
        assert flags == _COMMAND, "no READY came"
        _read(connection, size)

    def request(self, body: bytes) -> bytes:
        return b"\x01\x00" + bytes([_LONG]) + len(body).to_bytes(8, "big") + body

    def take(self, buffer: bytearray) -> bytes | None:
        start = 2  # the empty delimiter, flagged "more"
        if len(buffer) < start + 9:
            return None
        if buffer[start] & _LONG:
            size, body = int.from_bytes(buffer[start + 1 : start + 9], "big"), start + 9
        else:
            size, body = buffer[start + 1], start + 2
        if len(buffer) < body + size:
            return None
        reply = bytes(buffer[body : body + size])
        del buffer[: body + size]
        return reply


class Http:
    """A keep-alive connection that posts to one path."""

    def __init__(self, path: str) -> None:
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/msgpack\r\n"
            "Content-Length: "
        ).encode()

    def greet(self, connection: socket.socket) -> None:
        pass

    def request(self, body: bytes) -> bytes:
        return self._head + str(len(body)).encode() + b"\r\n\r\n" + body

    def take(self, buffer: bytearray) -> bytes | None:
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        found = _LENGTH.search(buffer, 0, end)
        assert found, bytes(buffer[:end])
        body, size = end + 4, int(found[1])
        if len(buffer) < body + size:
            return None
        status = buffer[9:12]
        reply = bytes(buffer[body : body + size])
        del buffer[: body + size]
        assert status == b"200", (status, reply[:200])
        return reply


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        assert more, "the connection was closed"
        data += more
    return data
