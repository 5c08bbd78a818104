"""Requests and replies as typed values: what each field takes, and how each refusal reads."""

from __future__ import annotations

import math
import struct
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.wire.codec import pack, unpack
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import (
    MAX_BATCH_ITEMS,
    MAX_SYMBOL_CHARACTERS,
    Envelope,
    ForecastRequest,
    error_fields,
    error_reply,
    ok_reply,
    parse_envelope,
    parse_forecast,
    parse_items,
    read_numbers,
    request_id,
)

BAR = struct.pack("<4d", 1.1, 1.2, 1.0, 1.15)
FORECAST = {"tf": 3600, "time": 1_699_999_200, "ohlc": BAR}
EXTENSION = (5, b"x")  # as the codec reads one


def packed(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def without(message: dict[str, Any], field: str) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != field}


def refusal(read: Any, message: dict[str, Any]) -> WireError:
    with pytest.raises(WireError) as caught:
        read(message)
    return caught.value


def outcome(message: dict[str, Any]) -> ForecastRequest | WireError:
    try:
        return parse_forecast(message)
    except WireError as error:
        return error


# --- The envelope ------------------------------------------------------------------------------


def test_an_envelope_is_read_whole() -> None:
    message = {"v": 1, "op": "health", "id": 7, "ttl_ms": 250, "unknown": None}
    assert parse_envelope(message) == Envelope("health", 7, 250)


def test_id_is_zero_and_the_wait_unbounded_where_they_are_not_given() -> None:
    assert parse_envelope({"v": 1, "op": "health"}) == Envelope("health", 0, None)
    assert request_id({}) == 0


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        (2, "is 2"),
        (0, "is 0"),
        (True, "is true"),
        (None, "is nil"),
        (1.0, "is 1.0"),
        ("1", "is the string '1'"),
        (b"\x01", "is bin"),
        ([1], "is an array"),
        ({}, "is a map"),
        (EXTENSION, "is of another type"),
    ],
)
def test_another_version_is_refused_with_what_it_is(version: object, shown: str) -> None:
    error = refusal(parse_envelope, {"v": version, "op": "hello"})
    assert error.code is Code.BAD_VERSION
    assert error.message == f"`v` {shown}: this daemon speaks version 1"


def test_a_missing_version_is_said_to_be_missing() -> None:
    error = refusal(parse_envelope, {"op": "hello"})
    assert error.code is Code.BAD_VERSION
    assert error.message == "`v` is missing: this daemon speaks version 1"


@pytest.mark.parametrize("number", [0, 1, (1 << 64) - 1])
def test_an_id_is_any_uint64(number: int) -> None:
    assert request_id({"id": number}) == number


@pytest.mark.parametrize("number", [-1, 1 << 64, True, 1.0, "1", None, b"1"])
def test_nothing_else_is_an_id(number: object) -> None:
    error = refusal(request_id, {"id": number})
    assert error.code is Code.BAD_FIELD
    assert error.message.startswith("`id` is ")


@pytest.mark.parametrize("ttl_ms", [-1, 1.5, True, None, "5"])
def test_ttl_ms_is_an_unsigned_integer(ttl_ms: object) -> None:
    error = refusal(parse_envelope, {"v": 1, "op": "hello", "ttl_ms": ttl_ms})
    assert error.code is Code.BAD_FIELD
    assert error.message.startswith("`ttl_ms` is ")


def test_op_is_required() -> None:
    error = refusal(parse_envelope, {"v": 1})
    assert error.code is Code.BAD_FIELD
    assert error.message == "`op` is missing: expected a string"


# --- forecast ----------------------------------------------------------------------------------


def test_a_forecast_needs_tf_time_and_a_window() -> None:
    assert parse_forecast(FORECAST) == ForecastRequest(
        model=None, symbol="", tf=3600, time=1_699_999_200, columns=4, values=BAR, arrays=False
    )


def test_a_forecast_may_name_model_symbol_and_arrays() -> None:
    request = parse_forecast({**FORECAST, "model": "m@1", "symbol": "EURUSD", "arrays": True})
    assert (request.model, request.symbol, request.arrays) == ("m@1", "EURUSD", True)


@pytest.mark.parametrize("field", ["tf", "time"])
def test_a_missing_field_is_said_to_be_missing(field: str) -> None:
    error = refusal(parse_forecast, without(FORECAST, field))
    assert error.code is Code.BAD_FIELD
    assert error.message == f"`{field}` is missing: expected an integer"


def test_a_window_is_closes_or_ohlc() -> None:
    closes = parse_forecast({**without(FORECAST, "ohlc"), "close": BAR})
    assert (closes.columns, closes.values) == (1, BAR)
    rows = parse_forecast(FORECAST)
    assert (rows.columns, rows.values) == (4, BAR)


