"""A batch: windows that a backend is asked at once, and what becomes of each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.backends import Backend, BackendError, Forecasts, require_promised
from bridge.backends.base import BackendDied
from bridge.bundles import Manifest
from bridge.daemon.lanes.complaints import Complaints
from bridge.wire.errors import Code, WireError, internal_error
from bridge.wire.messages import FLOAT64_BYTES


class Outcome(NamedTuple):
    """What became of a job: `quantiles` [H, Q] and `up` [H] as float64 bytes, or an error.

    `begun_ns` is when the backend was asked, by `perf_counter_ns`.
    """

    quantiles: bytes
    up: bytes
    infer_us: int
    begun_ns: int = 0
    error: WireError | None = None


class Job(NamedTuple):
    """A window that waits, since `received_ns`: `deliver` is called once, with its outcome."""

    window: NDArray[np.float64]
    time: int
    deadline_ns: int | None
    received_ns: int
    deliver: Callable[[Outcome], None]


def failed(error: WireError) -> Outcome:
    """The outcome of a job that got no forecast."""
    return Outcome(b"", b"", 0, error=error)


class Batch:
    """Some jobs of one lane, computed by whichever thread calls `compute`.

    Attributes:
        given_ns: since when it is in the hands of the thread that computes it.
        given_up: nobody waits for it any more; set by another thread than the one that computes.
        outcomes: one for each job, after `compute`. took_us: how long that took.
        died: what ran the model is gone.
    """

    __slots__ = (
        *("backend", "died", "given_ns", "given_up", "jobs", "limit_ns", "outcomes", "took_us"),
        *("_complaints", "_manifest"),
    )

    def __init__(
        self, jobs: Sequence[Job], backend: Backend, manifest: Manifest, complaints: Complaints
    ) -> None:
        self.jobs = jobs
        self.backend = backend
        self.outcomes: list[Outcome] = []
        self.given_ns = perf_counter_ns()
        self.took_us = 0
        self.limit_ns = 0
        self.given_up = self.died = False
        self._manifest = manifest
        self._complaints = complaints

    def __len__(self) -> int:
        return len(self.jobs)

    @property
    def all_failed(self) -> bool:
        """Whether not one window was answered."""
        return all(outcome.error is not None for outcome in self.outcomes)

    def compute(self) -> None:
        """Ask the backend; whatever happens, there is an outcome for each job afterwards."""
        begun_ns = perf_counter_ns()
        self.outcomes = self._answer(self.jobs)
        self.took_us = (perf_counter_ns() - begun_ns) // 1000

    def _answer(self, jobs: Sequence[Job]) -> list[Outcome]:
        label, tell, count = self._manifest.label, self._complaints.tell, len(jobs)
        begun_ns = perf_counter_ns()
        try:
            forecasts = self._ask(jobs)
            infer_us = (perf_counter_ns() - begun_ns) // 1000
            return self._outcomes(jobs, forecasts, infer_us, begun_ns)
        except BackendDied as error:
            self.died = True
            tell("died", f"{label} died while it computed {count} windows: {error}")
        except BackendError as error:
            if self.given_up:
                tell("ended", f"{label} was ended while it computed {count} windows: {error}")
            elif count > 1:  # find the one at fault; the others are answered
                return [outcome for job in jobs for outcome in self._answer_alone(job)]
            else:
                text = f"{label} failed on a window that ends at {jobs[0].time}: {error}"
                tell("failed", text, error)
        except Exception as error:  # noqa: BLE001  (told; and every job is answered)
            tell("internal", f"internal error in {label}: {error!r}", error)
            return [failed(internal_error())] * count
        return [model_failed(label)] * count

    def _answer_alone(self, job: Job) -> list[Outcome]:
        gone = self.died or self.given_up
        return [model_failed(self._manifest.label)] if gone else self._answer([job])

    def _ask(self, jobs: Sequence[Job]) -> Forecasts:
        first = jobs[0].window
        if len(jobs) == 1:
            bars = first[np.newaxis]
        else:
            joined = np.concatenate([job.window for job in jobs])
            bars = joined.reshape(len(jobs), *first.shape)
        times = np.array([job.time for job in jobs], np.float64)
        forecasts = self.backend.forecast(bars, times)
        require_promised(forecasts, self._manifest, len(jobs))
        return forecasts

    def _outcomes(
        self, jobs: Sequence[Job], forecasts: Forecasts, infer_us: int, begun_ns: int
    ) -> list[Outcome]:
        quantiles, up = forecasts.quantiles.tobytes(), forecasts.up.tobytes()
        if len(jobs) == 1:
            outcomes = [Outcome(quantiles, up, infer_us, begun_ns)]
        else:
            step = self._manifest.horizon * FLOAT64_BYTES
            wide = step * len(self._manifest.levels)
            outcomes = [
                Outcome(
                    quantiles[wide * row : wide * (row + 1)],
                    up[step * row : step * (row + 1)],
                    infer_us,
                    begun_ns,
                )
                for row in range(len(jobs))
            ]
        if not are_finite(forecasts.quantiles, forecasts.up):
            self._refuse_those_not_finite(jobs, forecasts, outcomes)
        return outcomes

    def _refuse_those_not_finite(
        self, jobs: Sequence[Job], forecasts: Forecasts, outcomes: list[Outcome]
    ) -> None:
        label = self._manifest.label
        for row, job in enumerate(jobs):
            if not are_finite(forecasts.quantiles[row], forecasts.up[row]):
                text = f"{label}: not finite for a window that ends at {job.time}"
                self._complaints.tell("not finite", text)
                outcomes[row] = model_failed(label)


def are_finite(quantiles: NDArray[np.float64], up: NDArray[np.float64]) -> bool:
    """Whether there is neither a NaN nor an infinity in either."""
    # The place of the largest is that of the first NaN; to find it costs half of what `max` does.
    return bool(
        quantiles.item(quantiles.argmax()) < math.inf
        and quantiles.item(quantiles.argmin()) > -math.inf
        and up.item(up.argmax()) < math.inf
        and up.item(up.argmin()) > -math.inf
    )


def model_failed(label: str) -> Outcome:
    """The outcome of a window that the model failed on."""
    message = f"{label} failed on this window: the daemon's log says why"
    return failed(WireError(Code.MODEL_FAILED, message))
