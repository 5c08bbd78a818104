"""A snapshot as JSON: shared, fresh, and right."""

from __future__ import annotations

import json
import math
import threading
from typing import Any

import pytest

from bridge.page.status import Status
from tests.page import statuses


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Snapshots:
    """Counts how often it is asked."""

    def __init__(self, *fields: dict[str, Any]) -> None:
        self.fields = list(fields)
        self.made = 0

    def __call__(self) -> dict[str, Any]:
        self.made += 1
        return self.fields[min(self.made, len(self.fields)) - 1]


def test_a_snapshot_is_shared_for_a_second() -> None:
    snapshots, clock = Snapshots({"n": 1}, {"n": 2}), Clock()
    status = Status(snapshots, clock)

    bodies = [status.body() for _ in range(50)]
    assert snapshots.made == 1
    assert set(bodies) == {b'{"n":1,"forecasts":[]}'}

    clock.seconds += 1.0
    assert json.loads(status.body())["n"] == 2


def test_who_asks_while_one_is_made_gets_the_one_before() -> None:
    clock, made, go = Clock(), threading.Event(), threading.Event()
    numbers = iter(range(10))

    def snapshot() -> dict[str, Any]:
        number = next(numbers)
        if number:
            made.set()
            assert go.wait(30)
        return {"n": number}

    status = Status(snapshot, clock)
    assert json.loads(status.body())["n"] == 0
    clock.seconds += 5.0
    maker = threading.Thread(target=status.body)
    maker.start()
    assert made.wait(30)
    assert json.loads(status.body())["n"] == 0
    go.set()
    maker.join()
    assert json.loads(status.body())["n"] == 1


def test_forecasts_are_written_as_they_are() -> None:
    busy = statuses.busy()
    assert json.loads(Status(lambda: busy).body()) == busy


def test_a_forecast_that_changed_is_written_anew() -> None:
    first, second = statuses.busy(), statuses.busy()
    second["forecasts"][1] = statuses.forecast("USDJPY", last=151.3, digits=3, ago_s=0.0)
    clock = Clock()
    status = Status(Snapshots(first, second), clock)

    assert json.loads(status.body()) == first
    clock.seconds += 1.0
    assert json.loads(status.body()) == second


def test_an_empty_snapshot_is_json() -> None:
    assert Status(dict).body() == b'{"forecasts":[]}'


def test_what_json_does_not_know_becomes_null() -> None:
    broken = statuses.forecast()
    broken["closes"][0] = math.nan
    status = Status(lambda: {"latency_us": {"p50": math.inf}, "forecasts": [broken]})

    found = json.loads(status.body())

    assert found["latency_us"]["p50"] is None
    assert found["forecasts"][0]["closes"][0] is None
    assert found["forecasts"][0]["closes"][1:] == broken["closes"][1:]


def test_any_text_survives() -> None:
    strange = "<script>\u2028\ud800\x00\U0001f600</script>"
    assert json.loads(Status(lambda: {"x": strange}).body())["x"] == strange


def test_what_fails_is_asked_again_after_a_second() -> None:
    made = 0

    def snapshot() -> dict[str, Any]:
        nonlocal made
        made += 1
        if made == 1:
            raise RuntimeError("not yet")
        return {}

    clock = Clock()
    status = Status(snapshot, clock)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="not yet"):
            status.body()
    assert made == 1
    clock.seconds += 1.0
    assert json.loads(status.body()) == {"forecasts": []}
