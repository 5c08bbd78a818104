"""Checksums of books: the definition, written out, and every short cut held against it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.book import checksums
from bridge.book.checksums import fold, fold_rows, price_digits, price_units, window_checksums

MASK = (1 << 64) - 1


def fold_as_defined(words: list[int], start: int = 0) -> int:
    """Horner's rule over mixed words, modulo 2^64, as any language would write it."""
    total = start
    for word in words:
        word ^= word >> 32
        word = word * 0x9E3779B97F4A7C15 & MASK
        word ^= word >> 29
        total = (total * 0xD1342543DE82EF95 + word) & MASK
    return total


def random_words(count: int) -> NDArray[np.uint64]:
    return np.random.default_rng(0).integers(0, MASK, count, dtype=np.uint64, endpoint=True)


def test_the_fold_of_three_words_is_this_number_in_every_language() -> None:
    assert fold(np.array([1, 2, 3], dtype=np.uint64)) == fold_as_defined([1, 2, 3])
    assert fold_as_defined([1, 2, 3]) == 0x3E5FBFE4D3D58ECB


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 1000])
def test_a_fold_is_as_defined_however_it_falls_into_blocks(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "_BLOCK_WORDS", 64)
    words = random_words(count)

    assert fold(words) == fold_as_defined(words.tolist())


def test_a_fold_goes_on_where_another_ended() -> None:
    words = random_words(100)

    assert fold(words[40:], fold(words[:40])) == fold(words)


def test_rows_are_folded_by_their_bits() -> None:
    rows = np.array([[1.1, -0.0], [1.1, 0.0], [np.pi, 1e300]])

    folded = fold_rows(rows)

    assert folded.tolist() == [fold_as_defined(row) for row in rows.view(np.uint64).tolist()]
    assert folded[0] != folded[1]


@pytest.mark.parametrize("columns", [1, 4])
@pytest.mark.parametrize("block", [8, 1 << 18])
def test_the_checksums_of_all_windows_are_the_folds_of_each(
    columns: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "_BLOCK_WORDS", block)
    prices = 1.1 + np.random.default_rng(0).normal(0, 0.01, (50, columns))

    found = window_checksums(prices, 7, digits=5)

    windows = [prices[end - 7 : end] for end in range(7, 51)]
    units = [np.floor(window * 1e5 + 0.5).astype(int).reshape(-1) for window in windows]
    assert found.tolist() == [fold_as_defined(each.tolist()) for each in units]


@pytest.mark.parametrize("count", [0, 6])
def test_fewer_bars_than_a_window_have_no_checksums(count: int) -> None:
    assert window_checksums(np.ones((count, 4)), 7, digits=5).shape == (0,)


def test_one_point_of_one_price_changes_every_window_it_stands_in_and_no_other() -> None:
    prices = np.full((20, 1), 1.1)
    moved = prices.copy()
    moved[10] += 0.00001

    differs = window_checksums(prices, 4, 5) != window_checksums(moved, 4, 5)

    assert np.flatnonzero(differs).tolist() == [7, 8, 9, 10]


def test_two_doubles_of_one_price_are_one_number() -> None:
    price = np.array([1.10005])

    assert price_units(np.nextafter(price, 2), 5) == price_units(price, 5) == 110005


def test_halves_are_rounded_up() -> None:
    assert price_units(np.array([0.5, 1.5, 2.5]), 0).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("prices", "digits"),
    [
        ([1.10005, 1.1], 5),
        ([110.005], 3),
        ([12_345.5], 1),
        ([60_000.0, 61_000.0], 0),
        ([0.00001234], 8),
        ([1.0 / 3.0], 8),  # no round number at all
        ([60_000.0 + 1.0 / 3.0], 8),
        ([3e9 + 1.0 / 3.0], 5),  # a float64 keeps no more of it
        ([1e17 / 3.0], 0),
    ],
)
def test_prices_are_counted_in_the_fewest_digits_that_tell_them_apart(
    prices: list[float], digits: int
) -> None:
    assert price_digits(np.array(prices)) == digits


def test_every_price_a_broker_may_quote_is_a_round_number() -> None:
    quotes = np.arange(1, 300_000) / 100_000

    assert price_digits(quotes) == 5
