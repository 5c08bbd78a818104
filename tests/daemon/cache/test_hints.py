"""Which windows were certainly never asked about."""

from __future__ import annotations

import struct

from bridge.daemon.cache.hints import Hints
from bridge.wire.messages import ForecastRequest


def asked(time: int, close: float = 1.0, tf: int = 3600) -> ForecastRequest:
    return ForecastRequest(None, "", tf, time, 1, struct.pack("<2d", 1.0, close), False)


def test_what_was_noted_may_be_known() -> None:
    hints = Hints()
    for time in range(1000):
        hints.note("m@1", asked(time))
    assert all(hints.may_know("m@1", asked(time)) for time in range(1000))


def test_what_was_not_is_not_but_for_a_few_by_chance() -> None:
    hints = Hints()
    for time in range(10_000):
        hints.note("m@1", asked(time))
    others = [
        *(hints.may_know("m@1", asked(time)) for time in range(10_000, 20_000)),
        *(hints.may_know("m@1", asked(time, close=2.0)) for time in range(10_000)),
        *(hints.may_know("m@1", asked(time, tf=60)) for time in range(10_000)),
        *(hints.may_know("m@2", asked(time)) for time in range(10_000)),
    ]
    assert sum(others) < 1000


def test_at_least_the_latest_quarter_of_a_million_are_remembered() -> None:
    hints = Hints()
    for time in range(1 << 19):
        hints.note("m@1", asked(time))
    latest = range((1 << 19) - (1 << 18), 1 << 19)
    assert all(hints.may_know("m@1", asked(time)) for time in latest)


def test_the_oldest_are_forgotten_however_long_it_goes_on() -> None:
    hints = Hints()
    for _ in range(600):  # more than there are ages
        hints._left = 1
        hints.note("m@1", asked(1))
    hints._left = 1
    for time in range(2, 5):
        hints._left = 1
        hints.note("m@1", asked(time))
    assert [hints.may_know("m@1", asked(time)) for time in (1, 4)] == [False, True]
