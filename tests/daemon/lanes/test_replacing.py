"""Models that hang, die, or fail for good: told of, and replaced, while the others serve on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.backends import Backend, BackendError
from bridge.daemon.lanes.breaker import Breaker
from tests.backends import graphs
from tests.daemon.backends import Dying, Failing, Held, Steady, StuckOnce, lane_of
from tests.daemon.peer import Connect, Peer, batch, bits, close_item, forecast, refused
from tests.daemon.serving import serving

ITEM = close_item(graphs.window(5.0))
BITS = graphs.expected_quantiles(5.0).tobytes()


def ask_until_answered(peer: Peer, **fields: Any) -> dict[str, Any]:
    """Ask as long as the model is away."""
    while not (reply := peer.ask(forecast(ITEM, **fields)))["ok"]:
        refused(reply, "model_failed", "stopped working", "try again")
    return reply


class TestAModelThatHangs:
    def test_is_given_up_replaced_and_answers_again(self, store: Path, connect: Connect) -> None:
        hanging, healthy = Held(deaf=True), Steady()
        lane = lane_of(store, hanging, by_workers=True, hang_s=0.2, reopen=lambda: healthy)
        with serving(lane_of(store, Steady(), "other"), lane) as daemon:
            peer = connect(daemon.endpoint)
            refused(peer.ask(forecast(ITEM, model="m")), "model_failed", "hung for 0.2 seconds")
            assert peer.ask(forecast(ITEM))["quantiles"] == BITS
            assert ask_until_answered(peer, model="m")["quantiles"] == BITS
            assert (hanging.aborted, hanging.closed) == (1, 1)
            assert daemon.service.telemetry.lane(lane.label).restarts == 1
            hanging.let_go.set()

    def test_is_answered_for_once_though_it_comes_to_an_end_later(
        self, store: Path, connect: Connect
    ) -> None:
        hanging, healthy = Held(deaf=True), Steady()
        lane = lane_of(store, hanging, by_workers=True, hang_s=0.1, reopen=lambda: healthy)
        with serving(lane) as daemon:
            peer = connect(daemon.endpoint)
            message = forecast(ITEM)
            assert peer.ask(message)["id"] == message["id"]
            hanging.let_go.set()
            message = forecast(ITEM)
            while not (reply := peer.ask(message))["ok"]:
                assert reply["id"] == message["id"]
            assert reply["id"] == message["id"]

    def test_that_cannot_be_opened_again_is_asked_on(self, store: Path, connect: Connect) -> None:
        stuck = StuckOnce()
        with serving(lane_of(store, stuck, by_workers=True, hang_s=0.1)) as daemon:
            peer = connect(daemon.endpoint)
            refused(peer.ask(forecast(ITEM)), "model_failed", "hung")
            assert stuck.ended.wait(60)
            assert peer.ask(forecast(ITEM))["quantiles"] == BITS

    def test_in_the_loop_is_aborted_and_its_windows_computed_by_workers(
        self, store: Path, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        stuck = StuckOnce()
        lane = lane_of(store, stuck, hang_s=0.3)
        with serving(lane) as daemon:
            assert bits(connect(daemon.endpoint).ask(forecast(ITEM)))[0] == BITS
            assert lane.mode == "worker"
        assert stuck.threads == [lane.label]
        assert "held the others up" in caplog.text

    def test_in_the_loop_with_several_windows_is_aborted_likewise(
        self, store: Path, connect: Connect
    ) -> None:
        stuck = StuckOnce()
        with serving(lane_of(store, stuck, hang_s=0.3)) as daemon:
            answers = connect(daemon.endpoint).ask(batch([ITEM] * 5))["items"]
        assert [bits(answer)[0] for answer in answers] == [BITS] * 5

    @pytest.mark.parametrize("windows", [1, 5])
    def test_in_a_loop_without_workers_is_given_up_and_replaced(
        self, store: Path, connect: Connect, caplog: pytest.LogCaptureFixture, windows: int
    ) -> None:
        stuck, healthy = StuckOnce(), Steady()
        lane = lane_of(store, stuck, workers=0, hang_s=0.3, reopen=lambda: healthy)
        with serving(lane) as daemon:
            peer = connect(daemon.endpoint)
            reply = peer.ask(batch([ITEM] * windows) if windows > 1 else forecast(ITEM))
            for answer in reply.get("items", [reply]):
                refused(answer, "model_failed")
            assert ask_until_answered(peer)["quantiles"] == BITS
            assert daemon.service.telemetry.lane(lane.label).restarts == 1
        assert (stuck.sizes, stuck.aborted, stuck.closed) == ([], 2, 1)  # once more when it ended
        assert "it hung for 0.3 seconds" in caplog.text
        assert "workers" not in caplog.text

    def test_of_another_process_is_left_its_time_where_there_are_no_workers(
        self, store: Path, connect: Connect
    ) -> None:
        slow = Steady(pause_s=1.5)  # more than the loop waits where workers could try again
        lane = lane_of(store, slow, by_workers=True, workers=0, hang_s=30.0)
        with serving(lane) as daemon:
            peer = connect(daemon.endpoint)
            assert peer.ask(forecast(ITEM))["quantiles"] == BITS
            assert [bits(item)[0] for item in peer.ask(batch([ITEM]))["items"]] == [BITS]
        assert (slow.aborted, set(slow.threads)) == (0, {"loop"})


class TestAModelThatDies:
    def test_is_opened_again(self, store: Path, connect: Connect) -> None:
        lane = lane_of(store, Dying(), by_workers=True, reopen=Steady)
        with serving(lane) as daemon:
            peer = connect(daemon.endpoint)
            refused(peer.ask(forecast(ITEM)), "model_failed", lane.label)
            assert ask_until_answered(peer)["quantiles"] == BITS
            assert lane.state == "ready"

    def test_is_away_until_it_is_back_and_says_so(self, store: Path, connect: Connect) -> None:
        may_come_back = threading.Event()

        def reopen() -> Backend:
            assert may_come_back.wait(60)
            return Steady()

        lane = lane_of(store, Dying(), by_workers=True, reopen=reopen)
        with serving(lane_of(store, Steady(), "other"), lane) as daemon:
            peer = connect(daemon.endpoint)
            peer.ask(forecast(ITEM, model="m"))
            refused(peer.ask(forecast(ITEM, model="m")), "model_failed", "stopped working")
            assert lane.state == "restarting"
            assert daemon.service.facts().health == "degraded"
            assert peer.ask(forecast(ITEM))["quantiles"] == BITS
            may_come_back.set()
            assert ask_until_answered(peer, model="m")["quantiles"] == BITS

    def test_is_opened_again_though_the_system_gave_no_thread_at_first(
        self, store: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dying = Dying()
        lane = lane_of(store, dying, by_workers=True, reopen=Steady)
        start, refused_once = threading.Thread.start, threading.Event()

        def start_later(thread: threading.Thread) -> None:
            if thread.name.startswith("open ") and not refused_once.is_set():
                refused_once.set()
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_later)
        with serving(lane) as daemon:
            peer = connect(daemon.endpoint)
            refused(peer.ask(forecast(ITEM)), "model_failed", lane.label)
            until = time.monotonic() + 60
            while not (reply := peer.ask(forecast(ITEM)))["ok"]:
                assert time.monotonic() < until, reply
            assert refused_once.is_set()
            assert dying.closed == 1

    def test_takes_what_waited_with_it(self, store: Path, connect: Connect) -> None:
        lane = lane_of(store, Dying(), by_workers=True, reopen=Steady)
        with serving(lane) as daemon:
            answers = connect(daemon.endpoint).ask(batch([ITEM] * 10))["items"]
        for answer in answers:
            refused(answer, "model_failed")


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestABrokenModel:
    """It cannot be opened again, try after try."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def tries(self) -> list[float]:
        return []

    @pytest.fixture
    def peer(
        self, store: Path, connect: Connect, clock: Clock, tries: list[float]
    ) -> Iterator[Peer]:
        def reopen() -> Backend:
            tries.append(clock.now)
            raise BackendError("it cannot be opened")

        lane = lane_of(store, Dying(), by_workers=True, reopen=reopen)
        assert lane._keeper._restart is not None
        lane._keeper._restart.breaker = Breaker(clock)
        with serving(lane) as daemon:
            yield connect(daemon.endpoint)

    def test_is_left_alone_for_a_minute_after_five_failures_and_then_tried_once(
        self, peer: Peer, clock: Clock, tries: list[float]
    ) -> None:
        peer.ask(forecast(ITEM))  # it dies: the first failure
        until_tried(peer, tries, 1)
        for number, seconds in enumerate((1, 1, 2), start=2):  # 0.5, 1 and 2 in fact
            until_told(peer, f"is started again in {seconds} s")
            clock.now += seconds
            until_tried(peer, tries, number)
        for number in range(5, 8):
            until_told(peer, "is started again in 60 s")
            clock.now += 59
            until_told(peer, "is started again in 1 s")
            clock.now += 1
            until_tried(peer, tries, number)


