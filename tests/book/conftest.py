"""A small book of a small model."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.bars import Bars
from bridge.book import Book, make_book, read_book
from bridge.bundles import Bundle
from bridge.synthetic import random_walk_bars
from tests.backends import graphs

BARS = 12


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A model of 4 closes that forecasts 2 bars at 3 levels."""
    return graphs.put(tmp_path / "store", graphs.steady(), graphs.manifest("steady"))


@pytest.fixture
def walk() -> Bars:
    return random_walk_bars(BARS, 3600, seed=1)


@pytest.fixture
def book(tmp_path: Path, bundle: Bundle, walk: Bars) -> Book:
    """Forecasts after the last 9 of 12 bars."""
    return read_book(make_book(bundle, walk, tmp_path / "walk.book").path)
