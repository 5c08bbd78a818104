"""Scores of forecasts, each with its baseline and a 95% interval.

All losses are of log-returns from the last close, so that a yen and a pound weigh alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.bars.calendar import slot

RANDOM_WALK = "random_walk"
BLOCK_SECONDS = 14 * 86_400
"""Windows within at least two weeks are drawn together: they share bars and the market's mood."""

_FEWEST_BLOCKS = 8  # with fewer, resampling them says nothing of other weeks
_RESAMPLES = 2000
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sums:
    """What one forecaster did in each block of time: sums that add up over blocks and files.

    Attributes:
        loss: [N, H] pinball loss summed over levels and windows.
        covered: [N, H] windows whose outcome lay between the quantiles 0.1 and 0.9. None where
            these are not among the levels.
        hits: [N] windows whose direction one bar ahead was called. None where none is called.
    """

    loss: Array
    covered: Array | None
    hits: Array | None


@dataclass(frozen=True)
class Outcomes:
    """Sums of a model and of each baseline over the same windows, in the same blocks.

    `block` [N] numbers the blocks by calendar, so that blocks of several files match;
    `windows` [N] counts windows, `moved` [N] those whose next close differs from the last.
    """

    block: NDArray[np.int64]
    windows: Array
    moved: Array
    by_name: Mapping[str, Sums]


def pinball(quantiles: Array, moves: Array, levels: Array) -> Array:
    """[W, H, Q] quantiles and [W, H] outcomes to [W, H]: pinball loss summed over levels."""
    error = moves[..., None] - quantiles
    loss: Array = np.maximum(levels * error, (levels - 1.0) * error).sum(-1)
    return loss


def sum_blocks(
    time: NDArray[np.int64],
    moves: Array,
    levels: tuple[float, ...],
    quantiles: Mapping[str, Array],
    up: Mapping[str, Array],
    *,
    block_seconds: int = BLOCK_SECONDS,
) -> Outcomes:
    """Score each named [W, H, Q] set of quantiles of log-returns, summed by block of time.

    Args:
        time: [W] when each window ends.
        moves: [W, H] log-returns that came.
        levels: the quantiles' levels.
        quantiles: by forecaster; the baseline `random_walk` among them.
        up: [W] probability of a rise one bar ahead, of those forecasters that give one.
        block_seconds: length of a block, longer than what neighbouring windows share.
    """
    blocks, place = np.unique(slot(time, block_seconds), return_inverse=True)

    def total(values: Array) -> Array:
        sums = np.zeros((len(blocks), *values.shape[1:]))
        np.add.at(sums, place, values)
        return sums

    moved = moves[:, 0] != 0.0
    by_name = {}
    for name, values in quantiles.items():
        covered = None
        if 0.1 in levels and 0.9 in levels:
            low, high = values[..., levels.index(0.1)], values[..., levels.index(0.9)]
            covered = total(((moves >= low) & (moves <= high)).astype(float))
        hits = None
        if name in up:
            hits = total((moved & ((up[name] > 0.5) == (moves[:, 0] > 0.0))).astype(float))
        by_name[name] = Sums(total(pinball(values, moves, np.array(levels))), covered, hits)
    return Outcomes(
        blocks.astype(np.int64), total(np.ones(len(moves))), total(moved.astype(float)), by_name
    )


def merge(files: Sequence[Outcomes]) -> Outcomes:
    """Outcomes over all files; blocks of the same weeks become one, as markets move together."""
    blocks, place = np.unique(np.concatenate([each.block for each in files]), return_inverse=True)

    def total(parts: Sequence[Array]) -> Array:
        values = np.concatenate(parts)
        sums = np.zeros((len(blocks), *values.shape[1:]))
        np.add.at(sums, place, values)
        return sums

    by_name = {}
    for name, first in files[0].by_name.items():
        each = [file.by_name[name] for file in files]
        covered = [sums.covered for sums in each if sums.covered is not None]
        hits = [sums.hits for sums in each if sums.hits is not None]
        by_name[name] = Sums(
            total([sums.loss for sums in each]),
            total(covered) if first.covered is not None else None,
            total(hits) if first.hits is not None else None,
        )
    return Outcomes(
        blocks,
        total([each.windows for each in files]),
        total([each.moved for each in files]),
        by_name,
    )


def summarise(outcomes: Outcomes, name: str, *, seed: int = 0) -> dict[str, object]:
    """The scores of one forecaster, each with the 95% interval of a block bootstrap.

    `wql_ratio_h` is each horizon's loss over the random walk's, `wql_ratio` its mean;
    `coverage_80` is the share of outcomes between the quantiles 0.1 and 0.9; `direction_1` the
    share of rises and falls called one bar ahead, among windows whose close moved at all. A
    bootstrap over blocks of time (Carlstein 1986) keeps what neighbouring windows share; with
    fewer than eight blocks there is no interval. What cannot be told is None.
    """
    draws = resamples(len(outcomes.block), seed)
    sums = outcomes.by_name[name]
    walk = outcomes.by_name[RANDOM_WALK].loss
    ratio_h = ratio(draws @ sums.loss, draws @ walk)  # [draws, H], the first row the data's own
    horizon = walk.shape[1]
    scores: dict[str, object] = {
        **_with_interval("wql_ratio", ratio_h.mean(axis=1)),
        **_with_interval("wql_ratio_h", ratio_h),
    }
    if sums.covered is not None:
        scores |= _with_interval(
            "coverage_80",
            ratio((draws @ sums.covered).sum(axis=1), (draws @ outcomes.windows) * horizon),
        )
    if sums.hits is not None:
        scores |= _with_interval("direction_1", ratio(draws @ sums.hits, draws @ outcomes.moved))
    return scores


def resamples(blocks: int, seed: int) -> Array:
    """[1 + resamples, N] how often each block is drawn; the first row is every block once."""
    generator = np.random.default_rng(seed)
    if blocks < _FEWEST_BLOCKS:
        return np.ones((1, blocks))
    drawn = generator.multinomial(blocks, np.full(blocks, 1.0 / blocks), size=_RESAMPLES)
    return np.concatenate([np.ones((1, blocks)), drawn])


def ratio(above: Array, below: Array) -> Array:
    """Their quotient; not a number where there was nothing to divide by."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def _with_interval(name: str, values: Array) -> dict[str, object]:
    """The score (the first row) and, as `name_ci`, the middle 95% of its resamples."""
    score = {name: _rounded(values[0])}
    if len(values) == 1 or not np.isfinite(values[0]).all():
        return score | {f"{name}_ci": None}
    low, high = np.nanpercentile(values[1:], [2.5, 97.5], axis=0)
    return score | {f"{name}_ci": _rounded(np.stack([low, high], axis=-1))}


def _rounded(values: Array) -> object:
    return np.round(values, 5).tolist() if np.isfinite(values).all() else None
