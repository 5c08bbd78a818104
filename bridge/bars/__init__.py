"""Bars: a broker's export to clean arrays, windows and time splits.

`read_bars` is the way in; `Bars` is what every other room takes. Nothing here knows of models,
sockets or pandas.
"""

from bridge.bars.bars import Bars, timeframe_name, timeframe_seconds
from bridge.bars.calendar import open_hours
from bridge.bars.hygiene import Fault, Gap, Report
from bridge.bars.reader import BarsError, read_bars
from bridge.bars.windows import (
    FoldDays,
    Part,
    Splits,
    split_by_time,
    walk_forward,
    walk_forward_days,
    window_ends,
    windows,
)

__all__ = [
    "Bars",
    "BarsError",
    "Fault",
    "FoldDays",
    "Gap",
    "Part",
    "Report",
    "Splits",
    "open_hours",
    "read_bars",
    "split_by_time",
    "timeframe_name",
    "timeframe_seconds",
    "walk_forward",
    "walk_forward_days",
    "window_ends",
    "windows",
]
