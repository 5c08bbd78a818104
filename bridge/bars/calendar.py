"""The market's week, learned from the bars themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.bars.bars import DAY, WEEK

HOURS_PER_WEEK = 168
_MONDAY_OFFSET = 72 * 3600  # 1970-01-01 was a Thursday, three days after Monday 00:00
_OPEN_SHARE = 0.2  # an hour is open when bars stand in it in at least a fifth of the weeks
_USUAL_SHARE = 0.5  # and usually open when they do in at least half
_WEEKS_TO_LEARN = 4  # of fewer weeks, only a typical day is learned
_WORKDAYS = 5


def hour_of_week(time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Hour of the week, 0 at Monday 00:00 of the server's clock; same shape as `time`."""
    return slot(time, 3600) % HOURS_PER_WEEK


def open_hours(time: NDArray[np.int64]) -> tuple[int, ...]:
    """Hours of the week in which this market has bars, ascending; all of them if none stands out.

    A market that closes at weekends, as FX on a server clock of GMT+2, has 120 of them.
    """
    hours = np.unique(slot(time, 3600))  # one count per hour, whatever the tf
    weeks = np.unique(hours // HOURS_PER_WEEK)
    counts = np.bincount(hours % HOURS_PER_WEEK, minlength=HOURS_PER_WEEK)
    found = np.flatnonzero(counts >= max(1.0, _OPEN_SHARE * len(weeks)))
    return tuple(int(hour) for hour in found) or tuple(range(HOURS_PER_WEEK))


def slot(time: NDArray[np.int64], seconds: int) -> NDArray[np.int64]:
    """Number of the slot of `seconds` a time lies in, 0 at a Monday 00:00; same shape as `time`."""
    return (time + _MONDAY_OFFSET) // seconds


def usually_open(time: NDArray[np.int64], seconds: int) -> NDArray[np.bool_]:
    """[WEEK / seconds] whether bars usually stand in each slot of the week, from Monday 00:00.

    Usually is in half of the weeks. Fewer than four weeks cannot say: then it is in half of the
    working days, each taken to be like the others, and nothing is expected of weekends.
    `seconds` must divide a day.
    """
    slots = np.unique(slot(time, seconds))
    per_week, per_day = WEEK // seconds, DAY // seconds
    weeks = len(np.unique(slots // per_week))
    if weeks >= _WEEKS_TO_LEARN:
        week = np.bincount(slots % per_week, minlength=per_week)
        return np.asarray(week >= _USUAL_SHARE * weeks)
    slots = slots[slots % per_week < _WORKDAYS * per_day]
    days = len(np.unique(slots // per_day))
    day = np.bincount(slots % per_day, minlength=per_day) >= max(1.0, _USUAL_SHARE * days)
    return np.concatenate([np.tile(day, _WORKDAYS), np.zeros(2 * per_day, dtype=np.bool_)])
