"""From a file to `Bars`, and what its bars are of: symbol and timeframe."""

from __future__ import annotations

import re
import time as clock
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.bars.bars import DAY, MEAN_MONTH, MONTH, Bars, timeframe_name, timeframe_seconds
from bridge.bars.hygiene import (
    Fault,
    Report,
    find_gaps,
    may_be_forming,
    price_faults,
    time_faults,
    volume_faults,
)
from bridge.bars.layout import Layout, LayoutError, find_layout, read_text
from bridge.bars.rows import Rows, parse

_FAULTS_SHOWN = 5
_SYMBOL = re.compile(r"[A-Za-z0-9#&._\-^=!+]{1,32}")
_SHORTEST_MONTH = 28 * DAY


class BarsError(ValueError):
    """A file cannot be read as bars. The message names the file and, where it can, the cell."""


def read_bars(path: Path | str, *, repair: bool = False) -> tuple[Bars, Report]:
    """Read an MT5 export or a CSV of bars.

    Tab, comma or semicolon; UTF-8 or UTF-16; plain or gzip; decimal point or comma; with or
    without `<TIME>`, `<VOL>`, `<SPREAD>`. Symbol and timeframe come from the file's name
    (`EURUSD_H1_...csv`) where it has them, the symbol from yfinance's header before that, the
    timeframe else from the bars. A file that runs from newest to oldest is turned round.

    Args:
        path: the file.
        repair: drop broken rows, and a last bar that may still be forming, and say so in the
            report, in place of an error.

    Raises:
        BarsError: no such file, no table of bars, or broken rows without `repair`.
    """
    path = Path(path)
    try:
        text = read_text(path)
        layout = find_layout(text)
    except FileNotFoundError as error:
        raise BarsError(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise BarsError(f"{path} is a folder: give its files, such as {path}/*.csv") from error
    except (LayoutError, OSError) as error:
        raise BarsError(f"{path}: {error}") from error
    rows, notes = _oldest_first(parse(text, layout))
    rows, faults = _sound(rows)
    if faults and not repair:
        raise BarsError(_describe(path, faults, sound=len(rows.time)))
    if not len(rows.time):
        raise BarsError(f"{path}: there is no {'sound ' if faults else ''}bar in it")
    symbol, tf = _identify(path, layout, rows.time)
    forming = may_be_forming(int(rows.time[-1]), tf, clock.time())
    if forming and repair:
        notes.append("dropped the last bar: it may still be forming")
        rows, forming = rows.before(len(rows.time) - 1), False
        if not len(rows.time):
            raise BarsError(f"{path}: its only bar may still be forming: export it again later")
    bars = Bars(symbol, tf, rows.time, rows.ohlc, rows.volume)
    gaps = find_gaps(rows.time, tf)
    return bars, Report(path, symbol, tf, len(bars), tuple(faults), gaps, forming, tuple(notes))


def _oldest_first(rows: Rows) -> tuple[Rows, list[str]]:
    """Some sites export the newest bar first; turned round whole, no sound row is lost."""
    steps = np.diff(rows.time)
    if np.count_nonzero(steps < 0) > np.count_nonzero(steps > 0):
        return rows.reversed(), ["the file runs from newest to oldest: read in reverse"]
    return rows, []


def _sound(rows: Rows) -> tuple[Rows, list[Fault]]:
    """The rows that can be bars, in ascending time, and a fault for each of the others."""
    faults = list(rows.faults)
    for found in (price_faults(rows.ohlc, rows.lines), volume_faults(rows.volume, rows.lines)):
        known = {fault.line for fault in faults}
        faults += [fault for fault in found if fault.line not in known]
    rows = rows.without(faults)
    late = time_faults(rows.time, rows.lines)
    return rows.without(late), sorted(faults + late, key=lambda fault: fault.line)


def _identify(path: Path, layout: Layout, time: NDArray[np.int64]) -> tuple[str, int]:
    """Symbol and timeframe, by the file's name first, checked against the bars."""
    named_symbol, named = _by_name(path)
    symbol = layout.symbol or named_symbol
    if len(time) < 2:
        if named is None:
            raise BarsError(f"{path}: one bar tells no timeframe: name the file SYMBOL_H1.csv")
        return symbol, named
    steps = np.diff(time)
    lengths, counts = np.unique(steps, return_counts=True)
    found = _timeframe(int(lengths[np.argmax(counts)]))
    if named is None:
        return symbol, found
    if named != found and not _may_be(named, steps):
        raise BarsError(
            f"{path}: the name says {timeframe_name(named)}, but its bars are "
            f"{timeframe_name(found)}: name the file "
            f"{named_symbol or 'SYMBOL'}_{timeframe_name(found)}.csv, or export it again"
        )
    return symbol, named


def _by_name(path: Path) -> tuple[str, int | None]:
    """Symbol and timeframe that `EURUSD.m_H1_202001020000_202012312300.csv.gz` names."""
    stem = path.name
    while Path(stem).suffix.lower() in (".gz", ".csv", ".txt", ".tsv"):
        stem = Path(stem).stem
    words = stem.split("_")
    named = [timeframe_seconds(word) for word in words]
    place = next((index for index, tf in enumerate(named) if index and tf), 0)
    symbol = "_".join(words[: max(1, place)])
    return symbol if _SYMBOL.fullmatch(symbol) else "", named[place] if place else None


def _timeframe(step: int) -> int:
    """The timeframe of bars that are mostly `step` seconds apart: months have 28 to 31 days."""
    return round(step / MEAN_MONTH) * MONTH if step >= _SHORTEST_MONTH else step


def _may_be(named: int, steps: NDArray[np.int64]) -> bool:
    """Whether a named timeframe may be right although few of the bars' steps are of it.

    So it is where many bars are missing and the rest lie a whole number of bars apart, down to
    one bar; or where there is but one step, as across a weekend.
    """
    return not (steps % named).any() and (int(steps.min()) == named or len(steps) == 1)


def _describe(path: Path, faults: list[Fault], sound: int) -> str:
    if not sound:
        return f"{path}: not one sound row among {len(faults):,}; the first is {faults[0]}"
    shown = "; ".join(str(fault) for fault in faults[:_FAULTS_SHOWN])
    more = len(faults) - _FAULTS_SHOWN
    tail = f"; and {more:,} more" if more > 0 else ""
    return (
        f"{path}: {len(faults):,} broken row{'s' if len(faults) > 1 else ''}: {shown}{tail}. "
        "Mend the file, or give --repair to drop them"
    )
