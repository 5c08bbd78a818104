"""A lane: one loaded bundle, the jobs that wait for it, and the batch that answers them."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from bridge.backends import Backend, BackendError, Forecasts, require_promised
from bridge.bundles import Bundle
from bridge.daemon.window import window_for
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import ForecastRequest

log = logging.getLogger(__name__)

MAX_BATCH = 64
MAX_WAITING = 4096
_BATCH_US = 200_000  # deadlines, other lanes and a stop should wait no longer for a batch


@dataclass(frozen=True)
class Outcome:
    """What became of a job: quantiles [H, Q] and up [H], or an error."""

    quantiles: NDArray[np.float64] | None
    up: NDArray[np.float64] | None
    infer_us: int
    error: WireError | None = None


@dataclass(frozen=True)
class Job:
    """A window that waits: `deliver` is called once, with what became of it."""

    window: NDArray[np.float64]
    time: int
    deadline_ns: int | None
    deliver: Callable[[Outcome], None]


class Lane:
    """One loaded bundle with its backend and queue.

    Batches form from what is waiting, never by waiting for more; those of a slow model stay small.
    """

    def __init__(self, bundle: Bundle, backend: Backend) -> None:
        self.manifest = bundle.manifest
        self.label = bundle.manifest.label
        self._backend = backend
        self._waiting: deque[Job] = deque()
        self._batch_limit = 1  # what is known to be fast enough; grows with experience

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(
        self,
        request: ForecastRequest,
        deadline_ns: int | None,
        deliver: Callable[[Outcome], None],
    ) -> None:
        """Queue a request's window.

        Raises:
            WireError: the window is not one for this model, or `busy`.
        """
        window = window_for(self.manifest, request)
        if len(self._waiting) >= MAX_WAITING:
            raise WireError(
                Code.BUSY, f"{len(self._waiting)} windows wait for {self.label}: try again"
            )
        self._waiting.append(Job(window, request.time, deadline_ns, deliver))

    def run_batch(self) -> None:
        """Answer some of what is waiting, `MAX_BATCH` at most; drop what cannot be in time."""
        batch: list[Job] = []
        started = perf_counter_ns()
        while self._waiting and len(batch) < self._batch_limit:
            job = self._waiting.popleft()
            if job.deadline_ns is not None and started >= job.deadline_ns:
                job.deliver(_failed(Code.EXPIRED, "`ttl_ms` ran out before the forecast began"))
            else:
                batch.append(job)
        if batch:
            self._answer(batch)
            self._adapt(len(batch), (perf_counter_ns() - started) // 1000)

    def refuse_waiting(self, error: WireError) -> None:
        """Answer all that is waiting with `error`."""
        while self._waiting:
            self._waiting.popleft().deliver(Outcome(None, None, 0, error))

    def _adapt(self, size: int, took_us: int) -> None:
        if took_us > _BATCH_US:
            self._batch_limit = max(1, size * _BATCH_US // took_us)
        elif size == self._batch_limit and took_us < _BATCH_US // 2:
            self._batch_limit = min(MAX_BATCH, 2 * size)

    def _answer(self, batch: list[Job]) -> None:
        started = perf_counter_ns()
        try:
            forecasts = self._compute(batch)
        except BackendError:
            if len(batch) > 1:  # find the one at fault; the others are answered
                for job in batch:
                    self._answer([job])
                return
            log.exception("%s failed on a window that ends at %d", self.label, batch[0].time)
            batch[0].deliver(self._model_failed())
            return
        except Exception:
            # Every job is answered, whatever the defect: nobody waits, and the loop goes on.
            log.exception("internal error in %s", self.label)
            for job in batch:
                job.deliver(_failed(Code.INTERNAL, "a defect of the daemon: its log says more"))
            return
        infer_us = (perf_counter_ns() - started) // 1000
        for job, quantiles, up in zip(batch, forecasts.quantiles, forecasts.up, strict=True):
            # A sum of positive numbers is finite only where each of them is.
            if math.isfinite(quantiles.sum() + up.sum()):
                job.deliver(Outcome(quantiles, up, infer_us))
            else:
                log.error("%s: not finite for a window that ends at %d", self.label, job.time)
                job.deliver(self._model_failed())

    def _compute(self, batch: list[Job]) -> Forecasts:
        if len(batch) == 1:
            bars = batch[0].window[np.newaxis]
        else:
            bars = np.stack([job.window for job in batch])
        times = np.array([job.time for job in batch], np.float64)
        forecasts = self._backend.forecast(bars, times)
        require_promised(forecasts, self.manifest, len(batch))
        return forecasts

    def _model_failed(self) -> Outcome:
        return _failed(
            Code.MODEL_FAILED,
            f"{self.label} failed on this window: the daemon's log says why",
        )


def _failed(code: Code, message: str) -> Outcome:
    return Outcome(None, None, 0, WireError(code, message))
