"""The forecast cache by itself: what shares an entry, what never does, and what leaves first."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daemon.cache.memory import DEFAULT_LIMIT_BYTES, KEY_BYTES, ForecastCache, entry_bytes
from bridge.wire.messages import ForecastRequest, parse_forecast

LABEL, CONTEXT = "fx-h1@0123456789ab", 128
QUANTILES, UP = bytes(range(240)), bytes(24)
SIZE = entry_bytes(QUANTILES, UP)
CLOSES = np.linspace(1.0, 2.0, CONTEXT)
OHLC = np.linspace([1.0, 1.2, 0.9, 1.1], [2.0, 2.2, 1.9, 2.1], CONTEXT)


def _request(values: Any = OHLC, **fields: Any) -> ForecastRequest:
    field = "ohlc" if np.ndim(values) == 2 else "close"
    content = values.tobytes() if isinstance(values, np.ndarray) else values
    message = {"tf": 3600, "time": 1_700_000_000, field: content, **fields}
    return parse_forecast(message)


def _key(values: Any = OHLC, label: str = LABEL, **fields: Any) -> bytes:
    return ForecastCache.key(label, CONTEXT, _request(values, **fields))


def _number(number: int) -> bytes:
    return number.to_bytes(KEY_BYTES, "big")


def _filled(entries: int, limit: int | None = None) -> ForecastCache:
    cache = ForecastCache(entries * SIZE if limit is None else limit)
    for number in range(entries):
        cache.put(_number(number), QUANTILES, UP, number)
    return cache


def test_the_same_request_has_the_same_key() -> None:
    assert _key() == _key()


def test_a_window_as_an_array_of_numbers_shares_the_key_of_its_bin() -> None:
    as_array = parse_forecast({"tf": 3600, "time": 0, "ohlc": OHLC.reshape(-1).tolist()})
    as_bin = parse_forecast({"tf": 3600, "time": 0, "ohlc": OHLC.tobytes()})
    keys = {ForecastCache.key(LABEL, CONTEXT, request) for request in (as_array, as_bin)}
    assert len(keys) == 1


def test_an_array_of_whole_numbers_shares_the_key_of_its_floats() -> None:
    ones = parse_forecast({"tf": 3600, "time": 0, "close": [1] * CONTEXT})
    assert ForecastCache.key(LABEL, CONTEXT, ones) == _key(np.ones(CONTEXT), time=0)


@pytest.mark.parametrize("values", [CLOSES, OHLC], ids=["close", "ohlc"])
def test_older_bars_that_the_model_does_not_read_change_no_key(values: Any) -> None:
    longer = np.concatenate([3 * values[:50], values])
    assert _key(longer) == _key(values)


def test_the_symbol_changes_no_key() -> None:
    assert _key(symbol="EURUSD") == _key(symbol="GBPUSD")


def test_the_form_of_the_answer_changes_no_key() -> None:
    assert _key(arrays=True) == _key(arrays=False)


def test_the_name_under_which_a_model_is_asked_changes_no_key() -> None:
    assert _key(model="fx-h1") == _key(model=LABEL) == _key()


@pytest.mark.parametrize(
    "other",
    [
        {"label": "fx-h1@0123456789ac"},
        {"label": "fx-h2@0123456789ab"},
        {"tf": 1800},
        {"time": 1_700_000_001},
        {"time": -1_700_000_000},
        {"values": OHLC + 1e-15},
        {"values": OHLC[::-1].copy()},
        {"values": OHLC[1:]},
    ],
    ids=["version", "name", "tf", "time", "sign of time", "a bit", "order", "length"],
)
def test_whatever_decides_the_answer_changes_the_key(other: dict[str, Any]) -> None:
    assert _key(**other) != _key()


@given(bit=st.integers(0, OHLC.nbytes * 8 - 1))
def test_every_bit_of_the_window_changes_the_key(bit: int) -> None:
    content = bytearray(OHLC.tobytes())
    content[bit // 8] ^= 1 << bit % 8
    other = parse_forecast({"tf": 3600, "time": 1_700_000_000, "ohlc": bytes(content)})
    assert ForecastCache.key(LABEL, CONTEXT, other) != _key()


def test_closes_and_rows_with_those_closes_share_nothing() -> None:
    assert _key(OHLC[:, 3].copy()) != _key(OHLC)


def test_a_window_of_closes_that_spells_rows_shares_nothing_with_them() -> None:
    spelt = OHLC.reshape(-1)  # the model reads the last 128 numbers of it, and 128 rows of OHLC
    assert _key(spelt) != _key(OHLC)


def test_rows_that_spell_closes_share_nothing_with_them() -> None:
    spelt = CLOSES.reshape(-1, 4)  # as many numbers, and a quarter of the bars
    assert _key(spelt) != _key(CLOSES)


def test_negative_zero_is_another_window() -> None:
    assert _key(np.zeros(CONTEXT)) != _key(-np.zeros(CONTEXT))


def test_a_window_that_is_too_short_has_a_key_that_nobody_puts() -> None:
    cache = ForecastCache()
    cache.put(_key(CLOSES), QUANTILES, UP, 1)
    assert cache.get(_key(CLOSES[1:])) is None


def test_what_was_put_is_got_bit_for_bit() -> None:
    cache = ForecastCache()
    cache.put(_key(), QUANTILES, UP, 321)
    assert cache.get(_key()) == (QUANTILES, UP, 321)


def test_what_was_not_put_is_not_got() -> None:
    assert ForecastCache().get(_key()) is None


def test_hits_and_misses_are_counted() -> None:
    cache = _filled(1)
    for number in (0, 0, 1):
        cache.get(_number(number))
    assert (cache.hits, cache.misses) == (2, 1)


def test_past_the_limit_the_least_recently_put_leaves() -> None:
    cache = _filled(4, limit=3 * SIZE)
    assert [cache.get(_number(n)) is not None for n in range(4)] == [False, True, True, True]


def test_what_was_asked_for_stays_longer() -> None:
    cache = _filled(3)
    cache.get(_number(0))
    cache.put(_number(3), QUANTILES, UP, 3)
    assert [cache.get(_number(n)) is not None for n in range(4)] == [True, False, True, True]


def test_a_large_forecast_takes_the_room_of_several() -> None:
    cache = _filled(10)
    cache.put(_number(10), bytes(5 * SIZE - entry_bytes(b"", UP)), UP, 10)
    assert (cache.entries, cache.bytes) == (6, 10 * SIZE)


def test_a_forecast_larger_than_the_limit_is_not_kept_and_turns_nothing_out() -> None:
    cache = _filled(3)
    cache.put(_number(3), bytes(3 * SIZE), UP, 3)
    assert (cache.entries, cache.bytes) == (3, 3 * SIZE)


def test_put_again_a_forecast_is_counted_once_and_is_the_most_recent() -> None:
    cache = _filled(2)
    cache.put(_number(0), QUANTILES, UP, 9)
    cache.put(_number(2), QUANTILES, UP, 2)
    assert (cache.entries, cache.bytes) == (2, 2 * SIZE)
    assert cache.get(_number(0)) == (QUANTILES, UP, 9)


def test_a_limit_of_zero_keeps_nothing() -> None:
    cache = ForecastCache(0)
    cache.put(_number(0), QUANTILES, UP, 0)
    assert (cache.entries, cache.bytes, cache.get(_number(0))) == (0, 0, None)


def test_a_forecast_of_an_earlier_day_is_the_first_to_leave() -> None:
    cache = _filled(2, limit=3 * SIZE)
    assert cache.add_older(_number(7), (QUANTILES, UP, 7))
    cache.put(_number(2), QUANTILES, UP, 2)
    assert [cache.get(_number(n)) is not None for n in (7, 0, 1, 2)] == [False, True, True, True]


def test_forecasts_of_earlier_days_given_newest_first_leave_oldest_first() -> None:
    cache = ForecastCache(3 * SIZE)
    for day in (3, 2, 1):
        cache.add_older(_number(day), (QUANTILES, UP, day))
    cache.put(_number(4), QUANTILES, UP, 4)
    assert [cache.get(_number(n)) is not None for n in (1, 2, 3, 4)] == [False, True, True, True]


def test_a_forecast_of_an_earlier_day_turns_nothing_out() -> None:
    cache = _filled(3)
    assert not cache.add_older(_number(7), (QUANTILES, UP, 7))
    assert cache.entries == 3


def test_a_forecast_of_an_earlier_day_that_is_there_already_stays_as_it_is() -> None:
    cache = _filled(2, limit=3 * SIZE)
    assert cache.add_older(_number(1), (UP, UP, 7))
    assert (cache.bytes, cache.get(_number(1))) == (2 * SIZE, (QUANTILES, UP, 1))


def test_all_entries_are_told_least_recent_first() -> None:
    cache = _filled(3)
    cache.get(_number(0))
    assert [key for key, _ in cache.items()] == [_number(1), _number(2), _number(0)]


def test_the_recent_keys_are_the_more_recent_half() -> None:
    assert _filled(5).recent_keys() == [_number(2), _number(3), _number(4)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "older", "get"]), st.integers(0, 30), st.integers(0, 900))
    )
)
def test_whatever_is_done_the_bytes_are_those_of_the_entries_and_within_the_limit(
    steps: list[tuple[str, int, int]],
) -> None:
    cache = ForecastCache(8 * SIZE)
    for what, number, length in steps:
        if what == "put":
            cache.put(_number(number), bytes(length), UP, 0)
        elif what == "older":
            cache.add_older(_number(number), (bytes(length), UP, 0))
        else:
            cache.get(_number(number))
        assert cache.bytes <= cache.limit_bytes
    assert cache.bytes == sum(entry_bytes(q, up) for _, (q, up, _) in cache.items())


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="measures CPython's objects")
def test_the_bytes_told_are_the_bytes_taken() -> None:
    entries = 20_000
    cache = ForecastCache(DEFAULT_LIMIT_BYTES)
    tracemalloc.start()
    try:
        for number in range(entries):
            forecast = array("d", [number] * 60).tobytes()
            cache.put(_number(number), forecast, forecast[:64], 10_000 + number)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert cache.entries == entries
    assert 0.75 * cache.bytes < taken < 1.05 * cache.bytes


def test_entries_are_no_work_for_the_garbage_collector() -> None:
    cache = _filled(1000)
    gc.collect()
    assert not any(gc.is_tracked(forecast) for _, forecast in cache.items())
