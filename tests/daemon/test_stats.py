"""Counts and latencies, with the clock in the test's hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import bridge.daemon.stats
from bridge.daemon.stats import Stats


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def set_seconds(now: float) -> None:
        monkeypatch.setattr(bridge.daemon.stats, "monotonic", lambda: now)

    set_seconds(1000.0)
    return set_seconds


def test_uptime_counts_from_the_start(set_clock: Callable[[float], None]) -> None:
    stats = Stats()
    set_clock(1061.9)
    assert stats.uptime_s == 61


def test_percentiles_are_zero_before_the_first_forecast() -> None:
    assert Stats().percentiles_us() == (0, 0)


def test_a_single_forecast_is_every_percentile() -> None:
    stats = Stats()
    stats.record(300)
    assert stats.percentiles_us() == (300, 300)


def test_percentiles_of_a_hundred() -> None:
    stats = Stats()
    for server_us in range(100, 0, -1):
        stats.record(server_us)
    assert stats.percentiles_us() == (50, 100)


def test_a_rare_slow_forecast_is_in_p99_and_not_in_p50() -> None:
    stats = Stats()
    for server_us in [10] * 90 + [9_000] * 10:
        stats.record(server_us)
    assert stats.percentiles_us() == (10, 9_000)


def test_percentiles_are_at_most_a_second_old(set_clock: Callable[[float], None]) -> None:
    stats = Stats()
    stats.record(10)
    stats.percentiles_us()
    stats.record(30)
    stats.record(30)
    set_clock(1001.1)
    assert stats.percentiles_us() == (30, 30)


def test_percentiles_are_of_the_latest_forecasts() -> None:
    stats = Stats()
    for server_us in [10] * 5000 + [20] * 2048:
        stats.record(server_us)
    assert stats.percentiles_us() == (20, 20)
