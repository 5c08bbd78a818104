"""A lane: one loaded bundle, the jobs that wait for it, and the batches that answer them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from time import perf_counter_ns
from typing import Literal

from bridge.backends import Backend, BackendError
from bridge.bundles import Bundle
from bridge.daemon.lanes.alone import Alone
from bridge.daemon.lanes.batch import Batch, Job, Outcome, failed
from bridge.daemon.lanes.complaints import Complaints
from bridge.daemon.lanes.keeper import FAILED_IN_A_ROW, Keeper
from bridge.daemon.lanes.pace import Pace
from bridge.daemon.lanes.waiting import Waiting
from bridge.daemon.lanes.warming import plain_windows, warm_up
from bridge.daemon.lanes.watchdog import Watchdog
from bridge.daemon.lanes.window import window_for
from bridge.daemon.lanes.worker import Crew
from bridge.daemon.telemetry.counts import LaneTelemetry
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import ForecastRequest
from bridge.wire.replies import ForecastItems

log = logging.getLogger(__name__)

_LOOP_LIMIT_S = 1.0  # the loop waits no longer for a batch that a worker can compute again
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
        self._keeper = Keeper(manifest.label, backend, reopen)
        of_torch = manifest.runtime == "torch"  # whose one process computes a batch at a time
        self._workers = min(options.workers, 1) if of_torch else options.workers
        self._pace = Pace(has_workers=self._workers > 0, may_be_inline=not of_torch)
        self._hang_s = options.hang_s
        self._waiting = Waiting(manifest.label)
        self._crew = Crew(manifest.label)
        self._complaints = Complaints(manifest.label)
        limit_s = min(_LOOP_LIMIT_S, options.hang_s) if self._workers else options.hang_s
        self._alone = Alone(backend, manifest, limit_s)
        self._flying: list[Batch] = []
        self._hung = f"it hung for {options.hang_s:g} seconds"

    def __len__(self) -> int:
        """Windows that wait."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """Windows that workers compute."""
        return sum(map(len, tuple(self._flying)))

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is computed."""
        return not self._waiting and not self._flying

    @property
    def is_away(self) -> bool:
        """Whether the model stopped working and is not back yet."""
        return self._keeper.backend is None

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
        return self._keeper.state

    def ring_with(self, ring: Callable[[], None]) -> None:
        """Have the loop woken by `ring` when a batch is done or the model is back."""
        self._crew.ring = ring
        self._keeper.ring_with(ring)

    def warm(self) -> None:
        """Compute in this thread, before the lane is served: the first request finds it warm.

        Raises:
            BackendError: the model fails.
        """
        if self._keeper.backend is None:
            raise BackendError("it was closed")
        warm_up(self._keeper.backend, self.manifest, self._pace)

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
        if self._keeper.backend is None:
            raise self._keeper.away()
        window = window_for(self.manifest, request)
        job = Job(window, request.time, deadline_ns, received_ns, deliver)
        self._waiting.put(client, job)

    def answer_at_once(self, request: ForecastRequest, watchdog: Watchdog) -> Outcome | None:
        """The forecast of one who is alone: what `submit` and `run_batch` would come to, shorter.

        Returns:
            None where it has to wait for its turn, and where it fails: then a batch says why.

        Raises:
            WireError: the window is not one for this model; or `model_failed`: it hung, and there
                are no workers who could try again.
        """
        backend = self._keeper.backend
        if backend is None or not self._pace.is_inline or self._waiting or self._flying:
            return None
        window = window_for(self.manifest, request)
        outcome = self._alone.ask(backend, window, request.time, watchdog)
        if outcome is None and self._alone.given_up:
            self._give_up_alone(backend)
        return outcome

    def note_alone(self, outcome: Outcome) -> None:
        """Learn from what `answer_at_once` gave, when its reply has left."""
        self._learn(1, outcome.infer_us)
        self._keeper.note_success(self._keeper.backend)

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
        while self._waiting and not self.is_away and len(self._flying) < self._workers:
            free = self._workers - len(self._flying)
            batch = self._next_batch(min(self._pace.batch_limit, ceil(len(self._waiting) / free)))
            if batch is not None:
                self._fly(batch)

    def collect(self) -> None:
        """Answer what workers have computed, and take the model that was opened again."""
        while (batch := self._crew.take()) is not None:
            self._flying.remove(batch)
            self._settle(batch)
        self._keeper.look_after()

    def tick(self, now_ns: int) -> None:
        """What is due by the clock: deadlines, batches that hang, a model to be opened again."""
        self._waiting.drop_expired(now_ns)
        hung = [b for b in self._flying if now_ns - b.given_ns > self._hang_s * 1e9]
        for batch in hung:
            self._give_up(batch)
        self._keeper.look_after()
        self._complaints.flush()

    def refuse_waiting(self, error: WireError) -> None:
        """Answer all that is waiting with `error`."""
        self._waiting.refuse(error)

    def refuse_flying(self, error: WireError) -> None:
        """Answer all that is being computed with `error`, whatever comes of it."""
        flying, self._flying = self._flying, []
        for batch in flying:
            self._refuse(batch, error)

    def close(self) -> bool:
        """End its workers and let go of the model. Not for the loop: it may take seconds.

        Returns:
            Whether all of its threads have ended.
        """
        backend = self._keeper.close()
        self._complaints.flush(all_of_it=True)
        ended = self._crew.close(_STOP_S / 4)
        if backend is not None:
            if not ended:
                backend.abort()
                ended = self._crew.close(_STOP_S)
            backend.close()
        return ended

    def _next_batch(self, limit: int) -> Batch | None:
        backend = self._keeper.backend
        if backend is None:
            return None
        jobs = self._waiting.take(limit)
        return self._batch_of(jobs, backend) if jobs else None

    def _batch_of(self, jobs: Sequence[Job], backend: Backend) -> Batch:
        return Batch(jobs, backend, self.manifest, self._complaints)

    def _fly(self, batch: Batch) -> None:
        try:
            self._crew.give(batch)
        except RuntimeError as error:
            text = f"{self.label}: no thread can be started to compute {len(batch)} windows"
            self._complaints.tell("no thread", f"{text}: {error}")
            no_thread = f"this machine has no thread left to compute {self.label}: try again"
            self._refuse(batch, WireError(Code.BUSY, no_thread))
        else:
            self._flying.append(batch)

    def _settle(self, batch: Batch) -> None:
        self._learn(len(batch), batch.took_us)
        for job, outcome in zip(batch.jobs, batch.outcomes, strict=True):
            try:
                job.deliver(outcome)
            except Exception:  # the others are answered, whatever the defect
                log.exception("internal error in %s", self.label)
        if batch.died:
            self._replace(batch.backend, "what ran it died")
        elif not batch.all_failed:
            self._keeper.note_success(batch.backend)
        elif batch.given_up:  # by the watchdog, where the loop has no workers
            self._replace(batch.backend, self._hung)
        elif self._keeper.note_failure():
            self._ask_what_any_can_answer(batch.backend)

    def _learn(self, size: int, took_us: int) -> None:
        self._pace.learn(size, took_us)
        if self.telemetry is not None:
            self.telemetry.record_batch(size)

    def _leave_the_loop(self) -> None:
        limit_s = self._alone.limit_ns / 1e9
        log.error("%s held the others up for %g s: workers compute it now", self.label, limit_s)
        self._pace.leave_the_loop()

    def _ask_what_any_can_answer(self, backend: Backend) -> None:
        """Find whether the model fails, or the windows that it is asked about do."""

        def judge(outcome: Outcome) -> None:
            if outcome.error is not None:
                self._replace(backend, f"its last {FAILED_IN_A_ROW} batches failed")
            else:
                self._keeper.acquit()

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

    def _give_up_alone(self, backend: Backend) -> None:
        """What `answer_at_once` asked hung, and was ended."""
        if self._workers:
            self._leave_the_loop()
            return
        self._replace(backend, self._hung)
        raise self._hung_and_replaced()

    def _give_up(self, batch: Batch) -> None:
        """Answer a batch that hangs; end it, and whatever computes it."""
        log.error("%s has not answered for %g s: it is given up", self.label, self._hang_s)
        self._flying.remove(batch)
        self._refuse(batch, self._hung_and_replaced())
        self._replace(batch.backend, self._hung)

    def _refuse(self, batch: Batch, error: WireError) -> None:
        """Answer a batch that is still computed, whatever comes of it."""
        batch.given_up = True
        for job in batch.jobs:
            job.deliver(failed(error))

    def _hung_and_replaced(self) -> WireError:
        text = f"{self.label} hung for {self._hang_s:g} seconds and is being replaced: try again"
        return WireError(Code.MODEL_FAILED, text)

    def _replace(self, backend: Backend, why: str) -> None:
        """Have the model opened again, and say so to all that wait for it."""
        if self._keeper.replace(backend, why):
            if self.telemetry is not None:
                self.telemetry.restarts += 1
            self.refuse_waiting(self._keeper.away())
