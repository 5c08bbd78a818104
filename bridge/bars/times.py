"""Text to POSIX seconds of the server's clock: whole columns at once, or one cell with a reason."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray

_CELL = re.compile(
    r"(?P<y>\d{4})[.\-/]?(?P<m>\d{2})[.\-/]?(?P<d>\d{2})"
    r"(?:[ T](?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:\.\d+)?)?)?"
    r"(?:Z|[+-]\d{2}:?\d{2})?"
)
_DAY_FIRST = re.compile(r"(\d{2})[./-](\d{2})[./-](\d{4})")
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}")
_FIRST_MILLISECONDS = 100_000_000_000  # an epoch beyond the year 5138 is in milliseconds


def parse_time(cell: str) -> int:
    """One time: `2020.12.31 23:00`, ISO 8601, `31.12.2020`, or POSIX seconds or milliseconds.

    An offset from UTC, where there is one, is dropped: the clock's own reading counts.

    Raises:
        ValueError: no time in a form known here, or one that no calendar has.
    """
    cell = cell.strip()
    if _EPOCH.fullmatch(cell):
        value = int(float(cell))
        return value // 1000 if value >= _FIRST_MILLISECONDS else value
    cell = re.sub(r"^(\d{2})\.(\d{2})\.(\d{4})", r"\3-\2-\1", cell)
    match = _CELL.fullmatch(cell)
    if match is None:
        if _DAY_FIRST.match(cell):
            raise ValueError(f"'{cell}' may be day-month or month-day: write it as 2020-12-31")
        raise ValueError(f"'{cell}' is no time: expected 2020.12.31 23:00 or 2020-12-31 23:00:00")
    fields = [int(match[name] or 0) for name in "ymdHMS"]
    try:
        return int(datetime(*fields, tzinfo=timezone.utc).timestamp())  # type: ignore[misc, arg-type]
    except ValueError as error:
        raise ValueError(f"'{cell}' is no time: {error}") from error


def parse_times(dates: NDArray[np.bytes_], times: NDArray[np.bytes_] | None) -> NDArray[np.int64]:
    """A column of times, or of dates and one of times, in the common year-first forms.

    Raises:
        ValueError: some cell is not of the first one's form; `parse_time` says which and why.
    """
    width = dates.dtype.itemsize
    if width < 10:
        raise ValueError("not a year-first date")
    cells = dates.view(np.uint8).reshape(len(dates), width)[:, :19]
    text = np.zeros((len(dates), 19), dtype=np.uint8)
    text[:, : cells.shape[1]] = cells
    if times is not None:
        if width > 10:
            raise ValueError("a time within the date and another beside it")
        clock = times.view(np.uint8).reshape(len(times), times.dtype.itemsize)[:, :8]
        text[:, 10] = ord("T")
        text[:, 11 : 11 + clock.shape[1]] = clock
    dashes = text[:, (4, 7)]
    if not np.isin(dashes, np.frombuffer(b".-/", dtype=np.uint8)).all():
        raise ValueError("not a year-first date")
    text[:, (4, 7)] = ord("-")
    stamps: NDArray[np.int64] = (
        np.ascontiguousarray(text).view("S19")[:, 0].astype("datetime64[s]").astype(np.int64)
    )
    if (stamps == np.iinfo(np.int64).min).any():
        raise ValueError("an empty time")
    return stamps
