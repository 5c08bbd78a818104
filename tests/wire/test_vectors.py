"""The golden vectors hold for bridge.wire, in both directions, and for a live daemon."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from bridge.wire.codec import pack, unpack
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import (
    ForecastRequest,
    parse_envelope,
    parse_forecast,
    parse_items,
    read_numbers,
    request_id,
)
from tests.conftest import Daemon
from tests.wire.golden import FOLDER, Extension, Vector, float64_fields, vectors
from tests.wire.vectors.make import FILES, text_of

REQUESTS = vectors("requests.json")
REPLIES = vectors("replies.json")
MALFORMED = vectors("malformed.json")
MESSAGES = REQUESTS + REPLIES

# What a daemon refuses for its models' sake: the request itself is in order.
_REFUSED_BY_THE_DAEMON = {
    "unknown_op",
    "unknown_model",
    "wrong_timeframe",
    "short_window",
    "bad_values",
    "expired",
}


def each(found: list[Vector]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", found, ids=lambda vector: vector.name)


@pytest.mark.parametrize("file", FILES)
def test_committed_vectors_are_what_their_generator_makes(file: str) -> None:
    assert (FOLDER / file).read_text(encoding="utf-8") == text_of(file)


def test_names_are_unique() -> None:
    names = [vector.name for vector in MESSAGES + MALFORMED]
    assert len(names) == len(set(names))


def test_every_code_is_a_reply_and_every_one_that_a_request_can_earn_is_earned() -> None:
    codes = {code.value for code in Code}
    by_circumstance = {"busy", "draining", "model_failed", "internal"}
    assert {vector.meaning.get("code") for vector in REPLIES if vector.meaning} - {None} == codes
    earned = {vector.answer for vector in REQUESTS + MALFORMED}
    assert earned == codes - by_circumstance | {"ok"}


@pytest.mark.parametrize("file", FILES)
def test_numbers_beside_a_bin_are_its_float64s(file: str) -> None:
    for entry in json.loads((FOLDER / file).read_text(encoding="utf-8")):
        for found, expected in float64_fields(entry["meaning"]):
            assert found == expected, entry["name"]


@each(MESSAGES)
def test_bytes_decode_to_their_meaning(vector: Vector) -> None:
    decoded = unpack(vector.body)
    assert typed(decoded) == typed(vector.meaning)
    assert list(decoded) == list(vector.meaning or {})


@each([vector for vector in MESSAGES if vector.canonical])
def test_meaning_encodes_to_canonical_bytes(vector: Vector) -> None:
    assert vector.meaning is not None
    assert pack(vector.meaning) == vector.body


@each(MALFORMED)
def test_malformed_bytes_are_refused_as_bad_message(vector: Vector) -> None:
    with pytest.raises(WireError) as refusal:
        unpack(vector.body)
    assert refusal.value.code is Code.BAD_MESSAGE


@each(REQUESTS)
def test_request_reads_as_its_meaning_or_is_refused_with_its_code(vector: Vector) -> None:
    read = outcome(vector.body)
    if isinstance(read, WireError):
        assert read.code.value == vector.answer
        if vector.field is not None:
            assert read.message.startswith(f"`{vector.field}` ")
    else:
        assert vector.answer == "ok" or vector.answer in _REFUSED_BY_THE_DAEMON
        assert vector.meaning is not None
        assert read == list(meant(vector.meaning, vector.items))


@each(REPLIES)
def test_numbers_of_a_reply_read_alike_from_bin_and_from_arrays(vector: Vector) -> None:
    assert vector.meaning is not None
    for reply in [vector.meaning, *vector.meaning.get("items", [])]:
        for field in ("quantiles", "up"):
            if field in reply:
                numbers = reply[field]
                packed = numbers if isinstance(numbers, bytes) else floats(numbers)
                assert read_numbers(reply[field]) == packed
                assert len(packed) % (8 * reply["horizon"]) == 0


def test_the_daemon_answers_each_request_as_told(daemon: Daemon) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(daemon.endpoint)
        for vector in REQUESTS + MALFORMED:
            socket.send(vector.body)
            assert socket.poll(30_000), f"no answer to: {vector.name}"
            reply = unpack(socket.recv())
            assert answer(reply) == vector.answer, f"{vector.name}: {reply}"
            if vector.items is not None:
                assert [answer(item) for item in reply["items"]] == vector.items, vector.name
            if vector.field is not None:
                assert f"`{vector.field}`" in reply["message"], vector.name
            if vector.meaning is not None:
                assert reply["id"] == echoed(vector.meaning), vector.name


def answer(reply: dict[str, Any]) -> str:
    return "ok" if reply["ok"] is True else reply["code"]


def echoed(meaning: dict[str, Any]) -> int:
    try:
        return request_id(meaning)
    except WireError:
        return 0


def typed(value: Any) -> Any:
    """A value beside its type, so that 1, 1.0 and True differ; extensions alike."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return type(value), value
    return Extension


def outcome(body: bytes) -> list[Any] | WireError:
    """What bridge.wire makes of a request."""
    try:
        return list(parsed(unpack(body)))
    except WireError as error:
        return error


def parsed(message: dict[str, Any]) -> Iterator[Any]:
    """A request's envelope, and the forecasts that it asks; a code in place of each refused."""
    envelope = parse_envelope(message)
    yield envelope.op, envelope.id, envelope.ttl_ms
    if envelope.op == "forecast":
        yield parse_forecast(message)
    elif envelope.op == "forecast_batch":
        for item in parse_items(message):
            yield parsed_item(item)


def parsed_item(item: Any) -> ForecastRequest | str:
    try:
        return parse_forecast(item) if isinstance(item, dict) else Code.BAD_FIELD.value
    except WireError as error:
        return error.code.value


def meant(message: dict[str, Any], items: list[str] | None) -> Iterator[Any]:
    """The same, straight from the meaning."""
    yield message["op"], message.get("id", 0), message.get("ttl_ms")
    if message["op"] == "forecast":
        yield request_of(message)
    for item, expected in zip(message.get("items", []), items or [], strict=True):
        read = expected == "ok" or expected in _REFUSED_BY_THE_DAEMON
        yield request_of(item) if read else expected


def request_of(fields: dict[str, Any]) -> ForecastRequest:
    columns = 4 if "ohlc" in fields else 1
    window = fields["ohlc"] if columns == 4 else fields["close"]
    return ForecastRequest(
        model=fields.get("model"),
        symbol=fields.get("symbol", ""),
        tf=fields["tf"],
        time=fields["time"],
        columns=columns,
        values=window if isinstance(window, bytes) else floats(window),
        arrays=fields.get("arrays", False),
    )


def floats(numbers: list[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)
