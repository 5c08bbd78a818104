"""The windows that wait for a model: bounded, fair between clients, and none beyond its time."""

from __future__ import annotations

from time import perf_counter_ns

from bridge.daemon.fair_queue import FairQueue, Full
from bridge.daemon.lanes.batch import Job, Outcome, failed
from bridge.wire.errors import Code, WireError

MAX_WAITING = 4096
"""Windows of one client that may wait; of several, twice as many in all."""


class Waiting:
    """The jobs of one lane that nobody has begun.

    Args:
        label: of the model.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._queue: FairQueue[Job] = FairQueue(2 * MAX_WAITING)

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, client: bytes, job: Job) -> None:
        """Let a job wait.

        Raises:
            WireError: `busy`.
        """
        try:
            self._queue.put(client, job, deadline_ns=job.deadline_ns)
        except Full as full:
            yours = f", {full.of_client} of them yours" if full.of_client < full.waiting else ""
            raise WireError(
                Code.BUSY, f"{full.waiting} windows wait for {self._label}{yours}: try again"
            ) from None

    def take(self, limit: int) -> list[Job]:
        """Some jobs to compute, each in its turn; what is too late is answered `expired`."""
        now_ns = perf_counter_ns()
        jobs: list[Job] = []
        while self._queue and len(jobs) < limit:
            job = self._queue.pop()
            if job.deadline_ns is not None and now_ns >= job.deadline_ns:
                job.deliver(_expired())
            else:
                jobs.append(job)
        return jobs

    def drop_expired(self, now_ns: int) -> None:
        """Answer `expired` to all whose deadline has come."""
        for job in self._queue.drop_expired(now_ns):
            job.deliver(_expired())

    def refuse(self, error: WireError) -> None:
        """Answer all with `error`."""
        for job in self._queue.pop_all():
            job.deliver(failed(error))


def _expired() -> Outcome:
    return failed(WireError(Code.EXPIRED, "`ttl_ms` ran out before the forecast began"))
