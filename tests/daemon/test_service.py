"""The protocol over lanes, without a socket: what is queued, and what a defect looks like."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

from bridge.backends import open_backend
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.lanes.waiting import MAX_WAITING
from bridge.daemon.service import Service
from bridge.daemon.telemetry.counts import SHOWN_BARS
from tests.backends import graphs
from tests.daemon.peer import batch, close_item, forecast, refused, request


@pytest.fixture
def service(store: Path) -> Service:
    bundle = graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    return Service([Lane(bundle, open_backend(bundle))], "steady")


@pytest.fixture
def replies() -> list[dict[str, Any]]:
    return []


def _ask(service: Service, message: dict[str, Any], replies: list[dict[str, Any]]) -> None:
    service.handle(msgpack.packb(message), lambda body: replies.append(msgpack.unpackb(body)))
    while service._forecasting.read_on():
        pass  # a batch is read some items at a time


def test_a_forecast_waits_for_its_lane(service: Service, replies: list[dict[str, Any]]) -> None:
    _ask(service, forecast(close_item(np.ones(4))), replies)
    assert (service.queued, replies) == (1, [])


def test_a_batch_of_the_lane_answers_it(service: Service, replies: list[dict[str, Any]]) -> None:
    _ask(service, forecast(close_item(np.ones(4))), replies)
    assert service.run_waiting() is False
    assert [reply["ok"] for reply in replies] == [True]


def test_hello_and_health_wait_for_no_lane(service: Service, replies: list[dict[str, Any]]) -> None:
    _ask(service, forecast(close_item(np.ones(4))), replies)
    _ask(service, request("hello"), replies)
    _ask(service, request("health"), replies)
    assert [reply["ok"] for reply in replies] == [True, True]


def test_health_counts_the_windows_that_wait(
    service: Service, replies: list[dict[str, Any]]
) -> None:
    _ask(service, batch([close_item(np.ones(4))] * 7), replies)
    _ask(service, request("health"), replies)
    assert replies[0]["queued"] == 7


def test_a_full_lane_answers_busy(service: Service, replies: list[dict[str, Any]]) -> None:
    for _ in range(MAX_WAITING // 1024):
        _ask(service, batch([close_item(np.ones(4))] * 1024), replies)
    _ask(service, forecast(close_item(np.ones(4))), replies)
    (reply,) = replies
    refused(reply, "busy", f"{MAX_WAITING} windows wait", "try again")


def test_items_that_still_find_a_place_in_a_lane_are_answered(
    service: Service, replies: list[dict[str, Any]]
) -> None:
    for _ in range(MAX_WAITING // 1024):
        _ask(service, batch([close_item(np.ones(4))] * 1000), replies)
    _ask(service, batch([close_item(np.ones(4))] * 100), replies)
    while service.run_waiting():
        pass
    codes = [item.get("code") for item in replies[-1]["items"]]
    assert codes == [None] * (MAX_WAITING - 4000) + ["busy"] * (4100 - MAX_WAITING)


def test_a_draining_service_refuses_what_waits_and_what_comes(
    service: Service, replies: list[dict[str, Any]]
) -> None:
    _ask(service, forecast(close_item(np.ones(4))), replies)
    service.start_draining()
    service.refuse_waiting()
    _ask(service, forecast(close_item(np.ones(4))), replies)
    for reply in replies:
        refused(reply, "draining", "ask again")
    assert len(replies) == 2


def test_a_draining_service_refuses_each_item_of_a_batch(
    service: Service, replies: list[dict[str, Any]]
) -> None:
    service.start_draining()
    _ask(service, batch([close_item(np.ones(4))] * 3), replies)
    assert [item["code"] for item in replies[0]["items"]] == ["draining"] * 3


def test_a_draining_service_says_so_in_health(
    service: Service, replies: list[dict[str, Any]]
) -> None:
    service.start_draining()
    _ask(service, request("health"), replies)
    assert replies[0]["status"] == "draining"


class DefectiveLane(Lane):
    """A lane with a bug."""

    def submit(self, *_: object) -> None:
        raise ZeroDivisionError("secret")


def test_a_defect_is_answered_internal_and_told_to_the_log_alone(
    store: Path, replies: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    bundle = graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    service = Service([DefectiveLane(bundle, open_backend(bundle))], "steady")
    _ask(service, forecast(close_item(np.ones(4))), replies)
    refused(replies[0], "internal", "log")
    assert "secret" not in replies[0]["message"]
    assert "ZeroDivisionError: secret" in caplog.text


@pytest.mark.parametrize("message", [forecast, lambda item, **ttl: batch([item], **ttl)])
def test_nothing_is_queued_for_a_client_that_does_not_wait(
    service: Service, replies: list[dict[str, Any]], message: Any
) -> None:
    _ask(service, message(close_item(np.ones(4)), ttl_ms=0), replies)
    assert service.queued == 0
    reply = replies[0]
    refused(reply["items"][0] if "items" in reply else reply, "expired", "`ttl_ms` is 0")


@pytest.mark.parametrize(
    "message",
    [
        lambda n: forecast(close_item(np.ones(1_000_000), n)),
        lambda n: batch([close_item(np.ones(4), n), {"unknown": bytes(8_000_000)}]),
        lambda n: batch([close_item(np.ones(4), n), close_item(np.zeros(1_000_000), n)]),
    ],
    ids=["a long window", "an item with more than is read", "an item that is refused"],
)
def test_what_waits_keeps_no_large_message_alive(
    service: Service, replies: list[dict[str, Any]], message: Any
) -> None:
    tracemalloc.start()
    try:
        for n in range(10):
            _ask(service, message(n), replies)
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert service.queued == 10
    assert held_bytes < 1_000_000


def test_a_chart_shows_more_bars_than_the_model_reads_though_the_forecast_waited(
    service: Service, replies: list[dict[str, Any]]
) -> None:
    closes = np.linspace(1.0, 2.0, 500)
    _ask(service, forecast(close_item(closes)), replies)
    service.run_waiting()
    (remembered,) = service.telemetry.remembered()
    assert remembered.values == closes[-SHOWN_BARS:].tobytes()


def test_a_batch_whose_reply_fails_does_not_end_the_loop(
    service: Service, replies: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(body: bytes) -> None:
        raise MemoryError("secret")

    service.handle(msgpack.packb(batch([{}] * 100)), fail)
    while service.is_working:
        service.run_waiting()
    _ask(service, forecast(close_item(np.ones(4))), replies)
    service.run_waiting()
    assert [reply["ok"] for reply in replies] == [True]
    assert "MemoryError: secret" in caplog.text
