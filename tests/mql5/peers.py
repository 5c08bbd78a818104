"""What listens where a daemon should: peers made of bytes, as hostile as a test wants them, and
sockets of libzmq's.

def peer(talk: Talk) -> None:
    talk.greet()
    body = talk.request()
    talk.reply(body)

with Listener(peer) as listener: ...
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType

import zmq

GREETING_BYTES = 64
MORE, LONG, COMMAND = 1, 2, 4


def greeting(major: int = 3, minor: int = 1, mechanism: bytes = b"NULL") -> bytes:
    """A peer's first bytes."""
    signature = b"\xff" + bytes(8) + b"\x7f"
    return (signature + bytes([major, minor]) + mechanism.ljust(20, b"\0")).ljust(64, b"\0")


def frame(body: bytes, flags: int = 0) -> bytes:
    """A frame with its length in the shorter form that holds it, or in the long one if flagged."""
    if len(body) > 255 or flags & LONG:
        return struct.pack(">BQ", flags | LONG, len(body)) + body
    return bytes([flags, len(body)]) + body


def command(name: bytes, data: bytes = b"") -> bytes:
    """A command's frame."""
    return frame(bytes([len(name)]) + name + data, COMMAND)


def ready(socket_type: bytes = b"ROUTER", name: bytes = b"Socket-Type", more: bytes = b"") -> bytes:
    """A READY of a socket of this type."""
    value = struct.pack(">I", len(socket_type)) + socket_type
    return command(b"READY", bytes([len(name)]) + name + value + more)


def enveloped(body: bytes) -> bytes:
    """A reply to a REQ socket: the empty delimiter, then the body."""
    return frame(b"", MORE) + frame(body)


class Left(Exception):
    """The client closed its connection."""


class Talk:
    """One connection, seen from the server.

    Attributes:
        received: every byte that the client has sent.
    """

    def __init__(self, connection: socket.socket, ending: threading.Event) -> None:
        self.connection = connection
        self.received = bytearray()
        self._taken = 0
        self._ending = ending

    def send(self, *pieces: bytes, pause: float = 0) -> None:
        """Send pieces, each on its own, with a pause after each."""
        for piece in pieces:
            try:
                self.connection.sendall(piece)
            except OSError as error:
                raise Left from error
            if pause:
                time.sleep(pause)

    def take(self, count: int) -> bytes:
        """The next `count` bytes of the client's."""
        while len(self.received) - self._taken < count:
            try:
                more = self.connection.recv(1 << 16)
            except TimeoutError:
                if self._ending.is_set():
                    raise Left from None
                continue
            except OSError as error:
                raise Left from error
            if not more:
                raise Left
            self.received += more
        taken = bytes(self.received[self._taken : self._taken + count])
        self._taken += count
        return taken

    def take_frame(self) -> tuple[int, bytes]:
        """The next frame: its flags and its body."""
        flags, length = self.take(2)
        if flags & LONG:
            (length,) = struct.unpack(">Q", bytes([length]) + self.take(7))
        return flags, self.take(length)

    def greet(self, ours: bytes | None = None, ours_ready: bytes | None = None) -> None:
        """Greeting and READY, both ways."""
        self.send(greeting() if ours is None else ours)
        self.take(GREETING_BYTES)
        self.take_frame()
        self.send(ready() if ours_ready is None else ours_ready)

    def request(self) -> bytes:
        """The body of the next request."""
        delimiter = self.take_frame()
        assert delimiter == (MORE, b""), delimiter
        flags, body = self.take_frame()
        assert flags in (0, LONG), flags
        return body

    def reply(self, body: bytes) -> None:
        """Answer in REQ's envelope, in one piece."""
        self.send(enveloped(body))

    def wait(self) -> None:
        """Take what comes until the client leaves."""
        while True:
            self.take(1)


Behaviour = Callable[[Talk], None]


class Listener:
    """A server on a port of its own, which treats connections as it is told to, each in a thread.

    Attributes:
        endpoint: where it listens.
        talks: the connections so far, in order.
    """

    def __init__(self, *behaviours: Behaviour) -> None:
        """Treat the connections in turn; those that come later like the last one."""
        self.talks: list[Talk] = []
        self._behaviours = behaviours
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.05)
        self.endpoint = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._listen, name="listener")]

    def __enter__(self) -> Listener:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._server.close()

    def _listen(self) -> None:
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._server.accept()
                connection.settimeout(0.05)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                talk = Talk(connection, self._ending)
                self.talks.append(talk)
                behave = self._behaviours[min(len(self.talks), len(self._behaviours)) - 1]
                thread = threading.Thread(target=self._treat, args=(talk, behave), name="talk")
                self._threads.append(thread)
                thread.start()

    def _treat(self, talk: Talk, behave: Behaviour) -> None:
        with talk.connection, contextlib.suppress(Left):
            behave(talk)


Treatment = Callable[["zmq.Socket[bytes]", list[bytes]], None]
"""Called with a socket and the message that came by it."""


def send_back(socket_: zmq.Socket[bytes], message: list[bytes]) -> None:
    """Answer a message with itself."""
    socket_.send_multipart(message)


@contextlib.contextmanager
def zeromq(
    treat: Treatment = send_back, *, kind: int = zmq.ROUTER, curve_secret: str = ""
) -> Iterator[str]:
    """A socket of libzmq's that treats each message as it is told to; gives its endpoint."""
    with zmq.Context() as context, context.socket(kind) as server:
        server.linger = 0
        if curve_secret:
            server.curve_secretkey = curve_secret.encode()
            server.curve_server = True
        server.bind("tcp://127.0.0.1:*")
        ending = threading.Event()

        def run() -> None:
            while not ending.is_set():
                if server.poll(20):
                    treat(server, server.recv_multipart())

        thread = threading.Thread(target=run, name="libzmq's peer")
        thread.start()
        try:
            yield server.getsockopt_string(zmq.LAST_ENDPOINT)
        finally:
            ending.set()
            thread.join()


def unused_endpoint() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"
