"""Fingerprints of bars: enough of them to tell that two files hold the same ones.

Every run of 16 bars is hashed, from its prices alone: neither its name nor its times, nor how
the prices were written, nor where the file begins make a difference. Of all hashes some are kept
by winnowing (Schleimer, Wilkerson and Aiken 2003): the least of every 177 neighbours. Which one
that is depends on nothing beyond them, so whatever two files have in common of at least 192 bars,
at least one fingerprint of it stands in both. A run that says nothing, since its closes are
almost all the same, is kept by neither.

Bars are hashed as they are, and with their last digit rounded away, so that those written with
one digit fewer (1.0716 for 1.07164) are known again. Another broker's bars of the same market,
half a pip apart here and there, have other fingerprints.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.bars.bars import Bars
from bridge.bars.windows import Part

RUN_BARS = 16
CERTAIN_BARS = 192
"""What two files have in common is certain to be found from so many bars on."""

_NEIGHBOURS = CERTAIN_BARS - RUN_BARS + 1
_LEAST_CLOSES = RUN_BARS // 2  # different closes, below which a run may come again by chance
_STRAYS = 0.01  # share of prices with more digits than the others that is passed over
_DIGITS = 8  # decimals that a price is read with: 1e-8 is the unit
_UNIT = 10.0**-_DIGITS
_LARGEST = 9e18 * _UNIT  # price that still counts in units of int64
_NOTHING = np.uint64(0xFFFF_FFFF_FFFF_FFFF)  # the hash of a run that says nothing
_SPREAD = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]


def fingerprints(bars: Bars, part: Part | None = None) -> Hashes:
    """The fingerprints of a file, or of one part of it: [n] uint64, ascending, each once.

    About one for every 30 bars. None for fewer than 16 bars, or where no price moves.
    """
    return np.unique(located(bars, part)[0])


def shared(first: Hashes, second: Hashes) -> int:
    """How many fingerprints two sets have in common; both as `fingerprints` gives them."""
    return len(np.intersect1d(first, second, assume_unique=True))


def located(bars: Bars, part: Part | None = None) -> tuple[Hashes, NDArray[np.int64]]:
    """Fingerprints and, for each, the row in `bars` where its run begins; [n] both.

    A fingerprint of bars that come again is there once for each time.
    """
    part = Part(0, len(bars)) if part is None else part
    ohlc = bars.ohlc[part.start : part.stop]
    units = np.rint(np.clip(ohlc, -_LARGEST, _LARGEST) / _UNIT).astype(np.int64)
    found, rows = [], []
    for prices in (units, *_with_one_digit_fewer(ohlc, units)):
        hashes = _run_hashes(prices)
        kept = np.isin(hashes, _least_of_neighbours(hashes)) & (hashes != _NOTHING)
        found.append(hashes[kept])
        rows.append(np.flatnonzero(kept) + part.start)
    return np.concatenate(found), np.concatenate(rows)


def _with_one_digit_fewer(
    ohlc: NDArray[np.float64], units: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """[n, 4] prices in units, rounded to one digit fewer than they have, in two ways.

    Every tenth price ends in a half, and the ways of rounding differ in where that goes: when it
    is printed, by the bits of the float64, which is never quite a half; when it is rounded in
    place (NumPy, pandas), to the even neighbour.
    """
    zeros = max((n for n in range(_DIGITS + 1) if _ends_in_zeros(units, n)), default=0)
    digits, step = _DIGITS - zeros - 1, 10 ** (zeros + 1)
    if not units.size:
        return []
    even = np.rint(np.clip(ohlc, -_LARGEST, _LARGEST) * 10.0**digits).astype(np.int64) * step
    printed = even.copy()
    halves = units % step == step // 2
    if digits >= 0:  # whole numbers are quite halves: there is one way
        texts = np.char.mod(f"%.{digits}f", ohlc[halves])
        printed[halves] = np.rint(texts.astype(np.float64) / _UNIT).astype(np.int64)
    return [printed, even]


def _ends_in_zeros(units: NDArray[np.int64], count: int) -> bool:
    """Whether the prices end in so many zeros, but for a few strays."""
    return bool(np.count_nonzero(units % 10**count) <= _STRAYS * units.size)


def _run_hashes(units: NDArray[np.int64]) -> Hashes:
    """[n - 15] hash of each run of 16 rows of [n, 4] prices in units."""
    count = len(units) - RUN_BARS + 1
    if count < 1:
        return np.zeros(0, dtype=np.uint64)
    rows = _mix(_without_zeros(units).astype(np.uint64))
    bars = np.zeros(len(units), dtype=np.uint64)
    for column in range(units.shape[1]):
        bars = _mix(bars ^ rows[:, column])
    hashes = np.zeros(count, dtype=np.uint64)
    for place in range(RUN_BARS):
        hashes = _mix(hashes ^ bars[place : place + count])
    hashes[_different_closes(units[:, 3]) < _LEAST_CLOSES] = _NOTHING
    return hashes


def _without_zeros(units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each row without the zeros that all of its prices end in: points and prices hash alike."""
    rows: NDArray[np.int64] = units.copy()
    for _ in range(_DIGITS + 1):
        rows[(rows % 10 == 0).all(axis=1)] //= 10
    return rows


def _different_closes(close: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n - 15] how many different closes stand in each run."""
    count = len(close) - RUN_BARS + 1
    order = np.argsort(close, kind="stable")
    again = close[order[1:]] == close[order[:-1]]
    before = np.full(len(close), -1, dtype=np.int64)  # the row of the same close before it
    before[order[1:][again]] = order[:-1][again]
    starts = np.arange(count)
    different = np.zeros(count, dtype=np.int64)
    for place in range(RUN_BARS):
        different += before[place : place + count] < starts
    return different


def _least_of_neighbours(hashes: Hashes) -> Hashes:
    """The least of each 177 neighbouring hashes, by van Herk's two running minima."""
    count = len(hashes) - _NEIGHBOURS + 1
    if count < 1:
        return hashes.min(keepdims=True) if len(hashes) else hashes
    padding = np.full(-len(hashes) % _NEIGHBOURS, _NOTHING)
    blocks = np.concatenate([hashes, padding]).reshape(-1, _NEIGHBOURS)
    from_left = np.minimum.accumulate(blocks, axis=1).reshape(-1)
    from_right = np.minimum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].reshape(-1)
    least: Hashes = np.minimum(from_right[:count], from_left[_NEIGHBOURS - 1 :][:count])
    return np.unique(least)


def _mix(words: Hashes) -> Hashes:
    """Spread every bit over all of them, one to one (splitmix64, Steele et al. 2014)."""
    words = words + _SPREAD
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = words ^ (words >> np.uint64(31))
    return mixed
