"""Scores of one value per bar ahead: what a forecast without a distribution can be held to.

Prices count as shares of the window's last close (0.001 is 0.1%), so that a yen and a pound weigh
alike. Point scores say little of a market close to a random walk: the least mean square error is
that of "the price stays", and a forecaster is judged by its ratio to it. What can be forecast is
the spread, which the pinball loss of `bridge.tuning.scoring.scores` sees and these do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PointErrors:
    """What each window adds to the scores; all [W], prices as shares of the last close.

    Attributes:
        square: mean square error over the horizon.
        reach: highest true price less lowest forecast price, by which the article series
            "Integrate Your Own LLM into EA" (mql5.com/en/articles/13497, 13499, 13500) divides the
            root of the mean square error for its NRMSE. It holds the forecast, so one that dares
            more scores better even where it errs more (on GBPUSD's hours of 2019, 40 ahead,
            Theta's mean square error is 1.38 times the random walk's, and its NRMSE 0.84 times);
            it is below zero where a forecast lies above all that came.
        span: highest less lowest true price, which no forecast can move.
    """

    square: Array
    reach: Array
    span: Array


def point_forecast(quantiles: Array, levels: tuple[float, ...]) -> Array:
    """[W, H, Q] quantiles at ascending `levels` to [W, H]: the median.

    Where 0.5 is not among the levels it is interpolated between those around it.

    Raises:
        ValueError: all levels lie on one side of 0.5.
    """
    if not levels[0] <= 0.5 <= levels[-1]:
        raise ValueError(f"no median can be told from quantiles at {levels}: 0.5 lies outside them")
    above = min(int(np.searchsorted(levels, 0.5)), len(levels) - 1)
    if levels[above] == 0.5:
        return np.asarray(quantiles[..., above])
    low, high = levels[above - 1], levels[above]
    share = (0.5 - low) / (high - low)
    return np.asarray((1.0 - share) * quantiles[..., above - 1] + share * quantiles[..., above])


def point_errors(forecast: Array, moves: Array) -> PointErrors:
    """Each window's errors, from [W, H] forecast and true log-returns from the last close."""
    given, came = np.exp(forecast), np.exp(moves)
    return PointErrors(
        square=np.mean((given - came) ** 2, axis=1),
        reach=came.max(axis=1) - given.min(axis=1),
        span=came.max(axis=1) - came.min(axis=1),
    )
