"""`forecast_batch`: items in order, one bad item spoils no other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bridge.bars import Bars
from tests.conftest import Daemon
from tests.daemon.peer import Connect, Peer, batch, bits, forecast, ohlc_item, refused


def test_a_reply_has_its_items_and_its_id(peer: Peer, bars: Bars) -> None:
    message = batch([ohlc_item(bars)])
    reply = peer.ask(message)
    assert set(reply) == {"v", "id", "ok", "items"}
    assert (reply["v"], reply["id"], reply["ok"]) == (1, message["id"], True)


def test_an_item_of_the_reply_is_a_forecasts_reply_without_its_envelope(
    peer: Peer, bars: Bars
) -> None:
    alone = peer.ask(forecast(ohlc_item(bars)))
    (item,) = peer.ask(batch([ohlc_item(bars)]))["items"]
    assert set(item) == set(alone) - {"v", "id"}


def test_items_are_answered_in_the_order_they_were_asked(peer: Peer, bars: Bars) -> None:
    items = [ohlc_item(bars, end=-back) for back in (5, 1, 300, 2, 40)]
    replies = peer.ask(batch(items))["items"]
    assert [reply["time"] for reply in replies] == [item["time"] for item in items]


def test_1024_items_are_answered_in_order(peer: Peer, bars: Bars) -> None:
    items = [ohlc_item(bars, end=-back) for back in range(1, 1025)]
    replies = peer.ask(batch(items))["items"]
    assert [reply["time"] for reply in replies] == [item["time"] for item in items]
    assert all(reply["ok"] for reply in replies)


@pytest.mark.usefixtures("bystander")
def test_1025_items_are_too_large(peer: Peer, bars: Bars) -> None:
    message = batch([ohlc_item(bars)] * 1025)
    reply = peer.ask(message)
    refused(reply, "too_large", "1,025", "1024", "several batches")
    assert reply["id"] == message["id"]


@pytest.fixture
def mixed(bars: Bars) -> list[Any]:
    """Good windows in the even places, each of the odd ones bad in its own way."""
    good = ohlc_item(bars)
    nan = bars.ohlc[-128:].copy()
    nan[3, 3] = math.nan
    bad = [
        {**good, "tf": 60},
        {**good, "ohlc": good["ohlc"][: 32 * 127]},
        {**good, "ohlc": nan.tobytes()},
        {**good, "ohlc": b"\0" * 7},
        {**good, "model": "unknown"},
        {**good, "symbol": 5},
        {},
        None,
        [good],
    ]
    return [item for wrong in bad for item in (good, wrong)] + [good]


@pytest.mark.usefixtures("bystander")
def test_each_bad_item_is_refused_in_its_place(peer: Peer, mixed: list[Any]) -> None:
    replies = peer.ask(batch(mixed))["items"]
    assert [reply.get("code") for reply in replies[1::2]] == [
        "wrong_timeframe",
        "short_window",
        "bad_values",
        "bad_values",
        "unknown_model",
        "bad_field",
        "bad_field",
        "bad_field",
        "bad_field",
    ]


@pytest.mark.usefixtures("bystander")
def test_good_items_among_bad_ones_have_their_bits(
    peer: Peer, bars: Bars, mixed: list[Any]
) -> None:
    alone = bits(peer.ask(forecast(ohlc_item(bars))))
    replies = peer.ask(batch(mixed))["items"]
    assert [bits(reply) for reply in replies[::2]] == [alone] * len(replies[::2])


def test_a_batch_of_bad_items_alone_is_answered(peer: Peer) -> None:
    reply = peer.ask(batch([{}, {}]))
    assert reply["ok"]
    for item in reply["items"]:
        refused(item, "bad_field")


def test_a_batch_may_ask_several_models_and_timeframes(peer: Peer, bars: Bars) -> None:
    good = ohlc_item(bars)
    named = {**good, "model": peer.ask(forecast(good))["model"]}
    first, second = peer.ask(batch([good, named]))["items"]
    assert bits(first) == bits(second)


def test_arrays_asked_for_the_batch_hold_for_each_item(peer: Peer, bars: Bars) -> None:
    items = peer.ask(batch([ohlc_item(bars)] * 2, arrays=True))["items"]
    assert [type(item["quantiles"]) for item in items] == [list, list]


def test_arrays_asked_for_an_item_hold_for_it_alone(peer: Peer, bars: Bars) -> None:
    items = [{**ohlc_item(bars), "arrays": True}, ohlc_item(bars)]
    first, second = peer.ask(batch(items))["items"]
    assert np.array(first["up"], "<f8").tobytes() == second["up"]


def test_an_item_may_decline_the_arrays_of_its_batch(peer: Peer, bars: Bars) -> None:
    items = [{**ohlc_item(bars), "arrays": False}, ohlc_item(bars)]
    first, second = peer.ask(batch(items, arrays=True))["items"]
    assert [type(first["up"]), type(second["up"])] == [bytes, list]


def test_an_items_own_envelope_is_ignored(peer: Peer, bars: Bars) -> None:
    item = {**ohlc_item(bars), "v": 9, "op": "hello", "id": "x"}
    (reply,) = peer.ask(batch([item]))["items"]
    assert reply["ok"]


def test_batches_of_several_clients_are_not_mixed_up(
    daemon: Daemon, connect: Connect, bars: Bars
) -> None:
    peers = [connect(daemon.endpoint) for _ in range(4)]
    asked = [[ohlc_item(bars, end=-(1 + 50 * n + k)) for k in range(50)] for n in range(4)]
    for peer, items in zip(peers, asked, strict=True):
        peer.send_message(batch(items))
    for peer, items in zip(peers, asked, strict=True):
        replies = peer.receive_message()["items"]
        assert [reply["time"] for reply in replies] == [item["time"] for item in items]
