"""Lanes whose batches workers compute: nobody else waits for them. Over real sockets."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from tests.backends import graphs
from tests.daemon.backends import Held, Steady, lane_of
from tests.daemon.peer import Connect, batch, close_item, forecast, refused, request
from tests.daemon.serving import serving


def test_a_slow_model_delays_no_other(store: Path, connect: Connect) -> None:
    slow, quick = Held(), Steady()
    lanes = lane_of(store, quick, "quick"), lane_of(store, slow, "slow", by_workers=True)
    with serving(*lanes) as daemon:
        waiting, other = connect(daemon.endpoint), connect(daemon.endpoint)
        waiting.send_message(forecast(close_item(graphs.window(7.0)), model="slow"))
        assert slow.asked.wait(60)
        for close in (1.0, 2.0, 3.0):
            reply = other.ask(forecast(close_item(graphs.window(close))))
            assert reply["quantiles"] == graphs.expected_quantiles(close).tobytes()
        assert other.ask(request("hello"))["ok"]
        assert other.ask(request("health"))["ok"]
        slow.let_go.set()
        assert waiting.receive_message()["quantiles"] == graphs.expected_quantiles(7.0).tobytes()


def test_a_model_that_is_slow_to_warm_up_is_computed_by_workers(
    store: Path, connect: Connect
) -> None:
    backend = Steady(pause_s=0.005)
    lane = lane_of(store, backend)
    lane.warm()
    backend.threads.clear()
    with serving(lane) as daemon:
        assert lane.mode == "worker"
        connect(daemon.endpoint).ask(forecast(close_item(np.ones(4))))
    assert backend.threads == [lane.label]


def test_a_model_that_is_fast_is_computed_by_the_loop(store: Path, connect: Connect) -> None:
    backend = Steady()
    lane = lane_of(store, backend)
    with serving(lane) as daemon:
        connect(daemon.endpoint).ask(forecast(close_item(np.ones(4))))
        assert lane.mode == "inline"
    assert backend.threads == ["loop"]


def test_a_model_that_becomes_slow_goes_to_workers_and_comes_back_when_it_is_fast_again(
    store: Path, connect: Connect
) -> None:
    backend = Steady()
    lane = lane_of(store, backend)
    with serving(lane) as daemon:
        peer = connect(daemon.endpoint)
        backend.pause_s = 0.06
        for close in (1.0, 2.0):
            reply = peer.ask(forecast(close_item(graphs.window(close))))
            assert reply["quantiles"] == graphs.expected_quantiles(close).tobytes()
        assert backend.threads == ["loop", lane.label]
        backend.pause_s = 0.0
        while backend.threads[-1] != "loop":  # as long as it takes
            reply = peer.ask(forecast(close_item(graphs.window(5.0))))
            assert reply["quantiles"] == graphs.expected_quantiles(5.0).tobytes()


def test_several_workers_compute_at_the_same_time(store: Path, connect: Connect) -> None:
    backend = Steady(pause_s=0.005)
    lane = lane_of(store, backend, workers=3)
    lane.warm()
    meeting = threading.Barrier(3, timeout=60)

    def meet(bars: object, time: object, answer: object = backend.forecast) -> object:
        meeting.wait()
        return answer(bars, time)  # type: ignore[operator]

    backend.forecast = meet  # type: ignore[assignment,method-assign]
    with serving(lane) as daemon:
        items = [close_item(graphs.window(close)) for close in (1.0, 2.0, 3.0)]
        answers = connect(daemon.endpoint).ask(batch(items))["items"]
    assert [answer["quantiles"] for answer in answers] == [
        graphs.expected_quantiles(close).tobytes() for close in (1.0, 2.0, 3.0)
    ]


def test_what_waits_too_long_is_told_so_while_the_model_still_computes(
    store: Path, connect: Connect
) -> None:
    backend = Held()
    with serving(lane_of(store, backend, by_workers=True)) as daemon:
        first, hasty = connect(daemon.endpoint), connect(daemon.endpoint)
        first.send_message(forecast(close_item(graphs.window(7.0))))
        assert backend.asked.wait(60)
        refused(
            hasty.ask(forecast(close_item(np.ones(4)), ttl_ms=1)), "expired", "`ttl_ms` ran out"
        )
        assert not backend.let_go.is_set()
        backend.let_go.set()
        assert first.receive_message()["ok"]
    assert backend.windows == [7.0]


def test_a_window_has_the_same_bits_from_a_worker_as_from_the_loop(
    store: Path, connect: Connect
) -> None:
    fast = graphs.put(store, graphs.steady(), graphs.manifest("fast"))
    lanes = [
        lane_of(store, _opened(fast), "loops"),
        lane_of(store, _opened(fast), "workers", by_workers=True),
    ]
    with serving(*lanes) as daemon:
        peer = connect(daemon.endpoint)
        item = close_item(graphs.window(1.25), time=1_700_000_000)
        one, other = (peer.ask(forecast(item, model=model)) for model in ("loops", "workers"))
    assert (one["quantiles"], one["up"]) == (other["quantiles"], other["up"])


def _opened(bundle: object) -> object:
    from bridge.backends import open_backend

    return open_backend(bundle)  # type: ignore[arg-type]


def test_a_stop_waits_for_what_is_computed(store: Path, connect: Connect) -> None:
    backend = Held()
    with serving(lane_of(store, backend, by_workers=True)) as daemon:
        peer = connect(daemon.endpoint)
        peer.send_message(forecast(close_item(graphs.window(7.0))))
        assert backend.asked.wait(60)
        daemon.server.stop()
        threading.Timer(0.2, backend.let_go.set).start()
        assert peer.receive_message()["quantiles"] == graphs.expected_quantiles(7.0).tobytes()


def test_a_stop_does_not_wait_for_ever(store: Path, connect: Connect) -> None:
    backend = Held()
    with serving(lane_of(store, backend, by_workers=True)) as daemon:
        peer = connect(daemon.endpoint)
        peer.send_message(batch([close_item(graphs.window(close)) for close in (7.0, 8.0)]))
        assert backend.asked.wait(60)
        daemon.server.stop()
        answers = peer.receive_message()["items"]
        backend.let_go.set()
    for answer in answers:
        refused(answer, "draining", "ask again")


def test_windows_for_which_there_is_no_thread_are_told_so_at_once(
    store: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = lane_of(store, Steady(), by_workers=True)
    start = threading.Thread.start

    def start_none_for_the_lane(thread: threading.Thread) -> None:
        if thread.name == lane.label:
            raise RuntimeError("can't start new thread")
        start(thread)

    with serving(lane) as daemon:
        peer = connect(daemon.endpoint)
        with monkeypatch.context() as exhausted:
            exhausted.setattr(threading.Thread, "start", start_none_for_the_lane)
            answers = peer.ask(batch([close_item(graphs.window(7.0))] * 3))["items"]
            for answer in answers:
                refused(answer, "busy", "no thread left", "try again")
        reply = peer.ask(forecast(close_item(graphs.window(7.0))))
        assert reply["quantiles"] == graphs.expected_quantiles(7.0).tobytes()
