"""The lanes that have something to do, and whose turn it is in the loop."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from bridge.daemon.lanes.lane import Lane
from bridge.daemon.lanes.watchdog import Watchdog

log = logging.getLogger(__name__)


class Rounds:
    """Gives workers what they can take, and the loop one batch at a time.

    Attributes:
        watchdog: ends what holds the loop up.
    """

    def __init__(self) -> None:
        self.watchdog = Watchdog()
        self._active: dict[Lane, None] = {}  # in turn

    def add(self, lane: Lane) -> None:
        """It has something to do."""
        self._active[lane] = None

    def drop(self, lane: Lane) -> None:
        """It has nothing to do any more."""
        self._active.pop(lane, None)

    def run(self) -> bool:
        """Answer what workers have done, give them more, and compute one batch of a fast lane.

        Returns:
            Whether a fast lane has more to compute.
        """
        fast: Lane | None = None
        others_left = False
        for lane in tuple(self._active) if self._active else ():
            try:
                lane.collect()
                if not lane.is_inline:
                    lane.hand_over()
                elif len(lane):
                    others_left = fast is not None
                    fast = fast or lane
                    continue
            except Exception:
                log.exception("internal error in %s", lane.label)
            if lane.is_idle and not lane.is_away:
                del self._active[lane]
        return fast is not None and (self._run_batch(fast) or others_left)

    def tick(self, lanes: Iterable[Lane], now_ns: int) -> None:
        """Do what is due by the clock (`perf_counter_ns`), of those that have nothing to do too."""
        for lane in lanes:
            try:
                lane.tick(now_ns)
            except Exception:
                log.exception("internal error in %s", lane.label)

    def _run_batch(self, lane: Lane) -> bool:
        """Whether the lane has more; then it is the others' turn."""
        try:
            lane.run_batch(self.watchdog)
        except Exception:
            log.exception("internal error in %s", lane.label)
        del self._active[lane]
        if not lane.is_idle or lane.is_away:
            self._active[lane] = None
        return len(lane) > 0
