"""Waiting for what nothing tells of: a hang fails the test, a slow machine does not."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0


def until(holds: Callable[[], object], what: str = "it") -> None:
    """Wait for something to be so."""
    given_up = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < given_up, f"{what} never came to be"
        time.sleep(0.01)
