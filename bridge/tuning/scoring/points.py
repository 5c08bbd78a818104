"""Scores of one value per bar ahead: what a forecast without a distribution can be held to.

Prices count as shares of the window's last close (0.001 is 0.1%), so that a yen and a pound weigh
alike. Point scores say little of a market close to a random walk: the least mean square error is
that of "the price stays", and a forecaster is judged by its ratio to it. What can be forecast is
the spread, which the pinball loss of `bridge.tuning.scoring.scores` sees and these do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.bars.calendar import slot
from bridge.tuning.scoring.scores import BLOCK_SECONDS, ratio, resamples, with_interval

Array = NDArray[np.float64]

_DECIMALS = 12  # a mean square of hourly moves is 1e-7 and less


@dataclass(frozen=True)
class PointErrors:
    """What each window adds to the scores; all [W], prices as shares of the last close.

    Attributes:
        square: mean square error over the horizon.
        walk: the same of the random walk's forecast, that the last close stays.
        reach: highest true price less lowest forecast price: the article's denominator, which
            is below zero where a forecast lies above all that came.
        span: highest less lowest true price.
    """

    square: Array
    walk: Array
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
        walk=np.mean((1.0 - came) ** 2, axis=1),
        reach=came.max(axis=1) - given.min(axis=1),
        span=came.max(axis=1) - came.min(axis=1),
    )


def mean_errors(errors: Sequence[PointErrors]) -> PointErrors:
    """The errors of several seeds over the same windows, averaged window by window."""
    return PointErrors(
        **{
            each.name: np.mean([getattr(error, each.name) for error in errors], axis=0)
            for each in fields(PointErrors)
        }
    )


def score_errors(
    time: NDArray[np.int64],
    errors: PointErrors,
    *,
    block_seconds: int = BLOCK_SECONDS,
    seed: int = 0,
) -> dict[str, Any]:
    """The scores over all windows; each has NAME_ci, [low, high] with 95%, or None.

    - `mse`, `rmse`: mean square error and its root.
    - `nrmse`: as the article series "Integrate Your Own LLM into EA" (mql5.com/en/articles/13497,
      13499, 13500) has it: the root over `max(true) - min(forecast)`. Over many windows it is the
      root of the mean square over the mean of the windows' denominators; over one window it is the
      article's. As its denominator holds the forecast, one that dares more scores better even
      where it errs more (on GBPUSD's hours of 2019, 40 ahead, Theta's mean square error is 1.38
      times the random walk's, and its `nrmse` 0.84 times): read it beside the next two.
    - `nrmse_range`: the root over `max(true) - min(true)` likewise, which no forecast can move.
    - `rmse_ratio`: the root over that of the random walk; 1 is "the price stays".

    Intervals are those of a bootstrap over blocks of time, as in `bridge.tuning.scoring.scores`:
    windows of several files may stand in one array, those of the same weeks are drawn together.

    Args:
        time: [W] when each window ends.
        errors: of the same windows.
        block_seconds: length of a block, longer than what neighbouring windows share.
    """
    blocks, place = np.unique(slot(time, block_seconds), return_inverse=True)
    draws = resamples(len(blocks), seed)

    def mean(values: Array) -> Array:
        """[draws] of what each window adds, over the windows drawn."""
        drawn: Array = draws @ np.bincount(place, weights=values, minlength=len(blocks))
        return drawn / (draws @ np.bincount(place, minlength=len(blocks)))

    square = mean(errors.square)
    root = np.sqrt(square)
    return {
        **with_interval("mse", square, decimals=_DECIMALS),
        **with_interval("rmse", root, decimals=_DECIMALS),
        **with_interval("nrmse", ratio(root, mean(errors.reach))),
        **with_interval("nrmse_range", ratio(root, mean(errors.span))),
        **with_interval("rmse_ratio", ratio(root, np.sqrt(mean(errors.walk)))),
    }


def point_scores(
    time: NDArray[np.int64],
    moves: Array,
    forecasts: Mapping[str, Array],
    *,
    block_seconds: int = BLOCK_SECONDS,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """`score_errors` of each named [W, H] forecast of the [W, H] log-returns that came."""
    return {
        name: score_errors(
            time, point_errors(forecast, moves), block_seconds=block_seconds, seed=seed
        )
        for name, forecast in forecasts.items()
    }
