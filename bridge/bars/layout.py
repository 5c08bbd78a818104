"""What kind of text a file of bars is: encoding, delimiter, and which column holds what."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bridge.bars.times import parse_time, shown

_GZIP_MAGIC = b"\x1f\x8b"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ROLES = {
    "date": ("date",),
    "time": (
        "time",
        "datetime",
        "timestamp",
        "date time",
        "date/time",
        "gmt time",
        "local time",
        "open time",
        "open_time",
        "",  # the index of a table that pandas wrote
    ),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "last"),
    "volume": ("tickvol", "tick_volume", "tick volume", "volume", "vol", "v"),
}
_MT4_COLUMNS = ("date", "time", "open", "high", "low", "close", "volume")
REQUIRED = ("time", "open", "high", "low", "close")
_YFINANCE_LEVELS = {"price", "ticker"}
_HEAD_ROWS = 4
_HEAD_WIDTH = 8192  # characters of a line that are looked at


@dataclass(frozen=True)
class Layout:
    """How to read a text of bars.

    `columns` maps a role (`time`, `open`, ..., and `date` where date and time stand apart) to
    its column number, from 0. `names` are the header's, lower case and without `<>`.
    `first_line` is the number of data's first line, from 1. `symbol` is the one the header
    names, else empty.
    """

    delimiter: str
    columns: dict[str, int]
    names: tuple[str, ...]
    first_line: int
    symbol: str

    def name(self, role: str) -> str:
        """The column's name, as in `names`; the role itself where it has none."""
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
    text = _decode(raw)
    if "\0" in text:
        raise LayoutError("this is no text: give the bars as CSV or as MetaTrader exports them")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode(raw: bytes) -> str:
    encoding = "utf-8"
    for bom, name in _BOMS:
        if raw.startswith(bom):
            raw, encoding = raw[len(bom) :], name
            break
    else:
        if raw[:4:2] == b"\0\0":
            encoding = "utf-16-be"
        elif raw[1:4:2] == b"\0\0":
            encoding = "utf-16-le"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            return raw.decode("cp1252", errors="replace")
        raise LayoutError(f"the {encoding} text is damaged: export or copy it again") from error


def find_layout(text: str) -> Layout:
    """The layout of MetaTrader's exports, of plain CSVs with a header, and of MT4's without.

    Raises:
        LayoutError: empty text, a header in which a needed column is missing, or one with
            several symbols.
    """
    head = list(islice(_filled_lines(text), _HEAD_ROWS))
    if not head:
        raise LayoutError("the file is empty")
    header_line, header = head[0]
    delimiter = max("\t;,", key=header.count)
    rows = [next(csv.reader([line], delimiter=delimiter)) for _, line in head]
    names = tuple(_clean(cell) for cell in rows[0])
    levels, symbol = 1, ""
    if re.match(r"\d", names[0]):  # no header at all: MT4's History Center writes it so
        levels, names = 0, _unwritten_names(rows[0])
    elif len(rows) > 1 and {names[0], _clean(rows[1][0])} == _YFINANCE_LEVELS:
        names, symbol, levels = _yfinance_header(rows)
    first_line = head[levels - 1][0] + 1 if levels else header_line
    columns = _match_columns(names)
    if len(rows) > levels:
        _drop_second_date(columns, rows[levels])
    missing = [role for role in REQUIRED if role not in columns]
    if missing:
        raise LayoutError(
            f"no column for {', '.join(missing)} in the header {shown(header)}: a file of bars "
            "has date or time, open, high, low and close (and may have more)"
        )
    return Layout(delimiter, columns, names, first_line, symbol)


def _filled_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, and their numbers, from 1."""
    for number, line in enumerate(io.StringIO(text), start=1):
        if line.strip():
            yield number, line[:_HEAD_WIDTH].rstrip("\n")


def _unwritten_names(cells: list[str]) -> tuple[str, ...]:
    """The names a file without a header would have, by its first row; volume may be absent."""
    second = cells[1].strip() if len(cells) > 1 else ""
    has_clock = ":" in second or (
        _is_date_alone(cells[0].strip())
        and len(cells) >= len(_MT4_COLUMNS)
        and re.fullmatch(r"\d{6}", second) is not None
    )
    names = _MT4_COLUMNS if has_clock else ("time", *_MT4_COLUMNS[2:])
    if len(cells) == len(names) - 1:
        return names[:-1]
    return names + ("",) * (len(cells) - len(names))


def _yfinance_header(rows: list[list[str]]) -> tuple[tuple[str, ...], str, int]:
    """Names, symbol and number of rows of `Price,Close,... / Ticker,AAPL,... / Date,,...`."""
    price, ticker = rows[:2] if _clean(rows[0][0]) == "price" else rows[1::-1]
    tickers = sorted({cell.strip() for cell in ticker[1:]} - {""})
    if len(tickers) > 1:
        raise LayoutError(
            f"there are {len(tickers)} symbols in it ({shown(', '.join(tickers))}): "
            "write a file for each"
        )
    has_index_row = len(rows) > 2 and not any(cell.strip() for cell in rows[2][1:])
    names = ("time", *(_clean(cell) for cell in price[1:]))
    return names, "".join(tickers), 3 if has_index_row else 2


def _match_columns(names: tuple[str, ...]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for role, accepted in _ROLES.items():
        for name in accepted:  # in order of preference: tick volume before traded volume
            if name in names and (name or names[0] == ""):
                columns[role] = names.index(name)
                break
    has_clock = "time" in columns and names[columns["time"]] != ""
    if "date" in columns and not has_clock:
        columns["time"] = columns.pop("date")  # daily bars, or date and time in one column
    return columns


def _drop_second_date(columns: dict[str, int], row: list[str]) -> None:
    """Of a date and a time beside it, keep the time where it says the date too."""
    if "date" in columns and columns["time"] < len(row):
        with suppress(ValueError):
            parse_time(row[columns["time"]])
            del columns["date"]


def _clean(cell: str) -> str:
    """`TICKVOL` of `<TICKVOL>`, `time` of `Time (UTC)`."""
    bare = re.sub(r"\s*\(.*\)$", "", cell.strip())
    return bare.strip("<>\"'").strip().lower()


def _is_date_alone(cell: str) -> bool:
    return re.fullmatch(r"\d{4}[.\-/]?\d{2}[.\-/]?\d{2}|\d{2}\.\d{2}\.\d{4}", cell) is not None
