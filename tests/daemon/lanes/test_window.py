"""From a request's bytes to the window that a model reads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from bridge.daemon.lanes.window import window_for
from bridge.wire.errors import WireError
from bridge.wire.messages import ForecastRequest
from tests.backends import graphs

CLOSES = graphs.manifest("closes", inputs="close", context=4)
ROWS = graphs.manifest("rows", inputs="ohlc", context=4)


def _request(prices: NDArray[np.float64], tf: int = 3600) -> ForecastRequest:
    columns = 1 if prices.ndim == 1 else 4
    return ForecastRequest(None, "", tf, 0, columns, prices.tobytes(), False)


def _rows(count: int) -> NDArray[np.float64]:
    closes = np.arange(1.0, count + 1)
    return np.column_stack([closes, closes + 0.5, closes - 0.5, closes])


def test_a_model_of_closes_reads_closes() -> None:
    np.testing.assert_array_equal(window_for(CLOSES, _request(np.arange(1.0, 5))), [1, 2, 3, 4])


def test_a_model_of_rows_reads_rows() -> None:
    np.testing.assert_array_equal(window_for(ROWS, _request(_rows(4))), _rows(4))


def test_a_model_of_closes_reads_the_closes_of_rows() -> None:
    window = window_for(CLOSES, _request(_rows(4)))
    np.testing.assert_array_equal(window, [1, 2, 3, 4])
    assert window.flags.c_contiguous


def test_a_model_of_rows_refuses_closes() -> None:
    with pytest.raises(WireError, match="bad_field: `close` is not enough: rows reads open, high"):
        window_for(ROWS, _request(np.ones(4)))


@pytest.mark.parametrize("count", [5, 9, 1000])
def test_the_last_bars_are_read_of_more(count: int) -> None:
    window = window_for(ROWS, _request(_rows(count)))
    np.testing.assert_array_equal(window, _rows(count)[-4:])


def test_a_window_keeps_no_longer_message_alive() -> None:
    request = _request(_rows(1000))
    window = window_for(ROWS, request)
    assert not np.shares_memory(window, np.frombuffer(request.values))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_fewer_bars_than_the_context_are_a_short_window(count: int) -> None:
    with pytest.raises(WireError, match=f"short_window: the window has {count} bars and .* 4"):
        window_for(CLOSES, _request(np.ones(count)))


def test_the_timeframe_is_checked_before_the_prices() -> None:
    with pytest.raises(WireError, match="wrong_timeframe"):
        window_for(CLOSES, _request(np.full(4, np.nan), tf=60))


def test_a_model_of_any_timeframe_takes_any() -> None:
    any_tf = graphs.manifest("any", tf=0)
    assert len(window_for(any_tf, _request(np.ones(4), tf=77))) == 4


def test_a_high_equal_to_its_low_is_a_bar() -> None:
    np.testing.assert_array_equal(window_for(ROWS, _request(np.ones((4, 4)))), np.ones((4, 4)))


def test_the_first_bad_price_is_the_one_named() -> None:
    prices = np.ones(6)
    prices[[3, 5]] = -1.0, 0.0
    with pytest.raises(WireError, match=r"close of bar 3 \(0 is the oldest sent\) is -1.0"):
        window_for(CLOSES, _request(prices))


@given(hnp.arrays(np.float64, st.integers(0, 12), elements=st.floats()))
def test_any_closes_are_read_or_refused_never_passed_on_bad(closes: NDArray[np.float64]) -> None:
    last = closes[-4:]
    good = len(closes) >= 4 and bool(np.isfinite(last).all() and (last > 0).all())
    if good:
        assert window_for(CLOSES, _request(closes)).tobytes() == last.tobytes()
    else:
        with pytest.raises(WireError, match=r"short_window|bad_values"):
            window_for(CLOSES, _request(closes))


@given(hnp.arrays(np.float64, st.tuples(st.integers(0, 8), st.just(4)), elements=st.floats()))
def test_any_rows_are_read_or_refused_never_passed_on_bad(rows: NDArray[np.float64]) -> None:
    last = rows[-4:]
    good = len(rows) >= 4 and bool(np.isfinite(last).all() and (last > 0).all())
    if good and (last[:, 1] >= last[:, 2]).all():
        assert window_for(ROWS, _request(rows)).tobytes() == last.tobytes()
    else:
        with pytest.raises(WireError, match=r"short_window|bad_values"):
            window_for(ROWS, _request(rows))
