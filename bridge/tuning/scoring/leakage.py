"""What training has seen, and that nothing of it is scored: fingerprints of bars, kept in bundles.

A name says little of a file: bars are renamed, cut, exported again, or come a second time from
another folder. Their fingerprints (`bridge.bars.fingerprints`) are the same each time.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.bars import Bars, Part
from bridge.bars.fingerprints import RUN_BARS, Hashes, fingerprints, located, shared
from bridge.bars.times import stamp
from bridge.bundles import Bundle, BundleError
from bridge.bundles.routing import is_written_for

WINDOWS_FILE = "windows.npz"
"""In a bundle: the fingerprints of every bar that its training and validation saw, its base's
included, by symbol."""

_STRAY = 0.01  # of their common years' fingerprints; fewer make two sources of one market no copy
_ALIKE = 0.95  # correlation of returns from which two files are reported
_LEAST_COMMON = 200  # bars; of fewer, a correlation says little
_WILD = 12.0  # times the median move: a spike in one source counts no more than that
_HOUR = 3600
_MOST_HOURS_APART = 12

Windows = Mapping[str, Hashes]


class LeakageError(ValueError):
    """Bars would be scored that training saw, or seen twice. The message names the files."""


class NamedBars(Protocol):
    """Bars and the file they came from."""

    @property
    def path(self) -> Path: ...

    @property
    def bars(self) -> Bars: ...


@dataclass(frozen=True)
class Duplicate:
    """Two files that hold the same bars; `since` and `until` are when, on the first one's clock."""

    first: NamedBars
    second: NamedBars
    since: int
    until: int

    def __str__(self) -> str:
        first, second = _told_apart(self.first.path, self.second.path)
        return (
            f"{first} and {second} hold the same bars between {stamp(self.since)} and "
            f"{stamp(self.until)}: {self._advice()}"
        )

    def _advice(self) -> str:
        symbols = (self.first.bars.symbol, self.second.bars.symbol)
        if _same_symbol(*symbols):
            return "give each bar once"
        return (
            f"one of them is not what its name says: export {symbols[0]} and {symbols[1]} again, "
            "and give each once"
        )


@dataclass(frozen=True)
class NearDuplicate:
    """Two files whose prices move alike.

    Attributes:
        correlation: of their log-returns at the same times; near -1 where one is the other
            turned round, as EURUSD and USDEUR are.
        hours_apart: how far the second one's clock is ahead of the first one's.
        bars: how many bars were compared.
    """

    first: NamedBars
    second: NamedBars
    correlation: float
    hours_apart: int
    bars: int

    def __str__(self) -> str:
        first, second = _told_apart(self.first.path, self.second.path)
        apart = f", their clocks {abs(self.hours_apart)} h apart" if self.hours_apart else ""
        return (
            f"{first} and {second} move {'alike' if self.correlation > 0 else 'as mirror images'} "
            f"(correlation {self.correlation:.3f} over {self.bars:,} bars{apart})"
        )


def write_windows(
    path: Path, files: Sequence[NamedBars], parts: Sequence[Part], base: Bundle | None = None
) -> None:
    """Write the fingerprints of the bars that training and validation see, and of the base's.

    Args:
        path: the file, to stand in the bundle as `WINDOWS_FILE`.
        files: the bars.
        parts: of each, the bars seen: those up to the end of validation.
        base: what is tuned; all that it saw counts as seen.

    Raises:
        BundleError: the base's own list cannot be read.
        OSError: the file cannot be written.
    """
    known = {symbol: [hashes] for symbol, hashes in read_windows(base).items()}
    for file, part in zip(files, parts, strict=True):
        known.setdefault(file.bars.symbol, []).append(fingerprints(file.bars, part))
    symbols = sorted(known)
    each = [np.unique(np.concatenate(known[symbol])) for symbol in symbols]
    with path.open("wb") as file_to_write:
        np.savez(
            file_to_write,
            symbols=np.array(symbols, dtype=np.str_),
            counts=np.array([len(hashes) for hashes in each], dtype=np.int64),
            fingerprints=np.concatenate([np.zeros(0, dtype=np.uint64), *each]),
        )


