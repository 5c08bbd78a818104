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
    reach = _reach(found)
    mean = float(found.mean())
    return Estimate(mean) if reach is None else Estimate(mean, mean - reach, mean + reach)


def times_over_seeds(values: Sequence[float]) -> Estimate:
    """The geometric mean of positive numbers with Student's interval of their logarithms, which
    unlike that of the numbers themselves never goes below zero."""
    logs = np.log(np.maximum(values, 1e-9))
    reach = _reach(logs)
    mean = float(logs.mean())
    if reach is None:
        return Estimate(float(np.exp(mean)))
    low, middle, high = np.exp([mean - reach, mean, mean + reach])
    return Estimate(float(middle), float(low), float(high))


def _reach(values: Array) -> float | None:
    """Half the 95% interval of the mean."""
    from scipy import stats  # slow to import, and none of the report's other parts needs it

    freedom = len(values) - 1
    if freedom < 1:
        return None
    deviation = float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    return float(stats.t.ppf(0.975, freedom)) * deviation


class Bootstrap:
    """Draws blocks of weeks, and seeds, with replacement (Carlstein 1986, in two stages).

    Blocks keep what neighbouring windows share; the same blocks are drawn for every forecaster,
    so a difference of two has the interval of the pair. Seeds are drawn for each on its own.

    Args:
        time: [T] when the windows end.
        block_seconds: length of a block.
    """

    def __init__(self, time: NDArray[np.int64], block_seconds: int, *, seed: int = 0) -> None:
        numbers, self._place = np.unique(slot(time, block_seconds), return_inverse=True)
        self._count = len(numbers)
        self._seed = seed
        self._draws = resamples(self._count, seed)  # the first row is the data's own

    @property
    def tells(self) -> bool:
        """Whether there are enough blocks for an interval."""
        return len(self._draws) > 1

    def sums(self, seeds: Sequence[Array], name: str) -> Array:
        """[1 + R, ...] resampled sums of each seed's [T, ...] series, averaged over the seeds
        drawn; `name` of the forecaster sets its seeds' draws apart from another's."""
        blocks = np.stack([self._by_block(values) for values in seeds])  # [S, N, ...]
        totals = np.einsum("rn,sn...->sr...", self._draws, blocks)
        weights = np.full((len(seeds), len(self._draws)), 1.0 / len(seeds))
        if len(seeds) > 1 and self.tells:
            generator = np.random.default_rng([self._seed, *name.encode()])
            drawn = generator.multinomial(
                len(seeds), np.full(len(seeds), 1.0 / len(seeds)), size=len(self._draws) - 1
            )
            weights[:, 1:] = drawn.T / len(seeds)
        sums: Array = np.einsum("sr,sr...->r...", weights, totals)
        return sums

    def _by_block(self, values: Array) -> Array:
        sums = np.zeros((self._count, *values.shape[1:]))
        np.add.at(sums, self._place, values)
        return sums


def estimate(samples: Array) -> Estimate:
    """The first sample, and the middle 95% of the others."""
    if len(samples) == 1 or not np.isfinite(samples).all():
        return Estimate(float(samples[0]))
    low, high = np.percentile(samples[1:], [2.5, 97.5])
    return Estimate(float(samples[0]), float(low), float(high))


class Scorer:
    """Scores of forecasters over the same windows, each told by its seeds' losses.

    Args:
        walk: the Gaussian random walk's losses, by which ratios divide.
        block_seconds: longer than what neighbouring windows share.
    """

    def __init__(self, walk: Losses, block_seconds: int) -> None:
        self.walk = walk
        self._bootstrap = Bootstrap(walk.time, block_seconds)

    def pinball_ratio(self, name: str, seeds: Sequence[Losses]) -> Estimate:
        """Pinball loss over the walk's, mean over horizons: `wql_ratio` of `evaluate`."""
        return estimate(self._ratio(name, seeds))

    def pinball_difference(
        self, name: str, seeds: Sequence[Losses], other: str, others: Sequence[Losses]
    ) -> Estimate:
        """The first forecaster's pinball ratio less the other's."""
        return estimate(self._ratio(name, seeds) - self._ratio(other, others))

    def pinball_ratio_h(self, name: str, seeds: Sequence[Losses]) -> Array:
        """[H] the ratio at each bar ahead."""
        row: Array = self._ratio_h(name, seeds)[0]
        return row

    def coverage(self, name: str, seeds: Sequence[Losses]) -> Estimate:
        """Share of outcomes between the quantiles 0.1 and 0.9."""
        covered = self._sums(name, seeds, lambda each: each.covered.mean(axis=1))
        return estimate(covered / self._windows())

    def mse(self, name: str, seeds: Sequence[Losses]) -> Estimate:
        """Mean squared error of the median, prices as shares of the last close."""
        return estimate(self._mse(name, seeds))

    def rmse(self, name: str, seeds: Sequence[Losses]) -> Estimate:
        """Its root."""
        return estimate(np.sqrt(self._mse(name, seeds)))

    def rmse_ratio(self, name: str, seeds: Sequence[Losses]) -> Estimate:
        """RMSE over that of the forecast that the price will not move."""
        return estimate(np.sqrt(self._mse(name, seeds) / self._mse("walk", [self.walk])))

    def nrmse(self, name: str, seeds: Sequence[Losses]) -> Estimate:
        """RMSE over the mean range of the prices that came, which no forecast can widen."""
        return estimate(self._nrmse(name, seeds, lambda each: each.span))

    def nrmse_article(self, name: str, seeds: Sequence[Losses]) -> Estimate:
        """RMSE over the mean of what the article series divides by: `PointErrors.reach`."""
        return estimate(self._nrmse(name, seeds, lambda each: each.reach))

    def nrmse_difference(
        self,
        name: str,
        seeds: Sequence[Losses],
        other: str,
        others: Sequence[Losses],
        *,
        article: bool = False,
    ) -> Estimate:
        """The first forecaster's NRMSE less the other's."""

        def below(each: Losses) -> Array:
            return each.reach if article else each.span

        return estimate(self._nrmse(name, seeds, below) - self._nrmse(other, others, below))

    def direction(self, name: str, seeds: Sequence[Losses]) -> Estimate | None:
        """Share of rises and falls called one bar ahead; None of a forecaster that calls none."""
        if any(np.isnan(each.called).any() for each in seeds):
            return None
        called = self._sums(name, seeds, lambda each: each.called)
        return estimate(called / self._sums("walk", [self.walk], lambda each: each.moved))

    def _ratio(self, name: str, seeds: Sequence[Losses]) -> Array:
        ratio: Array = self._ratio_h(name, seeds).mean(axis=1)
        return ratio

    def _ratio_h(self, name: str, seeds: Sequence[Losses]) -> Array:
        above = self._sums(name, seeds, lambda each: each.pinball)
        return above / self._sums("walk", [self.walk], lambda each: each.pinball)

    def _mse(self, name: str, seeds: Sequence[Losses]) -> Array:
        return self._sums(name, seeds, lambda each: each.square) / self._windows()

    def _nrmse(self, name: str, seeds: Sequence[Losses], of: Callable[[Losses], Array]) -> Array:
        below = self._sums(name, seeds, of)
        ratio: Array = np.sqrt(self._mse(name, seeds)) / (below / self._windows())
        return ratio

    def _windows(self) -> Array:
        return self._sums("walk", [self.walk], lambda each: each.windows)

    def _sums(self, name: str, seeds: Sequence[Losses], of: Callable[[Losses], Array]) -> Array:
        return self._bootstrap.sums([of(each) for each in seeds], name)
