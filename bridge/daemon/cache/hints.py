"""Tells at a glance of most windows that they were never asked about, so that no digest is needed.

Its digest is the dearest of all that is done for a request beside the forecast itself. Who asks
about a new bar, though, asks about a time and a last price that nobody has asked about before.
"""

from __future__ import annotations

from bridge.wire.messages import FLOAT64_BYTES, ForecastRequest

_SLOTS_EACH = 16  # of what is remembered: the more, the seldomer two windows share one
_AGES = 255
_REMEMBERED = 2  # ages: the one that is, and the one before


class Hints:
    """Which windows may have been noted: all that were lately, and a few others by chance.

    Args:
        most: as many of the latest are remembered, at least. Each takes 16 bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._age_by_slot = bytearray(1 << (_SLOTS_EACH * most - 1).bit_length())
        self._mask = len(self._age_by_slot) - 1
        self._age = 1
        self._left = most

    def may_know(self, label: str, request: ForecastRequest) -> bool:
        """Whether a window may have been noted for this model."""
        age = self._age_by_slot[_hash(label, request) & self._mask]
        return age != 0 and (self._age - age) % _AGES < _REMEMBERED

    def note(self, label: str, request: ForecastRequest) -> None:
        """Remember a window."""
        self._age_by_slot[_hash(label, request) & self._mask] = self._age
        self._left -= 1
        if not self._left:
            self._left = self._most
            self._age = self._age % _AGES + 1


def _hash(label: str, request: ForecastRequest) -> int:
    return hash((label, request.tf, request.time, request.values[-FLOAT64_BYTES:]))
