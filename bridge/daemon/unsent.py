"""Large replies that have not left: a client that asks and does not read is asked to read first.

libzmq keeps up to a thousand replies of a client that does not take them, however large they are,
and a batch's may have 15 MiB. Small ones it may keep: a thousand of them take 8 MiB at most.
"""

from __future__ import annotations

from zmq import MessageTracker

from bridge.wire.errors import Code, WireError

LARGE_BYTES = 8 * 1024
"""A reply of this size is worth being looked after."""

_ROOM_BYTES = 128 * 1024 * 1024
_FEW_CLIENTS = 64  # so many may be looked after whose replies have left


class Unsent:
    """Counts the bytes of large replies that libzmq still holds, for each client.

    A client may have as much unsent as there is room left, as in a `FairQueue`: one alone half of
    the room, two a third each. Who has nothing unsent may always ask.

    Attributes:
        by_client: of those who lately had a large reply: what has not left, when it was looked at.
    """

    def __init__(self, room_bytes: int = _ROOM_BYTES) -> None:
        self.by_client: dict[bytes, list[tuple[MessageTracker, int]]] = {}
        self._room_bytes = room_bytes
        self._sweep_at = _FEW_CLIENTS

    def note(self, client: bytes, tracker: MessageTracker, size: int) -> None:
        """A large reply was given to libzmq; `tracker` tells when it has left, or never will."""
        if len(self.by_client) >= self._sweep_at:
            self._look_at(*self.by_client)
            self._sweep_at = 2 * len(self.by_client) + _FEW_CLIENTS
        self.by_client.setdefault(client, []).append((tracker, size))

    def require_read(self, client: bytes) -> None:
        """Have a client ask only as long as it reads what it is answered.

        Raises:
            WireError: `busy`: too much of what it asked for before is still here.
        """
        self._look_at(client)
        if client not in self.by_client:
            return
        self._look_at(*self.by_client)
        unsent, in_all = self._bytes(client), self._bytes(*self.by_client)
        if unsent > self._room_bytes - in_all:
            raise WireError(
                Code.BUSY,
                f"{unsent:,} bytes of replies wait here for you to read them: do so, and ask again",
            )

    def _look_at(self, *clients: bytes) -> None:
        """Forget what has left."""
        for client in clients:
            left = [reply for reply in self.by_client.get(client, ()) if not reply[0].done]
            if left:
                self.by_client[client] = left
            else:
                self.by_client.pop(client, None)

    def _bytes(self, *clients: bytes) -> int:
        return sum(size for client in clients for _, size in self.by_client.get(client, ()))
