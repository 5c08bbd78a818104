"""Latency: the right order, taken in turns, within the time allowed."""

from __future__ import annotations

import time

import numpy as np

from bridge.backends import Forecasts
from bridge.tuning.costs.latency import Latency, backend_way, measure_latency, speed_ratio


def sleeping(seconds: float):  # type: ignore[no-untyped-def]
    return lambda index: time.sleep(seconds)


def test_a_way_that_takes_five_times_as_long_is_told_so() -> None:
    found = measure_latency(
        {"fast": sleeping(0.02), "slow": sleeping(0.1)}, rounds=3, calls=2, warm_up=1
    )

    assert found["fast"].p50_us >= 19_000
    assert 2.5 < speed_ratio(found["slow"], found["fast"]) < 5.3


def test_the_median_lies_within_its_interval_and_below_the_tail() -> None:
    found = measure_latency({"way": sleeping(0.001)}, rounds=6, calls=4, warm_up=1)["way"]

    low, high = found.p50_ci
    assert low <= found.p50_us <= high
    assert found.p50_us <= found.p99_us
    assert found.calls == 24


def test_a_rare_pause_is_in_the_tail_and_not_in_the_median() -> None:
    count = iter(range(10_000))

    def pausing(index: int) -> None:
        if next(count) % 20 == 19:
            time.sleep(0.03)

    found = measure_latency({"way": pausing}, rounds=5, calls=20, warm_up=1)["way"]

    assert found.p50_us < 15_000
    assert found.p99_us > 25_000


def test_ways_take_turns() -> None:
    asked: list[str] = []

    measure_latency(
        {name: lambda index, name=name: asked.append(name) for name in ("a", "b")},
        rounds=2,
        calls=1,
        warm_up=0,
    )

    assert asked == ["a", "b", "a", "b"]


def test_every_turn_begins_with_the_first_window() -> None:
    asked: list[int] = []

    measure_latency({"way": asked.append}, rounds=2, calls=3, warm_up=0)

    assert asked == [0, 1, 2, 0, 1, 2]


def test_what_warms_up_is_not_counted() -> None:
    calls = iter(range(1000))

    def cold(index: int) -> None:
        if next(calls) == 0:
            time.sleep(0.2)

    found = measure_latency({"way": cold}, rounds=2, calls=5, warm_up=3)["way"]

    assert found.p99_us < 100_000


def test_a_slow_way_gets_fewer_calls_but_at_least_one_a_turn() -> None:
    found = measure_latency(
        {"slow": sleeping(0.05)}, rounds=2, calls=100, warm_up=5, turn_seconds=0.01
    )

    assert found["slow"].calls == 2


def test_rounds_are_told_as_they_end() -> None:
    told: list[tuple[int, int]] = []

    measure_latency(
        {"way": lambda index: None},
        rounds=3,
        calls=1,
        on_round=lambda done, total: told.append((done, total)),
    )

    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_backend_is_asked_for_one_window_at_a_time() -> None:
    asked: list[tuple[tuple[int, ...], float]] = []

    class Backend:
        def forecast(self, bars, time):  # type: ignore[no-untyped-def]
            asked.append((bars.shape, float(time[0])))
            return Forecasts(np.zeros((1, 1, 1)), np.zeros((1, 1)))

    way = backend_way(Backend(), np.ones((2, 8, 4)), np.array([5.0, 6.0]))
    for index in range(3):
        way(index)

    assert asked == [((1, 8, 4), 5.0), ((1, 8, 4), 6.0), ((1, 8, 4), 5.0)]


def test_a_report_keeps_plain_values() -> None:
    kept = Latency(1.0, 2.0, (0.5, 1.5), 10).as_dict()

    assert kept == {"p50_us": 1.0, "p99_us": 2.0, "p50_ci": [0.5, 1.5], "calls": 10}
