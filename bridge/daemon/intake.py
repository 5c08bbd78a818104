"""What was taken off the socket and waits to be read, in an order that is fair between clients."""

from __future__ import annotations

from typing import NamedTuple

from bridge.daemon.fair_queue import FairQueue, Full
from bridge.wire.errors import Code, WireError

_ROOM = 4096
_UNIT_BYTES = 16 * 1024  # a message takes a place, and one more for each of these: 64 MiB in all


class Message(NamedTuple):
    """A request in REQ's envelope: who sent it, its body, and when it came (`perf_counter_ns`)."""

    peer: bytes
    body: bytes
    received_ns: int


class Intake:
    """Requests that nobody has looked into yet.

    Taking them off the socket early is what lets a client that asks seldom overtake those that
    flood; they are cheap to hold, and too many of one client are refused at once.
    """

    def __init__(self) -> None:
        self._queue: FairQueue[Message] = FairQueue(_ROOM)

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, message: Message) -> None:
        """Let a request wait.

        Raises:
            WireError: `busy`.
        """
        cost = 1 + len(message.body) // _UNIT_BYTES
        try:
            self._queue.put(message.peer, message, cost)
        except Full as full:
            raise WireError(
                Code.BUSY,
                f"{len(self._queue)} requests wait here, and yours are "
                f"{full.of_client / _ROOM:.0%} of what may: try again, asking less at once",
            ) from None

    def pop(self) -> Message:
        """The request whose turn it is."""
        return self._queue.pop()
