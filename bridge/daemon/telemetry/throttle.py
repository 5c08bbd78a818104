"""What is logged once and not a thousand times: the first of a kind at once, the others counted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

WINDOW_S = 60.0
_MOST_APART = 256
"""Kinds and peers that are told apart at a time: a stranger may come from addresses without end."""
_MANY = "many"
"""Stands for all peers of a kind beyond those."""


@dataclass
class _Window:
    """A kind's current window: since when, what was last to be said, and how often it was not."""

    since: float
    level: int
    message: str
    unsaid: int = 0


class Throttled:
    """A log that says each thing once in a window, for each peer, and then how often it was.

    `log` says the first at once. What follows within the window is counted, and `flush` says the
    number when the window has passed: one line for each window, however much is done to us.
    May be used from any thread.

    Args:
        logger: where it goes.
        window_s: how long one line stands for all.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        logger: logging.Logger,
        window_s: float = WINDOW_S,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._logger = logger
        self._window_s = window_s
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}
        self._lock = threading.Lock()

    def log(self, kind: str, peer: str, message: str, level: int = logging.WARNING) -> None:
        """Say `message`, unless this kind was said of this peer within the window.

        Args:
            kind: what happened, in a word.
            peer: whose doing it was: an address, a client, or "" where nobody is told apart.
            message: one sentence, whole: peer and all.
        """
        now = self._clock()
        with self._lock:
            if (kind, peer) not in self._windows and len(self._windows) >= _MOST_APART:
                peer = _MANY
            window = self._windows.get((kind, peer))
            if window is not None and now - window.since < self._window_s:
                window.unsaid += 1
                window.level, window.message = level, message
                return
            missed = window.unsaid if window is not None else 0
            self._windows[kind, peer] = _Window(now, level, message)
        self._say(level, message, missed, peer)

    def flush(self, *, all_of_it: bool = False) -> None:
        """Say how often what was not said happened, of windows that have passed, or of all."""
        now = self._clock()
        due = []
        with self._lock:
            for key, window in list(self._windows.items()):
                if not all_of_it and now - window.since < self._window_s:
                    continue
                if window.unsaid:
                    due.append((window.level, window.message, window.unsaid, key[1]))
                    self._windows[key] = _Window(now, window.level, window.message)
                else:
                    del self._windows[key]
        for each in due:
            self._say(*each)

    @property
    def due_in_s(self) -> float | None:
        """Seconds until `flush` has something to do; None where it has not."""
        with self._lock:
            if not self._windows:
                return None
            first = min(window.since for window in self._windows.values())
        return max(0.0, first + self._window_s - self._clock())

    def _say(self, level: int, message: str, missed: int, peer: str) -> None:
        if missed:
            times = "once more" if missed == 1 else f"{missed:,} times more"
            by = ", by many," if peer == _MANY else ""
            self._logger.log(level, "%s (and %s%s since it was last said)", message, times, by)
        else:
            self._logger.log(level, "%s", message)
