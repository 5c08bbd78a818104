"""Who keeps a lane's model: whether it works, and what is done when it does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import ceil
from threading import Thread
from typing import Literal

from bridge.backends import Backend
from bridge.daemon.lanes.restart import Restart
from bridge.wire.errors import Code, WireError

log = logging.getLogger(__name__)

FAILED_IN_A_ROW = 10
"""Batches, until the model is asked what any model can answer."""


class Keeper:
    """Holds the backend of one lane as long as it works, and has what stopped opened again.

    All methods are the loop's, but for `close`, after it.

    Args:
        label: of the model.
        backend: the model.
        reopen: loads it anew, in a thread of its own; None where that cannot be done.

    Attributes:
        backend: None while it is away: it stopped working and is not back yet.
    """

    def __init__(
        self, label: str, backend: Backend, reopen: Callable[[], Backend] | None = None
    ) -> None:
        self.backend: Backend | None = backend
        self._label = label
        self._failed_in_a_row = 0
        self._restart = None if reopen is None else Restart(label, reopen)

    @property
    def state(self) -> Literal["ready", "restarting", "open"]:
        """`restarting`: it is opened again; `open`: that failed too often, it is left alone."""
        if self.backend is not None or self._restart is None:
            return "ready"
        return "open" if self._restart.breaker.state == "open" else "restarting"

    def ring_with(self, ring: Callable[[], None]) -> None:
        """Have the loop woken by `ring` when the model is back."""
        if self._restart is not None:
            self._restart.ring = ring

    def note_success(self, backend: Backend | None) -> None:
        """It answered."""
        self._failed_in_a_row = 0
        if self._restart is not None and backend is self.backend:
            self._restart.breaker.succeeded()

    def note_failure(self) -> bool:
        """It answered not one window of a batch; whether that is so often that it is suspect."""
        self._failed_in_a_row += 1
        return self._failed_in_a_row == FAILED_IN_A_ROW

    def acquit(self) -> None:
        """It answered what any model can: the windows were at fault."""
        self._failed_in_a_row = 0

    def replace(self, backend: Backend, why: str) -> bool:
        """Have the model opened again; whether it is away from now on."""
        if backend is not self.backend:  # it is being replaced already, or has been
            return False
        self._failed_in_a_row = 0
        if self._restart is None:
            log.error("%s: %s; it cannot be opened again", self._label, why)
            Thread(target=backend.abort, name=f"end {self._label}", daemon=True).start()
            return False
        self.backend = None
        self._restart.begin(backend, why)
        return True

    def look_after(self) -> None:
        """Take the model back where it was opened again; have that tried where it is time."""
        if self.backend is None and self._restart is not None:
            self.backend = self._restart.take()
            if self.backend is None:
                self._restart.try_when_due()

    def away(self) -> WireError:
        """What those are told who ask meanwhile."""
        seconds = 0 if self._restart is None else ceil(self._restart.breaker.retry_in_s)
        when = f"is started again in {seconds} s: try again then"
        if not seconds:
            when = "is being started again: try again in a moment"
        return WireError(Code.MODEL_FAILED, f"{self._label} stopped working and {when}")

    def close(self) -> Backend | None:
        """Open nothing any more; the model, for whoever closes it, where it is here."""
        backend, self.backend = self.backend, None
        if self._restart is not None:
            self._restart.close()
        return backend
