"""Replies put together from pieces are the maps of the protocol, as any reader reads them."""

from __future__ import annotations

import struct
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.wire.codec import pack, unpack
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import error_reply
from bridge.wire.replies import ForecastItems, batch_reply, error_item, reply_of

LEVELS = (0.1, 0.5, 0.9)

labels = st.text(min_size=1, max_size=80)
horizons = st.integers(1, 100)
microseconds = st.integers(0, 1 << 40)


def numbers_of(count: int) -> st.SearchStrategy[bytes]:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    each = st.lists(finite, min_size=count, max_size=count)
    return each.map(lambda values: struct.pack(f"<{count}d", *values))


@st.composite
def items(draw: st.DrawFn) -> tuple[bytes, dict[str, Any]]:
    """An item, and the map that it should be."""
    label, horizon, arrays = draw(labels), draw(horizons), draw(st.booleans())
    quantiles, up = draw(numbers_of(horizon * len(LEVELS))), draw(numbers_of(horizon))
    time = draw(st.integers(-(1 << 63), (1 << 63) - 1))
    tf = draw(st.integers(1, (1 << 32) - 1))
    cached, infer_us, server_us = draw(st.booleans()), draw(microseconds), draw(microseconds)
    made = ForecastItems(label, horizon, LEVELS)
    item = made.item(time, tf, quantiles, up, cached, infer_us, max(infer_us, server_us), arrays)
    assert len(item) <= made.most_bytes
    most_us = (1 << 64) if arrays else (1 << 32) - 1
    return item, {
        "ok": True,
        "model": label,
        "horizon": horizon,
        "levels": list(LEVELS),
        "time": time,
        "tf": tf,
        "quantiles": array("d", quantiles).tolist() if arrays else quantiles,
        "up": array("d", up).tolist() if arrays else up,
        "cached": cached,
        "infer_us": min(infer_us, most_us),
        "server_us": min(max(infer_us, server_us), most_us),
    }


ids = st.integers(0, (1 << 64) - 1)


@given(items())
def test_an_item_is_a_forecasts_map(made: tuple[bytes, dict[str, Any]]) -> None:
    item, meant = made
    assert unpack(item) == meant


@given(ids, items())
def test_a_reply_is_the_item_in_its_envelope(
    request: int, made: tuple[bytes, dict[str, Any]]
) -> None:
    item, meant = made
    assert unpack(reply_of(request, item)) == {"v": 1, "id": request, **meant}


@given(ids, st.sampled_from(Code), st.text(max_size=300))
def test_a_refusal_in_its_envelope_is_an_error_reply(
    request: int, code: Code, message: str
) -> None:
    error = WireError(code, message)
    assert unpack(reply_of(request, error_item(error))) == error_reply(request, error)


@given(ids, st.lists(items(), max_size=5))
def test_a_batch_s_reply_has_its_items_in_their_order(
    request: int, made: list[tuple[bytes, dict[str, Any]]]
) -> None:
    reply = batch_reply(request, [item for item, _ in made])
    meant = {"v": 1, "id": request, "ok": True, "items": [meant for _, meant in made]}
    assert unpack(reply) == meant


@pytest.mark.parametrize("count", [0, 1, 15, 16, 1024])
def test_a_batch_s_reply_may_be_of_any_length(count: int) -> None:
    item = pack({"ok": False})
    assert unpack(batch_reply(1, [item] * count))["items"] == [{"ok": False}] * count


@pytest.mark.parametrize(("horizon", "levels"), [(1, 1), (31, 1), (32, 8), (4096, 2), (9000, 9)])
def test_numbers_of_any_length_are_framed_right(horizon: int, levels: int) -> None:
    made = ForecastItems("m@1", horizon, [0.5] * levels)
    quantiles, up = bytes(8 * horizon * levels), bytes(8 * horizon)
    item = unpack(made.item(0, 60, quantiles, up, False, 1, 2))
    assert (item["quantiles"], item["up"]) == (quantiles, up)