def read_windows(bundle: Bundle | None) -> Windows:
    """What a bundle's training saw, by symbol: [n] uint64 fingerprints, ascending, each once.

    Empty for no bundle, or for one that was made before they were kept.

    Raises:
        BundleError: they are there and are not what was written.
    """
    if bundle is None or WINDOWS_FILE not in bundle.manifest.files:
        return {}
    try:
        with np.load(bundle.path / WINDOWS_FILE, allow_pickle=False) as arrays:
            symbols = arrays["symbols"].astype(np.str_).tolist()
            ends = np.cumsum(arrays["counts"])
            found = arrays["fingerprints"].astype(np.uint64)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(
            f"bundle {bundle.path}: {WINDOWS_FILE} is no list of fingerprints ({error}): copy the "
            "bundle again from where it was made, or train it again"
        ) from error
    return dict(zip(symbols, np.split(found, ends[:-1]), strict=True))


def duplicates(files: Sequence[NamedBars]) -> list[Duplicate]:
    """Every two files that hold the same bars, under whatever name, cut, clock or format."""
    found = []
    marks = [located(file.bars) for file in files]
    for one, other in combinations(range(len(files)), 2):
        rows = _rows_shared(files[one].bars, marks[one], files[other].bars, marks[other])
        if len(rows):
            time = files[one].bars.time
            last = int(time[rows.max() + RUN_BARS - 1])
            found.append(Duplicate(files[one], files[other], int(time[rows.min()]), last))
    return found


def require_distinct(files: Sequence[NamedBars]) -> None:
    """No bars may come in twice: as another symbol, in a second file, zipped and not.

    Raises:
        LeakageError: naming both files, and when.
    """
    for found in duplicates(files):
        raise LeakageError(str(found))


def near_duplicates(
    files: Sequence[NamedBars], copies: Sequence[Duplicate] | None = None
) -> list[NearDuplicate]:
    """Every two files that hold no bars in common and still move alike, as two brokers' do.

    They are reported and not refused: it may be meant. But what one's training saw tells of the
    other's test, and in training they count twice. `copies` are the files' `duplicates`, where
    they are known already.
    """
    copies = duplicates(files) if copies is None else copies
    found = []
    for first, second in combinations(files, 2):
        is_copy = any(each.first is first and each.second is second for each in copies)
        if first.bars.tf == second.bars.tf and not is_copy:
            alike = _compared(first, second)
            if alike is not None and abs(alike.correlation) >= _ALIKE:
                found.append(alike)
    return found


def require_named_right(
    files: Sequence[NamedBars], base: Bundle | Windows | None, *, label: str = ""
) -> None:
    """No file's bars may be those that the base was trained on under another symbol's name.

    Args:
        files: what is about to be trained on, or scored.
        base: the bundle, or what `read_windows` gives.
        label: what to call it in a message; a bundle's own name where none is given.

    Raises:
        LeakageError: naming the file, its name's symbol, and the one the base knows.
    """
    known, label = _known(base, label)
    for file in files:
        own = file.bars.symbol
        marks = fingerprints(file.bars)
        hits = [symbol for symbol, hashes in known.items() if shared(marks, hashes)]
        if hits and not any(_same_symbol(own, symbol) for symbol in hits):
            raise LeakageError(
                f"{file.path.name} is named as bars of {own or 'no symbol'}, and {label} was "
                f"trained on the same bars as {' and '.join(hits)}: rename the file to "
                f"{hits[0]}_..., or export {own or 'it'} again"
            )


def require_unseen(
    files: Sequence[NamedBars],
    parts: Sequence[Part],
    bundle: Bundle | Windows | None,
    *,
    label: str = "",
) -> None:
    """No bar of these parts may have been in the training of a model or of its base.

    Args:
        files, parts: what is about to be scored.
        bundle: the model, or what `read_windows` gives.
        label: what to call it in a message; a bundle's own name where none is given.

    Raises:
        LeakageError: naming the file, the bars' symbol in training, and when they are.
    """
    known, label = _known(bundle, label)
    for file, part in zip(files, parts, strict=True):
        found = seen_rows(file.bars, part, known)
        if found is not None:
            symbol, rows = found
            time = file.bars.time
            last = int(time[rows.max() + RUN_BARS - 1])
            raise LeakageError(
                f"{file.path.name}: bars between {stamp(int(time[rows.min()]))} and {stamp(last)} "
                f"were in the training of {label}, or of its base, as bars of "
                f"{symbol or 'no symbol'}: a score on them says nothing. Give later bars; or, to "
                "score what it has seen all the same, eabridge evaluate --since DATE"
            )


