"""Baselines: what each expects of the coming hours, and that none has seen them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.bars import Bars
from bridge.synthetic import random_walk_bars
from bridge.tuning.scoring import baselines

Baseline = Callable[[Bars, NDArray[np.int64]], NDArray[np.float64]]

ALL: dict[str, Baseline] = {
    "random_walk": lambda bars, ends: baselines.random_walk(bars, ends, 128, 16),
    "ewma": lambda bars, ends: baselines.ewma(bars, ends, 16),
    "hour_of_week": lambda bars, ends: baselines.hour_of_week(bars, ends, 16),
    "bounded": lambda bars, ends: baselines.hour_of_week(bars, ends, 16, bounded=True),
}


def with_new_closes_after(bars: Bars, end: int) -> Bars:
    """The same history up to `end`, and a wild one from there, at the same times."""
    ohlc = bars.ohlc.copy()
    draw = np.random.default_rng(11)
    ohlc[end + 1 :] *= np.exp(draw.normal(0, 0.05, (len(bars) - end - 1, 1)))
    return Bars(bars.symbol, bars.tf, bars.time, ohlc, bars.volume)


@pytest.mark.parametrize("name", ALL)
def test_no_baseline_sees_the_future(hourly: Bars, name: str) -> None:
    end = 1500
    ends = np.array([400, 900, end])

    known = ALL[name](hourly, ends)
    changed = ALL[name](with_new_closes_after(hourly, end), ends)

    assert np.array_equal(known, changed)


@pytest.mark.parametrize("name", ALL)
def test_a_baseline_expects_more_of_a_longer_time(hourly: Bars, name: str) -> None:
    deviations = ALL[name](hourly, np.array([500, 2000]))

    assert deviations.shape == (2, 16)
    assert (np.diff(deviations, axis=1) > 0).all()


def test_the_random_walk_steps_by_the_windows_own_deviation() -> None:
    bars = random_walk_bars(200, 3600, seed=0)

    deviations = baselines.random_walk(bars, np.array([150]), 128, 16)

    returns = np.diff(np.log(bars.close[151 - 128 : 151]))
    assert deviations[0, 0] == pytest.approx(returns.std())
    assert deviations[0, 15] == pytest.approx(returns.std() * 4)


def test_ewma_forgets_a_shock() -> None:
    bars = random_walk_bars(600, 3600, seed=0)
    ohlc = bars.ohlc.copy()
    ohlc[300:] *= 1.05
    shocked = Bars("", 3600, bars.time, ohlc, bars.volume)

    just_after, long_after = baselines.ewma(shocked, np.array([300, 560]), 1)[:, 0]

    assert just_after > 5 * long_after


def test_hour_of_week_learns_which_hours_are_wild(hourly: Bars) -> None:
    hours = hourly.time // 3600 % 24
    ends = np.flatnonzero((hours == 11) & (np.arange(len(hourly)) > 2000))[:40]

    busy_next = baselines.hour_of_week(hourly, ends, 1).mean()
    calm_next = baselines.hour_of_week(hourly, ends + 8, 1).mean()

    assert busy_next > 2 * calm_next


def test_one_shock_does_not_mark_its_hour_where_squares_are_bounded(hourly: Bars) -> None:
    shocked = hourly.ohlc.copy()
    shocked[1000:] *= 1.2
    bars = Bars(hourly.symbol, hourly.tf, hourly.time, shocked, hourly.volume)
    ends = np.arange(1500, 2900)

    def changed(*, bounded: bool) -> float:
        before, after = (
            baselines.hour_of_week(each, ends, 1, bounded=bounded) for each in (hourly, bars)
        )
        return float(np.abs(after / before - 1).max())

    assert 3 * changed(bounded=True) < changed(bounded=False)


def test_a_reversal_calls_a_rise_after_a_fall(hourly: Bars) -> None:
    ends = np.arange(100, 200)

    called = baselines.reversal(hourly, ends)

    fell = hourly.close[ends] < hourly.close[ends - 1]
    assert np.array_equal(called > 0.5, fell)


def test_gaussian_quantiles_lie_symmetrically_around_no_move() -> None:
    quantiles = baselines.gaussian_quantiles(np.array([[1.0, 2.0]]), (0.1, 0.5, 0.9))

    assert quantiles[0, :, 1] == pytest.approx([0.0, 0.0])
    assert quantiles[0, 0, 2] == pytest.approx(1.2815515)
    assert quantiles[0, 1, 0] == pytest.approx(-2 * 1.2815515)