def until_tried(peer: Peer, tries: list[float], number: int) -> None:
    while len(tries) < number:
        refused(peer.ask(forecast(ITEM)), "model_failed", "started again")
    assert len(tries) == number


def until_told(peer: Peer, phrase: str) -> None:
    while phrase not in peer.ask(forecast(ITEM))["message"]:
        pass


class TestAModelThatFailsBatchAfterBatch:
    def test_is_opened_again_where_it_answers_nothing_any_more(
        self, store: Path, connect: Connect
    ) -> None:
        lane = lane_of(store, Failing(limit=0.0), reopen=Steady)
        with serving(lane) as daemon:
            peer = connect(daemon.endpoint)
            for _ in range(9):
                refused(peer.ask(forecast(ITEM)), "model_failed", "failed on this window")
            while not (reply := peer.ask(forecast(ITEM)))["ok"]:
                refused(reply, "model_failed")
            assert bits(reply)[0] == BITS

    @pytest.mark.parametrize("by_workers", [False, True], ids=["by the loop", "by workers"])
    def test_is_left_in_peace_where_it_is_the_windows_that_are_at_fault(
        self, store: Path, connect: Connect, by_workers: bool
    ) -> None:
        reopened: list[int] = []

        def reopen() -> Backend:
            reopened.append(1)
            return Steady()

        lane = lane_of(store, Failing(limit=4.0), by_workers=by_workers, reopen=reopen)
        with serving(lane) as daemon:
            peer = connect(daemon.endpoint)
            for _ in range(50):
                refused(peer.ask(forecast(ITEM)), "model_failed", "failed on this window")
            good = peer.ask(forecast(close_item(np.ones(4))))
            assert good["quantiles"] == graphs.expected_quantiles(1.0).tobytes()
        assert reopened == []
