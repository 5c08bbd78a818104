"""Forecasts that need no model: Gaussian random walks with three ideas of the coming variance.

Each gives, for every window, the standard deviation of the log-return over 1 to H bars. All that
is estimated comes from bars up to the window's last one.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bridge.bars import Bars, calendar
from bridge.bars.calendar import HOURS_PER_WEEK
from bridge.tuning.scoring.scores import RANDOM_WALK

EWMA_DECAY = 0.98
"""Per bar; of 0.94 to 0.995 the best but for the fifth digit, on seven FX pairs' H1 bars of 2013
to 2018: the years the shipped model was trained on, none that scores it."""

SHOCK = 6.0
"""Times the variance before it that a square counts at most where it is bounded; of 3 to 50 the
best on the same years."""

STRONGEST_WALK = "hour_of_week_bounded"
"""The walk to beat."""

_LEAST_VARIANCE = 1e-12
_PRIOR_COUNT = 5.0  # weeks of the overall variance that each hour starts from


def gaussian_quantiles(
    deviations: NDArray[np.float64], levels: tuple[float, ...]
) -> NDArray[np.float64]:
    """[..., H] standard deviations to [..., H, Q] quantiles of a driftless normal."""
    normal = NormalDist()
    scores = np.array([normal.inv_cdf(level) for level in levels], dtype=np.float64)
    quantiles: NDArray[np.float64] = deviations[..., None] * scores
    return quantiles


def walks(
    bars: Bars, ends: NDArray[np.int64], context: int, horizon: int
) -> dict[str, NDArray[np.float64]]:
    """[W, H] deviations of every walk here, by name."""
    return {
        RANDOM_WALK: random_walk(bars, ends, context, horizon),
        "ewma": ewma(bars, ends, horizon),
        "hour_of_week": hour_of_week(bars, ends, horizon),
        STRONGEST_WALK: hour_of_week(bars, ends, horizon, bounded=True),
    }


def random_walk(
    bars: Bars, ends: NDArray[np.int64], context: int, horizon: int
) -> NDArray[np.float64]:
    """[W, H] deviations: the window's standard deviation of log-returns, times the root of h."""
    returns = np.diff(np.log(bars.close))  # returns[i] ends at bar i + 1
    return window_walk(returns[ends[:, None] + np.arange(1 - context, 0)], horizon)


def window_walk(returns: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """[W, H] deviations of `random_walk`, from each window's own log-returns [W, context - 1]."""
    deviations: NDArray[np.float64] = returns.std(axis=1)[:, None] * np.sqrt(
        np.arange(1, horizon + 1)
    )
    return deviations


def ewma(bars: Bars, ends: NDArray[np.int64], horizon: int) -> NDArray[np.float64]:
    """[W, H] deviations: exponentially weighted variance (RiskMetrics), times the root of h."""
    variance = _exponential_mean(np.diff(np.log(bars.close)) ** 2)[ends - 1]
    return np.sqrt(variance[:, None] * np.arange(1, horizon + 1))


def hour_of_week(
    bars: Bars, ends: NDArray[np.int64], horizon: int, *, bounded: bool = False
) -> NDArray[np.float64]:
    """[W, H] deviations: the same, with returns and coming bars scaled by their hour of the week.

    An hour's factor is the mean of its squared returns over that of all, from earlier bars only
    (the seasonal variance of Andersen and Bollerslev 1997, in its simplest form). With `bounded`
    no square counts more than `SHOCK` times the variance before it, or one shock marks its hour
    for years: the strongest baseline here.
    """
    squares = np.diff(np.log(bars.close)) ** 2
    if bounded:
        before = np.concatenate([squares[:1], _exponential_mean(squares)[:-1]])
        squares = np.minimum(squares, SHOCK * np.maximum(before, _LEAST_VARIANCE))
    hours = calendar.hour_of_week(bars.time[1:])
    factors = _expanding_factors(squares, hours)  # [n, 168], before each return
    own = factors[np.arange(len(squares)), hours]
    variance = _exponential_mean(squares / own)[ends - 1]
    # The factors known at the end of the window are those before the return that follows it.
    ahead = calendar.hour_of_week(bars.time[ends[:, None] + np.arange(1, horizon + 1)])  # [W, H]
    coming = np.take_along_axis(factors[ends], ahead, axis=1)
    return np.sqrt(variance[:, None] * np.cumsum(coming, axis=1))


def reversal(bars: Bars, ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """[W] probability of a rise one bar ahead, of a caller who calls each move reversed."""
    fell = bars.close[ends] < bars.close[ends - 1]
    return np.where(fell, 1.0, 0.0)


def _exponential_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of all values so far, each older one weighing `EWMA_DECAY` of the next."""
    means = np.empty_like(values)
    total = weight = 0.0
    for index, value in enumerate(values.tolist()):
        total = EWMA_DECAY * total + value
        weight = EWMA_DECAY * weight + 1.0
        means[index] = total / weight
    return means


def _expanding_factors(
    squares: NDArray[np.float64], hours: NDArray[np.int64]
) -> NDArray[np.float64]:
    """[n, 168] each hour's variance over the overall one, from the squares before each index."""
    count = len(squares)
    before = np.arange(count)
    sums = np.zeros((count, HOURS_PER_WEEK))
    counts = np.zeros((count, HOURS_PER_WEEK))
    sums[before[1:], hours[:-1]] = squares[:-1]
    counts[before[1:], hours[:-1]] = 1.0
    np.cumsum(sums, axis=0, out=sums)
    np.cumsum(counts, axis=0, out=counts)
    # Not the sum less the newest square: that one is to come, and its size would show in the bits.
    overall = np.concatenate([np.zeros(1), np.cumsum(squares)[:-1]])
    overall = np.maximum(overall, 1e-18) / np.maximum(before, 1)
    factors: NDArray[np.float64] = (sums / overall[:, None] + _PRIOR_COUNT) / (
        counts + _PRIOR_COUNT
    )
    factors[0] = 1.0
    return factors
