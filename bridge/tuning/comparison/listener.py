"""Where a comparison tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Listener:
    """Where a comparison tells of its progress: what it does, and the share that is done."""

    stage: Callable[[str], None] = lambda text: None
    advanced: Callable[[float], None] = lambda share: None
