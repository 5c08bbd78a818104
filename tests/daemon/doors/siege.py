"""A real daemon that strangers besiege, and a bystander who asks it all the while."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psutil
import zmq

from bridge.bars import Bars
from tests.conftest import Daemon
from tests.daemon.bystander import Bystander
from tests.daemon.doors.guarded import CURVE_GREETING, GREETING
from tests.daemon.peer import Peer, bits, forecast, ohlc_item
from tests.daemon.ring import KeyedPeer, Ring

PATIENCE_S = 120.0

Bits = tuple[bytes, bytes]


@dataclass(frozen=True)
class Besieged:
    """A daemon of the test's own, which a bystander asks all the while.

    Attributes:
        ring: its keys; None where it has none.
        newcomer: connects one more good client.
    """

    daemon: Daemon
    ring: Ring | None
    newcomer: Callable[[], contextlib.AbstractContextManager[Peer]]

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.daemon.endpoint.removeprefix("tcp://").rpartition(":")
        return host, int(port)

    @property
    def greeting(self) -> bytes:
        """A good greeting, as the daemon wants it."""
        return GREETING if self.ring is None else CURVE_GREETING

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, PATIENCE_S)

    def said(self, text: str) -> int:
        """How many lines of its log have this in them."""
        return sum(text in line for line in self.daemon.log().splitlines())

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.daemon.process.pid)

    def descriptors(self) -> int:
        return self.process.num_handles() if os.name == "nt" else self.process.num_fds()

    def memory(self) -> int:
        return int(self.process.memory_info().rss)


@contextlib.contextmanager
def siege(
    daemon: Daemon,
    ring: Ring | None,
    context: zmq.Context[zmq.Socket[bytes]],
    bars: Bars,
    undisturbed: Sequence[Bits],
) -> Iterator[Besieged]:
    """Lets a bystander ask throughout, and a newcomer at the end."""

    @contextlib.contextmanager
    def newcomer() -> Iterator[Peer]:
        peer = (
            Peer(context, daemon.endpoint)
            if client_keys is None
            else KeyedPeer(context, daemon.endpoint, client_keys)
        )
        with contextlib.closing(peer):
            yield peer

    client_keys = None if ring is None else ring.client("bystander")
    items = [ohlc_item(bars, end=-back) for back in range(1, 9)]
    with newcomer() as peer:
        bystander = Bystander(peer, items, undisturbed)
        bystander.start()
        try:
            yield Besieged(daemon, ring, newcomer)
        finally:
            bystander.finish()
    with newcomer() as peer:
        assert bits(peer.ask(forecast(items[0]))) == undisturbed[0]
    assert "Traceback" not in daemon.log()
    assert daemon.process.poll() is None


def ended(connections: Sequence[socket.socket], seconds: float = PATIENCE_S) -> int:
    """How many of these the other side ends within a time."""
    gone = 0
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)
        end = time.monotonic() + seconds
        while selector.get_map() and time.monotonic() < end:
            for key, _ in selector.select(0.5):
                try:
                    over = not key.fileobj.recv(65_536)  # type: ignore[union-attr]
                except BlockingIOError:
                    over = False
                except OSError:
                    over = True
                if over:
                    selector.unregister(key.fileobj)
                    gone += 1
    return gone
