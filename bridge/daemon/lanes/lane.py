"""A lane: one loaded bundle, the jobs that wait for it, and the batches that answer them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from threading import Thread
from time import perf_counter_ns
from typing import Literal

import numpy as np

from bridge.backends import Backend, BackendError, require_promised
from bridge.bundles import Bundle
from bridge.daemon.fair_queue import FairQueue, Full
from bridge.daemon.lanes.batch import Batch, Job, Outcome, are_finite, failed
from bridge.daemon.lanes.complaints import Complaints
from bridge.daemon.lanes.pace import Pace
from bridge.daemon.lanes.restart import Restart
from bridge.daemon.lanes.warming import plain_windows, warm_up
from bridge.daemon.lanes.watchdog import Watchdog
from bridge.daemon.lanes.window import window_for
from bridge.daemon.lanes.worker import Crew
from bridge.daemon.telemetry.counts import LaneTelemetry
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import ForecastRequest
from bridge.wire.replies import ForecastItems

log = logging.getLogger(__name__)

MAX_WAITING = 4096
"""Windows of one client that may wait; of several, twice as many in all."""

_LOOP_LIMIT_S = 1.0  # the loop waits no longer for a batch that a worker can compute again
_FAILED_IN_A_ROW = 10  # batches, until the model is asked what any model can answer
_STOP_S = 2.0


@dataclass(frozen=True)
class LaneOptions:
    """How lanes compute.

    Attributes:
        workers: threads for each model that is too slow for the loop; 0 leaves all to the loop.
        hang_s: a batch that takes longer hangs, and whoever computes it is replaced.
    """

    workers: int = 0
    hang_s: float = 30.0


class Lane:
    """One loaded bundle with its backend and queue.

    Batches form from what is waiting, never by waiting for more. Those of a fast model the loop
    computes itself, at once; those of a slow one are handed over to workers. What fails for good
    is opened again. All methods are the loop's, but for `warm`, before the lane is served, and
    `close`, after.

    Args:
        bundle, backend: the model.
        options: how it computes.
        reopen: loads the bundle anew, in a thread of its own; None where that cannot be done.

    Attributes:
        items: makes the replies.
        telemetry: counts, where they are wanted.
    """

    def __init__(
        self,
        bundle: Bundle,
        backend: Backend,
        options: LaneOptions | None = None,
        reopen: Callable[[], Backend] | None = None,
    ) -> None:
        options = options or LaneOptions()
        self.bundle = bundle
        self.manifest = manifest = bundle.manifest
        self.label = manifest.label
        self.items = ForecastItems(manifest.label, manifest.horizon, manifest.levels)
        self.telemetry: LaneTelemetry | None = None
        self._backend: Backend | None = backend
        self._workers = 1 if manifest.runtime == "torch" else options.workers  # one process has it
        self._pace = Pace(
            has_workers=options.workers > 0, may_be_inline=manifest.runtime != "torch"
        )
        self._hang_s = options.hang_s
        self._queue: FairQueue[Job] = FairQueue(2 * MAX_WAITING)
        self._crew = Crew(manifest.label)
        self._complaints = Complaints(manifest.label)
        self._time = np.zeros(1)
        wide = (1, manifest.horizon, len(manifest.levels))
        self._promised = (wide, wide[:2], self._time.dtype, self._time.dtype)
        self._alone = _Alone(
            backend, min(_LOOP_LIMIT_S, options.hang_s) if self._workers else options.hang_s
        )
        self._flying: list[Batch] = []
        self._failed_in_a_row = 0
        self._restart = None if reopen is None else Restart(manifest.label, reopen)

    def __len__(self) -> int:
        """Windows that wait."""
        return len(self._queue)

    @property
    def in_flight(self) -> int:
        """Windows that workers compute."""
        return sum(map(len, tuple(self._flying)))

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is computed."""
        return not self._queue and not self._flying

    @property
    def is_away(self) -> bool:
        """Whether the model stopped working and is not back yet."""
        return self._backend is None

    @property
    def is_inline(self) -> bool:
        """Whether the loop computes its batches, with `run_batch`."""
        return self._pace.is_inline

    @property
    def mode(self) -> Literal["inline", "worker"]:
        """Who computes: the loop, or workers."""
        return "inline" if self._pace.is_inline else "worker"

    @property
    def state(self) -> Literal["ready", "restarting", "open"]:
        """`restarting`: it is opened again; `open`: that failed too often, it is left alone."""
        if self._backend is not None or self._restart is None:
            return "ready"
        return "open" if self._restart.breaker.state == "open" else "restarting"

    def ring_with(self, ring: Callable[[], None]) -> None:
        """Have the loop woken by `ring` when a batch is done or the model is back."""
        self._crew.ring = ring
        if self._restart is not None:
            self._restart.ring = ring

    def warm(self) -> None:
        """Compute in this thread, before the lane is served: the first request finds it warm.

        Raises:
            BackendError: the model fails.
        """
        if self._backend is None:
            raise BackendError("it was closed")
        warm_up(self._backend, self.manifest, self._pace)

    def submit(
        self,
        request: ForecastRequest,
        deadline_ns: int | None,
        deliver: Callable[[Outcome], None],
        client: bytes = b"",
        received_ns: int = 0,
    ) -> None:
        """Queue a request's window.

        Args:
            deadline_ns: of `perf_counter_ns`; after it the window is not computed any more.
            client: whose it is; nobody has more waiting than there is room left.
            received_ns: since when it waits.

        Raises:
            WireError: the window is not one for this model, `busy`, or `model_failed` while
                it is being opened again.
        """
        if self._backend is None:
            raise self._away()
        window = window_for(self.manifest, request)
        job = Job(window, request.time, deadline_ns, received_ns, deliver)
        try:
            self._queue.put(client, job, deadline_ns=deadline_ns)
        except Full as full:
            yours = f", {full.of_client} of them yours" if full.of_client < full.waiting else ""
            raise WireError(
                Code.BUSY,
                f"{full.waiting} windows wait for {self.label}{yours}: try again",
            ) from None

    def answer_at_once(self, request: ForecastRequest, watchdog: Watchdog) -> Outcome | None:
        """The forecast of one who is alone: what `submit` and `run_batch` would come to, shorter.

        Returns:
            None where it has to wait for its turn, and where it fails: then a batch says why.

        Raises:
            WireError: the window is not one for this model.
        """
        backend, alone = self._backend, self._alone
        if backend is None or not self._pace.is_inline or self._queue or self._flying:
            return None
        window = window_for(self.manifest, request)
        self._time[0] = request.time
        alone.backend, alone.given_up = backend, False
        alone.given_ns = begun_ns = perf_counter_ns()
        watchdog.watched = alone
        try:
            quantiles, up = forecasts = backend.forecast(window[np.newaxis], self._time)
            infer_us = (perf_counter_ns() - begun_ns) // 1000
            if (quantiles.shape, up.shape, quantiles.dtype, up.dtype) != self._promised:
                require_promised(forecasts, self.manifest, 1)
            if not are_finite(quantiles, up):
                return None
            return Outcome(quantiles.tobytes(), up.tobytes(), infer_us, begun_ns)
        except Exception:  # noqa: BLE001  (a batch meets it again, and tells of it)
            if alone.given_up:
                self._leave_the_loop()
            return None
        finally:
            watchdog.watched = None

    def note_alone(self, outcome: Outcome) -> None:
        """Learn from what `answer_at_once` gave, when its reply has left."""
        self._learn(1, outcome.infer_us)
        self._note_success(self._backend)

    def run_batch(self, watchdog: Watchdog | None = None) -> None:
        """Answer some of what waits; drop what cannot be in time."""
        batch = self._next_batch(self._pace.batch_limit)
        if batch is None:
            return
        batch.limit_ns = self._alone.limit_ns
        if watchdog is not None:
            watchdog.watched = batch
            batch.compute()
            watchdog.watched = None
        else:
            batch.compute()
        if batch.given_up and batch.all_failed and self._workers:
            self._leave_the_loop()
            self._fly(self._batch_of(batch.jobs, batch.backend))
        else:
            self._settle(batch)

    def hand_over(self) -> None:
        """Give to workers what waits, as far as any is free."""
        while self._queue and self._backend is not None and len(self._flying) < self._workers:
            free = self._workers - len(self._flying)
            batch = self._next_batch(min(self._pace.batch_limit, ceil(len(self._queue) / free)))
            if batch is not None:
                self._fly(batch)

    def collect(self) -> None:
        """Answer what workers have computed, and take the model that was opened again."""
        while (batch := self._crew.take()) is not None:
            self._flying.remove(batch)
            self._settle(batch)
        if self._backend is None and self._restart is not None:
            self._backend = self._restart.take()

    def tick(self, now_ns: int) -> None:
        """What is due by the clock: deadlines, batches that hang, a model to be opened again."""
        for job in self._queue.drop_expired(now_ns):
            job.deliver(_expired())
        hung = [b for b in self._flying if now_ns - b.given_ns > self._hang_s * 1e9]
        for batch in hung:
            self._give_up(batch)
        if self._backend is None and self._restart is not None:
            self._restart.try_when_due()
        self._complaints.flush()

    def refuse_waiting(self, error: WireError) -> None:
        """Answer all that is waiting with `error`."""
        for job in self._queue.pop_all():
            job.deliver(Outcome(b"", b"", 0, error=error))

    def refuse_flying(self, error: WireError) -> None:
        """Answer all that is being computed with `error`, whatever comes of it."""
        flying, self._flying = self._flying, []
        for batch in flying:
            batch.given_up = True
            for job in batch.jobs:
                job.deliver(Outcome(b"", b"", 0, error=error))

    def close(self) -> bool:
        """End its workers and let go of the model. Not for the loop: it may take seconds.

        Returns:
            Whether all of its threads have ended.
        """
        backend, self._backend = self._backend, None
        self._complaints.flush(all_of_it=True)
        if self._restart is not None:
            self._restart.close()
        ended = self._crew.close(_STOP_S / 4)
        if backend is not None:
            if not ended:
                backend.abort()
                ended = self._crew.close(_STOP_S)
            backend.close()
        return ended

    def _next_batch(self, limit: int) -> Batch | None:
        if self._backend is None:
            return None
        now_ns = perf_counter_ns()
        jobs: list[Job] = []
        while self._queue and len(jobs) < limit:
            job = self._queue.pop()
            if job.deadline_ns is not None and now_ns >= job.deadline_ns:
                job.deliver(_expired())
            else:
                jobs.append(job)
        return self._batch_of(jobs, self._backend) if jobs else None

    def _batch_of(self, jobs: Sequence[Job], backend: Backend) -> Batch:
        return Batch(jobs, backend, self.manifest, self._complaints)

    def _fly(self, batch: Batch) -> None:
        self._flying.append(batch)
        self._crew.give(batch)

    def _settle(self, batch: Batch) -> None:
        self._learn(len(batch), batch.took_us)
        for job, outcome in zip(batch.jobs, batch.outcomes, strict=True):
            job.deliver(outcome)
        if batch.died:
            self._replace(batch.backend, "what ran it died")
        elif batch.all_failed:
            self._failed_in_a_row += 1
            if self._failed_in_a_row == _FAILED_IN_A_ROW:
                self._ask_what_any_can_answer(batch.backend)
        else:
            self._note_success(batch.backend)

    def _learn(self, size: int, took_us: int) -> None:
        self._pace.learn(size, took_us)
        if self.telemetry is not None:
            self.telemetry.record_batch(size)

    def _note_success(self, backend: Backend | None) -> None:
        self._failed_in_a_row = 0
        if self._restart is not None and backend is self._backend:
            self._restart.breaker.succeeded()

    def _leave_the_loop(self) -> None:
        limit_s = self._alone.limit_ns / 1e9
        log.error("%s held the others up for %g s: workers compute it now", self.label, limit_s)
        self._pace.leave_the_loop()

    def _ask_what_any_can_answer(self, backend: Backend) -> None:
        """Find whether the model fails, or the windows that it is asked about do."""

        def judge(outcome: Outcome) -> None:
            if outcome.error is not None:
                self._replace(backend, f"its last {_FAILED_IN_A_ROW} batches failed")
            else:
                self._failed_in_a_row = 0

        now_ns = perf_counter_ns()
        (window,) = plain_windows(self.manifest, 1)
        batch = Batch(
            [Job(window, 0, None, now_ns, judge)], backend, self.manifest, self._complaints
        )
        if self._workers:
            self._fly(batch)
        else:
            batch.compute()
            self._settle(batch)

    def _give_up(self, batch: Batch) -> None:
        """Answer a batch that hangs; end it, and whatever computes it."""
        log.error("%s has not answered for %g s: it is given up", self.label, self._hang_s)
        batch.given_up = True
        self._flying.remove(batch)
        outcome = failed(
            Code.MODEL_FAILED,
            f"{self.label} hung for {self._hang_s:g} seconds and is being replaced: try again",
        )
        for job in batch.jobs:
            job.deliver(outcome)
        self._replace(batch.backend, f"it hung for {self._hang_s:g} seconds")

    def _replace(self, backend: Backend, why: str) -> None:
        """Have the model opened again, and say so to all that wait for it."""
        if backend is not self._backend:  # it is being replaced already, or has been
            return
        self._failed_in_a_row = 0
        if self._restart is None:
            log.error("%s: %s; it cannot be opened again", self.label, why)
            Thread(target=backend.abort, name=f"end {self.label}", daemon=True).start()
            return
        if self.telemetry is not None:
            self.telemetry.restarts += 1
        self._backend = None
        self._restart.begin(backend, why)
        self.refuse_waiting(self._away())

    def _away(self) -> WireError:
        seconds = 0 if self._restart is None else ceil(self._restart.breaker.retry_in_s)
        when = f"is started again in {seconds} s: try again then"
        if not seconds:
            when = "is being started again: try again in a moment"
        return WireError(Code.MODEL_FAILED, f"{self.label} stopped working and {when}")


class _Alone:
    """A forecast that the loop computes for one who is alone, as the watchdog sees it."""

    __slots__ = ("backend", "given_ns", "given_up", "limit_ns")

    def __init__(self, backend: Backend, limit_s: float) -> None:
        self.backend = backend
        self.given_ns = 0
        self.limit_ns = int(limit_s * 1e9)
        self.given_up = False


def _expired() -> Outcome:
    return failed(Code.EXPIRED, "`ttl_ms` ran out before the forecast began")
