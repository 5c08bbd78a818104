"""From a file to `Bars`: a fast path for clean files, and a careful one that names what is broken."""

from __future__ import annotations

import csv
import io
import re
import time as clock
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.bars.bars import Bars, timeframe_name, timeframe_seconds
from bridge.bars.hygiene import (
    Fault,
    Report,
    find_gaps,
    may_be_forming,
    price_faults,
    time_faults,
)
from bridge.bars.layout import Layout, LayoutError, find_layout, read_text
from bridge.bars.times import parse_time, parse_times

_PRICES = ("open", "high", "low", "close")
_FAULTS_SHOWN = 5
_TIME_WIDTH = 32  # characters of a time's cell, an offset included
_SYMBOL = re.compile(r"[A-Za-z0-9#&.\-^=!+]{1,32}")
_MONTH = timeframe_seconds("MN1")


class BarsError(ValueError):
    """A file cannot be read as bars. The message names the file and, where it can, line and column."""


def read_bars(path: Path | str, *, repair: bool = False) -> tuple[Bars, Report]:
    """Read an MT5 export or a CSV of bars.

    Tab, comma or semicolon; UTF-8 or UTF-16; plain or gzip; decimal point or comma; with or
    without `<TIME>`, `<VOL>`, `<SPREAD>`. Symbol and timeframe come from the file's name
    (`EURUSD_H1_...csv`) where it has them, else from the bars.

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
    except (LayoutError, OSError) as error:
        raise BarsError(f"{path}: {error}") from error
    rows = _parse_columns(text, layout) or _parse_rows(text, layout)
    rows, notes = _oldest_first(rows)
    faults = rows.faults + price_faults(rows.ohlc, rows.lines)
    rows = rows.without(faults)
    late = time_faults(rows.time, rows.lines)
    rows, faults = rows.without(late), sorted(faults + late, key=lambda fault: fault.line)
    if faults and not repair:
        raise BarsError(_describe(path, faults))
    if not len(rows.time):
        raise BarsError(f"{path}: there is no bar in it")
    symbol, tf = _identify(path, layout, rows.time)
    forming = may_be_forming(int(rows.time[-1]), tf, clock.time())
    if forming and repair:
        notes.append("dropped the last bar: it may still be forming")
        rows, forming = rows.cut(len(rows.time) - 1), False
    bars = Bars(symbol, tf, rows.time, rows.ohlc, rows.volume)
    gaps = find_gaps(rows.time, tf)
    return bars, Report(path, symbol, tf, len(bars), tuple(faults), gaps, forming, tuple(notes))


@dataclass(frozen=True)
class _Rows:
    """Parsed rows and the line each stood on; `faults` are the lines that could not be parsed."""

    time: NDArray[np.int64]
    ohlc: NDArray[np.float64]
    volume: NDArray[np.float64]
    lines: NDArray[np.int64]
    faults: list[Fault]

    def without(self, faults: list[Fault]) -> _Rows:
        if not faults:
            return self
        return self._pick(~np.isin(self.lines, [fault.line for fault in faults]))

    def cut(self, stop: int) -> _Rows:
        return self._pick(slice(stop))

    def _pick(self, rows: NDArray[np.bool_] | slice) -> _Rows:
        return _Rows(
            self.time[rows], self.ohlc[rows], self.volume[rows], self.lines[rows], self.faults
        )


def _parse_columns(text: str, layout: Layout) -> _Rows | None:
    """All rows at once by NumPy's C parser, or None where any row is not plain."""
    start = 0
    for _ in range(layout.first_line - 1):
        start = text.index("\n", start) + 1
    body = text[start:].rstrip("\n")
    if not body or "\n\n" in body:
        return None
    if layout.delimiter != "," and "," in body:
        body = body.replace(",", ".")  # decimal commas
    roles = sorted(layout.columns, key=layout.columns.__getitem__)
    dtype = [(role, f"S{_TIME_WIDTH}" if role in ("date", "time") else "f8") for role in roles]
    try:
        table = np.loadtxt(
            io.StringIO(body),
            dtype=dtype,
            delimiter=layout.delimiter,
            usecols=[layout.columns[role] for role in roles],
            comments=None,
            quotechar='"',
            ndmin=1,
        )
        first = "date" if "date" in layout.columns else "time"
        times = parse_times(
            _trimmed(table[first]), _trimmed(table["time"]) if first == "date" else None
        )
    except ValueError:
        return None
    lines = np.arange(layout.first_line, layout.first_line + len(table))
    if len(table) != body.count("\n") + 1:
        return None  # a quoted line break: line numbers would be wrong
    ohlc = np.stack([table[name] for name in _PRICES], axis=1)
    volume = table["volume"] if "volume" in layout.columns else np.zeros(len(table))
    return _Rows(times, ohlc, np.ascontiguousarray(volume), lines, [])


