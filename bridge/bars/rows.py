"""From text to rows: a fast path for clean text, and a careful one that names what is broken."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.bars.hygiene import Fault
from bridge.bars.layout import Layout
from bridge.bars.times import TIME_WIDTH, parse_time, parse_times, shown

_PRICES = ("open", "high", "low", "close")
_BLOCK_LINES = 1000


@dataclass(frozen=True)
class Rows:
    """Parsed rows and the line each stood on; `faults` are the lines that could not be parsed."""

    time: NDArray[np.int64]
    ohlc: NDArray[np.float64]
    volume: NDArray[np.float64]
    lines: NDArray[np.int64]
    faults: list[Fault]

    def without(self, faults: list[Fault]) -> Rows:
        """The rows on lines that none of `faults` names."""
        if not faults:
            return self
        return self._pick(np.flatnonzero(~np.isin(self.lines, [fault.line for fault in faults])))

    def before(self, stop: int) -> Rows:
        """The first `stop` rows."""
        return self._pick(np.arange(stop))

    def reversed(self) -> Rows:
        """The last row first."""
        return self._pick(np.arange(len(self.time))[::-1])

    def _pick(self, rows: NDArray[np.intp]) -> Rows:
        return Rows(
            self.time[rows], self.ohlc[rows], self.volume[rows], self.lines[rows], self.faults
        )


def parse(text: str, layout: Layout) -> Rows:
    """Every row of the text: the clean stretches at once, those with something odd row by row."""
    body = text[_start_of_line(text, layout.first_line) :]
    rows = parse_columns(body, layout, layout.first_line)
    if rows is not None:
        return rows
    lines = body.split("\n")
    parts = []
    for start in range(0, len(lines), _BLOCK_LINES):
        block = "\n".join(lines[start : start + _BLOCK_LINES])
        line = layout.first_line + start
        parts.append(parse_columns(block, layout, line) or parse_rows(block, layout, line))
    return Rows(
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.ohlc for part in parts]),
        np.concatenate([part.volume for part in parts]),
        np.concatenate([part.lines for part in parts]),
        [fault for part in parts for fault in part.faults],
    )


def _start_of_line(text: str, line: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if not start:
            return len(text)
    return start


def parse_columns(body: str, layout: Layout, first_line: int) -> Rows | None:
    """All rows at once by NumPy's C parser, or None where any row is not plain."""
    body = body.rstrip("\n")
    if not body.strip() or "\n\n" in body:
        return None
    if layout.delimiter != ",":
        body = body.replace(",", ".")  # decimal commas
    try:
        table = np.loadtxt(
            io.StringIO(body),
            dtype=_table_type(layout),
            delimiter=layout.delimiter,
            comments=None,
            quotechar='"',
            ndmin=1,
        )
        if "date" in layout.columns:
            time = parse_times(table["date"], table["time"])
        else:
            time = parse_times(table["time"], None)
    except ValueError:
        return None
    if len(table) != body.count("\n") + 1:
        return None  # a quoted line break: line numbers would be wrong
    ohlc = np.stack([table[name] for name in _PRICES], axis=1)
    volume = table["volume"] if "volume" in layout.columns else np.zeros(len(table))
    lines = np.arange(first_line, first_line + len(table), dtype=np.int64)
    return Rows(time, ohlc, np.ascontiguousarray(volume), lines, [])


def _table_type(layout: Layout) -> list[tuple[str, str]]:
    """A field for every column, so that a row with one too many or too few is refused."""
    fields = [(f"unused {index}", "U1") for index in range(len(layout.names))]
    for role, index in layout.columns.items():
        fields[index] = (role, f"S{TIME_WIDTH}" if role in ("date", "time") else "f8")
    return fields


def parse_rows(body: str, layout: Layout, first_line: int) -> Rows:
    """Row by row, so that each broken one can be named."""
    times: list[int] = []
    numbers: list[list[float]] = []
    lines: list[int] = []
    faults: list[Fault] = []
    for line, cells in _table_rows(body, layout, first_line):
        try:
            _check_width(cells, layout)
            time = _moment(cells, layout)
            row = [_number(cells, layout, name) for name in _PRICES]
            row.append(_volume(cells, layout))
        except _BrokenCellError as broken:
            faults.append(Fault(line, broken.column, broken.problem))
            continue
        times.append(time)
        numbers.append(row)
        lines.append(line)
    table = np.array(numbers, dtype=np.float64).reshape(-1, len(_PRICES) + 1)
    return Rows(
        np.array(times, dtype=np.int64),
        np.ascontiguousarray(table[:, :-1]),
        np.ascontiguousarray(table[:, -1]),
        np.array(lines, dtype=np.int64),
        faults,
    )


class _BrokenCellError(Exception):
    def __init__(self, column: str, problem: str) -> None:
        super().__init__(column, problem)
        self.column, self.problem = column, problem


def _table_rows(body: str, layout: Layout, first_line: int) -> Iterator[tuple[int, list[str]]]:
    """Rows with something in them, and their lines.

    Each line is a row of its own, so that a quote left open spoils its line and not the file.
    """
    for line, content in enumerate(body.split("\n"), start=first_line):
        try:
            cells = next(csv.reader([content], delimiter=layout.delimiter), [])
        except csv.Error:  # longer than any cell may be
            cells = content.split(layout.delimiter)
        if any(cell.strip() for cell in cells):
            yield line, cells


def _check_width(cells: list[str], layout: Layout) -> None:
    """Refuse a row with more in it than there are columns: they cannot be told apart."""
    columns = len(layout.names)
    if any(cell.strip() for cell in cells[columns:]):
        problem = f"the row has {len(cells)} cells for {columns} columns"
        raise _BrokenCellError(str(columns + 1), problem)


def _cell(cells: list[str], layout: Layout, role: str) -> str:
    index = layout.columns[role]
    if index >= len(cells):
        problem = f"missing: the row has {len(cells)} of {len(layout.names)} columns"
        raise _BrokenCellError(layout.name(role), problem)
    return cells[index].strip()


def _moment(cells: list[str], layout: Layout) -> int:
    moment = _cell(cells, layout, "time")
    if "date" in layout.columns:
        date = _cell(cells, layout, "date")
        for role, cell in (("date", date), ("time", moment)):
            if not cell:
                raise _BrokenCellError(layout.name(role), "empty")
        moment = f"{date} {moment}"
    try:
        return parse_time(moment)
    except ValueError as error:
        raise _BrokenCellError(layout.name("time"), str(error)) from error


def _number(cells: list[str], layout: Layout, role: str) -> float:
    cell = _cell(cells, layout, role)
    if not cell:
        raise _BrokenCellError(layout.name(role), "empty")
    try:
        if "_" in cell:  # Python's own way to write thousands, nobody else's
            raise ValueError
        return float(cell.replace(",", "."))
    except ValueError as error:
        raise _BrokenCellError(layout.name(role), f"{shown(cell)} is not a number") from error


def _volume(cells: list[str], layout: Layout) -> float:
    """The row's volume; 0 where the file, or only this row, has none."""
    if "volume" not in layout.columns or not _cell(cells, layout, "volume"):
        return 0.0
    return _number(cells, layout, "volume")
