"""What was done to the daemon when, and which failures that excuses."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

DOWN = "down"
"""The daemon was ended, or is being started: connections break, and nobody answers."""
DRAINING = "draining"
"""It was told to stop."""
FROZEN = "frozen"
"""It was kept from running, for less than what anybody waits."""


def failing(model: str) -> str:
    """What runs a model, by name, was ended, or hangs."""
    return f"{model} fails"


class Excuses:
    """Spans of time, by kind, in which a kind of failure is no surprise. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: dict[str, list[tuple[float, float]]] = {}

    @contextmanager
    def span(self, *kinds: str) -> Iterator[None]:
        """These kinds are excused while the block lasts."""
        begun = [self._begin(kind) for kind in kinds]
        try:
            yield
        finally:
            with self._lock:
                for kind, index in zip(kinds, begun, strict=True):
                    self._spans[kind][index] = (self._spans[kind][index][0], time.monotonic())

    def covers(self, kind: str, since: float, until: float | None = None) -> bool:
        """Whether any span of a kind has a moment in common with this one (`monotonic`)."""
        until = time.monotonic() if until is None else until
        with self._lock:
            return any(
                first <= until and since <= last for first, last in self._spans.get(kind, ())
            )

    def now(self, kind: str) -> bool:
        """Whether a kind is excused at the moment."""
        now = time.monotonic()
        return self.covers(kind, now, now)

    def _begin(self, kind: str) -> int:
        with self._lock:
            spans = self._spans.setdefault(kind, [])
            spans.append((time.monotonic(), inf))
            return len(spans) - 1
