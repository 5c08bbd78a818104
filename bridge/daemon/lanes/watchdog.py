"""Ends the forecast that the loop computes itself, when the loop has waited for it too long."""

from __future__ import annotations

from threading import Event, Thread
from time import perf_counter_ns
from typing import Protocol

from bridge.backends import Backend

_LOOK_S = 0.2


class Watched(Protocol):
    """What is computed: by whom, since when (`perf_counter_ns`), and for how long at most."""

    backend: Backend
    given_ns: int
    limit_ns: int
    given_up: bool


class Watchdog:
    """A thread that looks a few times a second at what the loop is doing.

    Attributes:
        watched: what the loop computes at the moment; the loop says so, before and after. Where
            it takes too long it is marked as given up, and aborted.
    """

    def __init__(self) -> None:
        self.watched: Watched | None = None
        self._over = Event()
        self._thread = Thread(target=self._look, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch, from now on."""
        self._thread.start()

    def close(self) -> None:
        """Watch no more."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_S):
            watched = self.watched
            if watched is None or perf_counter_ns() - watched.given_ns < watched.limit_ns:
                continue
            watched.given_up = True
            if watched is self.watched:  # it is not over meanwhile
                self.watched = None
                watched.backend.abort()
