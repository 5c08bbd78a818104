"""What kind of text a file of bars is: encoding, delimiter, and which column holds what."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ROLES = {
    "date": ("date",),
    "time": ("time", "datetime", "timestamp", "date time", "gmt time", "local time", ""),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "last"),
    "volume": ("tickvol", "tick_volume", "tick volume", "volume", "vol", "v"),
}
_MT4_COLUMNS = ("date", "time", "open", "high", "low", "close", "volume")
REQUIRED = ("time", "open", "high", "low", "close")


@dataclass(frozen=True)
class Layout:
    """How to read a text of bars.

    `columns` maps a role (`time`, `open`, ..., and `date` where date and time stand apart) to
    its column number, from 0. `first_line` is the number of data's first line, from 1.
    """

    delimiter: str
    columns: dict[str, int]
    names: tuple[str, ...]
    first_line: int
    symbol: str

    def name(self, role: str) -> str:
        """The column's name as the file has it."""
        return self.names[self.columns[role]] or role


class LayoutError(ValueError):
    """The text is not a table of bars: the message says what was looked for."""


def read_text(path: Path) -> str:
    """The file's text, unzipped and decoded; UTF-16 is known by its BOM or its zero bytes.

    Raises:
        LayoutError: a damaged gzip, or bytes that are no text.
    """
    raw = path.read_bytes()
    if raw.startswith(_GZIP_MAGIC):
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise LayoutError(f"the gzip is damaged ({error}): export or copy it again") from error
    encoding = "utf-8"
    for bom, name in _BOMS:
        if raw.startswith(bom):
            raw, encoding = raw[len(bom) :], name
            break
    else:
        if raw[1:2] == b"\0":
            encoding = "utf-16-le"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    if "\0" in text:
        raise LayoutError("this is no text: give the bars as CSV or as MetaTrader exports them")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def find_layout(text: str) -> Layout:
    """The layout of MetaTrader's exports, of plain CSVs with a header, and of MT4's without.

    Raises:
        LayoutError: empty text, or a header in which a needed column is missing.
    """
    head = [line for line in text[:8192].split("\n")[:4] if line.strip()]
    if not head:
        raise LayoutError("the file is empty")
    delimiter = max("\t;,", key=head[0].count)
    rows = [next(csv.reader([line], delimiter=delimiter)) for line in head]
    names = tuple(_clean(cell) for cell in rows[0])
    first_line, symbol = 2, ""
    if re.match(r"\d", names[0]):  # no header at all: MT4's History Center writes it so
        first_line = 1
        names = _MT4_COLUMNS if _is_date_alone(names[0]) else ("time", *_MT4_COLUMNS[2:])
    elif names[0] == "price" and len(rows) > 2 and _clean(rows[1][0]) == "ticker":
        # yfinance's two-level header: Price,Close,High,... / Ticker,AAPL,... / Date,,,
        first_line, symbol = 4, rows[1][1].strip()
        names = ("time", *names[1:])
    columns = _match_columns(names)
    missing = [role for role in REQUIRED if role not in columns]
    if missing:
        raise LayoutError(
            f"no column for {', '.join(missing)} in the header {', '.join(names)}: a file of bars "
            "has date or time, open, high, low and close (and may have more)"
        )
    return Layout(delimiter, columns, names, first_line, symbol)


def _match_columns(names: tuple[str, ...]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for role, accepted in _ROLES.items():
        for name in accepted:  # in order of preference: tick volume before traded volume
            if name in names and (name or names[0] == ""):
                columns[role] = names.index(name)
                break
    if "date" in columns and "time" not in columns:
        columns["time"] = columns.pop("date")  # daily bars, or date and time in one column
    return columns


def _clean(cell: str) -> str:
    return cell.strip().strip("<>\"'").strip().lower()


def _is_date_alone(cell: str) -> bool:
    return re.fullmatch(r"\d{4}[.\-/]?\d{2}[.\-/]?\d{2}|\d{2}\.\d{2}\.\d{4}", cell) is not None
