"""Durations in buckets: where each is counted, and what is read from them again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daemon.telemetry.histogram import (
    BOUNDS_US,
    Histogram,
    cumulative,
    exact_percentiles_us,
    percentile_us,
)

DURATIONS = st.lists(st.integers(1, 60_000_000), min_size=1)


def _of(*durations_us: int) -> Histogram:
    histogram = Histogram()
    for us in durations_us:
        histogram.record(us)
    return histogram


def test_the_bounds_ascend() -> None:
    assert list(BOUNDS_US) == sorted(set(BOUNDS_US))


@pytest.mark.parametrize(
    ("us", "bound"), [(0, 1), (1, 1), (2, 2), (9, 10), (10, 10), (11, 12), (300, 330), (331, 390)]
)
def test_a_duration_is_counted_at_the_first_bound_that_it_does_not_exceed(
    us: int, bound: int
) -> None:
    assert _of(us).counts[BOUNDS_US.index(bound)] == 1


def test_a_duration_past_the_last_bound_is_counted_too() -> None:
    histogram = _of(BOUNDS_US[-1] + 1, 10**12)
    assert (histogram.counts[-1], histogram.count) == (2, 2)


def test_the_sum_is_exact() -> None:
    assert _of(1, 300, 10**12).sum_us == 10**12 + 301


def test_cumulated_counts_are_those_up_to_each_bound() -> None:
    assert cumulative([1, 0, 2]) == [1, 1, 3]


def test_percentiles_of_nothing_are_zero() -> None:
    assert percentile_us(_of().counts, 0.99) == 0
    assert exact_percentiles_us([], 0.5, 0.99) == (0, 0)


@given(DURATIONS, st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_in_the_bucket_of_the_exact_one(durations: list[int], share: float) -> None:
    (exact,) = exact_percentiles_us(durations, share)
    found = percentile_us(_of(*durations).counts, share)
    at = np.searchsorted(BOUNDS_US, exact)
    assert (BOUNDS_US[at - 1] if at else 0) <= found <= BOUNDS_US[at]


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_percentiles_of_usual_latencies_are_off_by_a_tenth_at_most(share: float) -> None:
    durations = np.random.default_rng(0).lognormal(np.log(400), 0.5, 20_000).astype(int)
    found = percentile_us(_of(*durations.tolist()).counts, share)
    assert found == pytest.approx(np.quantile(durations, share), rel=0.1)


@given(DURATIONS)
def test_percentiles_ascend(durations: list[int]) -> None:
    counts = _of(*durations).counts
    found = [percentile_us(counts, share) for share in (0.1, 0.5, 0.9, 0.99, 1.0)]
    assert found == sorted(found)


def test_exact_percentiles_are_of_the_durations_given() -> None:
    assert exact_percentiles_us([30, 10, 20], 0.5, 0.99) == (20, 30)
