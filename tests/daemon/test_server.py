"""The loop: what it is told to change between two batches, and how it outlives defects."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from bridge.daemon.books import Books
from bridge.daemon.server import Server
from bridge.daemon.service import Service
from tests.backends import graphs
from tests.daemon.backends import Steady, lane_of
from tests.daemon.peer import Connect, close_item, forecast
from tests.daemon.serving import serving

ITEM = close_item(graphs.window(5.0))
BITS = graphs.expected_quantiles(5.0).tobytes()


def test_a_change_is_made_by_the_loop_and_its_result_comes_back(store: Path) -> None:
    with serving(lane_of(store, Steady())) as daemon:
        found = daemon.server.change(lambda: threading.current_thread().name).result(60)
    assert found == "loop"


def test_changes_are_made_in_their_order(store: Path) -> None:
    made: list[int] = []
    with serving(lane_of(store, Steady())) as daemon:
        futures = [daemon.server.change(lambda n=n: made.append(n)) for n in range(50)]
        for future in futures:
            future.result(60)
    assert made == list(range(50))


def test_a_change_that_fails_is_told_to_whoever_wanted_it_and_the_loop_goes_on(
    store: Path, connect: Connect
) -> None:
    with serving(lane_of(store, Steady())) as daemon:
        future = daemon.server.change(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            future.result(60)
        assert connect(daemon.endpoint).ask(forecast(ITEM))["quantiles"] == BITS


def test_a_change_after_the_stop_is_cancelled(store: Path) -> None:
    with serving(lane_of(store, Steady())) as daemon:
        pass
    with pytest.raises(CancelledError):
        daemon.server.change(lambda: None).result(60)
    assert daemon.server.ended


def test_a_change_that_waits_when_the_loop_stops_is_cancelled(store: Path) -> None:
    service = Service([lane_of(store, Steady())], "m")
    server = Server(service, "tcp://127.0.0.1:*")
    server.stop()
    future = server.change(lambda: None)
    server.run()
    server.close()
    assert future.cancelled()


def test_what_goes_wrong_after_a_reply_ends_nothing(
    store: Path,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Books, "enter", broken)
    with serving(lane_of(store, Steady())) as daemon:
        peer = connect(daemon.endpoint)
        for _ in range(3):
            assert peer.ask(forecast(ITEM))["quantiles"] == BITS
    assert "ZeroDivisionError: secret" in caplog.text
