"""Clients that behave badly: `python -m tests.torture.rabble KIND PORT SECONDS SEED BODIES`.

A program of its own, so that it can be killed at any moment, and light, so that many can be
started. Ends by itself after its seconds, and then prints what it was answered, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import random
import select
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgpack

from tests.bench.framing import Zmtp

_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48)
_TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64))
_HTTP = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n"
_RESET = struct.pack("ii", 1, 0)
_WAIT_S = 2.0
_FRAMING = Zmtp()


class Rabble:
    """One such program's work.

    Args:
        bodies: good requests, as msgpack.
    """

    def __init__(self, port: int, seconds: float, seed: int, bodies: list[bytes]) -> None:
        self.codes: Counter[str] = Counter()
        self._port = port
        self._until = time.monotonic() + seconds
        self._draw = random.Random(seed)
        self._bodies = bodies
        self._arrived: dict[socket.socket, bytearray] = {}

    def polite(self) -> None:
        """A few clients that ask and wait for the answer, as good ones do; they get killed."""
        peers = [peer for _ in range(4) if (peer := self._greeted())]
        while peers and time.monotonic() < self._until:
            for peer in peers:
                peer.sendall(self._request())
            self._take_answers(peers, _WAIT_S, len(peers))

    def flood(self) -> None:
        """Many that ask far more than can be answered, and read the answers."""
        count, burst = self._draw.choice([(1, 2000), (8, 200), (64, 20)])
        peers = [peer for _ in range(count) if (peer := self._greeted())]
        while peers and time.monotonic() < self._until:
            for peer in peers:
                peer.sendall(b"".join(self._request() for _ in range(burst)))
                self._take_answers(peers, 0.0, count)

    def deaf(self) -> None:
        """Some that ask and ask, and never read an answer."""
        peers = [peer for _ in range(4) if (peer := self._greeted())]
        for peer in peers:
            peer.settimeout(0.05)
        while peers and time.monotonic() < self._until:
            for peer in peers:
                with contextlib.suppress(TimeoutError):
                    peer.sendall(self._request() * 50)  # cut where it blocks: garbage from there on

    def garbage(self) -> None:
        """What is no ZMTP, is none from some point on, or is no request."""
        while time.monotonic() < self._until:
            with contextlib.suppress(OSError):
                self._draw.choice([self._noise, self._huge, self._nonsense, self._mutants])()

    def churn(self) -> None:
        """Connections that open and close at once, at any point of what they have to say."""
        while time.monotonic() < self._until:
            whole = _GREETING + b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ"
            whole += self._request()
            with contextlib.suppress(OSError), self._connected() as peer:
                peer.sendall(whole[: self._draw.randrange(len(whole) + 1)])
                if self._draw.random() < 0.5:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                elif self._draw.random() < 0.5:
                    peer.recv(100)

    def loris(self) -> None:
        """Many that greet a byte at a time, or not at all."""
        peers = []
        with contextlib.suppress(OSError):
            peers += [self._connected() for _ in range(150)]
        for byte in _GREETING * 100:
            if time.monotonic() > self._until:
                return
            for peer in peers[::2]:
                with contextlib.suppress(OSError):
                    peer.send(bytes([byte]))
            time.sleep(0.05)

    def _noise(self) -> None:
        with self._connected() as peer:
            size = self._draw.randrange(1, 5000)
            peer.sendall(self._draw.choice([_HTTP, _TLS, self._draw.randbytes(size)]))
            peer.recv(100)

    def _huge(self) -> None:
        """A frame of a gigabyte is announced, and some of it sent."""
        with self._greeted() or self._connected() as peer:
            peer.sendall(b"\x01\x00\x02" + (1 << 30).to_bytes(8, "big") + bytes(10_000))
            peer.recv(100)

    def _nonsense(self) -> None:
        """Frames that are no request: of random bytes, too many of them, or without delimiter."""
        with self._greeted() or self._connected() as peer:
            for _ in range(self._draw.randrange(1, 20)):
                frames = [self._draw.randbytes(self._draw.randrange(200)) for _ in range(4)]
                frames = frames[: self._draw.randrange(1, 5)]
                for frame in frames[:-1]:
                    peer.sendall(bytes([1, len(frame)]) + frame)
                peer.sendall(bytes([0, len(frames[-1])]) + frames[-1])
            peer.recv(10_000)

    def _mutants(self) -> None:
        """Good requests with a few bytes changed, cut or put in."""
        with self._greeted() or self._connected() as peer:
            for _ in range(self._draw.randrange(1, 30)):
                body = bytearray(self._draw.choice(self._bodies))
                for _ in range(self._draw.randrange(1, 6)):
                    at = self._draw.randrange(min(len(body), 200))
                    body[at : at + self._draw.randrange(2)] = self._draw.randbytes(
                        self._draw.randrange(3)
                    )
                if self._draw.random() < 0.3:
                    del body[self._draw.randrange(len(body)) :]
                peer.sendall(_FRAMING.request(bytes(body)))
            peer.recv(10_000)

    def _take_answers(self, peers: list[socket.socket], seconds: float, count: int) -> None:
        """Read what has come, and count the codes."""
        for _ in range(count):
            ready, _, _ = select.select(peers, [], [], seconds)
            if not ready:
                return
            for peer in ready:
                more = peer.recv(1 << 16)
                if not more:
                    raise ConnectionResetError("the daemon closed the connection")
                arrived = self._arrived.setdefault(peer, bytearray())
                arrived += more
                while body := _FRAMING.take(arrived):
                    reply = msgpack.unpackb(body)
                    self.codes["ok" if reply["ok"] else reply["code"]] += 1

    def _request(self) -> bytes:
        return _FRAMING.request(self._draw.choice(self._bodies))

    def _connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), _WAIT_S)

    def _greeted(self) -> socket.socket | None:
        """None where nobody answers."""
        with contextlib.suppress(OSError, AssertionError):
            peer = self._connected()
            _FRAMING.greet(peer)
            return peer
        return None


KINDS = ("polite", "flood", "deaf", "garbage", "churn", "loris")


def main() -> None:
    kind, port, seconds, seed, bodies = sys.argv[1:]
    requests = msgpack.unpackb(Path(bodies).read_bytes())
    rabble = Rabble(int(port), float(seconds), int(seed), requests)
    work: Callable[[], None] = getattr(rabble, kind)
    with contextlib.suppress(OSError):  # the daemon was killed
        work()
    sys.stdout.write(json.dumps(rabble.codes))


if __name__ == "__main__":
    main()
