"""The market's week, learned from the bars themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOURS_PER_WEEK = 168
_MONDAY_OFFSET = 72 * 3600  # 1970-01-01 was a Thursday, three days after Monday 00:00
_OPEN_SHARE = 0.2  # an hour is open when bars stand in it in at least a fifth of the weeks


def hour_of_week(time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Hour of the week, 0 at Monday 00:00 of the server's clock; same shape as `time`."""
    return (time + _MONDAY_OFFSET) // 3600 % HOURS_PER_WEEK


def open_hours(time: NDArray[np.int64]) -> tuple[int, ...]:
    """Hours of the week in which this market has bars, ascending; all of them if none stands out.

    A market that closes at weekends, as FX on a server clock of GMT+2, has 120 of them.
    """
    weeks = np.unique((time + _MONDAY_OFFSET) // 604_800)
    stamps = np.unique((time + _MONDAY_OFFSET) // 3600)  # one count per hour, whatever the tf
    counts = np.bincount(stamps % HOURS_PER_WEEK, minlength=HOURS_PER_WEEK)
    found = np.flatnonzero(counts >= max(1.0, _OPEN_SHARE * len(weeks)))
    return tuple(int(hour) for hour in found) or tuple(range(HOURS_PER_WEEK))
