"""When to try again what failed: soon at first, then later and later, then once in a while.

A circuit breaker (M. Nygard: Release It!, 2007): what fails again and again is left alone for a
minute, so that it does not use up the machine by being started; then it gets one trial.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Literal

_FAILURES = 5
_WITHIN_S = 60.0
_OPEN_S = 60.0
_FIRST_DELAY_S = 0.5  # before the second try; the first is at once

BreakerState = Literal["closed", "open", "trial"]


class Breaker:
    """Failures within the last minute, or without a success between, and what follows from them.

    Not thread-safe: whoever tells it of failures also asks it.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failed_at: deque[float] = deque()
        self._in_a_row = 0
        self._retry_at = clock()
        self._open = False

    @property
    def state(self) -> BreakerState:
        """`closed`; `open`: not to be tried; `trial`: to be tried, and open again if that fails."""
        if not self._open:
            return "closed"
        return "open" if self.retry_in_s > 0 else "trial"

    @property
    def retry_in_s(self) -> float:
        """Seconds until the next try; 0 where it may be now."""
        return max(0.0, self._retry_at - self._clock())

    def failed(self) -> None:
        """Count a failure: the next try is put off."""
        now = self._clock()
        while self._failed_at and now - self._failed_at[0] > _WITHIN_S:
            self._failed_at.popleft()
        self._failed_at.append(now)
        self._in_a_row += 1
        count = max(len(self._failed_at), self._in_a_row)
        if self._open or count >= _FAILURES:
            self._open = True
            self._retry_at = now + _OPEN_S
        else:  # 0, 0.5, 1, 2 seconds
            self._retry_at = now + (_FIRST_DELAY_S * 2 ** (count - 2) if count > 1 else 0.0)

    def succeeded(self) -> None:
        """What was tried works. Failures of the last minute stay counted, but for a trial's."""
        self._in_a_row = 0
        if self._open and self.retry_in_s == 0:
            self._open = False
            self._failed_at.clear()
