"""What is wrong with bars, and where: faults that stop a read, and findings that are told."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.bars.bars import DAY, MEAN_MONTH, MONTH, WEEK, timeframe_name
from bridge.bars.calendar import slot, usually_open
from bridge.bars.times import stamp

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
    """What a read found. `faults` are the rows that `--repair` dropped; `rows` are those left."""

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
        name, timeframe = self.symbol or "?", timeframe_name(self.tf)
        lines = [f"{self.path.name}: {_count(self.rows, 'bar')} of {name} {timeframe}"]
        if self.faults:
            dropped = _count(len(self.faults), "broken row")
            lines.append(f"dropped {dropped}, the first: {self.faults[0]}")
        if self.gaps:
            missing = _count(sum(gap.missing_bars for gap in self.gaps), "bar")
            largest = sorted(self.gaps, key=lambda gap: -gap.missing_bars)[:_LARGEST_GAPS]
            where = ", ".join(f"{gap.missing_bars:,} after {stamp(gap.after)}" for gap in largest)
            gaps = _count(len(self.gaps), "gap")
            lines.append(f"{gaps} beyond weekends, {missing} missing ({where})")
        if self.last_may_be_forming:
            lines.append("the last bar may still be forming: forecast from closed bars only")
        lines.extend(self.notes)
        return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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


def volume_faults(volume: NDArray[np.float64], lines: NDArray[np.int64]) -> list[Fault]:
    """Rows whose volume cannot be: not finite, or negative."""
    bad = ~np.isfinite(volume) | (volume < 0)
    return [
        Fault(int(lines[row]), "volume", f"volume {volume[row]} is no count of anything")
        for row in np.flatnonzero(bad)
    ]


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
    """Gaps where the market is usually open in these bars: holidays, outages, lost history.

    Nights, breaks and weekends without bars are learned from the bars themselves.
    """
    if len(time) < 2:
        return ()
    if tf >= WEEK:  # no market closes for whole weeks, and months differ in length
        missing = np.rint(np.diff(time) / _apart(tf)).astype(np.int64) - 1
    else:
        seconds = math.gcd(tf, DAY)
        missing = _open_slots_between(time, seconds) * seconds // tf
    return tuple(Gap(int(time[row]), int(missing[row])) for row in np.flatnonzero(missing > 0))


def _apart(tf: int) -> float:
    """Seconds from one bar's open to the next one's, on average."""
    return tf // MONTH * MEAN_MONTH if tf >= MONTH and tf % MONTH == 0 else float(tf)


def _open_slots_between(time: NDArray[np.int64], seconds: int) -> NDArray[np.int64]:
    """[n - 1] slots without a bar, of those usually open, between each bar and the next."""
    is_open = usually_open(time, seconds)
    open_before = np.concatenate([[0], np.cumsum(is_open)])  # from Monday 00:00 to each slot
    weeks, slots = np.divmod(slot(time, seconds), len(is_open))
    of_all_time: NDArray[np.int64] = weeks * open_before[-1] + open_before[slots]
    return np.diff(of_all_time) - is_open[slots[:-1]].astype(np.int64)


def may_be_forming(last: int, tf: int, now: float) -> bool:
    """Whether the last bar may not have closed yet, for a server clock at or ahead of UTC.

    An export taken while the market is open ends in the bar that is still forming, and nothing
    in the file says so. Brokers' clocks run up to three hours ahead of UTC, hence "may".
    """
    longest = tf + tf // MONTH * DAY if tf % MONTH == 0 else tf  # a month may have 31 days
    return last + longest > now
