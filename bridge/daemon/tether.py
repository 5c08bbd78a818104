"""Ties a daemon to the supervisor that started it: one does not outlive the other.

Two pipes, which every system closes when a process ends, however it ends. Standard input is the
supervisor's: when it closes, it has ended, or wants the daemon to. Standard output is the daemon's:
a line every two seconds says that its loop turns, whoever floods its socket.
"""

from __future__ import annotations

import logging
import os
import sys
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as Late
from contextlib import suppress
from threading import Event, Thread

from bridge.daemon.server import Server
from bridge.wire.control import ALIVE, DEFAULT

log = logging.getLogger(__name__)

_BEAT_S = 2.0
_LOOP_S = 60.0  # by then the supervisor has ended a loop that does not turn
_STOP_S = 15.0
_STDIN = 0


class Tether:
    """Threads that hear and tell, from `with` until the daemon ends.

    Args:
        server: is stopped when the supervisor is gone; the process is ended where that takes
            longer than 15 s: a loop that hangs would keep the port from the next daemon.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._over = Event()

    def __enter__(self) -> Tether:
        # What this process starts inherits an empty input: it must not hold the pipe, and on
        # Windows it would wait for whoever reads it here.
        pipe = os.dup(_STDIN)
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, _STDIN)
        os.close(empty)
        Thread(target=self._listen, args=(pipe,), name="tether", daemon=True).start()
        Thread(target=self._beat, name="heartbeat", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def tell_default(self, model: str) -> None:
        """Have the supervisor start the next daemon with this default."""
        _say(DEFAULT + model)

    def _listen(self, pipe: int) -> None:
        with suppress(OSError):
            while os.read(pipe, 64):
                pass
        if self._over.is_set():
            return
        log.info("the supervisor has ended, or wants an end")
        self._server.stop()
        if not self._over.wait(_STOP_S):
            log.error("the loop does not turn: the process is ended")
            os._exit(1)

    def _beat(self) -> None:
        with suppress(OSError, ValueError, CancelledError, Late):
            while not self._over.wait(_BEAT_S):
                self._server.change(_nothing).result(_LOOP_S)
                _say(ALIVE)


def _say(line: str) -> None:
    """One line in one piece: others print, too."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _nothing() -> None:
    """What the loop does to show that it turns."""
