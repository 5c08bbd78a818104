"""Tells at a glance of most windows that they were never asked about, so that no digest is needed.

Its digest is the dearest of all that is done for a request beside the forecast itself. Who asks
about a new bar, though, asks about a time and a last price that nobody has asked about before.
"""

from __future__ import annotations

from bridge.wire.messages import FLOAT64_BYTES, ForecastRequest

_SLOTS = 1 << 22  # bytes of memory, too: the more, the seldomer two windows share one
_OF_AN_AGE = 1 << 18  # forecasts noted before the oldest are forgotten,
_AGES = 255
_REMEMBERED = 2  # which are those of earlier ages than the last


class Hints:
    """Which windows may have been noted: all that were lately, and a few others by chance.

    At least the latest 262,144 are remembered: more than a cache of 128 MiB holds.
    """

    def __init__(self) -> None:
        self._age_by_slot = bytearray(_SLOTS)
        self._age = 1
        self._left = _OF_AN_AGE

    def may_know(self, label: str, request: ForecastRequest) -> bool:
        """Whether a window may have been noted for this model."""
        age = self._age_by_slot[_slot(label, request)]
        return age != 0 and (self._age - age) % _AGES < _REMEMBERED

    def note(self, label: str, request: ForecastRequest) -> None:
        """Remember a window."""
        self._age_by_slot[_slot(label, request)] = self._age
        self._left -= 1
        if not self._left:
            self._left = _OF_AN_AGE
            self._age = self._age % _AGES + 1


def _slot(label: str, request: ForecastRequest) -> int:
    last = request.values[-FLOAT64_BYTES:]
    return hash((label, request.tf, request.time, last)) & (_SLOTS - 1)
