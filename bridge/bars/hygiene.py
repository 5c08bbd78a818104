"""What is wrong with bars, and where: faults that stop a read, and findings that are told."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.bars.bars import timeframe_name
from bridge.bars.calendar import hour_of_week, open_hours

_PRICES = ("open", "high", "low", "close")
_LARGEST_GAPS = 3


@dataclass(frozen=True)
class Fault:
    """One broken row: its line in the file (1 is the first), its column, and what is wrong."""

    line: int
    column: str
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.problem}"


@dataclass(frozen=True)
class Gap:
    """Bars missing while the market is usually open, between two bars that are there."""

    after: int  # open time of the last bar before it, POSIX seconds
    missing_bars: int


@dataclass(frozen=True)
class Report:
    """What a read found. `faults` is empty unless `--repair` dropped them."""

    path: Path
    symbol: str
    tf: int
    rows: int
    faults: tuple[Fault, ...] = ()
    gaps: tuple[Gap, ...] = ()
    last_may_be_forming: bool = False
    notes: tuple[str, ...] = field(default=())

    def lines(self) -> list[str]:
        """The report for a person, one finding a line."""
        head = f"{self.path.name}: {self.rows:,} bars of {self.symbol or '?'} {timeframe_name(self.tf)}"
        lines = [head]
        if self.faults:
            lines.append(f"dropped {len(self.faults):,} broken rows, the first: {self.faults[0]}")
        if self.gaps:
            missing = sum(gap.missing_bars for gap in self.gaps)
            largest = sorted(self.gaps, key=lambda gap: -gap.missing_bars)[:_LARGEST_GAPS]
            where = ", ".join(f"{gap.missing_bars} after {stamp(gap.after)}" for gap in largest)
            lines.append(
                f"{len(self.gaps):,} gaps beyond weekends, {missing:,} bars missing ({where})"
            )
        if self.last_may_be_forming:
            lines.append("the last bar may still be forming: forecast from closed bars only")
        lines.extend(self.notes)
        return lines


def stamp(time: int) -> str:
    """POSIX seconds of the server's clock as `2020-12-31 23:00`."""
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%d %H:%M")


def price_faults(ohlc: NDArray[np.float64], lines: NDArray[np.int64]) -> list[Fault]:
    """Rows whose prices cannot be: not finite, not positive, high below low. One fault a row."""
    finite = np.isfinite(ohlc)
    bad = ~finite | (ohlc <= 0)
    crossed = ohlc[:, 1] < ohlc[:, 2]
    faults = []
    for row in np.flatnonzero(bad.any(axis=1) | crossed):
        if bad[row].any():
            column = int(np.argmax(bad[row]))
            value = ohlc[row, column]
            what = "is not a finite number" if not finite[row, column] else "is not positive"
            faults.append(Fault(int(lines[row]), _PRICES[column], f"price {value} {what}"))
        else:
            high, low = ohlc[row, 1], ohlc[row, 2]
            faults.append(Fault(int(lines[row]), "high", f"high {high} is below low {low}"))
    return faults


def time_faults(time: NDArray[np.int64], lines: NDArray[np.int64]) -> list[Fault]:
    """Rows that must go for time to ascend: duplicates, and the fewest of those that go back.

    The rest is a longest ascending run, so one wild date costs one bar, not all that follow it.
    """
    if len(time) < 2 or np.all(np.diff(time) > 0):
        return []
    tails: list[int] = []  # smallest last time of an ascending run of each length
    rows: list[int] = []  # and its row
    previous = np.full(len(time), -1)
    for row, value in enumerate(time.tolist()):
        length = bisect_left(tails, value)
        if length and tails[length - 1] == value:
            continue
        if length < len(tails) and tails[length] == value:
            continue  # a duplicate: the first one stays
        tails[length : length + 1] = [value]
        rows[length : length + 1] = [row]
        previous[row] = rows[length - 1] if length else -1
    kept = np.zeros(len(time), dtype=bool)
    row = rows[-1]
    while row >= 0:
        kept[row] = True
        row = int(previous[row])
    seen = set(time[kept].tolist())
    return [
        Fault(
            int(lines[row]),
            "time",
            f"{stamp(int(time[row]))} is a duplicate"
            if int(time[row]) in seen
            else f"{stamp(int(time[row]))} is out of order with the rows around it",
        )
        for row in np.flatnonzero(~kept)
    ]


def find_gaps(time: NDArray[np.int64], tf: int) -> tuple[Gap, ...]:
    """Gaps in hours that are open in most weeks of these bars: holidays, outages, lost history."""
    if len(time) < 2:
        return ()
    is_open = np.zeros(168, dtype=bool)
    is_open[list(open_hours(time))] = True
    gaps = []
    for row in np.flatnonzero(np.diff(time) > tf):
        absent = np.arange(time[row] + tf, time[row + 1], tf)
        missing = int(is_open[hour_of_week(absent)].sum())
        if missing:
            gaps.append(Gap(int(time[row]), missing))
    return tuple(gaps)


def may_be_forming(last: int, tf: int, now: float) -> bool:
    """Whether the last bar may not have closed yet, for a server clock at or ahead of UTC.

    An export taken while the market is open ends in the bar that is still forming, and nothing
    in the file says so. Brokers' clocks run up to three hours ahead of UTC, hence "may".
    """
    return last + tf > now
