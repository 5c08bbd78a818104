"""Whether one forecaster is better than another, or was luckier: Diebold-Mariano tests.

Windows that overlap, and symbols that move together, are no independent witnesses. So losses are
first added up over all windows that end in the same day, of whichever symbol, and the variance of
the daily differences allows for what neighbouring days share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bridge.bars.bars import DAY
from bridge.bars.calendar import slot

Array = NDArray[np.float64]

_FEWEST_PERIODS = 8


class SignificanceError(ValueError):
    """Two series of losses cannot be compared. The message says what is missing."""


@dataclass(frozen=True)
class DieboldMariano:
    """The test of two forecasters' losses.

    Attributes:
        first, second: their names.
        difference: mean loss of the first less that of the second: below zero, the first is
            better.
        statistic: the corrected statistic, of Student's t distribution with `periods - 1`
            degrees of freedom if both are as good.
        p_value: two-sided.
        p_holm: the same, adjusted for the number of pairs tested beside it.
        periods: losses compared.
        lags: neighbouring periods on either side that the variance allows for.
    """

    first: str
    second: str
    difference: float
    statistic: float
    p_value: float
    p_holm: float
    periods: int
    lags: int


def daily_losses(
    time: NDArray[np.int64],
    losses: Array,
    *,
    windows: Array | None = None,
    seconds: int = DAY,
) -> Array:
    """[W] losses, of windows that end at `time`, to [D]: by day, in order of time, what they lost
    over the windows of a usual day.

    The mean over days is then the mean over windows, as scores have it: a day counts by its
    windows. Windows of all symbols stand in one array: those of one day become one number.

    Args:
        windows: [W] where each loss is a sum, of how many windows.
        seconds: another period than a day.
    """
    days, place = np.unique(slot(time, seconds), return_inverse=True)
    summed = np.bincount(place, weights=losses, minlength=len(days))
    count = float(len(losses) if windows is None else windows.sum())
    daily: Array = summed * len(days) / count
    return daily


def usual_lags(periods: int, horizon: int, tf: int, *, seconds: int = DAY) -> int:
    """How many neighbouring periods the variance has to allow for.

    At least those in which windows forecast the same bars, and no fewer than the rule of Newey
    and West (1994), `4 * (T / 100)^(2/9)`: days of the same mood are misjudged alike.
    """
    return max(math.ceil(horizon * tf / seconds), int(4 * (periods / 100) ** (2 / 9)))


def diebold_mariano(
    first: Array,
    second: Array,
    *,
    lags: int,
    names: tuple[str, str] = ("first", "second"),
) -> DieboldMariano:
    """Test that two forecasters' expected losses are the same.

    The test of Diebold and Mariano (1995), its variance by Newey and West (1987) with Bartlett
    weights up to `lags`, its statistic and distribution as Harvey, Leybourne and Newbold (1997)
    correct them for `lags + 1` steps ahead. Without lags it is the paired t-test.

    Args:
        first, second: [T] losses in the same periods, in order of time, as `daily_losses` gives.
        lags: neighbouring periods whose losses are not independent: `usual_lags`.

    Raises:
        SignificanceError: series of different lengths, or too short for these lags.
    """
    periods = len(first)
    if len(second) != periods:
        raise SignificanceError(
            f"{names[0]} has {periods} losses and {names[1]} {len(second)}: give losses of the "
            "same windows"
        )
    fewest = max(_FEWEST_PERIODS, 2 * (lags + 1))
    if periods < fewest:
        raise SignificanceError(
            f"{periods} periods are too few to compare {names[0]} with {names[1]}: it takes "
            f"{fewest}; score a longer time"
        )
    differences = first - second
    mean = float(differences.mean())
    deviation = _deviation_of_mean(differences, lags)
    # Alike to the last bit, or by the same amount in every period: rounding is no variance.
    if deviation <= 1e-14 * float(np.abs(first).mean()):
        same = abs(mean) <= 1e-14 * float(np.abs(first).mean())
        statistic = 0.0 if same else math.copysign(math.inf, mean)
        return DieboldMariano(*names, mean, statistic, float(same), float(same), periods, lags)
    ahead = lags + 1
    correction = (periods + 1 - 2 * ahead + ahead * (ahead - 1) / periods) / periods
    statistic = mean / deviation * math.sqrt(correction)
    p_value = _two_sided(statistic, periods - 1)
    return DieboldMariano(*names, mean, statistic, p_value, p_value, periods, lags)


def compare_all(
    losses: Mapping[str, Array], *, horizon: int, tf: int, seconds: int = DAY
) -> list[DieboldMariano]:
    """Every pair once, in the order given, its `p_holm` adjusted for all of them (Holm 1979).

    Args:
        losses: by forecaster, [T] in the same periods, as `daily_losses` gives.
        horizon, tf: bars that a window forecasts, seconds each.
        seconds: the periods of `daily_losses`.

    Raises:
        SignificanceError: as `diebold_mariano`.
    """
    from statsmodels.stats.multitest import multipletests

    periods = max((len(values) for values in losses.values()), default=0)
    lags = usual_lags(periods, horizon, tf, seconds=seconds)
    tests = [
        diebold_mariano(losses[first], losses[second], lags=lags, names=(first, second))
        for first, second in combinations(losses, 2)
    ]
    if not tests:
        return []
    adjusted = multipletests([test.p_value for test in tests], method="holm")[1]
    return [replace(test, p_holm=float(value)) for test, value in zip(tests, adjusted, strict=True)]


def _deviation_of_mean(differences: Array, lags: int) -> float:
    from statsmodels.regression.linear_model import OLS

    constant = np.ones(len(differences))
    options = {"maxlags": lags, "use_correction": False}
    return float(OLS(differences, constant).fit(cov_type="HAC", cov_kwds=options).bse[0])


def _two_sided(statistic: float, freedom: int) -> float:
    from scipy import stats

    return float(2.0 * stats.t.sf(abs(statistic), freedom))
