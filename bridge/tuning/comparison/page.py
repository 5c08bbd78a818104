"""What a page is made of: sections of sentences, tables and charts; and how numbers are written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from bridge.bars.times import stamp
from bridge.tuning.comparison.estimates import Estimate, written

NONE = "-"
"""Stands where there is no number."""


@dataclass(frozen=True)
class Cell:
    """A table's cell; `interval` stands small below the number."""

    text: str
    interval: str = ""
    classes: str = ""


@dataclass(frozen=True)
class Row:
    """A table's row; `other` rows are of forecasters that were not trained here."""

    cells: tuple[Cell, ...]
    other: bool = False


@dataclass(frozen=True)
class Table:
    """A table; `words` are the columns that hold words, not numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    words: tuple[int, ...] = (0,)
    kind: str = "table"


@dataclass(frozen=True)
class Chart:
    """A picture of the charts' folder."""

    file: str
    caption: str
    data: str
    kind: str = "chart"


@dataclass(frozen=True)
class Sentences:
    """A list of findings."""

    sentences: tuple[str, ...]
    kind: str = "sentences"


@dataclass(frozen=True)
class Paragraph:
    """Running text; of kind `code` it is a command."""

    text: str
    note: bool = False
    kind: str = "paragraph"


Part: TypeAlias = Table | Chart | Sentences | Paragraph


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    anchor: str
    title: str
    parts: tuple[Part, ...]


def number(value: Estimate | None, form: str, factor: float = 1.0) -> Cell:
    """A number times `factor` in a format, its interval below it."""
    if value is None:
        return Cell(NONE)
    interval = (
        ""
        if value.low is None or value.high is None
        else f"[{written(factor * value.low, form)}, {written(factor * value.high, form)}]"
    )
    return Cell(written(factor * value.value, form), interval)


def filled(table: Table) -> Table:
    """The table without the columns that hold no number in any row."""
    kept = [
        column
        for column in range(len(table.columns))
        if column in table.words or any(row.cells[column].text != NONE for row in table.rows)
    ]
    return replace(
        table,
        columns=tuple(table.columns[column] for column in kept),
        rows=tuple(
            replace(row, cells=tuple(row.cells[column] for column in kept)) for row in table.rows
        ),
        words=tuple(place for place, column in enumerate(kept) if column in table.words),
    )


def ms(microseconds: float) -> str:
    """Microseconds as milliseconds."""
    value = microseconds / 1e3
    if value < 10:
        return f"{value:.3f}" if value < 1 else f"{value:.2f}"
    return f"{value:,.0f}"


def mega(count: int | None) -> str:
    """Bytes as millions."""
    return NONE if count is None else f"{count / 1e6:,.1f}"


def day(time: int) -> str:
    """`2020-12-31` of POSIX seconds."""
    return stamp(time)[:10].replace(".", "-")
