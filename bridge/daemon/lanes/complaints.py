"""What the log is told of a model's failures: each kind once in a while, however often."""

from __future__ import annotations

import logging
from threading import Lock
from time import monotonic

from bridge.daemon.telemetry.throttle import WINDOW_S, Throttled

log = logging.getLogger(__name__)


class Complaints:
    """Of one model. The first of a kind is told with its traceback; then one line a minute, and
    how many it stands for. May be used from any thread.

    Args:
        label: of the model.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._throttled = Throttled(log)
        self._lock = Lock()
        self._traced_until: dict[str, float] = {}

    def tell(self, kind: str, message: str, error: Exception | None = None) -> None:
        """Say `message`, a whole sentence.

        Args:
            kind: what happened, in a word.
            error: what was raised.
        """
        if error is not None and self._is_traced(kind):
            log.error("%s", message, exc_info=error, extra={"model": self._label})
        else:
            self._throttled.log(kind, "", message, logging.ERROR)

    def flush(self, *, all_of_it: bool = False) -> None:
        """Say how often what was not said happened, where a minute is over."""
        if all_of_it or self._throttled.due_in_s == 0:
            self._throttled.flush(all_of_it=all_of_it)

    def _is_traced(self, kind: str) -> bool:
        """Whether it is time for a traceback of this kind again."""
        now = monotonic()
        with self._lock:
            if now < self._traced_until.get(kind, 0.0):
                return False
            self._traced_until[kind] = now + WINDOW_S
            return True