@pytest.mark.parametrize(
    ("window", "found"),
    [({}, "and `ohlc` are both missing"), ({"close": b"", "ohlc": b""}, "and `ohlc` are both")],
)
def test_a_window_is_exactly_one_of_the_two(window: dict[str, bytes], found: str) -> None:
    error = refusal(parse_forecast, {**without(FORECAST, "ohlc"), **window})
    assert error.code is Code.BAD_FIELD
    assert error.message.startswith(f"`close` {found}")


@given(st.lists(st.floats() | st.integers(-(1 << 63), (1 << 64) - 1), max_size=40))
def test_an_array_of_numbers_reads_as_the_bin_of_them(values: list[float]) -> None:
    closes = parse_forecast({**without(FORECAST, "ohlc"), "close": values})
    assert closes.values == packed([float(value) for value in values])


@pytest.mark.parametrize(("field", "unit"), [("close", 8), ("ohlc", 32)])
@given(length=st.integers(0, 200))
def test_a_bin_is_a_whole_number_of_rows(field: str, unit: int, length: int) -> None:
    read = outcome({**without(FORECAST, "ohlc"), field: bytes(length)})
    if length % unit == 0:
        assert isinstance(read, ForecastRequest)
        assert read.values == bytes(length)
    else:
        assert isinstance(read, WireError)
        assert read.code is Code.BAD_VALUES
        assert read.message.startswith(f"`{field}` has {length} bytes: ")
        assert f"rows of {unit} bytes" in read.message


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_an_array_of_ohlc_is_a_whole_number_of_rows(count: int) -> None:
    error = refusal(parse_forecast, {**FORECAST, "ohlc": [1.0] * count})
    assert error.code is Code.BAD_VALUES
    assert error.message.startswith(f"`ohlc` has {count} numbers: ")


@pytest.mark.parametrize("wrong", [None, True, "1.1", b"12345678", [1.1], {}, EXTENSION])
def test_the_first_element_that_is_no_number_is_named(wrong: object) -> None:
    error = refusal(parse_forecast, {**FORECAST, "ohlc": [1, 1.5, wrong, wrong]})
    assert error.code is Code.BAD_FIELD
    assert error.message.startswith("`ohlc[2]` is ")
    assert error.message.endswith("expected a number")


def test_a_symbol_has_up_to_32_characters_whatever_their_bytes() -> None:
    symbol = "€" * MAX_SYMBOL_CHARACTERS
    assert parse_forecast({**FORECAST, "symbol": symbol}).symbol == symbol
    error = refusal(parse_forecast, {**FORECAST, "symbol": "x" * 33})
    assert error.code is Code.BAD_FIELD
    assert error.message == "`symbol` has 33 characters: expected at most 32"


@pytest.mark.parametrize("tf", [1, 3600, (1 << 32) - 1])
def test_tf_is_any_positive_number_of_seconds(tf: int) -> None:
    assert parse_forecast({**FORECAST, "tf": tf}).tf == tf


@pytest.mark.parametrize("tf", [0, -1, 1 << 32, (1 << 64) - 1])
def test_a_tf_out_of_range_is_shown(tf: int) -> None:
    error = refusal(parse_forecast, {**FORECAST, "tf": tf})
    assert error.code is Code.BAD_FIELD
    assert error.message.startswith(f"`tf` is {tf}: ")


@pytest.mark.parametrize("time", [-(1 << 63), -1, 0, (1 << 63) - 1])
def test_time_is_any_int64(time: int) -> None:
    assert parse_forecast({**FORECAST, "time": time}).time == time


def test_a_time_beyond_int64_is_refused() -> None:
    error = refusal(parse_forecast, {**FORECAST, "time": 1 << 63})
    assert error.code is Code.BAD_FIELD
    assert error.message.startswith("`time` is 9223372036854775808: ")


requests = st.builds(
    ForecastRequest,
    model=st.none() | st.text(max_size=40),
    symbol=st.text(max_size=MAX_SYMBOL_CHARACTERS),
    tf=st.integers(1, (1 << 32) - 1),
    time=st.integers(-(1 << 63), (1 << 63) - 1),
    columns=st.just(4),
    values=st.lists(st.floats(), max_size=5).map(lambda prices: packed(prices * 4)),
    arrays=st.booleans(),
)


@given(requests)
def test_any_request_survives_the_wire(request: ForecastRequest) -> None:
    message = {
        "symbol": request.symbol,
        "tf": request.tf,
        "time": request.time,
        "ohlc": request.values,
        "arrays": request.arrays,
    }
    if request.model is not None:
        message["model"] = request.model
    assert parse_forecast(unpack(pack(message))) == request


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(),
    st.text(max_size=50),
    st.binary(max_size=40),
    st.lists(st.none() | st.floats() | st.text(max_size=3), max_size=4),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=3),
    st.just(EXTENSION),
)


