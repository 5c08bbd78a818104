"""Windows of bars, and parts of history that must not touch each other."""

from __future__ import annotations

from collections.abc import Sequence
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
    test_until: date | None = None,
    *,
    context: int,
    horizon: int,
) -> Splits:
    """Cut a history at the ends of two days, or of three, all inclusive.

    A window lies in one part with its targets (the purge), and `context + horizon` bars after
    each cut belong to no part (the embargo): no window of one part, its targets included, shares
    a bar with a window of another, or comes within a window's length of one.

    Raises:
        ValueError: the dates are not in order.
    """
    if train_until >= validate_until:
        raise ValueError(f"train_until {train_until} is not before validate_until {validate_until}")
    if test_until is not None and validate_until >= test_until:
        raise ValueError(f"validate_until {validate_until} is not before test_until {test_until}")
    embargo = context + horizon
    first, second = (
        int(np.searchsorted(time, midnight_after(day))) for day in (train_until, validate_until)
    )
    count = (
        len(time) if test_until is None else int(np.searchsorted(time, midnight_after(test_until)))
    )
    return Splits(
        Part(0, first),
        Part(min(first + embargo if first else 0, second), second),
        Part(min(second + embargo if second else 0, count), count),
    )


@dataclass(frozen=True)
class FoldDays:
    """The last days of one fold's parts, inclusive: of training, of validation, of the test."""

    train_until: date
    validate_until: date
    test_until: date


def walk_forward_days(
    times: Sequence[NDArray[np.int64]],
    *,
    folds: int,
    first_test: date | None = None,
    last_test: date | None = None,
) -> list[FoldDays]:
    """Cut the common history of several files into folds, each tested after it was trained.

    The days from `first_test` to `last_test` are tested in `folds` spans of equal length, one
    after the other. The days before each span validate: as many, but at most a fifth of what is
    older than the first test. Training has all that is older still: it grows from fold to fold
    (an expanding window). The days are the same in every file, since markets move together: what
    one symbol did in the test's days would tell of another's.

    Args:
        times: each file's times, ascending.
        folds: at least 1.
        first_test: the first day tested; else the common history is cut into two parts, and
            the younger one is tested.
        last_test: the last one; else the last day that every file has.

    Raises:
        ValueError: no files or folds, or too few days before the first test or for the folds.
    """
    if folds < 1 or not times or not all(len(time) for time in times):
        raise ValueError(
            f"{folds} folds of {len(times)} files: give at least one of each, with bars"
        )
    first_day, last_day = (
        _EPOCH_DAY + int(edge) // DAY
        for edge in (max(time[0] for time in times), min(time[-1] for time in times))
    )
    last_day = min(last_day, last_test.toordinal()) if last_test else last_day
    start = first_test.toordinal() if first_test else (first_day + last_day + 1) // 2
    length = (last_day + 1 - start) // folds
    if length < 1:
        raise ValueError(
            f"{folds} folds do not fit between {date.fromordinal(start)} and "
            f"{date.fromordinal(last_day)}: ask for fewer, or give a longer history"
        )
    validated = min(length, (start - first_day) // 5)
    if validated < 1:
        raise ValueError(
            f"tests from {date.fromordinal(start)} on leave nothing to train and validate on: the "
            f"bars begin on {date.fromordinal(first_day)}. Test later, or give a longer history"
        )
    ends = [last_day - (folds - fold - 1) * length for fold in range(folds)]
    cuts = [start - 1, *ends]  # what the division leaves over is tested with the first fold
    return [
        FoldDays(
            date.fromordinal(before - validated), date.fromordinal(before), date.fromordinal(end)
        )
        for before, end in zip(cuts, ends, strict=False)
    ]


def walk_forward(
    time: NDArray[np.int64],
    *,
    folds: int,
    context: int,
    horizon: int,
    first_test: date | None = None,
    last_test: date | None = None,
) -> list[Splits]:
    """The folds of one file, purged and with an embargo as `split_by_time` says.

    For several files, take `walk_forward_days` and cut each with `split_by_time`.

    Raises:
        ValueError: as `walk_forward_days` says.
    """
    days = walk_forward_days([time], folds=folds, first_test=first_test, last_test=last_test)
    return [
        split_by_time(
            time,
            fold.train_until,
            fold.validate_until,
            fold.test_until,
            context=context,
            horizon=horizon,
        )
        for fold in days
    ]


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
