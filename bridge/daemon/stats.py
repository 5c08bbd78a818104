"""What `health` tells: counts since the start, and the latency of the latest requests."""

from __future__ import annotations

import math
from collections import deque
from time import monotonic

_LATEST = 2048
_FRESH_SECONDS = 1.0


class Stats:
    """Counters and a rolling window of service times, cheap enough to touch on every request."""

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self._started = monotonic()
        self._latest_us: deque[int] = deque(maxlen=_LATEST)
        self._percentiles = (0, 0)
        self._percentiles_at = -math.inf

    @property
    def uptime_s(self) -> int:
        return int(monotonic() - self._started)

    def record(self, server_us: int) -> None:
        """Count a forecast's time inside the daemon."""
        self._latest_us.append(server_us)

    def percentiles_us(self) -> tuple[int, int]:
        """p50 and p99 of the latest forecasts, at most a second old; zeros before the first."""
        now = monotonic()
        if self._latest_us and now - self._percentiles_at > _FRESH_SECONDS:
            ordered = sorted(self._latest_us)
            last = len(ordered) - 1
            self._percentiles = (ordered[last // 2], ordered[math.ceil(last * 0.99)])
            self._percentiles_at = now
        return self._percentiles
