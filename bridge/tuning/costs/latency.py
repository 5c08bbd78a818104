"""How long an answer takes, measured so that a busy machine harms no one more than another.

Ways of asking take turns in short rounds of the same run: whatever else the machine does falls on
all of them alike, and what counts are ratios. The first calls of a turn are not counted: they
find caches that another way filled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.backends import Backend

Way = Callable[[int], object]
Array = NDArray[np.float64]

_RESAMPLES = 500


@dataclass(frozen=True)
class Latency:
    """Microseconds per call: median, 99th percentile, and the median's 95% interval.

    `calls` is how many were counted; with fewer than a hundred, `p99_us` is near their maximum.
    """

    p50_us: float
    p99_us: float
    p50_ci: tuple[float, float]
    calls: int

    def as_dict(self) -> dict[str, Any]:
        """As reports keep it."""
        return {
            "p50_us": self.p50_us,
            "p99_us": self.p99_us,
            "p50_ci": list(self.p50_ci),
            "calls": self.calls,
        }


def measure_latency(
    ways: Mapping[str, Way],
    *,
    rounds: int = 20,
    calls: int = 25,
    warm_up: int = 5,
    turn_seconds: float = 1.0,
    on_round: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Latency]:
    """Measure named ways of asking beside each other; a turn calls with 0, 1, 2, ...

    Args:
        ways: what to call.
        rounds, calls: every way gets `calls` counted calls in each of `rounds` turns.
        warm_up: calls before the first round; a turn begins with a fifth of them, not counted,
            unless one takes a tenth of a turn: then caches are nothing to it.
        turn_seconds: a turn ends after this time, though not before one call was counted.
        on_round: called with rounds done and in all.
    """
    uncounted = {}
    for name, ask in ways.items():
        taken = _turn(ask, warm_up, turn_seconds)
        slow = not taken or min(taken) > turn_seconds * 1e8
        uncounted[name] = 0 if slow else max(1, warm_up // 5)
    turns: dict[str, list[list[int]]] = {name: [] for name in ways}
    for done in range(1, rounds + 1):
        for name, ask in ways.items():
            _turn(ask, uncounted[name], turn_seconds)
            turns[name].append(_turn(ask, calls, turn_seconds))
        on_round(done, rounds)
    return {name: _latency(taken) for name, taken in turns.items()}


def backend_way(backend: Backend, bars: Array, time: Array) -> Way:
    """A way that asks a backend for one window a call.

    Args:
        bars: [N, context] or [N, context, 4], the windows that take turns.
        time: [N] float64, as `Backend.forecast` takes it.
    """
    batches = [
        (np.ascontiguousarray(bars[[row]]), np.ascontiguousarray(time[[row]]))
        for row in range(len(bars))
    ]
    return lambda index: backend.forecast(*batches[index % len(batches)])


def speed_ratio(slow: Latency, fast: Latency) -> float:
    """How many times faster the second is, by medians of the same run."""
    return slow.p50_us / fast.p50_us


def _turn(ask: Way, calls: int, seconds: float) -> list[int]:
    """Nanoseconds of each call."""
    taken: list[int] = []
    ends = time.perf_counter() + seconds
    for index in range(calls):
        begun = time.perf_counter_ns()
        ask(index)
        taken.append(time.perf_counter_ns() - begun)
        if time.perf_counter() >= ends:
            break
    return taken


def _latency(turns: list[list[int]]) -> Latency:
    """Over all turns; the interval by drawing whole turns, whose calls met the same machine."""
    everything = np.concatenate(turns) / 1000.0
    generator = np.random.default_rng(0)
    medians = [
        float(np.median(np.concatenate([turns[turn] for turn in drawn]))) / 1000.0
        for drawn in generator.integers(len(turns), size=(_RESAMPLES, len(turns)))
    ]
    low, high = np.percentile(medians, [2.5, 97.5])
    p50, p99 = np.percentile(everything, [50, 99])
    return Latency(float(p50), float(p99), (float(low), float(high)), len(everything))
