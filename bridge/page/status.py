"""A snapshot as JSON: made at most once a second, whoever asks, and in small steps.

The page lives in the daemon's process, and what holds the interpreter there holds the daemon up.
So long lists are written piece by piece, a forecast only once for as long as it stays the same,
and between two pieces the interpreter is offered to whoever waits for it.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

Snapshot = Callable[[], dict[str, Any]]

_FRESH_S = 1.0  # a little less than the page waits between two questions
_WAIT_S = 5.0  # for another thread's snapshot, where there is none yet
_FORECASTS_AT_ONCE, _ROWS_AT_ONCE = 2, 60  # written before the interpreter is offered to others,
_PAUSE_S = 0.0005  # for so long: with no pause at all nobody would get it


class StatusError(RuntimeError):
    """There is no status to give now. The message says why."""


class Status:
    """The latest snapshot's JSON, shared by all who ask. Any thread may call `body`.

    Args:
        snapshot: makes a new one; called by one thread at a time, at most once a second.
        clock: seconds, never going back.
    """

    def __init__(self, snapshot: Snapshot, clock: Callable[[], float] = time.monotonic) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._making = threading.Lock()
        self._latest: bytes | Exception | None = None
        self._made_at = -math.inf
        self._forecasts: dict[tuple[object, ...], bytes] = {}

    def body(self) -> bytes:
        """The status as UTF-8 JSON, about a second old at most where a snapshot takes no longer.

        While one thread makes a snapshot the others are given the one before.

        Raises:
            StatusError: there is none before, and the first takes too long.
            Exception: whatever `snapshot` raised, for a second.
        """
        latest = self._latest
        if latest is None or not self._is_fresh():
            if self._making.acquire(timeout=_WAIT_S if latest is None else 0):
                try:
                    if not self._is_fresh():
                        self._make()
                finally:
                    self._making.release()
            elif latest is None:
                raise StatusError("the first status is still being made: ask again")
            latest = self._latest
        if isinstance(latest, bytes):
            return latest
        assert latest is not None
        raise latest

    def _is_fresh(self) -> bool:
        return self._clock() - self._made_at < _FRESH_S

    def _make(self) -> None:
        began = self._clock()
        try:
            self._latest = self._made()
        except Exception as error:  # noqa: BLE001 - told to all who ask within the second
            self._latest = error
        self._made_at = began

    def _made(self) -> bytes:
        snapshot = self._snapshot()
        forecasts: dict[tuple[object, ...], bytes] = {}
        fresh = 0
        for forecast in snapshot.get("forecasts", ()):
            key = _identity(forecast)
            written = self._forecasts.get(key)
            if written is None:
                written = _json(forecast)
                fresh += 1
                if fresh % _FORECASTS_AT_ONCE == 0:
                    time.sleep(_PAUSE_S)
            forecasts[key] = written
        self._forecasts = forecasts
        fields = {name: value for name, value in snapshot.items() if name != "forecasts"}
        written_fields = [_json(name) + b":" + _field(value) for name, value in fields.items()]
        written_fields.append(b'"forecasts":[' + b",".join(forecasts.values()) + b"]")
        return b"{" + b",".join(written_fields) + b"}"


def _identity(forecast: Mapping[str, Any]) -> tuple[object, ...]:
    """What two forecasts must have in common to be the same answer to the same question."""
    names = ("symbol", "tf", "model", "time", "asked_at", "cached", "server_us")
    return tuple(forecast.get(name) for name in names)


def _field(value: object) -> bytes:
    if not isinstance(value, list) or len(value) <= _ROWS_AT_ONCE:
        return _json(value)
    pieces = []
    for start in range(0, len(value), _ROWS_AT_ONCE):
        pieces.append(_json(value[start : start + _ROWS_AT_ONCE])[1:-1])
        time.sleep(_PAUSE_S)
    return b"[" + b",".join(pieces) + b"]"


def _json(value: object) -> bytes:
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:  # JSON has no NaN and no infinity
        text = json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))
    return text.encode()


def _finite(value: object) -> object:
    """The value with null in place of every number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return value
