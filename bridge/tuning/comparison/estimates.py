"""Numbers with their 95% intervals: over seeds, over weeks, or over both at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.bars.calendar import slot
from bridge.tuning.comparison.losses import Losses
from bridge.tuning.scoring.scores import resamples

Array = NDArray[np.float64]
_SHORTEST = 1e-9  # a time of nothing has no logarithm


@dataclass(frozen=True)
class Estimate:
    """A number and its 95% interval; the bounds are None where too little was seen to tell."""

    value: float
    low: float | None = None
    high: float | None = None

    def times(self, factor: float) -> Estimate:
        """In another unit."""
        return Estimate(
            factor * self.value,
            None if self.low is None else factor * self.low,
            None if self.high is None else factor * self.high,
        )


def written(value: float, form: str) -> str:
    """A number in a format, without a sign where it is written as nothing: `0.0000`."""
    text = format(value, form)
    return text.lstrip("+-") if not any(digit in text for digit in "123456789") else text


def over_seeds(values: Sequence[float]) -> Estimate:
    """The mean of independent runs with Student's interval; none for a single run."""
    found = np.array(values, dtype=np.float64)
    mean = float(found.mean())
    if len(found) < 2:
        return Estimate(mean)
    reach = float(_reach(found))
    return Estimate(mean, mean - reach, mean + reach)


def times_over_seeds(values: Sequence[float]) -> Estimate:
    """The geometric mean of positive numbers with Student's interval of their logarithms, which
    unlike that of the numbers themselves never goes below zero."""
    logs = over_seeds([float(value) for value in np.log(np.maximum(values, _SHORTEST))])
    middle = float(np.exp(logs.value))
    if logs.low is None or logs.high is None:
        return Estimate(middle)
    return Estimate(middle, float(np.exp(logs.low)), float(np.exp(logs.high)))


def _reach(*groups: Array) -> Array:
    """Half the 95% interval of the sum, or difference, of several means of independent runs.

    Student's, its degrees of freedom by Welch (1947) and Satterthwaite (1946); for one group that
    is the interval of the mean. A group of one run says nothing of others, and adds nothing.

    Args:
        groups: each [S, ...].
    """
    from scipy import stats  # slow to import, and none of the report's other parts needs it

    told = [group for group in groups if len(group) > 1]
    if not told:
        return np.zeros(groups[0].shape[1:])
    squares = np.stack([group.var(axis=0, ddof=1) / len(group) for group in told])
    freedoms = np.array([len(group) - 1.0 for group in told]).reshape(-1, *[1] * (squares.ndim - 1))
    total = squares.sum(axis=0)
    most = np.maximum(squares.max(axis=0), np.finfo(np.float64).tiny)  # shares do not underflow
    shares = squares / most
    below = np.maximum((shares**2 / freedoms).sum(axis=0), np.finfo(np.float64).tiny)
    freedom = np.maximum(shares.sum(axis=0) ** 2 / below, freedoms.min())
    reach: Array = stats.t.ppf(0.975, freedom) * np.sqrt(total)
    return reach


class Weeks:
    """Draws blocks of weeks with replacement (Carlstein 1986).

    Blocks keep what neighbouring windows share; the same blocks are drawn for every forecaster,
    so that a difference of two has the interval of the pair.

    Args:
        time: [T] when the windows end, ascending.
        block_seconds: length of a block.
    """

    def __init__(self, time: NDArray[np.int64], block_seconds: int, *, seed: int = 0) -> None:
        _, self._starts = np.unique(slot(time, block_seconds), return_index=True)
        self._draws = resamples(len(self._starts), seed)  # the first row is the data's own

    def sums(self, values: Array) -> Array:
        """[T, ...] to [1 + R, ...]: the sum over all blocks, then over each draw's; of the first
        alone where there are too few blocks for an interval."""
        blocks = np.add.reduceat(values, self._starts, axis=0)
        sums: Array = self._draws @ blocks
        return sums


