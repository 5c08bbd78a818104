"""Windows of bars, and parts of history that must not touch each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bridge.bars.bars import DAY

_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Part:
    """Bars `start` to `stop` (exclusive) of one file."""

    start: int
    stop: int

    def __len__(self) -> int:
        return max(0, self.stop - self.start)


@dataclass(frozen=True)
class Splits:
    """Train, validate and test parts of one file, in time order, an embargo between them."""

    train: Part
    validate: Part
    test: Part


def split_by_time(
    time: NDArray[np.int64],
    train_until: date,
    validate_until: date,
    *,
    context: int,
    horizon: int,
) -> Splits:
    """Cut a history at the ends of two days, both inclusive.

    `context + horizon` bars after each cut belong to no part: no window of one part, its
    targets included, shares a bar with a window of another.

    Raises:
        ValueError: the dates are not in order.
    """
    if train_until >= validate_until:
        raise ValueError(f"train_until {train_until} is not before validate_until {validate_until}")
    embargo = context + horizon
    first, second = (
        int(np.searchsorted(time, midnight_after(day))) for day in (train_until, validate_until)
    )
    count = len(time)
    return Splits(
        Part(0, first),
        Part(min(first + embargo if first else 0, second), second),
        Part(min(second + embargo if second else 0, count), count),
    )


def window_ends(part: Part, context: int, horizon: int, stride: int = 1) -> NDArray[np.int64]:
    """Index of the last bar of each window in `part` that has its whole context and target."""
    return np.arange(part.start + context - 1, part.stop - horizon, stride, dtype=np.int64)


def windows(
    values: NDArray[np.float64], ends: NDArray[np.int64], context: int
) -> NDArray[np.float64]:
    """The `context` rows up to and including each end: [len(ends), context, ...], a copy.

    Raises:
        IndexError: an end has fewer than `context` rows up to it.
    """
    if len(ends) and int(ends.min()) < context - 1:
        raise IndexError(f"a window of {context} bars cannot end at bar {int(ends.min()) + 1}")
    rows = ends[:, None] + np.arange(1 - context, 1)
    picked: NDArray[np.float64] = values[rows]
    return picked


def midnight_after(day: date) -> int:
    """POSIX seconds of the midnight that ends `day`, server clock."""
    return (day.toordinal() - _EPOCH_DAY + 1) * DAY
