"""The market's week, learned from its bars."""

import numpy as np

from bridge.bars import open_hours
from bridge.bars.calendar import hour_of_week, usually_open

MONDAY = 1_577_664_000  # 2019-12-30 00:00
HOUR, DAY, WEEK = 3600, 86_400, 604_800


def bars_in(hours: range, weeks: int, tf: int = HOUR) -> np.ndarray:
    """Open times of every bar in these hours of each week."""
    week = np.arange(hours.start * HOUR, hours.stop * HOUR, tf)
    return np.concatenate([MONDAY + number * WEEK + week for number in range(weeks)])


def test_the_week_begins_on_monday_at_midnight():
    assert hour_of_week(np.array([MONDAY])).tolist() == [0]


def test_the_week_ends_in_hour_167():
    assert hour_of_week(np.array([MONDAY - 1])).tolist() == [167]


def test_times_before_1970_have_an_hour_of_the_week():
    assert hour_of_week(np.array([-72 * HOUR, -73 * HOUR])).tolist() == [0, 167]


def test_a_market_closed_at_weekends_is_open_120_hours():
    assert open_hours(bars_in(range(120), weeks=8)) == tuple(range(120))


def test_a_market_that_never_closes_is_open_168_hours():
    assert open_hours(bars_in(range(168), weeks=8)) == tuple(range(168))


def test_many_bars_in_an_hour_count_as_one():
    quarters = bars_in(range(120), weeks=8, tf=900)
    stray = np.array([MONDAY + 5 * DAY + step * 60 for step in range(60)])  # one odd Saturday hour
    assert open_hours(np.sort(np.concatenate([quarters, stray]))) == tuple(range(120))


def test_an_hour_with_bars_in_a_fifth_of_the_weeks_is_open():
    usual, seldom = bars_in(range(24), weeks=10), bars_in(range(30, 31), weeks=2)
    assert 30 in open_hours(np.sort(np.concatenate([usual, seldom])))


def test_an_hour_with_bars_in_fewer_weeks_is_closed():
    usual, seldom = bars_in(range(24), weeks=10), bars_in(range(30, 31), weeks=1)
    assert 30 not in open_hours(np.sort(np.concatenate([usual, seldom])))


def test_of_a_market_without_a_pattern_every_hour_is_open():
    monthly = MONDAY + np.arange(100) * 2_629_746
    assert open_hours(monthly) == tuple(range(168))


def test_no_bars_leave_every_hour_open():
    assert open_hours(np.zeros(0, dtype=np.int64)) == tuple(range(168))


def test_a_session_that_opens_on_the_half_hour_is_learned_to_the_bar():
    session = np.concatenate([MONDAY + day * DAY + np.arange(19, 32) * 1800 for day in range(5)])
    weeks = np.concatenate([session + number * WEEK for number in range(6)])
    monday = usually_open(weeks, 1800)[:48]
    assert np.flatnonzero(monday).tolist() == list(range(19, 32))


def test_a_slot_with_bars_in_fewer_than_half_the_weeks_is_not_usually_open():
    usual, seldom = bars_in(range(24), weeks=10), bars_in(range(30, 31), weeks=4)
    assert not usually_open(np.sort(np.concatenate([usual, seldom])), HOUR)[30]


def test_of_a_few_days_a_typical_day_is_taken_for_every_working_day():
    two_days = np.concatenate(
        [MONDAY + np.arange(8, 17) * HOUR, MONDAY + DAY + np.arange(8, 17) * HOUR]
    )
    friday = usually_open(two_days, HOUR)[96:120]
    assert np.flatnonzero(friday).tolist() == list(range(8, 17))


def test_of_a_few_days_nothing_is_expected_of_weekends():
    assert not usually_open(bars_in(range(168), weeks=2), HOUR)[120:].any()
