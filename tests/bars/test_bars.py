"""The `Bars` value and the names of timeframes."""

import numpy as np
import pytest

from bridge.bars import Bars, timeframe_name, timeframe_seconds


@pytest.fixture
def bars() -> Bars:
    time = np.arange(5, dtype=np.int64) * 3600
    ohlc = np.arange(20, dtype=np.float64).reshape(5, 4)
    return Bars("EURUSD", 3600, time, ohlc, np.arange(5.0))


def test_bars_are_as_many_as_their_times(bars):
    assert len(bars) == 5


def test_close_is_the_last_of_the_four_prices(bars):
    assert bars.close.tolist() == [3, 7, 11, 15, 19]


def test_a_slice_of_bars_is_bars_of_the_same_symbol_and_timeframe(bars):
    part = bars[1:3]
    assert (part.symbol, part.tf, len(part)) == ("EURUSD", 3600, 2)


def test_a_slice_cuts_time_prices_and_volume_alike(bars):
    part = bars[1:3]
    assert part.time.tolist() == [3600, 7200]
    assert part.close.tolist() == [7, 11]
    assert part.volume.tolist() == [1, 2]


def test_bars_cannot_be_changed(bars):
    with pytest.raises(AttributeError):
        bars.symbol = "GBPUSD"


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("M1", 60),
        ("M15", 900),
        ("H1", 3600),
        ("H4", 14_400),
        ("D1", 86_400),
        ("W1", 604_800),
        ("MN1", 2_592_000),
        ("h1", 3600),
        ("Hourly", 3600),
        ("Daily", 86_400),
        ("WEEKLY", 604_800),
        ("Monthly", 2_592_000),
    ],
)
def test_a_timeframe_is_known_by_its_name(name, seconds):
    assert timeframe_seconds(name) == seconds


@pytest.mark.parametrize("name", ["", "M", "M0", "H", "1H", "H1x", "M1234", "EURUSD", "202001"])
def test_other_words_are_no_timeframe(name):
    assert timeframe_seconds(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *("M1", "M2", "M3", "M4", "M5", "M6", "M10", "M12", "M15", "M20", "M30"),
        *("H1", "H2", "H3", "H4", "H6", "H8", "H12", "D1", "W1", "MN1"),
    ],
)
def test_every_timeframe_of_metatrader_is_named_as_metatrader_names_it(name):
    assert timeframe_name(timeframe_seconds(name)) == name


def test_a_timeframe_without_a_name_is_given_in_seconds():
    assert timeframe_name(90) == "90 s"
