"""What experience says of a model's speed: how large its batches may be, and who computes them."""

from __future__ import annotations

MAX_BATCH = 64

_BATCH_US = 200_000  # deadlines, and a stop, wait for a batch of a worker's;
_LOOP_WINDOWS = 5  # everybody for one in the loop, which takes as long as so many lone windows,
_LOOP_BATCH_US = 500  # or as long as this
_MEMORY = 16  # lone windows, over which their time is averaged
_SLOW_US = 2_000  # a window that takes longer does not belong in the loop,
_SLOW_BATCHES = 3  # where so many batches in a row say so: one alone may be the machine's hiccup,
_MUCH_TOO_SLOW_US = 50_000  # unless it was as slow as this
_FAST_US = 1_000  # and one that is faster is not worth to be handed over,
_FAST_BATCHES = 50  # as soon as so many batches in a row say so;
_MOST_FAST_BATCHES = 6_400  # twice as many each time it was taken back


class Pace:
    """Batches grow while they are fast, and shrink when they are not.

    Args:
        has_workers: whether anyone but the loop can compute. If not, the loop does it all.
        may_be_inline: whether the loop may; not where a forecast waits for another process.
    """

    def __init__(self, *, has_workers: bool, may_be_inline: bool) -> None:
        self.batch_limit = 1  # what is known to be fast enough
        self._most = MAX_BATCH
        self._has_workers = has_workers
        self._may_be_inline = may_be_inline or not has_workers
        self._inline = self._may_be_inline
        self._window_us = 0.0  # one by itself
        self._in_a_row = 0  # batches that speak for a change
        self._needed = _FAST_BATCHES

    @property
    def is_inline(self) -> bool:
        """Whether the loop computes, or else workers."""
        return self._inline

    @property
    def budget_us(self) -> int:
        """How long a batch may take."""
        if not self._inline or not self._has_workers:
            return _BATCH_US
        return max(_LOOP_BATCH_US, int(_LOOP_WINDOWS * self._window_us))

    def begin(self, window_us: int) -> None:
        """Before the first batch: how long a window takes by itself."""
        self._window_us = float(window_us)
        self._inline = self._may_be_inline and (window_us < _SLOW_US or not self._has_workers)

    def take_one_at_a_time(self) -> None:
        """The model can do no more."""
        self.batch_limit = self._most = 1

    def learn(self, size: int, took_us: int) -> None:
        """Take account of a batch of `size` windows."""
        if size == 1:
            self._window_us += (took_us - self._window_us) / _MEMORY
        budget_us = self.budget_us
        if took_us > budget_us:
            self.batch_limit = max(1, size * budget_us // took_us)
        elif size == self.batch_limit and took_us < budget_us // 2:
            self.batch_limit = min(self._most, 2 * size)
        if self._has_workers and self._may_be_inline:
            self._choose(took_us / size)

    def leave_the_loop(self) -> None:
        """It held the loop up: from now on workers compute, until it has been fast for long."""
        self._inline = not self._has_workers
        self._in_a_row = 0
        self._needed = min(2 * self._needed, _MOST_FAST_BATCHES)

    def _choose(self, window_us: float) -> None:
        if self._inline:
            self._in_a_row = self._in_a_row + 1 if window_us > _SLOW_US else 0
            if self._in_a_row >= _SLOW_BATCHES or window_us > _MUCH_TOO_SLOW_US:
                self.leave_the_loop()
        else:
            self._in_a_row = self._in_a_row + 1 if window_us < _FAST_US else 0
            if self._in_a_row >= self._needed:
                self._inline, self._in_a_row = True, 0
                self.batch_limit = max(1, min(self.batch_limit, int(self.budget_us / window_us)))