def seen_rows(bars: Bars, part: Part, known: Windows) -> tuple[str, NDArray[np.int64]] | None:
    """The symbol under which bars of a part are known, and the rows where known runs begin."""
    hashes, rows = located(bars, part)
    for symbol, seen in known.items():
        hits = np.isin(hashes, seen)
        if hits.any():
            return symbol, rows[hits]
    return None


def _known(of: Bundle | Windows | None, label: str) -> tuple[Windows, str]:
    """What was seen, and what to call that which saw it."""
    if of is None or isinstance(of, Bundle):
        return read_windows(of), label or (of.manifest.name if of else "")
    return of, label or "the model"


def _same_symbol(one: str, other: str) -> bool:
    """Whether two names are of one symbol, but for what a broker adds to it."""
    return is_written_for(one, other) or is_written_for(other, one)


def _told_apart(first: Path, second: Path) -> tuple[str, str]:
    """The files' names; their paths where these are alike."""
    if first.name == second.name:
        return str(first), str(second)
    return first.name, second.name


def _rows_shared(
    first: Bars,
    marks: tuple[Hashes, NDArray[np.int64]],
    second: Bars,
    others: tuple[Hashes, NDArray[np.int64]],
) -> NDArray[np.int64]:
    """The first one's rows where runs begin that both have; none where these are but strays.

    Two brokers' bars of one market agree, once in thousands, in all 64 prices of a run.
    """
    hits = np.isin(marks[0], others[0])
    found = len(np.unique(marks[0][hits]))
    in_common = min(_within(first, marks, second), _within(second, others, first))
    enough = found and found >= _STRAY * in_common
    return marks[1][hits] if enough else np.zeros(0, dtype=np.int64)


def _within(bars: Bars, marks: tuple[Hashes, NDArray[np.int64]], other: Bars) -> int:
    """How many fingerprints a file has in the time that it shares with another."""
    times = bars.time[marks[1]]
    inside = (times >= other.time[0]) & (times <= other.time[-1])
    return len(np.unique(marks[0][inside]))


def _compared(first: NamedBars, second: NamedBars) -> NearDuplicate | None:
    """How alike two files move, on the clocks on which they do most; None with little in common."""
    tf = first.bars.tf
    one, other = (_returns_by_slot(file.bars) for file in (first, second))
    step = _HOUR // tf if _HOUR % tf == 0 else 0  # longer bars are not told apart by hours
    best = None
    for hours in range(-_MOST_HOURS_APART, _MOST_HOURS_APART + 1) if step else (0,):
        left, right = _overlap(one, other, hours * step)
        there = ~(np.isnan(left) | np.isnan(right))
        count = int(there.sum())
        spread = float(np.sqrt((left[there] ** 2).sum() * (right[there] ** 2).sum()))
        if count < _LEAST_COMMON or not spread:
            continue
        correlation = float((left[there] * right[there]).sum()) / spread
        if best is None or abs(correlation) > abs(best.correlation):
            best = NearDuplicate(first, second, correlation, hours, count)
    return best


def _returns_by_slot(bars: Bars) -> tuple[int, NDArray[np.float64]]:
    """The first bar's slot of time, and [slots] log-returns from then on, NaN without a bar."""
    returns = np.diff(np.log(bars.close))
    moved = np.abs(returns[returns != 0])
    limit = _WILD * float(np.median(moved)) if len(moved) else 1.0
    slots = bars.time // bars.tf
    by_slot = np.full(int(slots[-1] - slots[0]) + 1, np.nan)
    by_slot[slots[1:] - slots[0]] = np.clip(returns, -limit, limit)
    return int(slots[0]), by_slot


def _overlap(
    first: tuple[int, NDArray[np.float64]], second: tuple[int, NDArray[np.float64]], ahead: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both files' returns over the slots that both have, the second's clock so many slots ahead."""
    start, stop = first[0], first[0] + len(first[1])
    other = second[0] - ahead
    low, high = max(start, other), min(stop, other + len(second[1]))
    if high <= low:
        return np.zeros(0), np.zeros(0)
    return first[1][low - start : high - start], second[1][low - other : high - other]