Field = Callable[[Losses], Array]


@dataclass(frozen=True)
class Totals:
    """What a score is made of: sums over windows, [R, ...], of the runs of one forecaster and of
    the Gaussian random walk, under the same R draws of weeks."""

    runs: Sequence[Losses]
    walk_losses: Losses
    summed: Callable[[Array], Array]

    def own(self, field: Field) -> Array:
        """Of the forecaster, mean over its runs."""
        return self.summed(np.mean([field(run) for run in self.runs], axis=0))

    def walk(self, field: Field) -> Array:
        """Of the walk."""
        return self.summed(field(self.walk_losses))


Score = Callable[[Totals], Array]
"""[R], or [R, K] where it is several numbers; not a number where it cannot be told."""


class Scorer:
    """Scores of forecasters over the same windows, each told by its seeds' losses.

    An interval is of other weeks and other seeds at once. The former's comes from a bootstrap
    over blocks of weeks; the latter's is Student's, of the seeds' own values, as the few seeds
    that one can afford are too few to resample (three, drawn with replacement, vary by two thirds
    of the right variance). Both are added as intervals of independent errors are: their reaches
    on either side by squares (Zou and Donner 2008). Of a single seed the interval is over weeks
    alone.

    Args:
        walk: the Gaussian random walk's losses, by which ratios divide.
        block_seconds: longer than what neighbouring windows share.
    """

    def __init__(self, walk: Losses, block_seconds: int) -> None:
        self.walk = walk
        self._weeks = Weeks(walk.time, block_seconds)

    def pinball_ratio(self, seeds: Sequence[Losses]) -> Estimate:
        """Pinball loss over the walk's, mean over horizons: `wql_ratio` of `evaluate`."""
        return self._estimate(_ratio, seeds)

    def pinball_difference(self, seeds: Sequence[Losses], others: Sequence[Losses]) -> Estimate:
        """The first forecaster's pinball ratio less the other's."""
        return self._estimate(_ratio, seeds, others)

    def pinball_ratio_h(self, seeds: Sequence[Losses]) -> tuple[Estimate, ...]:
        """The ratio at each bar ahead."""
        return self._estimates(_ratio_h, seeds)

    def coverage(self, seeds: Sequence[Losses]) -> Estimate | None:
        """Share of outcomes between the quantiles 0.1 and 0.9; None without these levels."""
        return self._known(self._estimate(_coverage, seeds))

    def mse(self, seeds: Sequence[Losses]) -> Estimate:
        """Mean squared error of the median, prices as shares of the last close."""
        return self._estimate(_mse, seeds)

    def rmse(self, seeds: Sequence[Losses]) -> Estimate:
        """Its root."""
        return self._estimate(_rmse, seeds)

    def rmse_ratio(self, seeds: Sequence[Losses]) -> Estimate:
        """RMSE over that of the forecast that the price will not move."""
        return self._estimate(_rmse_ratio, seeds)

    def nrmse(self, seeds: Sequence[Losses]) -> Estimate:
        """RMSE over the mean range of the prices that came, which no forecast can widen."""
        return self._estimate(_nrmse, seeds)

    def nrmse_difference(self, seeds: Sequence[Losses], others: Sequence[Losses]) -> Estimate:
        """The first forecaster's NRMSE less the other's."""
        return self._estimate(_nrmse, seeds, others)

    def nrmse_article(self, seeds: Sequence[Losses]) -> Estimate | None:
        """RMSE over the mean of what the article series divides by, `PointErrors.reach`; None of
        a forecast that lies so far above what came that there is nothing to divide by."""
        return self._known(self._estimate(_nrmse_article, seeds))

    def nrmse_article_difference(
        self, seeds: Sequence[Losses], others: Sequence[Losses]
    ) -> Estimate | None:
        """The first forecaster's less the other's; None where either has none."""
        return self._known(self._estimate(_nrmse_article, seeds, others))

    def direction(self, seeds: Sequence[Losses]) -> Estimate | None:
        """Share of rises and falls called one bar ahead; None of a forecaster that calls none."""
        return self._known(self._estimate(_direction, seeds))

    def _known(self, found: Estimate) -> Estimate | None:
        return found if np.isfinite(found.value) else None

    def _estimate(self, score: Score, *forecasters: Sequence[Losses]) -> Estimate:
        return self._estimates(score, *forecasters)[0]

    def _estimates(self, score: Score, *forecasters: Sequence[Losses]) -> tuple[Estimate, ...]:
        """Of one forecaster's score, or of its difference to a second's."""
        samples = [self._score(score, runs, self._weeks.sums) for runs in forecasters]
        seeds = [self._by_seed(score, runs) for runs in forecasters]
        found = samples[0] - samples[1] if len(samples) > 1 else samples[0]
        reach = _reach(*seeds)
        return tuple(_interval(*each) for each in zip(found.T, reach, strict=True))

    def _by_seed(self, score: Score, runs: Sequence[Losses]) -> Array:
        """[S, K] what each seed says of the score of all: its pseudo-value (Tukey 1958), for a
        mean of the seeds' scores just the seed's own."""
        if len(runs) == 1:
            return self._score(score, runs, _sum)
        whole = self._score(score, runs, _sum)[0]
        without = [
            self._score(score, [*runs[:place], *runs[place + 1 :]], _sum)[0]
            for place in range(len(runs))
        ]
        values: Array = len(runs) * whole - (len(runs) - 1) * np.stack(without)
        return values

    def _score(
        self, score: Score, runs: Sequence[Losses], summed: Callable[[Array], Array]
    ) -> Array:
        """[R, K]"""
        values = score(Totals(runs, self.walk, summed))
        return values[:, None] if values.ndim == 1 else values