def _trimmed(cells: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    """The column as narrow as its widest cell."""
    return cells.astype(f"S{max(1, int(np.char.str_len(cells).max()))}")


def _parse_rows(text: str, layout: Layout) -> _Rows:
    """Row by row, so that each broken one can be named."""
    times: list[int] = []
    prices: list[list[float]] = []
    volumes: list[float] = []
    lines: list[int] = []
    faults: list[Fault] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter)
    for cells in reader:
        line = reader.line_num
        if line < layout.first_line or not any(cell.strip() for cell in cells):
            continue
        try:
            moment = _cell(cells, layout, "time")
            if "date" in layout.columns:
                moment = f"{_cell(cells, layout, 'date')} {moment}"
            try:
                seconds = parse_time(moment)
            except ValueError as error:
                raise _BrokenCell(layout.name("time"), str(error)) from error
            row = [_number(cells, layout, name) for name in _PRICES]
            volume = _number(cells, layout, "volume") if "volume" in layout.columns else 0.0
        except _BrokenCell as broken:
            faults.append(Fault(line, broken.column, broken.problem))
            continue
        times.append(seconds)
        prices.append(row)
        volumes.append(volume)
        lines.append(line)
    return _Rows(
        np.array(times, dtype=np.int64),
        np.array(prices, dtype=np.float64).reshape(-1, 4),
        np.array(volumes, dtype=np.float64),
        np.array(lines, dtype=np.int64),
        faults,
    )


class _BrokenCell(Exception):
    def __init__(self, column: str, problem: str) -> None:
        super().__init__(column, problem)
        self.column, self.problem = column, problem


def _cell(cells: list[str], layout: Layout, role: str) -> str:
    index = layout.columns[role]
    if index >= len(cells):
        problem = f"missing: the row has {len(cells)} of {len(layout.names)} columns"
        raise _BrokenCell(layout.name(role), problem)
    return cells[index].strip()


def _number(cells: list[str], layout: Layout, role: str) -> float:
    cell = _cell(cells, layout, role)
    try:
        return float(cell.replace(",", "."))
    except ValueError as error:
        problem = f"'{cell}' is not a number" if cell else "empty"
        raise _BrokenCell(layout.name(role), problem) from error


def _oldest_first(rows: _Rows) -> tuple[_Rows, list[str]]:
    """Some sites export the newest bar first; turned round whole, not one row is lost."""
    if len(rows.time) > 1 and np.all(np.diff(rows.time) < 0):
        turned = rows._pick(slice(None, None, -1))
        return turned, ["the file runs from newest to oldest: read in reverse"]
    return rows, []


def _identify(path: Path, layout: Layout, time: NDArray[np.int64]) -> tuple[str, int]:
    """Symbol and timeframe, by the file's name first, checked against the bars."""
    stem = path.name
    while Path(stem).suffix.lower() in (".gz", ".csv", ".txt", ".tsv"):
        stem = Path(stem).stem
    words = stem.split("_")
    named = timeframe_seconds(words[1]) if len(words) > 1 else None
    symbol = layout.symbol or (words[0] if _SYMBOL.fullmatch(words[0]) else "")
    if len(time) < 2:
        if named is None:
            raise BarsError(f"{path}: one bar tells no timeframe: name the file SYMBOL_H1.csv")
        return symbol, named
    steps, counts = np.unique(np.diff(time), return_counts=True)
    found = int(steps[np.argmax(counts)])
    if named is None:
        return symbol, found
    if named != found and named != _MONTH:
        raise BarsError(
            f"{path}: the name says {timeframe_name(named)}, but its bars are "
            f"{timeframe_name(found)}: name the file {symbol}_{timeframe_name(found)}.csv, "
            "or export it again"
        )
    return symbol, named


def _describe(path: Path, faults: list[Fault]) -> str:
    shown = "; ".join(str(fault) for fault in faults[:_FAULTS_SHOWN])
    more = len(faults) - _FAULTS_SHOWN
    tail = f"; and {more:,} more" if more > 0 else ""
    return (
        f"{path}: {len(faults):,} broken row{'s' if len(faults) > 1 else ''}: {shown}{tail}. "
        "Mend the file, or give --repair to drop them"
    )
