"""When to try again what failed, with the clock in the test's hand."""

from __future__ import annotations

import pytest

from bridge.daemon.lanes.breaker import Breaker
from tests.daemon.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def test_without_a_failure_nothing_waits(breaker: Breaker) -> None:
    assert (breaker.state, breaker.retry_in_s) == ("closed", 0.0)


def test_after_the_first_failure_the_next_try_is_at_once(breaker: Breaker) -> None:
    breaker.failed()
    assert (breaker.state, breaker.retry_in_s) == ("closed", 0.0)


def test_each_further_failure_puts_the_next_try_off_for_longer(
    breaker: Breaker, clock: Clock
) -> None:
    waits = []
    for _ in range(4):
        breaker.failed()
        waits.append(breaker.retry_in_s)
        clock.now += breaker.retry_in_s
    assert waits == [0.0, 0.5, 1.0, 2.0]


def test_five_failures_within_a_minute_open_it_for_a_minute(breaker: Breaker, clock: Clock) -> None:
    for _ in range(5):
        breaker.failed()
        clock.now += 10
    assert breaker.state == "open"
    assert breaker.retry_in_s == 50.0


def test_failures_between_successes_over_a_longer_time_do_not_open_it(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(20):
        breaker.failed()
        breaker.succeeded()
        clock.now += 16
    assert breaker.state == "closed"


def test_five_failures_without_a_success_open_it_however_long_they_took(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(5):
        assert breaker.state == "closed"
        clock.now += 100
        breaker.failed()
    assert breaker.state == "open"


def test_a_success_between_failures_does_not_make_them_forgotten(breaker: Breaker) -> None:
    for _ in range(5):
        breaker.succeeded()
        breaker.failed()
    breaker.succeeded()
    assert breaker.state == "open"


def test_when_the_minute_is_over_it_gets_one_trial(breaker: Breaker, clock: Clock) -> None:
    for _ in range(5):
        breaker.failed()
    clock.now += 60
    assert (breaker.state, breaker.retry_in_s) == ("trial", 0.0)


def test_a_trial_that_fails_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    for _ in range(5):
        breaker.failed()
    clock.now += 60
    breaker.failed()
    assert (breaker.state, breaker.retry_in_s) == ("open", 60.0)


def test_a_trial_that_succeeds_closes_it_and_counts_from_zero(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(5):
        breaker.failed()
    clock.now += 60
    breaker.succeeded()
    assert breaker.state == "closed"
    breaker.failed()
    assert (breaker.state, breaker.retry_in_s) == ("closed", 0.0)
