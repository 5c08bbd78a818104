"""The checksums of a book: of every window it was made from, of every record, and of the whole.

`fold` is Horner's rule modulo 2^64 over mixed words, a few lines in any language. Being a
polynomial, the folds of all windows of a history come from one running sum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_DIGITS = 8
_EXACT_DIGITS = 15  # decimal digits that every float64 keeps
_BASE = 0xD1342543DE82EF95  # odd, so it has an inverse
_INVERSE = pow(_BASE, -1, 1 << 64)
_MASK = (1 << 64) - 1
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_BLOCK_WORDS = 1 << 18


def fold(words: NDArray[np.uint64], start: int = 0) -> int:
    """Fold words into one, going on from `start`, the fold of those before them."""
    total = start
    for first in range(0, len(words), _BLOCK_WORDS):
        block = words[first : first + _BLOCK_WORDS]
        folded = int((_mix(block) * _descending(len(block))).sum(dtype=np.uint64))
        total = (total * pow(_BASE, len(block), 1 << 64) + folded) & _MASK
    return total


def fold_rows(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """[n] the fold of each row's bits, of [n, ...] float64."""
    words = np.ascontiguousarray(values).reshape(len(values), -1).view(np.uint64)
    folded: NDArray[np.uint64] = (_mix(words) * _descending(words.shape[1])).sum(
        axis=1, dtype=np.uint64
    )
    return folded


def window_checksums(prices: NDArray[np.float64], context: int, digits: int) -> NDArray[np.uint64]:
    """The fold of each window of `context` rows, its prices counted in units of 10^-digits.

    Args:
        prices: [n, columns].

    Returns:
        [n - context + 1], the first for the window of the first `context` rows.
    """
    columns = prices.shape[1]
    count = max(0, len(prices) - context + 1)
    rows = max(1, _BLOCK_WORDS // columns)
    folded = np.empty(count, dtype=np.uint64)
    for first in range(0, count, rows):
        last = min(first + rows, count)
        words = price_units(prices[first : last + context - 1], digits).view(np.uint64)
        folded[first:last] = _fold_windows(words.reshape(-1), columns, context * columns)
    return folded


def price_units(prices: NDArray[np.float64], digits: int) -> NDArray[np.int64]:
    """Prices as whole numbers of 10^-digits, halves rounded up; same shape."""
    return np.floor(prices * 10.0**digits + 0.5).astype(np.int64)


def price_digits(prices: NDArray[np.float64]) -> int:
    """The fewest digits that tell these prices apart: 5 for EURUSD of most brokers.

    Prices that are no round numbers, as of a simulation, get as many as a float64 keeps of the
    largest of them, up to 8.
    """
    whole = len(str(int(prices.max())))
    most = max(0, min(MOST_DIGITS, _EXACT_DIGITS - whole))
    blocks = [prices[row : row + _BLOCK_WORDS] for row in range(0, len(prices), _BLOCK_WORDS)]
    for digits in range(most):
        if all(_are_whole(block * 10.0**digits) for block in blocks):
            return digits
    return most


def _are_whole(units: NDArray[np.float64]) -> bool:
    """Whether these are whole numbers but for the rounding of a decimal price and its scaling."""
    return bool((np.abs(units - np.rint(units)) <= 4 * np.spacing(units)).all())


def _fold_windows(words: NDArray[np.uint64], stride: int, length: int) -> NDArray[np.uint64]:
    """The fold of words [i, i + length) for i = 0, stride, 2 stride, ...

    With S the running sum of mix(w[j]) * B^-j, a window's fold is B^(end - 1) * (S[end] - S[i]).
    """
    sums = np.zeros(len(words) + 1, dtype=np.uint64)
    np.cumsum(_mix(words) * _powers(_INVERSE, len(words)), out=sums[1:])
    starts = np.arange(0, len(words) - length + 1, stride)
    folded: NDArray[np.uint64] = (sums[starts + length] - sums[starts]) * _powers(
        _BASE, len(words)
    )[starts + length - 1]
    return folded


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = words ^ (words >> np.uint64(32))
    words *= _SPREAD
    words ^= words >> np.uint64(29)
    return words


def _descending(count: int) -> NDArray[np.uint64]:
    """B^(count - 1) down to B^0."""
    return _powers(_BASE, count)[::-1]


def _powers(base: int, count: int) -> NDArray[np.uint64]:
    """base^0 to base^(count - 1), modulo 2^64."""
    powers = np.full(count, base, dtype=np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)
