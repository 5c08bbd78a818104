"""A book: forecasts computed ahead, for testers that can reach no daemon.

The file, little-endian, made to be read by an EA in a few calls:

    offset  what
         0  "EABOOK1\\n"
         8  u32 bytes before the index; u32 columns of a window (1 close, 4 OHLC); u32 context;
            u32 horizon H; u32 levels Q; u32 seconds per bar; u32 digits in which prices are counted
        36  u32 bytes of the label; u32 bytes of the symbol; u32 zero
        48  u64 forecasts N
        56  u64 fold of all words before the records, this one taken as 0
        64  Q levels; label; symbol, both UTF-8, filled up with zeros to 8 bytes
     index  N open times, ascending; N folds of windows; N folds of records
            N records: H rows of Q quantiles, then H probabilities of a rise
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.bars.times import stamp
from bridge.book.checksums import MOST_DIGITS, fold, fold_rows
from bridge.bundles.manifest import MOST_BARS

MAGIC = b"EABOOK1\n"
_FIXED = struct.Struct("<8s10IQQ")
_CHECKSUM_WORD = 7
_INDEX_COLUMNS = 3
_MOST_LEVELS = 1024
_LONGEST_NAME = 256
_VERIFY_BYTES = 1 << 24


class BookError(ValueError):
    """A book cannot be made or used. The message says why and what to do."""


@dataclass(frozen=True)
class BookInfo:
    """What a book is of.

    Attributes:
        label: `name@version` of the model that made it.
        symbol: of the bars it was made from; empty where they named none.
        columns: 1 where windows are closes, 4 where they are OHLC.
        context: bars of a window. horizon: bars ahead, H.
        levels: [Q] quantile levels, ascending.
        tf: seconds per bar.
        digits: a window's checksum counts prices in units of 10^-digits.
    """

    label: str
    symbol: str
    columns: int
    context: int
    horizon: int
    levels: tuple[float, ...]
    tf: int
    digits: int

    @property
    def record_values(self) -> int:
        """float64 values of one record."""
        return self.horizon * (len(self.levels) + 1)

    @property
    def header_bytes(self) -> int:
        """Bytes before the index."""
        names = (self.label, self.symbol)
        return _FIXED.size + 8 * len(self.levels) + sum(len(_padded(name)) for name in names)

    def records_at(self, count: int) -> int:
        """Offset of the first of `count` records."""
        return self.header_bytes + 8 * _INDEX_COLUMNS * count

    def file_bytes(self, count: int) -> int:
        """Size of a book of `count` forecasts."""
        return self.records_at(count) + 8 * self.record_values * count


class Entry(NamedTuple):
    """A forecast in a book: quantiles [H, Q] and up [H] after the bar that opened at `time`.

    `window` is the checksum of the window it was made from.
    """

    time: int
    window: int
    quantiles: NDArray[np.float64]
    up: NDArray[np.float64]


@dataclass(frozen=True)
class Book:
    """A book whose header and index are whole; records are read, and checked, when asked for.

    Attributes:
        time: [N] int64, open time of each window's last bar, ascending.
        windows, records: [N] uint64 checksums.
    """

    path: Path
    info: BookInfo
    time: NDArray[np.int64]
    windows: NDArray[np.uint64]
    records: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.time)

    def find(self, time: int) -> Entry:
        """The forecast after the bar that opened at `time`.

        Raises:
            BookError: the book has none, or its record is damaged.
        """
        row = int(np.searchsorted(self.time, time))
        if row == len(self) or self.time[row] != time:
            raise BookError(
                f"{self.path.name} has no forecast for {stamp(time)}: it runs from "
                f"{stamp(int(self.time[0]))} to {stamp(int(self.time[-1]))}"
            )
        (values,) = self._read(row, 1)
        rows, levels = self.info.horizon, len(self.info.levels)
        quantiles = values[: rows * levels].reshape(rows, levels)
        return Entry(time, int(self.windows[row]), quantiles, values[rows * levels :])

    def verify(self, on_progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Read every record.

        Raises:
            BookError: naming the first that is damaged.
        """
        at_once = max(1, _VERIFY_BYTES // (8 * self.info.record_values))
        for first in range(0, len(self), at_once):
            count = min(at_once, len(self) - first)
            self._read(first, count)
            on_progress(first + count, len(self))

    def _read(self, first: int, count: int) -> NDArray[np.float64]:
        """[count, values] of records, checked."""
        size = 8 * self.info.record_values
        with self.path.open("rb") as file:
            file.seek(self.info.records_at(len(self)) + first * size)
            raw = file.read(count * size)
        if len(raw) < count * size:
            raise BookError(f"{self.path} was cut off after it was opened: copy it again")
        values = np.frombuffer(raw, dtype="<f8").reshape(count, -1)
        damaged = np.flatnonzero(fold_rows(values) != self.records[first : first + count])
        if len(damaged):
            time = stamp(int(self.time[first + damaged[0]]))
            raise BookError(f"{self.path}: the record for {time} is damaged: {_AGAIN}")
        return values


_AGAIN = "copy the book again, or make it again with eabridge book"


def read_book(path: Path) -> Book:
    """Open a book: its header and index are read and checked.

    Raises:
        BookError: no book, one of another version, cut off or damaged.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        info, count, checksum = _read_header(file, path)
        promised = info.file_bytes(count)
        if size != promised:
            raise BookError(f"{path} has {size:,} bytes and should have {promised:,}: {_AGAIN}")
        file.seek(0)
        head = np.fromfile(file, dtype="<u8", count=info.records_at(count) // 8)
    head[_CHECKSUM_WORD] = 0
    if fold(head) != checksum:
        raise BookError(f"{path} is damaged in its header or index: {_AGAIN}")
    index = head[info.header_bytes // 8 :].reshape(_INDEX_COLUMNS, count)
    time = index[0].view(np.int64)
    if not count or (np.diff(time) <= 0).any():
        raise BookError(f"{path}: its times do not ascend: {_AGAIN}")
    return Book(path, info, time, index[1], index[2])


def write_head(
    file: BinaryIO,
    info: BookInfo,
    time: NDArray[np.int64],
    windows: NDArray[np.uint64],
    records: NDArray[np.uint64],
) -> None:
    """Write header and index at the start of `file`, for records that stand behind them."""
    columns = [each.astype("<u8", copy=False) for each in (time.view(np.uint64), windows, records)]
    checksum = fold(np.frombuffer(_header(info, len(time), 0), dtype="<u8"))
    for column in columns:
        checksum = fold(column, checksum)
    file.seek(0)
    file.write(_header(info, len(time), checksum))
    for column in columns:
        file.write(column.data)


def _header(info: BookInfo, count: int, checksum: int) -> bytes:
    fixed = _FIXED.pack(
        MAGIC,
        info.header_bytes,
        info.columns,
        info.context,
        info.horizon,
        len(info.levels),
        info.tf,
        info.digits,
        len(info.label.encode()),
        len(info.symbol.encode()),
        0,
        count,
        checksum,
    )
    levels = np.array(info.levels, dtype="<f8").tobytes()
    return fixed + levels + _padded(info.label) + _padded(info.symbol)


def _read_header(file: BinaryIO, path: Path) -> tuple[BookInfo, int, int]:
    """What a header says, its count and checksum: bounds held, nothing allocated by its word."""
    raw = file.read(_FIXED.size)
    if raw[: len(MAGIC)] != MAGIC:
        kind = "a book of another version" if raw.startswith(MAGIC[:6]) else "no book"
        raise BookError(f"{path} is {kind}: make one with eabridge book")
    if len(raw) < _FIXED.size:
        raise BookError(f"{path} is cut off: {_AGAIN}")
    _, size, columns, context, horizon, levels, tf, digits, *names, zero, count, checksum = (
        _FIXED.unpack(raw)
    )
    bounds = (
        columns in (1, 4),
        1 <= context <= MOST_BARS,
        1 <= horizon <= MOST_BARS,
        1 <= levels <= _MOST_LEVELS,
        digits <= MOST_DIGITS,
        max(names) <= _LONGEST_NAME,
        not zero,
    )
    if not all(bounds):
        raise BookError(f"{path} is damaged in its header: {_AGAIN}")
    values = np.frombuffer(_exactly(file, 8 * levels, path), dtype="<f8")
    try:
        label, symbol = (_exactly(file, each + -each % 8, path)[:each].decode() for each in names)
    except UnicodeDecodeError as error:
        raise BookError(f"{path} is damaged in its header: {_AGAIN}") from error
    info = BookInfo(label, symbol, columns, context, horizon, tuple(values.tolist()), tf, digits)
    if size != info.header_bytes:
        raise BookError(f"{path} is damaged in its header: {_AGAIN}")
    return info, count, checksum


def _exactly(file: BinaryIO, count: int, path: Path) -> bytes:
    raw = file.read(count)
    if len(raw) < count:
        raise BookError(f"{path} is cut off: {_AGAIN}")
    return raw


def _padded(text: str) -> bytes:
    raw = text.encode()
    return raw + bytes(-len(raw) % 8)
