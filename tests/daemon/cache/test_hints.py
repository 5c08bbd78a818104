"""Which windows were certainly never asked about."""

from __future__ import annotations

import struct

import pytest

from bridge.daemon.books import Books
from bridge.daemon.cache.hints import Hints
from bridge.daemon.cache.memory import ForecastCache, entry_bytes
from bridge.daemon.telemetry.counts import Telemetry
from bridge.wire.messages import ForecastRequest


def asked(time: int, close: float = 1.0, tf: int = 3600) -> ForecastRequest:
    return ForecastRequest(None, "", tf, time, 1, struct.pack("<2d", 1.0, close), False)


def test_what_was_noted_may_be_known() -> None:
    hints = Hints(1000)
    for time in range(1000):
        hints.note("m@1", asked(time))
    assert all(hints.may_know("m@1", asked(time)) for time in range(1000))


def test_what_was_not_is_not_but_for_a_few_by_chance() -> None:
    hints = Hints(10_000)
    closes = [1.0 + time / 7.0 for time in range(20_000)]
    for time in range(10_000):
        hints.note("m@1", asked(time, closes[time]))
    others = [
        *(hints.may_know("m@1", asked(time, closes[time])) for time in range(10_000, 20_000)),
        *(hints.may_know("m@1", asked(time, -closes[time])) for time in range(10_000)),
        *(hints.may_know("m@1", asked(time, closes[time], tf=60)) for time in range(10_000)),
        *(hints.may_know("m@2", asked(time, closes[time])) for time in range(10_000)),
    ]
    assert sum(others) < len(others) / 16


@pytest.mark.parametrize("most", [1, 7, 1000, 100_000])
def test_at_least_as_many_as_were_wanted_are_remembered(most: int) -> None:
    hints = Hints(most)
    for time in range(3 * most + 1):
        hints.note("m@1", asked(time))
    latest = range(2 * most + 1, 3 * most + 1)
    assert all(hints.may_know("m@1", asked(time)) for time in latest)


def test_all_that_a_cache_can_hold_are_remembered_however_large_it_is() -> None:
    cache = ForecastCache(1 << 28)
    books = Books(Telemetry(), cache, None)
    assert books._hints is not None
    assert books._hints._most >= cache.limit_bytes // entry_bytes(bytes(8), bytes(8))


def test_the_oldest_are_forgotten_however_long_it_goes_on() -> None:
    hints = Hints(1000)
    for _ in range(600):  # more than there are ages
        hints._left = 1
        hints.note("m@1", asked(1))
    hints._left = 1
    for time in range(2, 5):
        hints._left = 1
        hints.note("m@1", asked(time))
    assert [hints.may_know("m@1", asked(time)) for time in (1, 4)] == [False, True]
