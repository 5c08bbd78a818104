"""Windows that are no prices, too short, or for another model: refused with where and why."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bridge.bars import Bars
from tests.daemon.peer import Peer, forecast, ohlc_item, refused

pytestmark = pytest.mark.usefixtures("bystander")

OPEN, HIGH, LOW, CLOSE = range(4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 0.0, -0.0, -1.1], ids=repr)
@pytest.mark.parametrize(
    ("bar", "column", "name"),
    [(0, OPEN, "open"), (64, HIGH, "high"), (64, LOW, "low"), (127, CLOSE, "close")],
)
def test_a_price_that_is_not_finite_and_positive_is_named_by_bar_and_column(
    peer: Peer, bars: Bars, bad: float, bar: int, column: int, name: str
) -> None:
    window = bars.ohlc[-128:].copy()
    window[bar, column] = bad
    message = forecast(ohlc_item(bars), ohlc=window.tobytes())
    reply = peer.ask(message)
    refused(reply, "bad_values", f"{name} of bar {bar}", str(bad), "finite positive number")
    assert reply["id"] == message["id"]


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0, -1])
def test_a_bad_price_in_an_array_of_numbers_is_bad_values(
    peer: Peer, bars: Bars, bad: float
) -> None:
    numbers = bars.ohlc[-128:].ravel().tolist()
    numbers[4 * 3 + CLOSE] = bad
    message = forecast(ohlc_item(bars), ohlc=numbers)
    refused(peer.ask(message), "bad_values", "close of bar 3")


def test_a_high_below_its_low_is_bad_values_with_the_bar(peer: Peer, bars: Bars) -> None:
    window = bars.ohlc[-128:].copy()
    window[5, [HIGH, LOW]] = 1.0, 1.5
    message = forecast(ohlc_item(bars), ohlc=window.tobytes())
    refused(peer.ask(message), "bad_values", "high 1.0 of bar 5", "low 1.5")


def test_a_bad_price_is_counted_from_the_oldest_bar_that_was_sent(peer: Peer, bars: Bars) -> None:
    window = bars.ohlc[-200:].copy()
    window[100, CLOSE] = math.nan
    message = forecast(ohlc_item(bars), ohlc=window.tobytes())
    refused(peer.ask(message), "bad_values", "close of bar 100")


def test_bad_prices_that_the_model_does_not_read_are_ignored(peer: Peer, bars: Bars) -> None:
    window = bars.ohlc[-200:].copy()
    window[: 200 - 128] = math.nan
    assert peer.ask(forecast(ohlc_item(bars), ohlc=window.tobytes()))["ok"]


@pytest.mark.parametrize("count", [1, 7, 8, 31, 33, 4095])
def test_a_bin_of_no_whole_rows_is_bad_values(peer: Peer, bars: Bars, count: int) -> None:
    message = forecast(ohlc_item(bars), ohlc=b"\0" * count)
    refused(peer.ask(message), "bad_values", f"`ohlc` has {count} bytes", "rows of 32 bytes")


def test_seven_bytes_of_closes_are_bad_values(peer: Peer) -> None:
    message = forecast({"tf": 3600, "time": 0, "close": b"\0" * 7})
    refused(peer.ask(message), "bad_values", "`close` has 7 bytes", "rows of 8 bytes")


def test_an_array_of_no_whole_rows_is_bad_values(peer: Peer, bars: Bars) -> None:
    message = forecast(ohlc_item(bars), ohlc=[1.1] * 7)
    refused(peer.ask(message), "bad_values", "`ohlc` has 7 numbers", "rows of 4")


@pytest.mark.parametrize("count", [0, 1, 127])
def test_fewer_bars_than_the_context_are_a_short_window_with_both_numbers(
    peer: Peer, bars: Bars, count: int
) -> None:
    message = forecast(ohlc_item(bars), ohlc=bars.ohlc[:count].tobytes())
    refused(peer.ask(message), "short_window", f"{count} bars", "128")


@pytest.mark.parametrize(
    "model", ["", "unknown", "fx-h1@", "fx-h1@000000000000", "../fx-h1", "x" * 100_000], ids=len
)
def test_an_unknown_model_is_answered_with_those_there_are(
    peer: Peer, bars: Bars, model: str
) -> None:
    message = forecast(ohlc_item(bars), model=model)
    refused(peer.ask(message), "unknown_model", f"'{model[:40]}", "fx-h1@")


def test_a_wrong_timeframe_is_answered_with_both(peer: Peer, bars: Bars) -> None:
    message = forecast(ohlc_item(bars), tf=60)
    refused(peer.ask(message), "wrong_timeframe", "H1", "3600", "M1", "60")


def test_closes_are_not_enough_for_a_model_of_ohlc(peer: Peer, bars: Bars) -> None:
    message = forecast({"tf": 3600, "time": 0, "close": bars.close[-128:].tobytes()})
    refused(peer.ask(message), "bad_field", "`close`", "expected `ohlc`")


@pytest.mark.parametrize("scale", [1e-300, 5e-324, 1e300])
def test_prices_beyond_any_markets_are_answered_or_refused_as_a_models_failure(
    peer: Peer, bars: Bars, scale: float
) -> None:
    window = np.full((128, 4), scale)
    reply = peer.ask(forecast(ohlc_item(bars), ohlc=window.tobytes()))
    assert reply["ok"] or reply["code"] == "model_failed"
