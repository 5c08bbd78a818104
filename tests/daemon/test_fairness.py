"""One client floods, another asks politely: over real sockets."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bridge.daemon.lanes.waiting import MAX_WAITING
from bridge.daemon.service import Reply, Service
from tests.backends import graphs
from tests.daemon.backends import Held, Steady, lane_of
from tests.daemon.peer import Connect, batch, bits, close_item, forecast, refused, request
from tests.daemon.serving import serving

FLOOD = 1500  # it fits into the buffers on the way, while nobody reads


def test_a_client_with_more_windows_waiting_than_its_share_is_told_busy_while_they_wait(
    store: Path, connect: Connect
) -> None:
    held = Held()
    with serving(lane_of(store, held, by_workers=True)) as daemon:
        flood = connect(daemon.endpoint)
        flood.send_message(forecast(close_item(graphs.window(1.0))))
        assert held.asked.wait(60)
        for _ in range(MAX_WAITING // 1024):
            flood.send_message(batch([close_item(graphs.window(2.0))] * 1024))
        while queued(connect, daemon.endpoint) < MAX_WAITING:
            pass
        for _ in range(100):
            reply = flood.ask(forecast(close_item(np.ones(4))))
            refused(reply, "busy", f"{MAX_WAITING} windows wait", "try again")
        held.let_go.set()
        assert flood.receive_message()["ok"]
        for _ in range(4):
            assert all(item["ok"] for item in flood.receive_message()["items"])


def test_a_polite_client_is_computed_before_a_flood_that_came_earlier(
    store: Path, connect: Connect
) -> None:
    held = Held()
    with serving(lane_of(store, held, by_workers=True)) as daemon:
        flood, polite = connect(daemon.endpoint), connect(daemon.endpoint)
        flood.send_message(forecast(close_item(graphs.window(1.0))))
        assert held.asked.wait(60)
        flood.send_message(batch([close_item(graphs.window(2.0))] * 1000))
        while queued(connect, daemon.endpoint) < 1000:
            pass
        polite.send_message(forecast(close_item(graphs.window(7.0))))
        while queued(connect, daemon.endpoint) < 1001:
            pass
        held.let_go.set()
        assert polite.receive_message()["quantiles"] == graphs.expected_quantiles(7.0).tobytes()
    assert held.windows.index(7.0) == 1


def queued(connect: Connect, endpoint: str) -> int:
    waiting: int = connect(endpoint).ask(request("health"))["queued"]
    return waiting


def test_a_polite_client_is_read_before_most_of_a_flood_that_came_earlier(
    store: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    handle = Service.handle

    def noting(service: Service, body: bytes, reply: Reply, client: bytes = b"", *a, **k) -> None:  # type: ignore[no-untyped-def]
        read.append(client)
        handle(service, body, reply, client, *a, **k)

    monkeypatch.setattr(Service, "handle", noting)
    with serving(lane_of(store, Steady())) as daemon:
        flood, polite = connect(daemon.endpoint), connect(daemon.endpoint)
        for peer in (flood, polite):
            peer.ask(request("hello"))
        paused, go_on = threading.Event(), threading.Event()

        def pause() -> None:
            paused.set()
            assert go_on.wait(60)

        daemon.server.change(pause)
        assert paused.wait(60)
        read.clear()
        for close in range(FLOOD):
            flood.send_message(forecast(close_item(graphs.window(float(close + 1)))))
        polite.send_message(forecast(close_item(np.ones(4))))
        go_on.set()
        assert polite.receive_message()["ok"]
        told = Counter(flood.receive_message().get("code") for _ in range(FLOOD))
    assert set(told) <= {None, "busy"}
    ((flooding, _),) = Counter(read).most_common(1)
    other = next(client for client in read if client != flooding)
    assert read.index(other) < 300


def test_clients_that_ask_all_at_once_are_all_answered_right(store: Path, connect: Connect) -> None:
    with serving(lane_of(store, Steady())) as daemon:
        peers = [connect(daemon.endpoint) for _ in range(20)]
        for turn in range(30):
            for number, peer in enumerate(peers):
                item = close_item(graphs.window(1.0 + number + 100 * turn))
                peer.send_message(forecast(item))
        for turn in range(30):
            for number, peer in enumerate(peers):
                expected = graphs.expected_quantiles(1.0 + number + 100 * turn)
                assert bits(peer.receive_message())[0] == expected.tobytes()


def test_the_items_of_a_large_batch_are_read_some_at_a_time(store: Path, connect: Connect) -> None:
    """Those of two clients side by side: neither waits for all of the other's."""
    backend = Steady()
    with serving(lane_of(store, backend)) as daemon:
        first, second = connect(daemon.endpoint), connect(daemon.endpoint)
        paused, go_on = threading.Event(), threading.Event()

        def pause() -> None:
            paused.set()
            assert go_on.wait(60)

        for peer in (first, second):
            peer.ask(request("hello"))
        daemon.server.change(pause)
        assert paused.wait(60)
        for peer, close in ((first, 2.0), (second, 3.0)):
            peer.send_message(batch([close_item(graphs.window(close))] * 1000))
        go_on.set()
        for peer, close in ((first, 2.0), (second, 3.0)):
            expected = graphs.expected_quantiles(close).tobytes()
            items = peer.receive_message()["items"]
            assert [item["quantiles"] for item in items] == [expected] * 1000
