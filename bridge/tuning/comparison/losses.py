"""What one forecaster lost on each test window, added up over the symbols of each hour.

Kept at this grain because everything that the report says follows from it: ratios and their
intervals over weeks and seeds, and the Diebold-Mariano test of any pair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.tuning.scoring.points import point_errors, point_forecast
from bridge.tuning.scoring.scores import pinball

Array = NDArray[np.float64]


class WindowsError(ValueError):
    """Forecasters were scored on different windows. The message names two of them."""


@dataclass(frozen=True)
class Losses:
    """Sums over the windows that end at the same time, one row a time.

    Attributes:
        time: [T] int64, when the windows end, ascending.
        windows: [T] how many windows end then.
        pinball: [T, H] pinball loss, summed over levels and windows.
        covered: [T, H] outcomes between the quantiles 0.1 and 0.9; not a number where these are not
            among the levels.
        square, reach, span: [T] of the median: `PointErrors` of `bridge.tuning.scoring.points`.
        called: [T] windows whose direction one bar ahead was called right; not a number where
            the forecaster calls none.
        moved: [T] windows whose next close differs from the last.
    """

    time: NDArray[np.int64]
    windows: Array
    pinball: Array
    covered: Array
    square: Array
    reach: Array
    span: Array
    called: Array
    moved: Array

    def __len__(self) -> int:
        return len(self.time)

    def save(self, path: Path) -> None:
        """Write the arrays; single precision is enough for what is averaged."""
        arrays = {each.name: getattr(self, each.name) for each in fields(self)}
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                **{
                    name: value.astype(np.float32) if value.dtype == np.float64 else value
                    for name, value in arrays.items()
                },
            )

    @classmethod
    def load(cls, path: Path) -> Losses:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as kept:
            return cls(
                **{
                    name: kept[name] if name == "time" else kept[name].astype(np.float64)
                    for name in (each.name for each in fields(cls))
                }
            )


def window_losses(
    time: NDArray[np.int64],
    moves: Array,
    levels: tuple[float, ...],
    quantiles: Array,
    up: Array | None,
) -> Losses:
    """Score the windows of one or several symbols.

    Args:
        time: [W] when each window ends.
        moves: [W, H] log-returns from the last close that came.
        levels: of the quantiles, ascending; 0.5 lies among or between them.
        quantiles: [W, H, Q] of the log-returns.
        up: [W] probability of a rise one bar ahead, of a forecaster that gives one.
    """
    times, place = np.unique(time, return_inverse=True)

    def total(values: Array) -> Array:
        sums = np.zeros((len(times), *values.shape[1:]))
        np.add.at(sums, place, values)
        return sums

    errors = point_errors(point_forecast(quantiles, levels), moves)
    moved = moves[:, 0] != 0.0
    right = moved & ((up > 0.5) == (moves[:, 0] > 0.0)) if up is not None else None
    return Losses(
        time=times.astype(np.int64),
        windows=total(np.ones(len(time))),
        pinball=total(pinball(quantiles, moves, np.array(levels))),
        covered=total(_covered(quantiles, moves, levels)),
        square=total(errors.square),
        reach=total(errors.reach),
        span=total(errors.span),
        called=np.full(len(times), np.nan) if right is None else total(right.astype(np.float64)),
        moved=total(moved.astype(np.float64)),
    )


def join(parts: Sequence[Losses]) -> Losses:
    """The folds of one forecaster as one series; folds do not overlap in time."""
    ordered = sorted(parts, key=lambda part: int(part.time[0]))
    return Losses(
        **{
            each.name: np.concatenate([getattr(part, each.name) for part in ordered])
            for each in fields(Losses)
        }
    )


def require_same_windows(by_name: Mapping[str, Losses]) -> None:
    """Raise WindowsError where forecasters were not all scored on the very same windows."""
    (name, first), *others = by_name.items()
    for other, losses in others:
        if not (
            np.array_equal(first.time, losses.time)
            and np.array_equal(first.windows, losses.windows)
        ):
            raise WindowsError(
                f"{other} was scored on {int(losses.windows.sum()):,} windows and {name} on "
                f"{int(first.windows.sum()):,}, which are not the same: delete the comparison's "
                "folder `runs` and compare again"
            )


def _covered(quantiles: Array, moves: Array, levels: tuple[float, ...]) -> Array:
    """[W, H] whether the outcome lies between the quantiles 0.1 and 0.9."""
    if 0.1 not in levels or 0.9 not in levels:
        return np.full(moves.shape, np.nan)
    low, high = quantiles[..., levels.index(0.1)], quantiles[..., levels.index(0.9)]
    return ((moves >= low) & (moves <= high)).astype(np.float64)
