"""Opening a model again that stopped working, without anyone waiting for it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import ceil
from threading import Thread

from bridge.backends import Backend
from bridge.daemon.lanes.breaker import Breaker

log = logging.getLogger(__name__)


class Restart:
    """Tries to open one model again, as often as a breaker lets it. Methods are the loop's.

    Args:
        label: of the model.
        reopen: loads it, in a thread of its own; raises whatever is wrong.

    Attributes:
        breaker: knows when the next try is.
        ring: called in that thread when a try is over.
    """

    def __init__(self, label: str, reopen: Callable[[], Backend]) -> None:
        self.breaker = Breaker()
        self.ring: Callable[[], None] = _nobody
        self._label = label
        self._reopen = reopen
        self._ended: deque[Backend | Exception] = deque()
        self._broken: Backend | None = None
        self._is_trying = self._is_closed = False

    def begin(self, broken: Backend, why: str) -> None:
        """The model stopped working: end it, and open it again."""
        self.breaker.failed()
        self._broken = broken
        log.error("%s: %s; it is opened again %s", self._label, why, self._when())
        self.try_when_due()

    def try_when_due(self) -> None:
        """Start a try, where it is time and none is under way."""
        if self._is_trying or self._is_closed or self.breaker.retry_in_s > 0:
            return
        self._is_trying = True
        broken, self._broken = self._broken, None
        arguments = (broken, self._reopen, self._ended, self)
        try:
            Thread(target=_try, args=arguments, name=f"open {self._label}", daemon=True).start()
        except RuntimeError as error:  # the system gives no thread; it may in a while
            self._is_trying, self._broken = False, broken
            self._note_failure(error)

    def take(self) -> Backend | None:
        """The model, where it could be opened."""
        if not self._ended:
            return None
        opened = self._ended.popleft()
        self._is_trying = False
        if not isinstance(opened, Exception):
            log.info("%s: it is opened again", self._label)
            return opened
        self._note_failure(opened)
        return None

    def close(self) -> None:
        """Try no more. A model that is still being opened is closed as soon as it is there."""
        self._is_closed = True
        if self._broken is not None:
            _end(self._broken)
            self._broken = None
        with suppress(IndexError):  # two threads may come here
            while True:
                opened = self._ended.popleft()
                if not isinstance(opened, Exception):
                    opened.close()

    def closed_meanwhile(self) -> bool:
        """Whether nobody wants the model any more; for the thread that opens it."""
        return self._is_closed

    def _note_failure(self, error: Exception) -> None:
        self.breaker.failed()
        log.error("%s cannot be opened again: %s; next %s", self._label, error, self._when())

    def _when(self) -> str:
        seconds = ceil(self.breaker.retry_in_s)
        return f"in {seconds} s" if seconds else "at once"


def _try(
    broken: Backend | None,
    reopen: Callable[[], Backend],
    ended: deque[Backend | Exception],
    restart: Restart,
) -> None:
    if broken is not None:
        _end(broken)  # first, so that its memory is free before the new one takes as much
    try:
        opened: Backend | Exception = reopen()
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told, and tried again)
        opened = error.with_traceback(None)
    ended.append(opened)
    if restart.closed_meanwhile():
        restart.close()
    restart.ring()


def _end(backend: Backend) -> None:
    """Free whoever still waits in a model that stopped working, and what it holds."""
    try:
        backend.abort()
        backend.close()
    except Exception:
        # It is broken: whatever it says, it is let go of.
        log.exception("a model that stopped working could not be closed")


def _nobody() -> None:
    """Where no loop waits."""
