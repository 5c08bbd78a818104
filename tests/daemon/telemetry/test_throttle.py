"""What strangers do is logged once, and then counted."""

from __future__ import annotations

import logging

import pytest

from bridge.daemon.telemetry.throttle import Throttled
from tests.daemon.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


@pytest.fixture
def throttled(clock: Clock) -> Throttled:
    return Throttled(logging.getLogger("throttled"), window_s=60.0, clock=clock)


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return said


def test_the_first_is_said_at_once(throttled: Throttled, caplog: pytest.LogCaptureFixture) -> None:
    throttled.log("noise", "10.0.0.7", "refused 10.0.0.7: noise")
    assert _said(caplog) == ["refused 10.0.0.7: noise"]


def test_what_follows_within_a_minute_is_not_said(
    throttled: Throttled, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(60):
        clock.now = second
        throttled.log("noise", "10.0.0.7", "refused 10.0.0.7: noise")
        throttled.flush()
    assert len(_said(caplog)) == 1


def test_a_thousand_in_a_minute_are_two_lines_with_their_number(
    throttled: Throttled, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(1001):
        throttled.log("noise", "10.0.0.7", "refused 10.0.0.7: noise")
    clock.now = 60.0
    throttled.flush()
    throttled.flush()
    assert _said(caplog) == [
        "refused 10.0.0.7: noise",
        "refused 10.0.0.7: noise (and 1,000 times more since it was last said)",
    ]


def test_what_goes_on_is_one_line_a_minute(
    throttled: Throttled, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(600):
        clock.now = second
        throttled.log("noise", "10.0.0.7", "refused 10.0.0.7: noise")
        throttled.flush()
    assert len(_said(caplog)) == 10


def test_a_second_one_after_quiet_is_said_at_once(
    throttled: Throttled, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for now in (0.0, 61.0):
        clock.now = now
        throttled.flush()
        throttled.log("noise", "10.0.0.7", "refused 10.0.0.7: noise")
    assert _said(caplog) == ["refused 10.0.0.7: noise"] * 2


def test_kinds_and_peers_are_told_apart(
    throttled: Throttled, caplog: pytest.LogCaptureFixture
) -> None:
    for kind in ("noise", "silence"):
        for peer in ("10.0.0.7", "10.0.0.8"):
            throttled.log(kind, peer, f"{peer}: {kind}")
    assert len(_said(caplog)) == 4


def test_addresses_without_end_take_no_room_and_no_lines_without_end(
    throttled: Throttled, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10_000):
        throttled.log("noise", f"10.0.{number // 256}.{number % 256}", "noise")
    assert len(_said(caplog)) <= 257
    clock.now = 60.0
    throttled.flush()
    (last,) = _said(caplog)
    assert "9,743 times more, by many, since" in last  # and not by the one that is named


def test_at_the_end_what_was_not_said_is(
    throttled: Throttled, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        throttled.log("noise", "", "noise")
    throttled.flush(all_of_it=True)
    assert _said(caplog) == ["noise", "noise (and once more since it was last said)"]


def test_it_says_when_there_is_something_to_say(throttled: Throttled, clock: Clock) -> None:
    assert throttled.due_in_s is None
    throttled.log("noise", "", "noise")
    clock.now = 20.0
    assert throttled.due_in_s == 40.0
    clock.now = 90.0
    assert throttled.due_in_s == 0.0
    throttled.flush()
    assert throttled.due_in_s is None