def _interval(samples: Array, reach: float) -> Estimate:
    """The first sample; the middle 95% of the others, and `reach` beside them by squares."""
    value = float(samples[0])
    if len(samples) == 1 or not np.isfinite([*samples, reach]).all():
        return Estimate(value)
    low, high = np.percentile(samples[1:], [2.5, 97.5])
    return Estimate(
        value,
        value - float(np.hypot(max(value - low, 0.0), reach)),
        value + float(np.hypot(max(high - value, 0.0), reach)),
    )


def _sum(values: Array) -> Array:
    """Over all windows, as the one draw there is."""
    total: Array = values.sum(axis=0, keepdims=True)
    return total


def _windows(totals: Totals) -> Array:
    return totals.walk(lambda each: each.windows)


def _ratio_h(totals: Totals) -> Array:
    return totals.own(lambda each: each.pinball) / totals.walk(lambda each: each.pinball)


def _ratio(totals: Totals) -> Array:
    ratio: Array = _ratio_h(totals).mean(axis=1)
    return ratio


def _coverage(totals: Totals) -> Array:
    return totals.own(lambda each: each.covered.mean(axis=1)) / _windows(totals)


def _mse(totals: Totals) -> Array:
    return totals.own(lambda each: each.square) / _windows(totals)


def _rmse(totals: Totals) -> Array:
    return np.sqrt(_mse(totals))


def _rmse_ratio(totals: Totals) -> Array:
    squares = totals.own(lambda each: each.square) / totals.walk(lambda each: each.square)
    return np.sqrt(squares)


def _nrmse(totals: Totals) -> Array:
    return _rmse(totals) / (totals.own(lambda each: each.span) / _windows(totals))


def _nrmse_article(totals: Totals) -> Array:
    below = totals.own(lambda each: each.reach) / _windows(totals)
    return np.divide(_rmse(totals), below, out=np.full_like(below, np.nan), where=below > 0)


def _direction(totals: Totals) -> Array:
    return totals.own(lambda each: each.called) / totals.walk(lambda each: each.moved)
