"""`ttl_ms`: work that can no longer be in time is not done, and its client is told."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bridge.bars import Bars
from tests.backends import graphs
from tests.conftest import Daemon, StartDaemon
from tests.daemon.peer import (
    Connect,
    Peer,
    batch,
    close_item,
    forecast,
    ohlc_item,
    refused,
    request,
)


@pytest.mark.usefixtures("bystander")
def test_a_client_that_will_not_wait_is_told_expired(peer: Peer, bars: Bars) -> None:
    message = forecast(ohlc_item(bars), ttl_ms=0)
    reply = peer.ask(message)
    refused(reply, "expired", "`ttl_ms` is 0")
    assert reply["id"] == message["id"]


@pytest.mark.usefixtures("bystander")
def test_each_item_of_a_batch_that_will_not_wait_is_told_expired(peer: Peer, bars: Bars) -> None:
    reply = peer.ask(batch([ohlc_item(bars)] * 3, ttl_ms=0))
    for item in reply["items"]:
        refused(item, "expired", "`ttl_ms` is 0")


def test_a_client_that_waits_long_enough_is_answered(peer: Peer, bars: Bars) -> None:
    assert peer.ask(forecast(ohlc_item(bars), ttl_ms=60_000))["ok"]


@pytest.mark.parametrize("op", ["hello", "health"])
def test_what_needs_no_model_does_not_expire(peer: Peer, op: str) -> None:
    assert peer.ask(request(op, ttl_ms=0))["ok"]


@pytest.fixture
def slow(start_daemon: StartDaemon, store: Path) -> Daemon:
    """A daemon of a slow model and a quick one."""
    graphs.put(store, graphs.slow(), graphs.manifest("slow"))
    graphs.put(store, graphs.steady(), graphs.manifest("quick"))
    return start_daemon("--models", store, "--default", "slow")


def test_what_waits_behind_slow_windows_too_long_is_told_expired(
    slow: Daemon, connect: Connect, steps_per_second: float
) -> None:
    busy, hasty = connect(slow.endpoint), connect(slow.endpoint)
    busy.ask(forecast(close_item(graphs.window(0.1 * steps_per_second))))  # it is known to be slow
    items = [close_item(graphs.window(steps_per_second))] * (1 + (os.cpu_count() or 1))
    busy.send_message(batch(items))
    while not 0 < hasty.ask(request("health"))["queued"] < len(items):
        pass  # until every worker there is has one
    hasty_request = forecast(close_item(np.ones(4)), ttl_ms=50)
    hasty.send_message(hasty_request)
    reply = hasty.receive_message()
    refused(reply, "expired", "`ttl_ms` ran out")
    assert reply["id"] == hasty_request["id"]
    assert all(item["ok"] for item in busy.receive_message()["items"])


def test_of_a_batch_too_large_for_its_time_the_rest_is_told_expired(
    slow: Daemon, connect: Connect, steps_per_second: float
) -> None:
    tenth = close_item(graphs.window(steps_per_second / 10))
    items = connect(slow.endpoint).ask(batch([tenth] * 100, ttl_ms=1000))["items"]
    codes = [item.get("code") for item in items]
    answered = codes.count(None)
    assert 0 < answered < 100
    assert codes == [None] * answered + ["expired"] * (100 - answered)


def test_clients_of_a_quick_model_are_answered_while_a_slow_one_has_work(
    slow: Daemon, connect: Connect, steps_per_second: float
) -> None:
    tenth = close_item(graphs.window(steps_per_second / 10))
    busy, quick = connect(slow.endpoint), connect(slow.endpoint)
    busy.send_message(batch([tenth] * 20))
    for close in (1.0, 2.0, 3.0):
        reply = quick.ask(forecast(close_item(graphs.window(close)), model="quick"))
        assert reply["quantiles"] == graphs.expected_quantiles(close).tobytes()
    assert len(busy.receive_message()["items"]) == 20
