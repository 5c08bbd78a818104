"""Fingerprints: the same bars are known again whatever their file, and no others."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridge.bars import Bars, Part, read_bars
from bridge.bars.fingerprints import CERTAIN_BARS, RUN_BARS, fingerprints, located, shared
from bridge.synthetic import random_walk_bars

WALK = random_walk_bars(3000, 3600, seed=2)
WALK = replace(WALK, ohlc=np.round(WALK.ohlc, 5))
Rounding = Callable[[NDArray[np.float64]], NDArray[np.float64]]
OF_WALK = fingerprints(WALK)
KNOWN = [548496945368788393, 1321542741506826728]


def of_prices(ohlc: NDArray[np.float64]) -> Bars:
    return Bars("X", 3600, np.arange(len(ohlc)) * 3600, ohlc, np.zeros(len(ohlc)))


def write(path: Path, bars: Bars, price: str, mark: str = ".") -> Path:
    """A CSV with prices in that format, half of them after a decimal comma or point."""
    stamps = bars.time.astype("datetime64[s]").astype(str)
    rows = [
        ";".join([stamp, *((price % value).replace(".", mark) for value in row)])
        for stamp, row in zip(stamps, bars.ohlc.tolist(), strict=True)
    ]
    path.write_text("\n".join(["time;open;high;low;close", *rows]), encoding="utf-8")
    return path


# What is known again


def test_the_same_bars_under_another_name_have_the_same_fingerprints(bars: Bars) -> None:
    renamed = replace(bars, symbol="GBPJPY")

    assert np.array_equal(fingerprints(renamed), fingerprints(bars))


def test_the_same_bars_on_another_clock_have_the_same_fingerprints(bars: Bars) -> None:
    elsewhere = replace(bars, time=bars.time + 7 * 3600)

    assert np.array_equal(fingerprints(elsewhere), fingerprints(bars))


@pytest.mark.parametrize("price", ["%.5f", "%.8f", "%g"])
@pytest.mark.parametrize("mark", [".", ","])
def test_how_prices_are_written_makes_no_difference(
    bars: Bars, tmp_path: Path, price: str, mark: str
) -> None:
    written, _ = read_bars(write(tmp_path / "OTHER_H1.csv", bars, price, mark))

    assert np.array_equal(fingerprints(written), fingerprints(bars))


def test_zipped_bars_are_the_same_bars(bars: Bars, tmp_path: Path) -> None:
    plain = write(tmp_path / "A_H1.csv", bars, "%.5f")
    zipped = tmp_path / "B_H1.csv.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))

    assert np.array_equal(fingerprints(read_bars(zipped)[0]), fingerprints(bars))


@pytest.mark.parametrize("factor", [10.0, 1e5, 0.01])
def test_prices_in_points_are_the_same_bars(bars: Bars, factor: float) -> None:
    in_points = fingerprints(replace(bars, ohlc=bars.ohlc * factor))

    assert shared(in_points, fingerprints(bars)) > 0.3 * len(in_points)


@pytest.mark.parametrize(
    "fewer",
    [
        lambda ohlc: np.char.mod("%.4f", ohlc).astype(np.float64),
        lambda ohlc: np.round(ohlc, 4),
    ],
    ids=["printed", "rounded"],
)
def test_bars_written_with_one_digit_fewer_are_known_again(bars: Bars, fewer: Rounding) -> None:
    coarse = fingerprints(replace(bars, ohlc=fewer(bars.ohlc)))

    assert shared(coarse, fingerprints(bars)) > 0.25 * len(coarse)


def test_bars_rounded_otherwise_are_known_again_by_some_runs(bars: Bars) -> None:
    halves_up = replace(bars, ohlc=np.floor(bars.ohlc * 1e4 + 0.5) / 1e4)

    assert shared(fingerprints(halves_up), fingerprints(bars)) > 0


@settings(max_examples=300)
@given(st.integers(0, len(WALK) - CERTAIN_BARS), st.integers(0, 200))
def test_any_part_of_so_many_bars_is_certain_to_be_known_again(start: int, more: int) -> None:
    part = Part(start, min(start + CERTAIN_BARS + more, len(WALK)))

    assert shared(fingerprints(WALK[part.start : part.stop]), OF_WALK)
    assert shared(fingerprints(WALK, part), OF_WALK)


@settings(max_examples=100)
@given(st.integers(0, 2800), st.integers(CERTAIN_BARS, 400), st.integers(0, 3))
def test_bars_in_common_are_certain_to_be_found_amid_others(
    start: int, length: int, seed: int
) -> None:
    stretch = WALK.ohlc[start : start + length]
    if len(stretch) < CERTAIN_BARS:
        stretch = WALK.ohlc[-CERTAIN_BARS:]
    before, after = (
        np.round(random_walk_bars(300, 3600, 10 + seed + other).ohlc, 5) for other in (0, 5)
    )

    mixed = of_prices(np.concatenate([before, stretch, after]))

    assert shared(fingerprints(mixed), OF_WALK)


# What is not mistaken for it


@pytest.mark.parametrize("cut", range(500, 5000, 500))
def test_years_of_one_symbol_are_not_mistaken_for_each_other(bars: Bars, cut: int) -> None:
    before, after = Part(0, cut), Part(cut, len(bars))

    assert shared(fingerprints(bars, before), fingerprints(bars, after)) == 0


def test_other_bars_have_other_fingerprints(bars: Bars) -> None:
    others = [fingerprints(random_walk_bars(5000, 3600, seed)) for seed in range(5)]

    assert all(shared(other, fingerprints(bars)) == 0 for other in others)


@pytest.mark.parametrize("noise", [0.5, 0.3])
def test_another_brokers_bars_of_the_same_market_are_not_the_same(bars: Bars, noise: float) -> None:
    draw = np.random.default_rng(1)
    apart = np.round(bars.ohlc + draw.uniform(-noise, noise, bars.ohlc.shape) * 1e-4, 5)

    assert shared(fingerprints(replace(bars, ohlc=apart)), fingerprints(bars)) == 0


@pytest.mark.parametrize(
    "closes",
    [
        np.full(2000, 1.1),
        np.tile([1.1, 1.2], 1000),
        np.tile([1.1, 1.2, 1.3, 1.2], 500),
        np.repeat(1 + np.arange(200) / 1e4, 10),
    ],
    ids=["flat", "two prices in turn", "three prices in turn", "a move in ten bars"],
)
def test_bars_that_say_nothing_have_no_fingerprints(closes: NDArray[np.float64]) -> None:
    assert len(fingerprints(of_prices(np.repeat(closes[:, None], 4, axis=1)))) == 0


def test_a_flat_stretch_between_lively_ones_ties_no_files_together() -> None:
    flat = np.full((500, 4), 1.1)
    one, other = (
        of_prices(np.concatenate([random_walk_bars(500, 3600, seed).ohlc, flat])) for seed in (1, 2)
    )

    assert shared(fingerprints(one), fingerprints(other)) == 0


# What they are


def test_they_ascend_and_stand_once_each(bars: Bars) -> None:
    marks = fingerprints(bars)

    assert marks.dtype == np.uint64
    assert (marks[1:] > marks[:-1]).all()


def test_they_are_few(bars: Bars) -> None:
    assert len(bars) / 40 < len(fingerprints(bars)) < len(bars) / 25


def test_they_are_the_same_on_every_machine() -> None:
    """A bundle's list is read elsewhere: a change of these values is a change of its format."""
    row = np.arange(40)
    prices = 1.1 + (row * 37 % 101)[:, None] * 1e-5 + np.array([0.0, 3e-4, -3e-4, 1e-5])

    assert fingerprints(of_prices(np.round(prices, 5))).tolist() == KNOWN


def test_fewer_bars_than_a_run_have_none(bars: Bars) -> None:
    assert len(fingerprints(bars[: RUN_BARS - 1])) == 0
    assert len(fingerprints(bars, Part(100, 100))) == 0
    assert len(fingerprints(bars[:RUN_BARS])) > 0


def test_each_is_located_where_its_run_begins(bars: Bars) -> None:
    hashes, rows = located(bars, Part(1000, 2000))

    assert rows.min() >= 1000
    assert rows.max() <= 2000 - RUN_BARS
    row = int(rows[0])
    assert hashes[0] in fingerprints(bars, Part(row, row + RUN_BARS))


def test_a_price_beyond_all_counting_is_no_error() -> None:
    ohlc = WALK.ohlc[:300].copy()
    ohlc[100] = 1e300

    assert shared(fingerprints(of_prices(ohlc)), OF_WALK)
