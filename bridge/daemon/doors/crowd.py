"""The connections that are open: how many, whose, and which of them are anybody's yet.

libzmq's monitor names a connection by its file descriptor alone, which may be another's by the time
that one hears of it. So each is held by a duplicate of its descriptor as long as it is open: then
one knows whose it is, can hang up on it, and sees in the end whether the peer left or libzmq cut it
off, which no event tells.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic


@dataclass
class Connection:
    """One that is open: a duplicate of its descriptor, and whose it is.

    Of one that had ended before it was heard of there is no duplicate: `unseen`.
    """

    socket: socket.socket | None
    peer: str
    turned_away: bool = False

    @property
    def unseen(self) -> bool:
        """Whether nothing is known of it."""
        return self.socket is None

    def peer_left(self) -> bool:
        """Whether it was ended by the peer, and not by this side. To be asked when it has ended."""
        if self.socket is None:
            return False
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True


class Crowd:
    """Holds connections, and hangs up where there are too many. One thread's.

    Args:
        most: connections at a time; one more is turned away.
        most_waiting: of them, such as have yet to say who they are, and from whose address nobody
            was let in meanwhile; with one more the oldest is turned away. None: as many as come.
        waiting_s: after so long a connection has said who it is, or libzmq has ended it.
        on_full: told of each that is turned away: its peer, and why, in words.
    """

    def __init__(
        self,
        most: int,
        most_waiting: int | None,
        waiting_s: float,
        on_full: Callable[[str, str], None],
    ) -> None:
        self.most = most
        self.port: int | None = None
        self.nobody = "somebody"
        self._most_waiting = most_waiting
        self._waiting_s = waiting_s
        self._on_full = on_full
        self._open: dict[int, Connection] = {}
        self._waiting: dict[int, float] = {}  # since when; the oldest first
        self._turned_away = 0  # of those that are open

    def __len__(self) -> int:
        return len(self._open) - self._turned_away

    def enter(self, descriptor: int) -> None:
        """A connection has been accepted."""
        self.leave(descriptor)  # its former end was not told
        connection = self._open[descriptor] = self._held(descriptor)
        if connection.unseen:
            return
        if len(self) > self.most:
            self._turn_away(connection)
            self._on_full(
                connection.peer,
                f"there are {self.most:,} connections, as many as may be at a time",
            )
        elif self._most_waiting is not None:
            self._wait(descriptor, self._most_waiting)

    def let_in(self, peer: str) -> None:
        """Somebody at this address has said who they are, and is welcome."""
        for descriptor in [each for each in self._waiting if self._open[each].peer == peer]:
            del self._waiting[descriptor]

    def leave(self, descriptor: int) -> tuple[Connection, bool] | None:
        """A connection has ended: which one, and whether its peer left. None: none was open."""
        self._waiting.pop(descriptor, None)
        connection = self._open.pop(descriptor, None)
        if connection is None:
            return None
        left = connection.peer_left()
        if connection.socket is not None:
            connection.socket.close()
        self._turned_away -= connection.turned_away
        return connection, left

    def close(self) -> None:
        """Let go of all."""
        for descriptor in list(self._open):
            self.leave(descriptor)

    def _wait(self, descriptor: int, most: int) -> None:
        now = monotonic()
        self._waiting[descriptor] = now
        while self._waiting:
            oldest, since = next(iter(self._waiting.items()))
            if now - since > self._waiting_s:
                del self._waiting[oldest]
            elif len(self._waiting) > most:
                del self._waiting[oldest]
                self._turn_away(self._open[oldest])
                self._on_full(
                    self._open[oldest].peer,
                    f"there are {most:,} connections that have yet to say who they are, as many "
                    "as may be at a time",
                )
            else:
                break

    def _turn_away(self, connection: Connection) -> None:
        connection.turned_away = True
        self._turned_away += 1
        if connection.socket is not None:
            with suppress(OSError):  # it has left already
                connection.socket.shutdown(socket.SHUT_RDWR)

    def _held(self, descriptor: int) -> Connection:
        """A connection by a duplicate of its descriptor, if that still is its descriptor."""
        unseen = Connection(None, self.nobody)
        try:
            if os.name == "posix" and not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                return unseen
            duplicate = socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._hang_up(descriptor)
            return unseen
        try:
            duplicate.setblocking(False)  # which it is already: libzmq's is
            if self._is_ours(duplicate):
                return Connection(duplicate, duplicate.getpeername()[0])
        except OSError:  # it has left
            pass
        duplicate.close()
        return unseen

    def _hang_up(self, descriptor: int) -> None:
        """Turn a connection away where no descriptor is left to hold it by.

        libzmq would try to accept the next one again and again, as fast as it can.
        """
        with suppress(OSError):
            borrowed = socket.socket(fileno=descriptor)
            try:
                if self._is_ours(borrowed):
                    borrowed.shutdown(socket.SHUT_RDWR)
            finally:
                borrowed.detach()  # it is libzmq's to close
        self._on_full(self.nobody, "no file descriptor is left for it")

    def _is_ours(self, connection: socket.socket) -> bool:
        """Whether it is a connection to the port that is watched."""
        name = connection.getsockname()
        return isinstance(name, tuple) and len(name) > 1 and name[1] == self.port
