"""The items of a `forecast_batch`: read some at a time, each answered for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

import bridge.daemon.batch_reading
from bridge.daemon.batch_reading import BatchReading
from bridge.daemon.lanes.lane import Lane
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import MAX_BATCH_ITEMS, ForecastRequest
from tests.backends import graphs
from tests.daemon.backends import Steady, lane_of
from tests.daemon.peer import Connect, batch, bits, close_item, forecast, refused
from tests.daemon.serving import serving

GOOD, DEFECT = close_item(graphs.window(5.0)), close_item(graphs.window(13.0))
BITS = graphs.expected_quantiles(5.0).tobytes()


class Recording:
    """Takes what a reading submits, refuses, and answers."""

    def __init__(self, items: list[Any], each_bytes: int = 0) -> None:
        self.submitted: list[Any] = []
        self.refused: list[Code] = []
        self.answers: list[bytes] | None = None
        self._each_bytes = each_bytes
        self.reading = BatchReading(
            items, False, self._submit, lambda error: self.refused.append(error.code), self._finish
        )

    def _submit(self, item: Any, deliver: Any, reading: BatchReading) -> None:
        reading.make_room(self._each_bytes)
        if "bad" in item:
            raise WireError(Code.BAD_FIELD, "bad")
        self.submitted.append(item)
        deliver(b"good")

    def _finish(self, answers: Any) -> None:
        assert self.answers is None
        self.answers = list(answers)


def test_as_many_items_are_read_as_are_wanted() -> None:
    batch = Recording([{"n": n} for n in range(10)])
    assert batch.reading.read(4)
    assert [item["n"] for item in batch.submitted] == [0, 1, 2, 3]
    assert batch.answers is None
    assert batch.reading.read(4)
    assert not batch.reading.read(4)
    assert batch.answers == [b"good"] * 10


def test_a_reply_has_room_for_so_many_and_the_rest_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bridge.daemon.batch_reading, "_MOST_REPLY_BYTES", 100)
    batch = Recording([{}] * 12, each_bytes=10)
    batch.reading.read(12)
    assert len(batch.submitted) == 10
    assert batch.refused == [Code.TOO_LARGE] * 2
    assert batch.answers is not None
    refused(msgpack.unpackb(batch.answers[-1]), "too_large", "ask for fewer at once")


def test_items_that_are_refused_take_no_room_from_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bridge.daemon.batch_reading, "_MOST_REPLY_BYTES", 100)
    batch = Recording([{"bad": 1}] * 50 + [{}] * 10, each_bytes=10)
    batch.reading.read(60)
    assert len(batch.submitted) == 10
    assert batch.refused == [Code.BAD_FIELD] * 50


def test_a_defect_after_an_item_was_answered_answers_it_no_second_time() -> None:
    finished: list[list[bytes]] = []
    later: list[Any] = []

    def submit(item: Any, deliver: Any, reading: BatchReading) -> None:
        if item == {"waits": True}:
            later.append(deliver)
            return
        deliver(b"good")
        raise ZeroDivisionError

    reading = BatchReading(
        [{}, {"waits": True}], False, submit, lambda error: None, lambda a: finished.append([*a])
    )
    reading.read(2)
    assert finished == []
    later[0](b"late")
    assert finished == [[b"good", b"late"]]


class Defective(Lane):
    """A lane with a bug that one window meets."""

    def submit(self, request: ForecastRequest, *arguments: Any) -> None:
        if np.frombuffer(request.values)[-1] == 13.0:
            raise ZeroDivisionError("secret")
        super().submit(request, *arguments)


@pytest.fixture
def defective(store: Path) -> Lane:
    lane = lane_of(store, Steady())
    lane.__class__ = Defective
    return lane


@pytest.mark.parametrize("place", [0, 3, 15, 16, 500, 999])
def test_a_defect_is_its_items_alone_wherever_it_stands_and_the_loop_goes_on(
    defective: Lane, connect: Connect, caplog: pytest.LogCaptureFixture, place: int
) -> None:
    items = [GOOD] * 1000
    items[place] = DEFECT
    with serving(defective) as daemon:
        peer = connect(daemon.endpoint)
        answers = peer.ask(batch(items))["items"]
        refused(answers.pop(place), "internal", "its log says more")
        assert [bits(answer)[0] for answer in answers] == [BITS] * 999
        assert peer.ask(forecast(GOOD))["quantiles"] == BITS
        assert daemon.service.telemetry.errors[Code.INTERNAL] == 1
    assert "ZeroDivisionError: secret" in caplog.text


def test_more_batches_than_are_read_side_by_side_are_all_answered(
    store: Path, connect: Connect
) -> None:
    with serving(lane_of(store, Steady())) as daemon:
        peers = [connect(daemon.endpoint) for _ in range(40)]
        for number, peer in enumerate(peers):
            peer.send_message(batch([close_item(graphs.window(1.0 + number))] * 100))
        for number, peer in enumerate(peers):
            expected = graphs.expected_quantiles(1.0 + number).tobytes()
            items = peer.receive_message()["items"]
            assert [item["quantiles"] for item in items] == [expected] * 100


def test_a_stop_answers_every_item_of_a_batch_that_is_being_read(
    store: Path, connect: Connect
) -> None:
    backend = Steady(pause_s=0.01)
    with serving(lane_of(store, backend)) as daemon:
        peer = connect(daemon.endpoint)
        for _ in range(3):
            peer.send_message(batch([GOOD] * MAX_BATCH_ITEMS))
        while not backend.sizes:
            pass
        daemon.server.stop()
        for _ in range(3):
            codes = {item.get("code") for item in peer.receive_message()["items"]}
            assert codes <= {None, "draining"}
