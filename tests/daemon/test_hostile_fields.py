"""Fields that are missing, of the wrong type or out of range: named, with what would be right."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from bridge.bars import Bars
from tests.daemon.peer import Peer, batch, forecast, ohlc_item, refused, request

pytestmark = pytest.mark.usefixtures("bystander")

ANY_TIMESTAMP = msgpack.Timestamp(1, 2)
NOT_STRINGS = [5, 1.5, True, None, b"bin", [], {}, ANY_TIMESTAMP]
NOT_INTEGERS = ["1", 1.5, True, None, b"1", [], {}, ANY_TIMESTAMP]
NOT_NUMBERS = [5, 1.5, True, None, "text", {}, ANY_TIMESTAMP]


def _each(**values: list[Any]) -> list[Any]:
    return [
        pytest.param(field, value, id=f"{field}={str(value)[:20]}")
        for field, several in values.items()
        for value in several
    ]


@pytest.mark.parametrize("version", [0, 2, -1, 1 << 40, *NOT_INTEGERS], ids=repr)
def test_another_version_is_a_bad_version(peer: Peer, version: object) -> None:
    message = {**request("hello"), "v": version}
    reply = peer.ask(message)
    refused(reply, "bad_version", "`v`", "speaks version 1")
    assert reply["id"] == message["id"]


def test_a_missing_version_is_a_bad_version(peer: Peer) -> None:
    refused(peer.ask({"op": "hello"}), "bad_version", "`v` is missing", "speaks version 1")


@pytest.mark.parametrize("op", ["", "Forecast", "forecasts", "x" * 100_000, "parse\x00"], ids=len)
def test_an_unknown_op_is_answered_with_those_there_are(peer: Peer, op: str) -> None:
    known = ("hello", "health", "forecast", "forecast_batch")
    refused(peer.ask(request(op)), "unknown_op", *known)


@pytest.mark.parametrize("op", NOT_STRINGS, ids=repr)
def test_an_op_that_is_no_string_is_a_bad_field(peer: Peer, op: object) -> None:
    refused(peer.ask({"v": 1, "op": op}), "bad_field", "`op`", "expected a string")


def test_a_missing_op_is_a_bad_field(peer: Peer) -> None:
    refused(peer.ask({"v": 1}), "bad_field", "`op` is missing")


@pytest.mark.parametrize("number", [-1, *NOT_INTEGERS], ids=repr)
def test_an_id_that_is_no_uint64_is_a_bad_field_answered_with_id_0(
    peer: Peer, number: object
) -> None:
    reply = peer.ask({"v": 1, "op": "hello", "id": number})
    refused(reply, "bad_field", "`id`")
    assert reply["id"] == 0


@pytest.mark.parametrize("number", [0, 1, 127, 128, 1 << 32, (1 << 64) - 1])
def test_an_id_is_echoed(peer: Peer, number: int) -> None:
    assert peer.ask({"v": 1, "op": "hello", "id": number})["id"] == number


def test_an_id_that_is_missing_is_0(peer: Peer) -> None:
    assert peer.ask({"v": 1, "op": "hello"})["id"] == 0


def test_a_map_of_keys_that_are_not_strings_is_a_bad_message(peer: Peer) -> None:
    refused(peer.ask_bytes(msgpack.packb({1: 2, None: 3})), "bad_message", "string keys")


@pytest.mark.parametrize(
    ("field", "value"),
    _each(
        ttl_ms=[-1, 1 << 32, *NOT_INTEGERS],
        model=NOT_STRINGS,
        symbol=["E" * 33, *NOT_STRINGS],
        tf=[0, -1, 1 << 32, *NOT_INTEGERS],
        time=[1 << 63, (1 << 64) - 1, *NOT_INTEGERS],
        ohlc=[["1.1"], [None], [[1.1]], [True], *NOT_NUMBERS],
        close=[["1.1"], [None], [[1.1]], [True], *NOT_NUMBERS],
        arrays=[0, 1, "true", None, [], {}],
    ),
)
def test_a_field_of_the_wrong_type_is_named_with_what_is_expected(
    peer: Peer, bars: Bars, field: str, value: object
) -> None:
    message = forecast(ohlc_item(bars))
    if field == "close":
        del message["ohlc"]
    message[field] = value
    reply = peer.ask(message)
    refused(reply, "bad_field", f"`{field}", "expected")
    assert reply["id"] == message["id"]


@pytest.mark.parametrize("field", ["tf", "time"])
def test_a_missing_field_is_named(peer: Peer, bars: Bars, field: str) -> None:
    message = forecast(ohlc_item(bars))
    del message[field]
    refused(peer.ask(message), "bad_field", f"`{field}` is missing")


def test_a_request_without_prices_is_a_bad_field(peer: Peer, bars: Bars) -> None:
    message = forecast(ohlc_item(bars))
    del message["ohlc"]
    refused(peer.ask(message), "bad_field", "`close`", "`ohlc`", "missing")


def test_prices_given_twice_are_a_bad_field(peer: Peer, bars: Bars) -> None:
    message = forecast(ohlc_item(bars), close=bars.close.tobytes())
    refused(peer.ask(message), "bad_field", "`close`", "`ohlc`", "both given")


def test_a_number_that_is_none_is_named_by_its_place(peer: Peer, bars: Bars) -> None:
    numbers = bars.ohlc[-128:].ravel().tolist()
    numbers[17] = "1.1"
    message = forecast(ohlc_item(bars), ohlc=numbers)
    refused(peer.ask(message), "bad_field", "`ohlc[17]`", "expected a number")


@pytest.mark.parametrize("items", [*NOT_NUMBERS, b"bin", []], ids=repr)
def test_items_that_are_no_array_of_maps_are_a_bad_field(peer: Peer, items: Any) -> None:
    refused(peer.ask(batch(items)), "bad_field", "`items`", "an array of 1 to 1024 maps")


def test_missing_items_are_a_bad_field(peer: Peer) -> None:
    refused(peer.ask(request("forecast_batch")), "bad_field", "`items` is missing")


@pytest.mark.parametrize("item", [*NOT_STRINGS[:-2], "text"], ids=repr)
def test_an_item_that_is_no_map_is_named_by_its_place(peer: Peer, bars: Bars, item: object) -> None:
    good, bad = peer.ask(batch([ohlc_item(bars), item]))["items"]
    refused(bad, "bad_field", "`items[1]`")
    assert good["ok"]


def test_keys_that_nobody_knows_are_ignored(peer: Peer, bars: Bars) -> None:
    message = forecast(ohlc_item(bars), surprise={"a": [1]}, **{"": None})
    assert peer.ask(message)["ok"]


def test_integers_may_come_in_any_width(peer: Peer, bars: Bars) -> None:
    item = ohlc_item(bars)
    wide = b"\x86" + b"".join(
        [
            msgpack.packb("v") + b"\xcf" + (1).to_bytes(8, "big"),
            msgpack.packb("op") + msgpack.packb("forecast"),
            msgpack.packb("id") + b"\xd3" + (5).to_bytes(8, "big"),
            msgpack.packb("tf") + b"\xce" + (3600).to_bytes(4, "big"),
            msgpack.packb("time") + b"\xd3" + item["time"].to_bytes(8, "big"),
            msgpack.packb("ohlc") + msgpack.packb(item["ohlc"]),
        ]
    )
    assert peer.ask_bytes(wide)["ok"]
