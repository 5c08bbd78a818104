"""Text to POSIX seconds of the server's clock: whole columns at once, or one cell with a reason."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

TIME_WIDTH = 40  # characters of a time's cell in a column, an offset included
_OFFSET = r"(?: ?(?:Z|UTC|GMT))?(?:[+-]\d{2}(?::?\d{2})?)?"
_CELL = re.compile(
    r"(?P<y>\d{4})[.\-/]?(?P<m>\d{2})[.\-/]?(?P<d>\d{2})"
    r"(?:[ T](?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:\.\d+)?)?)?" + _OFFSET,
    re.ASCII,
)
_PLAIN = re.compile(
    r"(?P<clock>\d{4}[.\-/]\d{2}[.\-/]\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?)(?:\.\d+)?" + _OFFSET,
    re.ASCII,
)
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", re.ASCII)
_DOTTED_DAY_FIRST = re.compile(r"^(\d{2})\.(\d{2})\.(\d{4})", re.ASCII)
_YEAR_FIRST = [6, 7, 8, 9, 5, 3, 4, 2, 0, 1]  # where 2020.12.31 finds its characters in 31.12.2020
_DIGITS_ALONE = re.compile(r"^(\d{8})[ T]?(\d{2})(\d{2})(\d{2})$", re.ASCII)  # 20201231 230000
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}|\d{15,16}|\d{18,19}", re.ASCII)
_FIRST_FINER = 100_000_000_000  # an epoch beyond the year 5138 counts milli-, micro-, nanoseconds
_EPOCH_START = datetime(1970, 1, 1, tzinfo=timezone.utc)
_YEAR_ONE = -62_135_596_800
_SHOWN = 40  # characters of a broken cell in a message


def parse_time(cell: str) -> int:
    """One time: `2020.12.31 23:00`, ISO 8601, `31.12.2020`, `20201231 230000`, or a POSIX time.

    POSIX times are in seconds, milli-, micro- or nanoseconds, told apart by their digits. An
    offset from UTC, where there is one, is dropped: the clock's own reading counts.

    Raises:
        ValueError: no time in a form known here, or one that no calendar has.
    """
    cell = cell.strip()
    plain = cell.replace(",", ".")  # a decimal comma in the seconds
    if _EPOCH.fullmatch(plain):
        value = int(plain.split(".")[0])
        while value >= _FIRST_FINER:
            value //= 1000
        return value
    plain = _DIGITS_ALONE.sub(r"\1 \2:\3:\4", _DOTTED_DAY_FIRST.sub(r"\3-\2-\1", plain))
    match = _CELL.fullmatch(plain)
    if match is None:
        day_first = _DAY_FIRST.match(cell)
        if day_first and int(day_first[1]) > 12:
            raise ValueError(f"{shown(cell)} is day-month-year: write it as 2020-12-31")
        if day_first:
            raise ValueError(f"{shown(cell)} may be day-month or month-day: write it as 2020-12-31")
        raise ValueError(
            f"{shown(cell)} is no time: expected 2020.12.31 23:00 or 2020-12-31 23:00:00"
        )
    year, month, day, hour, minute, second = (int(match[name] or 0) for name in "ymdHMS")
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError as error:
        raise ValueError(f"{shown(cell)} is no time: {error}") from error
    return (moment - _EPOCH_START) // timedelta(seconds=1)


def parse_times(dates: NDArray[np.bytes_], times: NDArray[np.bytes_] | None) -> NDArray[np.int64]:
    """A column of times, or of dates and one of times, in the common forms.

    Every cell must have the form of the first one, digit for digit. What this gives is what
    `parse_time` gives for each cell, date and time joined by a blank.

    Raises:
        ValueError: some cell has another form; `parse_time` says of each what is wrong, if it is.
    """
    if not len(dates):
        return np.zeros(0, dtype=np.int64)
    text = _characters(dates)
    if times is not None:
        blank = np.full((len(dates), 1), ord(" "), dtype=np.uint8)
        text = np.hstack([text, blank, _characters(times)])
    is_digit = (text >= ord("0")) & (text <= ord("9"))
    if not ((text == text[0]) | (is_digit & is_digit[0])).all():
        raise ValueError("the times are not all of one form")
    first = text[0].tobytes().decode("ascii", "replace")
    if _EPOCH.fullmatch(first):
        return _epochs(text[:, : len(first.split(".")[0])])
    if _DOTTED_DAY_FIRST.match(first):
        text = np.hstack([text[:, _YEAR_FIRST], text[:, 10:]])
    return _calendar_times(text)


def _epochs(digits: NDArray[np.uint8]) -> NDArray[np.int64]:
    try:
        values = _cells(digits).astype(np.int64)
    except OverflowError as error:
        raise ValueError("nanoseconds beyond the year 2262") from error
    while int(values.max()) >= _FIRST_FINER:
        values = np.where(values >= _FIRST_FINER, values // 1000, values)
    return values


def _calendar_times(text: NDArray[np.uint8]) -> NDArray[np.int64]:
    plain = _PLAIN.fullmatch(text[0].tobytes().decode("ascii", "replace"))
    if plain is None:
        raise ValueError("not a year-first time")
    clock = text[:, : len(plain["clock"])].copy()
    clock[:, (4, 7)] = ord("-")
    stamps = _cells(clock).astype("datetime64[s]").astype(np.int64)
    if int(stamps.min()) < _YEAR_ONE:
        raise ValueError("no calendar has a year 0")
    return stamps


def stamp(time: int) -> str:
    """POSIX seconds of the server's clock as `2020-12-31 23:00`."""
    moment = _EPOCH_START + timedelta(seconds=time)  # Windows' fromtimestamp refuses the past
    return moment.isoformat(sep=" ")[:16]


def shown(cell: str) -> str:
    """A cell's text for a message: quoted, unprintable characters escaped, cut where it is long."""
    return repr(cell if len(cell) <= _SHOWN else cell[:_SHOWN] + "...")


def _cells(characters: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """[n] cells of [n, widest] characters: `_characters` undone."""
    cells: NDArray[np.bytes_] = np.ascontiguousarray(characters).view(f"S{characters.shape[1]}")
    return cells[:, 0]


def _characters(cells: NDArray[np.bytes_]) -> NDArray[np.uint8]:
    """[n, widest] the bytes of each cell, zeros after its end."""
    widest = max(1, int(np.char.str_len(cells).max()))
    if widest >= TIME_WIDTH:
        raise ValueError("a cell too long for a time")
    characters: NDArray[np.uint8] = cells.astype(f"S{widest}").view(np.uint8)
    return characters.reshape(len(cells), widest)
