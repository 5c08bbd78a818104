"""Messages between a daemon and the process that runs models for it: a map, and raw numbers.

A frame is two lengths, a msgpack map, and the bytes of arrays. It travels over a loopback TCP
connection, the one thing between two processes that every system closes, and tells, at the moment
that either of them dies, however it dies. Nothing is unpickled on either side.
"""

from __future__ import annotations

import hmac
import math
import secrets
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

_HOST = "127.0.0.1"
_LENGTHS = struct.Struct("<IQ")
_MOST_HEADER_BYTES = 4 << 20  # a manifest may have one
_MOST_BODY_BYTES = 1 << 30
_TOKEN_BYTES = 32
_TOKEN_SECONDS = 1.0
_LOOK_SECONDS = 0.05  # how often somebody who waits looks around


class Channel:
    """One end of a connection. One thread sends and receives; any may `close`."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Send a message.

        Raises:
            OSError: the other end is gone.
        """
        packed: bytes = msgpack.packb(header)
        self._socket.sendall(_LENGTHS.pack(len(packed), len(body)) + packed + body)

    def receive(self) -> tuple[dict[str, Any], bytearray]:
        """Wait for a message: its map and its bytes.

        Raises:
            OSError: the other end is gone, or says what no end of ours would.
        """
        header_bytes, body_bytes = _LENGTHS.unpack(self._read(_LENGTHS.size))
        if header_bytes > _MOST_HEADER_BYTES or body_bytes > _MOST_BODY_BYTES:
            raise ConnectionError("the other end announces more than any message has")
        try:
            header = msgpack.unpackb(self._read(header_bytes))
        except ValueError as error:
            raise ConnectionError(f"the other end sends no message ({error})") from error
        if not isinstance(header, dict):
            raise ConnectionError("the other end sends no message")
        return header, self._read(body_bytes)

    def wait(self, seconds: float) -> bool:
        """Whether a message, or the end, can be received before `seconds` have passed."""
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except (TimeoutError, BlockingIOError):
            return False
        finally:
            self._socket.settimeout(None)
        return True

    def close(self) -> None:
        """End the connection; whoever waits on it, on either side, is told."""
        with suppress(OSError):  # the other end was first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self, count: int) -> bytearray:
        return _read(self._socket, count)


class Meeting:
    """Where one process of ours connects to us, once: it shows the secret that it was told."""

    def __init__(self) -> None:
        self._listener = socket.create_server((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.token = secrets.token_bytes(_TOKEN_BYTES)

    def accept(self, is_coming: Callable[[], bool], seconds: float) -> Channel:
        """Wait for it. Whoever else connects is sent away.

        Raises:
            OSError: `is_coming` says no, or it has not come in time.
        """
        until = time.monotonic() + seconds
        self._listener.settimeout(_LOOK_SECONDS)
        while is_coming() and time.monotonic() < until:
            try:
                connection, _ = self._listener.accept()
            except (TimeoutError, BlockingIOError):
                continue
            connection.settimeout(_TOKEN_SECONDS)
            try:
                shown = bytes(_read(connection, _TOKEN_BYTES))
            except OSError:
                shown = b""
            if hmac.compare_digest(shown, self.token):
                return Channel(connection)
            connection.close()
        raise TimeoutError("it does not connect")

    def close(self) -> None:
        self._listener.close()


def connect(port: int, token: bytes) -> Channel:
    """Come to a `Meeting`.

    Raises:
        OSError: it is over.
    """
    connection = socket.create_connection((_HOST, port))
    connection.sendall(token)
    return Channel(connection)


def as_message(**arrays: NDArray[np.float64]) -> tuple[dict[str, Any], bytes]:
    """Float64 arrays as a map of their shapes, by name, and the bytes of their numbers."""
    header = {name: array.shape for name, array in arrays.items()}
    numbers = (np.ascontiguousarray(array, "<f8").tobytes() for array in arrays.values())
    return header, b"".join(numbers)


def read_arrays(
    header: dict[str, Any], names: Sequence[str], body: bytearray
) -> list[NDArray[np.float64]]:
    """The arrays of `as_message`, in the order they were given in.

    Raises:
        ValueError, TypeError, KeyError: the bytes are not those of such arrays.
    """
    shapes = [tuple(header[name]) for name in names]
    counts = [math.prod(shape) for shape in shapes]
    if min(counts) < 0 or 8 * sum(counts) != len(body):
        raise ValueError(f"{len(body)} bytes came where {8 * sum(counts)} were announced")
    numbers, arrays = np.frombuffer(body, "<f8"), []
    for shape, count in zip(shapes, counts, strict=True):
        arrays.append(numbers[:count].reshape(shape))
        numbers = numbers[count:]
    return arrays


def _read(connection: socket.socket, count: int) -> bytearray:
    content = bytearray(count)
    view = memoryview(content)
    while view:
        read = connection.recv_into(view)
        if not read:
            raise ConnectionResetError("the other end is gone")
        view = view[read:]
    return content
