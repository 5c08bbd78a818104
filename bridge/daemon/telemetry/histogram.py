"""Durations counted by size: fixed buckets, a few memory cells each, exact enough for percentiles.

Twelve buckets for each factor of ten (the E12 series of resistors): a percentile read from them is
in the bucket of the exact one, so it is off by a fifth at the most and usually by less than a
tenth; past ten seconds by more. Recording is one search of a sorted tuple.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import ceil

_E12 = (10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82)

BOUNDS_US: tuple[int, ...] = (
    *(1, 2, 3, 4, 5, 6, 7, 8),
    *(mantissa * 10**decade for decade in range(6) for mantissa in _E12),
    *(10_000_000, 20_000_000, 30_000_000, 60_000_000),
)
"""The longest duration that each bucket counts, in microseconds; one more counts the rest."""

BUCKETS = len(BOUNDS_US) + 1


class Histogram:
    """How many durations fell into each bucket, and their sum. Written by one thread."""

    __slots__ = ("counts", "sum_us")

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS
        self.sum_us = 0

    def record(self, us: int) -> None:
        """Count one duration."""
        self.counts[bisect_left(BOUNDS_US, us)] += 1
        self.sum_us += us

    @property
    def count(self) -> int:
        """How many were recorded."""
        return sum(self.counts)


def percentile_us(counts: Sequence[int], share: float) -> int:
    """The duration that `share` of those counted do not exceed; 0 where none was counted.

    Within a bucket the durations are taken to be spread evenly.
    """
    rank = ceil(sum(counts) * share)
    if not rank:
        return 0
    below = 0
    for index, count in enumerate(counts):
        if below + count >= rank:
            low = BOUNDS_US[index - 1] if index else 0
            high = BOUNDS_US[min(index, len(BOUNDS_US) - 1)]
            return round(low + (high - low) * (rank - below) / count)
        below += count
    return BOUNDS_US[-1]


def exact_percentiles_us(latest: Iterable[int], *shares: float) -> tuple[int, ...]:
    """The same of durations that are all at hand, by nearest rank; zeros where there is none."""
    ordered = sorted(latest)
    if not ordered:
        return (0,) * len(shares)
    return tuple(ordered[max(0, ceil(len(ordered) * share) - 1)] for share in shares)


def cumulative(counts: Sequence[int]) -> list[int]:
    """How many did not exceed each bound, as Prometheus counts them; the last is all of them."""
    return list(accumulate(counts))
