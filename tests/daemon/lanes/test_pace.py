"""What experience says of a model's speed, and what follows from it."""

from __future__ import annotations

import pytest

from bridge.daemon.lanes.pace import MAX_BATCH, Pace


@pytest.fixture
def pace() -> Pace:
    """Of a fast model that workers could compute."""
    pace = Pace(has_workers=True, may_be_inline=True)
    pace.begin(100)
    return pace


def test_a_fast_model_is_the_loops_and_a_slow_one_the_workers() -> None:
    for window_us, inline in [(100, True), (1_900, True), (2_100, False), (20_000, False)]:
        pace = Pace(has_workers=True, may_be_inline=True)
        pace.begin(window_us)
        assert pace.is_inline is inline


def test_what_waits_for_another_process_is_never_the_loops() -> None:
    pace = Pace(has_workers=True, may_be_inline=False)
    pace.begin(100)
    for _ in range(1_000):
        pace.learn(1, 100)
    assert not pace.is_inline


def test_without_workers_all_is_the_loops() -> None:
    pace = Pace(has_workers=False, may_be_inline=False)
    pace.begin(1_000_000)
    pace.learn(1, 10_000_000)
    pace.leave_the_loop()
    assert pace.is_inline


def test_one_hiccup_changes_nothing(pace: Pace) -> None:
    for took_us in [100, 30_000, 100, 30_000, 30_000, 100]:
        pace.learn(1, took_us)
    assert pace.is_inline


def test_a_model_that_becomes_slow_leaves_the_loop(pace: Pace) -> None:
    for _ in range(3):
        pace.learn(1, 3_000)
    assert not pace.is_inline


def test_a_model_that_is_much_too_slow_leaves_the_loop_at_once(pace: Pace) -> None:
    pace.learn(1, 60_000)
    assert not pace.is_inline


def test_it_comes_back_when_it_has_been_fast_for_long(pace: Pace) -> None:
    pace.learn(1, 60_000)
    batches = 0
    while not pace.is_inline:
        pace.learn(1, 100)
        batches += 1
    assert batches == 100


def test_it_comes_back_later_each_time_it_had_to_leave(pace: Pace) -> None:
    waits = []
    for _ in range(10):
        pace.learn(1, 60_000)
        batches = 0
        while not pace.is_inline:
            pace.learn(1, 100)
            batches += 1
        waits.append(batches)
    assert waits == [100, 200, 400, 800, 1600, 3200, 6400, 6400, 6400, 6400]


def test_batches_of_a_worker_grow_until_they_take_a_tenth_of_a_second() -> None:
    pace = Pace(has_workers=True, may_be_inline=True)
    pace.begin(20_000)
    for _ in range(10):
        pace.learn(pace.batch_limit, 20_000 * pace.batch_limit)
    assert pace.batch_limit == 8


def test_batches_in_the_loop_take_no_longer_than_a_few_lone_windows(pace: Pace) -> None:
    for _ in range(10):
        pace.learn(pace.batch_limit, 60 + 40 * pace.batch_limit)  # microseconds
    assert pace.batch_limit == 8  # 380 us, where 500 are allowed, and 16 would take 700


def test_batches_of_a_very_fast_model_grow_to_the_limit(pace: Pace) -> None:
    for _ in range(10):
        pace.learn(pace.batch_limit, 2 * pace.batch_limit)
    assert pace.batch_limit == MAX_BATCH


def test_a_smaller_batch_than_could_be_says_nothing_about_larger_ones(pace: Pace) -> None:
    for _ in range(4):
        pace.learn(pace.batch_limit, 1)
    limit = pace.batch_limit
    pace.learn(1, 1)
    assert pace.batch_limit == limit


def test_a_model_that_admits_one_window_at_a_time_is_asked_for_one(pace: Pace) -> None:
    pace.take_one_at_a_time()
    for _ in range(10):
        pace.learn(1, 1)
    assert pace.batch_limit == 1
