"""`--rate`: what one client may ask in a second, by itself and over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daemon.rate import Rate
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import MAX_BATCH_ITEMS
from tests.backends import graphs
from tests.conftest import StartDaemon
from tests.daemon.backends import Steady, lane_of
from tests.daemon.peer import Connect, Peer, batch, close_item, forecast, refused, request
from tests.daemon.serving import serving

SECOND_NS = 1_000_000_000
ITEM = close_item(np.ones(4))


def may(rate: Rate, windows: int, now_ns: int, client: bytes = b"a") -> bool:
    try:
        rate.spend(client, windows, now_ns)
    except WireError as error:
        return error.code is not Code.BUSY
    return True


def test_a_second_s_windows_may_come_at_once_and_then_as_fast_as_the_rate() -> None:
    rate = Rate(10_000)
    assert may(rate, 10_000, 0)
    assert not may(rate, 1, 0)
    assert not may(rate, 1, SECOND_NS // 10_000 - 1)
    assert may(rate, 1, SECOND_NS // 10_000)
    assert not may(rate, 1, SECOND_NS // 10_000)


@pytest.mark.parametrize("per_s", [1, 10, 1023, 1024, 1025, 1_000_000])
def test_the_largest_batch_may_always_come_after_a_pause(per_s: int) -> None:
    rate = Rate(per_s)
    for turn in range(3):
        now_ns = turn * 2000 * SECOND_NS
        assert may(rate, MAX_BATCH_ITEMS, now_ns)


def test_what_is_refused_costs_nothing() -> None:
    rate = Rate(2000)
    assert may(rate, 1999, 0)
    for _ in range(1000):
        assert not may(rate, 2, 0)
    assert may(rate, 1, 0)


def test_a_client_is_told_how_long_to_wait() -> None:
    rate = Rate(1000)
    rate.spend(b"a", 1024, 0)
    with pytest.raises(WireError, match=r"1,000 windows a second at most.* ask again in 0\.5 s"):
        rate.spend(b"a", 500, 0)
    assert may(rate, 500, SECOND_NS // 2)


def test_each_client_has_its_own() -> None:
    rate = Rate(1)
    assert may(rate, 1024, 0, b"a")
    assert not may(rate, 1, 0, b"a")
    assert may(rate, 1024, 0, b"b")


def test_clients_that_come_and_go_without_end_are_forgotten() -> None:
    rate = Rate(1)
    for number in range(20_000):
        rate.spend(number.to_bytes(4, "big"), 1, number * SECOND_NS // 100)
    assert len(rate._full_at_ns) < 1000


@given(
    st.integers(1, 5000),
    st.lists(st.tuples(st.integers(1, 1024), st.integers(0, SECOND_NS)), max_size=200),
)
def test_nobody_ever_gets_more_than_the_rate_and_what_the_bucket_holds(
    per_s: int, asked: list[tuple[int, int]]
) -> None:
    rate, now_ns, got = Rate(per_s), 0, 0
    for windows, pause_ns in asked:
        now_ns += pause_ns
        if may(rate, windows, now_ns):
            got += windows
        # A thousandth more: the time for one is a whole number of nanoseconds.
        assert got <= max(per_s, 1024) + 1.001 * per_s * now_ns / SECOND_NS + 1


@pytest.mark.parametrize(
    "message",
    [
        lambda: forecast(ITEM),
        lambda: batch([ITEM]),
        lambda: request("hello"),
        lambda: request("health"),
        lambda: request("unknown"),
    ],
    ids=["forecast", "forecast_batch", "hello", "health", "no op"],
)
def test_a_client_above_it_is_told_busy_whatever_it_asks_and_others_are_answered(
    store: Path, connect: Connect, message: Callable[[], dict[str, Any]]
) -> None:
    with serving(lane_of(store, Steady()), rate=Rate(1)) as daemon:
        greedy, other = connect(daemon.endpoint), connect(daemon.endpoint)
        answers = greedy.ask(batch([ITEM] * MAX_BATCH_ITEMS))["items"]
        assert all(answer["ok"] for answer in answers)
        asked = message()
        reply = greedy.ask(asked)
        refused(reply, "busy", "one client 1 windows a second", "ask again in ")
        assert reply["id"] == asked["id"]
        assert other.ask(forecast(ITEM))["ok"]


def test_what_is_no_request_counts_too(store: Path, connect: Connect) -> None:
    with serving(lane_of(store, Steady()), rate=Rate(1)) as daemon:
        peer = connect(daemon.endpoint)
        peer.ask(batch([ITEM] * (MAX_BATCH_ITEMS - 2)))
        refused(peer.ask_bytes(b"\xc1"), "bad_message")
        peer.send(b"", b"two", b"bodies")
        refused(peer.receive_message(), "bad_message")
        for send in (lambda: peer.send(b"", b"\xc1"), lambda: peer.send(b"", b"two", b"bodies")):
            send()
            refused(peer.receive_message(), "busy")


def test_a_batch_costs_its_windows_and_is_refused_whole(store: Path, connect: Connect) -> None:
    backend = Steady()
    with serving(lane_of(store, backend), rate=Rate(1)) as daemon:
        peer = connect(daemon.endpoint)
        peer.ask(batch([ITEM] * 1000))
        computed = sum(backend.sizes)
        refused(peer.ask(batch([ITEM] * 1000)), "busy", "ask again in ")
        assert peer.ask(forecast(ITEM))["ok"]
        assert sum(backend.sizes) == computed + 1


def test_it_is_counted_as_an_error_by_its_code(store: Path, connect: Connect) -> None:
    with serving(lane_of(store, Steady()), rate=Rate(1)) as daemon:
        peer = connect(daemon.endpoint)
        peer.ask(batch([ITEM] * MAX_BATCH_ITEMS))
        for _ in range(3):
            peer.ask(forecast(ITEM))
        assert daemon.service.telemetry.errors[Code.BUSY] == 3


@pytest.fixture
def limited(start_daemon: StartDaemon, store: Path, connect: Connect) -> Peer:
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    return connect(start_daemon("--models", store, "--rate", "2").endpoint)


def test_the_command_line_sets_it(limited: Peer) -> None:
    assert limited.ask(batch([ITEM] * MAX_BATCH_ITEMS))["ok"]
    refused(limited.ask(forecast(ITEM)), "busy", "2 windows a second")
