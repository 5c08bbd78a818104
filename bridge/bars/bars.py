"""The `Bars` value and the names of timeframes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DAY = 86_400
WEEK = 7 * DAY
MONTH = 30 * DAY  # what MN1 counts as in seconds; MEAN_MONTH is what its bars are apart
MEAN_MONTH = 2_629_746.0  # a twelfth of the Gregorian year
_UNIT_SECONDS = {"M": 60, "H": 3600, "D": DAY, "W": WEEK, "MN": MONTH}
_NAMED = {"DAILY": DAY, "WEEKLY": WEEK, "MONTHLY": MONTH, "HOURLY": 3600}


@dataclass(frozen=True)
class Bars:
    """Closed bars of one symbol and timeframe, oldest first.

    Attributes:
        symbol: as the broker names it; empty where no name was found.
        tf: seconds per bar; a month counts as 30 days.
        time: [n] int64, open time of each bar, POSIX seconds of the broker's server clock.
        ohlc: [n, 4] float64, open, high, low, close.
        volume: [n] float64; zeros where the source has none.
    """

    symbol: str
    tf: int
    time: NDArray[np.int64]
    ohlc: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice) -> Bars:
        return Bars(self.symbol, self.tf, self.time[rows], self.ohlc[rows], self.volume[rows])

    @property
    def close(self) -> NDArray[np.float64]:
        """[n] closes."""
        return self.ohlc[:, 3]


def timeframe_seconds(name: str) -> int | None:
    """Seconds per bar of a timeframe's name (`M15`, `H1`, `D1`, `MN1`, `Daily`), or None."""
    name = name.upper()
    if name in _NAMED:
        return _NAMED[name]
    match = re.fullmatch(r"(MN|M|H|D|W)(\d{1,3})", name)
    return _UNIT_SECONDS[match[1]] * int(match[2]) if match and int(match[2]) else None


def timeframe_name(seconds: int) -> str:
    """`H1` for 3600, as MetaTrader writes it; `90 s` where no name fits."""
    for unit in ("MN", "W", "D", "H", "M"):
        count, rest = divmod(seconds, _UNIT_SECONDS[unit])
        if count and not rest:
            return f"{unit}{count}"
    return f"{seconds} s"