def anything_but(*types: type) -> st.SearchStrategy[Any]:
    return anything.filter(lambda value: type(value) not in types)


WRONG = {
    "model": anything_but(str),
    "symbol": anything_but(str) | st.text(min_size=33, max_size=40),
    "tf": anything_but(int) | st.integers(-(1 << 63), 0) | st.integers(1 << 32, (1 << 64) - 1),
    "time": anything_but(int) | st.integers(1 << 63, (1 << 64) - 1),
    "arrays": anything_but(bool),
    "ohlc": anything_but(bytes, list),
}


@given(st.fixed_dictionaries({}, optional=WRONG).filter(bool))
def test_wrong_types_in_any_fields_are_a_bad_field_that_names_one(wrong: dict[str, Any]) -> None:
    error = refusal(parse_forecast, {**FORECAST, **wrong})
    assert error.code is Code.BAD_FIELD
    assert any(error.message.startswith(f"`{field}` ") for field in wrong)


@pytest.mark.parametrize("field", WRONG)
@given(data=st.data())
def test_a_wrong_type_in_one_field_names_it(field: str, data: st.DataObject) -> None:
    error = refusal(parse_forecast, {**FORECAST, field: data.draw(WRONG[field])})
    assert error.code is Code.BAD_FIELD
    assert error.message.startswith(f"`{field}` ")
    assert len(error.message) < 200


@given(st.dictionaries(st.sampled_from([*WRONG, "close", "x"]), anything))
def test_arbitrary_fields_read_as_a_request_or_a_refusal(message: dict[str, Any]) -> None:
    read = outcome(message)
    if isinstance(read, WireError):
        assert read.code in (Code.BAD_FIELD, Code.BAD_VALUES)
    else:
        assert len(read.values) % (8 * read.columns) == 0


# --- forecast_batch ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, MAX_BATCH_ITEMS])
def test_a_batch_has_1_to_1024_items(count: int) -> None:
    assert parse_items({"items": [{}] * count}) == [{}] * count


def test_a_larger_batch_is_too_large() -> None:
    error = refusal(parse_items, {"items": [{}] * 1025})
    assert error.code is Code.TOO_LARGE
    assert error.message.startswith("`items` has 1,025 maps and the limit is 1024: ")


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, "is missing"),
        ({"items": []}, "is empty"),
        ({"items": {}}, "is a map"),
        ({"items": None}, "is nil"),
        ({"items": "x" * 25}, "is a string"),
    ],
)
def test_items_that_are_no_array_are_said_to_be_what_they_are(
    fields: dict[str, Any], found: str
) -> None:
    error = refusal(parse_items, fields)
    assert error.code is Code.BAD_FIELD
    assert error.message == f"`items` {found}: expected an array of 1 to 1024 maps"


@given(anything_but(bool))
def test_arrays_of_a_whole_batch_is_true_or_false(arrays: Any) -> None:
    error = refusal(parse_items, {"items": [{}], "arrays": arrays})
    assert error.code is Code.BAD_FIELD
    assert error.message.startswith("`arrays` is ")


# --- Replies -----------------------------------------------------------------------------------


def test_a_reply_that_answers() -> None:
    assert ok_reply(7, {"status": "ready"}) == {"v": 1, "id": 7, "ok": True, "status": "ready"}


def test_a_reply_that_refuses() -> None:
    error = WireError(Code.EXPIRED, "too late")
    assert error_reply(7, error) == {
        "v": 1,
        "id": 7,
        "ok": False,
        "code": "expired",
        "message": "too late",
    }
    assert error_fields(error) == {"ok": False, "code": "expired", "message": "too late"}
    assert str(error) == "expired: too late"


@given(st.lists(st.floats(), max_size=20))
def test_numbers_read_back_bit_for_bit_from_bin_and_from_arrays(values: list[float]) -> None:
    plain = packed([0.0 if math.isnan(value) else value for value in values])
    for arrays in (False, True):
        fields = unpack(pack({"up": array("d", plain).tolist() if arrays else plain}))
        assert isinstance(fields["up"], list if arrays else bytes)
        assert read_numbers(fields["up"]) == plain


@pytest.mark.parametrize("field", [None, 1.5, "1.5", {}, ["x"], [None]])
def test_a_reply_s_numbers_are_bin_or_an_array_of_numbers(field: object) -> None:
    with pytest.raises(TypeError):
        read_numbers(field)
