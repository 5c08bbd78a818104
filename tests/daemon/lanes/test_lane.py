"""A lane by itself: what it queues, refuses and drops, and that every job is delivered once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import bridge.daemon.lanes.batch
import bridge.daemon.lanes.waiting
from bridge.backends import Backend, BackendError, Forecasts, open_backend
from bridge.bundles import open_bundle
from bridge.daemon.lanes.batch import Outcome
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.lanes.pace import MAX_BATCH
from bridge.daemon.lanes.waiting import MAX_WAITING
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import ForecastRequest
from tests.backends import graphs


def _request(last_close: float, time: int = 0) -> ForecastRequest:
    return ForecastRequest(None, "", 3600, time, 1, graphs.window(last_close).tobytes(), False)


@dataclass
class Recording:
    """A backend that notes the batches it is asked, around a real one."""

    inner: Backend
    sizes: list[int] = field(default_factory=list)

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        self.sizes.append(len(bars))
        return self.inner.forecast(bars, time)

    def abort(self) -> None:
        self.inner.abort()

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def backend(store: Path) -> Recording:
    bundle = graphs.put(store, graphs.raising_above(), graphs.manifest("m"))
    return Recording(open_backend(bundle))


@pytest.fixture
def lane(store: Path, backend: Recording) -> Lane:
    return Lane(open_bundle(store / "m"), backend)


@pytest.fixture
def outcomes() -> list[Outcome]:
    return []


SetClock = Callable[[Callable[[], int]], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    def set_to(clock: Callable[[], int]) -> None:
        for module in (bridge.daemon.lanes.waiting, bridge.daemon.lanes.batch):
            monkeypatch.setattr(module, "perf_counter_ns", clock)

    return set_to


def _codes(outcomes: list[Outcome]) -> list[Code | None]:
    return [outcome.error.code if outcome.error else None for outcome in outcomes]


def _run(lane: Lane) -> None:
    while len(lane):
        lane.run_batch()


def test_nothing_is_computed_before_a_batch_is_run(
    lane: Lane, backend: Recording, outcomes: list[Outcome]
) -> None:
    lane.submit(_request(1.0), None, outcomes.append)
    assert (len(lane), backend.sizes, outcomes) == (1, [], [])


def test_a_batch_delivers_each_job_its_own_outcome(lane: Lane, outcomes: list[Outcome]) -> None:
    for close in (1.0, 2.0, 3.0):
        lane.submit(_request(close), None, outcomes.append)
    _run(lane)
    quantiles = [outcome.quantiles for outcome in outcomes]
    for close, found in zip((1.0, 2.0, 3.0), quantiles, strict=True):
        assert found == graphs.expected_quantiles(close).tobytes()


def test_an_empty_lane_runs_nothing(lane: Lane, backend: Recording) -> None:
    lane.run_batch()
    assert backend.sizes == []


def test_the_batches_of_a_fast_model_grow_to_the_limit(lane: Lane, backend: Recording) -> None:
    for _ in range(4 * MAX_BATCH):
        lane.submit(_request(1.0), None, lambda _: None)
    _run(lane)
    assert backend.sizes[0] == 1
    assert max(backend.sizes) == MAX_BATCH
    assert sum(backend.sizes) == 4 * MAX_BATCH


def test_the_batches_of_a_slow_model_stay_small(
    lane: Lane, backend: Recording, set_clock: SetClock
) -> None:
    set_clock(lambda: 150_000_000 * sum(backend.sizes))  # 150 ms for each window
    for _ in range(20):
        lane.submit(_request(1.0), None, lambda _: None)
    _run(lane)
    assert max(backend.sizes) == 1


def test_batches_shrink_when_a_model_becomes_slow(
    lane: Lane, backend: Recording, set_clock: SetClock
) -> None:
    for _ in range(4 * MAX_BATCH):
        lane.submit(_request(1.0), None, lambda _: None)
    _run(lane)
    backend.sizes.clear()
    set_clock(lambda: 50_000_000 * sum(backend.sizes))
    for _ in range(2 * MAX_BATCH):
        lane.submit(_request(1.0), None, lambda _: None)
    _run(lane)
    assert backend.sizes[:3] == [MAX_BATCH, 4, 4]  # 200 ms is for four windows


def test_a_full_lane_is_busy_with_how_many_wait(lane: Lane, outcomes: list[Outcome]) -> None:
    for _ in range(MAX_WAITING):
        lane.submit(_request(1.0), None, outcomes.append)
    with pytest.raises(WireError) as refusal:
        lane.submit(_request(1.0), None, outcomes.append)
    assert refusal.value.code is Code.BUSY
    assert f"{MAX_WAITING} windows wait for {lane.label}: try again" in refusal.value.message


def test_a_lane_that_was_full_takes_jobs_again_after_a_batch(
    lane: Lane, outcomes: list[Outcome]
) -> None:
    for _ in range(MAX_WAITING):
        lane.submit(_request(1.0), None, outcomes.append)
    lane.run_batch()
    lane.submit(_request(2.0), None, outcomes.append)
    _run(lane)
    assert _codes(outcomes) == [None] * (MAX_WAITING + 1)


def test_a_bad_window_is_not_queued(lane: Lane) -> None:
    with pytest.raises(WireError, match="bad_values"):
        lane.submit(_request(float("nan")), None, lambda _: None)
    assert len(lane) == 0


def test_a_job_past_its_deadline_expires_without_being_computed(
    lane: Lane, backend: Recording, outcomes: list[Outcome], set_clock: SetClock
) -> None:
    lane.submit(_request(1.0), 1_000, outcomes.append)
    set_clock(lambda: 1_000)
    lane.run_batch()
    assert (_codes(outcomes), backend.sizes) == ([Code.EXPIRED], [])


def test_a_job_before_its_deadline_is_computed(
    lane: Lane, outcomes: list[Outcome], set_clock: SetClock
) -> None:
    lane.submit(_request(1.0), 1_000, outcomes.append)
    set_clock(lambda: 999)
    lane.run_batch()
    assert _codes(outcomes) == [None]


def test_a_job_without_deadline_never_expires(
    lane: Lane, outcomes: list[Outcome], set_clock: SetClock
) -> None:
    lane.submit(_request(1.0), None, outcomes.append)
    set_clock(lambda: 1 << 62)
    lane.run_batch()
    assert _codes(outcomes) == [None]


def test_expired_jobs_take_no_place_in_a_batch(
    lane: Lane, backend: Recording, outcomes: list[Outcome], set_clock: SetClock
) -> None:
    for _ in range(10):
        lane.submit(_request(1.0), 1_000, outcomes.append)
    lane.submit(_request(1.0), None, outcomes.append)
    set_clock(lambda: 2_000)
    lane.run_batch()
    assert _codes(outcomes) == [Code.EXPIRED] * 10 + [None]
    assert backend.sizes == [1]


def test_the_jobs_beside_one_that_fails_are_answered(lane: Lane, outcomes: list[Outcome]) -> None:
    for _ in range(MAX_BATCH):  # so that the next are one batch
        lane.submit(_request(1.0), None, lambda _: None)
    _run(lane)
    for close in (1.0, 2 * graphs.FAILS_ABOVE, 3.0):
        lane.submit(_request(close), None, outcomes.append)
    lane.run_batch()
    assert _codes(outcomes) == [None, Code.MODEL_FAILED, None]


def test_a_failure_is_logged_with_its_traceback(
    lane: Lane, outcomes: list[Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    lane.submit(_request(2 * graphs.FAILS_ABOVE, time=77), None, outcomes.append)
    lane.run_batch()
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "window that ends at 77" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is BackendError


@dataclass
class Defective:
    """A backend that breaks its contract: it raises what it says it never raises."""

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        raise ZeroDivisionError("secret")

    def abort(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Holds nothing."""


def test_a_defect_answers_every_job_internal_and_tells_the_log_alone(
    store: Path, backend: Recording, outcomes: list[Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    lane = Lane(open_bundle(store / "m"), Defective())
    for _ in range(3):
        lane.submit(_request(1.0), None, outcomes.append)
    _run(lane)
    assert _codes(outcomes) == [Code.INTERNAL] * 3
    assert all(outcome.error and "secret" not in outcome.error.message for outcome in outcomes)
    assert "ZeroDivisionError: secret" in caplog.text


def test_what_waits_is_refused_when_told(
    lane: Lane, backend: Recording, outcomes: list[Outcome]
) -> None:
    for _ in range(3):
        lane.submit(_request(1.0), None, outcomes.append)
    lane.refuse_waiting(WireError(Code.DRAINING, "stopping"))
    assert _codes(outcomes) == [Code.DRAINING] * 3
    assert (len(lane), backend.sizes) == (0, [])
