"""What is wrong with bars, and where."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bars import Fault, Gap, Report
from bridge.bars.hygiene import (
    find_gaps,
    may_be_forming,
    price_faults,
    time_faults,
    volume_faults,
)

MONDAY = 1_577_664_000  # 2019-12-30 00:00
MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
MONTH = 30 * DAY


def lines_of(rows) -> np.ndarray:
    return np.arange(2, 2 + len(rows))


# Prices and volume


@pytest.mark.parametrize(
    ("ohlc", "column", "problem"),
    [
        ((np.nan, 1.2, 1.0, 1.1), "open", "price nan is not a finite number"),
        ((1.1, np.inf, 1.0, 1.1), "high", "price inf is not a finite number"),
        ((1.1, 1.2, -np.inf, 1.1), "low", "price -inf is not a finite number"),
        ((1.1, 1.2, 1.0, 0.0), "close", "price 0.0 is not positive"),
        ((-1.1, 1.2, 1.0, 1.1), "open", "price -1.1 is not positive"),
        ((1.1, 1.0, 1.2, 1.1), "high", "high 1.0 is below low 1.2"),
    ],
)
def test_a_price_that_cannot_be_is_named_by_column_and_value(ohlc, column, problem):
    rows = np.array([(1.1, 1.2, 1.0, 1.1), ohlc])
    assert price_faults(rows, lines_of(rows)) == [Fault(3, column, problem)]


def test_a_row_with_several_faults_is_one_fault():
    rows = np.array([(np.nan, 0.0, -1.0, np.inf)])
    assert [fault.column for fault in price_faults(rows, lines_of(rows))] == ["open"]


def test_a_bar_that_never_moved_is_sound():
    rows = np.array([(1.1, 1.1, 1.1, 1.1)])
    assert price_faults(rows, lines_of(rows)) == []


@pytest.mark.parametrize("volume", [np.nan, np.inf, -1.0])
def test_a_volume_that_cannot_be_is_named(volume):
    volumes = np.array([5.0, volume])
    expected = Fault(3, "volume", f"volume {volume} is no count of anything")
    assert volume_faults(volumes, lines_of(volumes)) == [expected]


def test_no_volume_is_sound():
    assert volume_faults(np.zeros(2), lines_of([0, 0])) == []


# Order of time


def faulty_rows(*hours: int) -> list[int]:
    time = np.array(hours, dtype=np.int64) * HOUR
    return [fault.line - 2 for fault in time_faults(time, lines_of(time))]


@pytest.mark.parametrize("hours", [(), (5,), (1, 2, 3)])
def test_ascending_time_is_sound(hours):
    assert faulty_rows(*hours) == []


def test_of_duplicates_the_first_stays():
    assert faulty_rows(1, 2, 2, 2, 3) == [2, 3]


def test_a_bar_repeated_later_is_a_duplicate():
    time = np.array([1, 2, 3, 2, 4]) * HOUR
    (fault,) = time_faults(time, lines_of(time))
    assert fault == Fault(5, "time", "1970-01-01 02:00 is a duplicate")


def test_a_time_that_goes_back_is_out_of_order():
    time = np.array([5, 6, 7, 2, 8]) * HOUR
    (fault,) = time_faults(time, lines_of(time))
    assert fault == Fault(5, "time", "1970-01-01 02:00 is out of order with the rows around it")


@pytest.mark.parametrize("wild", [1_000_000, -1_000_000])
def test_a_wild_date_in_the_middle_costs_one_bar(wild):
    assert faulty_rows(1, 2, 3, wild, 4, 5, 6) == [3]


def test_a_wild_date_at_the_start_costs_one_bar():
    assert faulty_rows(1_000_000, 1, 2, 3) == [0]


def test_a_file_appended_to_itself_is_all_duplicates():
    assert faulty_rows(1, 2, 3, 1, 2, 3) == [3, 4, 5]


def longest_ascending_run(hours: list[int]) -> int:
    """By trying each bar as the last one: slow, and plainly right."""
    longest = [0] * len(hours)
    for row, hour in enumerate(hours):
        earlier = (longest[other] for other in range(row) if hours[other] < hour)
        longest[row] = 1 + max(earlier, default=0)
    return max(longest, default=0)


@given(st.lists(st.integers(0, 12), max_size=12))
def test_what_is_left_ascends_and_no_longer_run_is_possible(hours):
    faulty = faulty_rows(*hours)
    left = [hour for row, hour in enumerate(hours) if row not in faulty]
    assert all(earlier < later for earlier, later in pairwise(left))
    assert len(left) == longest_ascending_run(hours)


# Gaps


def market(weeks: int, tf: int = HOUR, opens: int = 0, closes: int = 120 * HOUR) -> np.ndarray:
    """Every bar of some weeks of a market open from `opens` to `closes`, seconds of the week."""
    week = np.arange(opens, closes, tf)
    return np.concatenate([MONDAY + number * WEEK + week for number in range(weeks)])


def without(time: np.ndarray, first: int, last: int) -> np.ndarray:
    return time[(time < first) | (time > last)]


@pytest.mark.parametrize("tf", [MINUTE, 900, HOUR, 4 * HOUR, DAY])
@pytest.mark.parametrize("weeks", [1, 2, 6])
def test_weekends_are_no_gaps(tf, weeks):
    assert find_gaps(market(weeks, tf), tf) == ()


@pytest.mark.parametrize("weeks", [2, 8])
def test_a_lost_day_is_a_gap_of_its_bars(weeks):
    tuesday = MONDAY + WEEK + DAY
    time = without(market(weeks), tuesday, tuesday + DAY - HOUR)
    assert find_gaps(time, HOUR) == (Gap(tuesday - HOUR, 24),)


@pytest.mark.parametrize("tf", [MINUTE, 900, HOUR, 4 * HOUR, DAY])
def test_a_lost_bar_is_a_gap_of_one(tf):
    lost = MONDAY + 3 * WEEK + 2 * DAY
    assert find_gaps(without(market(8, tf), lost, lost), tf) == (Gap(lost - tf, 1),)


def test_bars_lost_around_a_weekend_count_without_the_weekend():
    friday, monday = MONDAY + 2 * WEEK + 5 * DAY - 2 * HOUR, MONDAY + 3 * WEEK + 2 * HOUR
    assert find_gaps(without(market(8), friday, monday), HOUR) == (Gap(friday - HOUR, 5),)


def test_a_market_that_never_closes_has_gaps_at_weekends_too():
    saturday = MONDAY + 3 * WEEK + 5 * DAY
    time = without(market(8, closes=WEEK), saturday, saturday)
    assert find_gaps(time, HOUR) == (Gap(saturday - HOUR, 1),)


@pytest.mark.parametrize("weeks", [2, 8])
@pytest.mark.parametrize("tf", [MINUTE, 900, 1800])
def test_nights_of_an_exchange_that_opens_on_the_half_hour_are_no_gaps(weeks, tf):
    session = np.arange(9 * HOUR + 1800, 16 * HOUR, tf)
    days = [MONDAY + week * WEEK + day * DAY for week in range(weeks) for day in range(5)]
    assert find_gaps(np.concatenate([day + session for day in days]), tf) == ()


def test_hourly_bars_may_begin_on_the_half_hour():
    session = np.arange(9 * HOUR + 1800, 16 * HOUR, HOUR)
    days = [MONDAY + week * WEEK + day * DAY for week in range(8) for day in range(5)]
    time = np.concatenate([day + session for day in days])
    lost = MONDAY + 3 * WEEK + 12 * HOUR + 1800
    assert find_gaps(without(time, lost, lost), HOUR) == (Gap(lost - HOUR, 1),)


def test_gaps_are_told_in_order_of_time():
    first, second = MONDAY + 2 * WEEK + 5 * HOUR, MONDAY + 4 * WEEK + 7 * HOUR
    time = without(without(market(8), second, second + HOUR), first, first)
    assert find_gaps(time, HOUR) == (Gap(first - HOUR, 1), Gap(second - HOUR, 2))


def test_a_lost_week_of_weekly_bars_is_a_gap_of_one():
    time = MONDAY + np.array([0, 1, 2, 4, 5]) * WEEK
    assert find_gaps(time, WEEK) == (Gap(MONDAY + 2 * WEEK, 1),)


def months(*numbers: int) -> np.ndarray:
    return (
        np.array([np.datetime64("2019-01") + np.timedelta64(number, "M") for number in numbers])
        .astype("datetime64[s]")
        .astype(np.int64)
    )


def test_months_of_any_length_have_no_gap_between_them():
    assert find_gaps(months(*range(48)), MONTH) == ()


def test_lost_months_of_monthly_bars_are_a_gap_of_their_number():
    time = months(0, 1, 2, 5, 6)
    assert find_gaps(time, MONTH) == (Gap(int(time[2]), 2),)


def test_quarters_have_no_gap_between_them():
    assert find_gaps(months(*range(0, 48, 3)), 3 * MONTH) == ()


def test_a_gap_of_thousands_of_years_is_counted_and_not_built():
    last_minute = 253_402_300_740  # of the year 9999
    time = np.append(market(8, MINUTE), last_minute)
    (gap,) = find_gaps(time, MINUTE)
    assert gap.missing_bars == pytest.approx((last_minute - gap.after) / MINUTE * 5 / 7, rel=1e-4)


@pytest.mark.parametrize("tf", [90, 420, 5 * HOUR, 2 * DAY, 10 * DAY])
def test_timeframes_that_do_not_divide_a_day_have_no_gaps_where_no_bar_is_lost(tf):
    assert find_gaps(MONDAY + np.arange(200) * tf, tf) == ()


@pytest.mark.parametrize("bars", [0, 1])
def test_fewer_than_two_bars_have_no_gap(bars):
    assert find_gaps(np.full(bars, MONDAY), HOUR) == ()


# The last bar


def test_a_bar_that_ends_in_the_future_may_be_forming():
    assert may_be_forming(MONDAY, HOUR, MONDAY + HOUR - 1)


def test_a_bar_that_has_ended_is_not_forming():
    assert not may_be_forming(MONDAY, HOUR, MONDAY + HOUR)


def test_on_the_31st_the_months_bar_may_still_be_forming():
    first_of_january = MONDAY + 2 * DAY
    assert may_be_forming(first_of_january, MONTH, first_of_january + 31 * DAY - 1)


def test_when_the_month_is_over_its_bar_is_not_forming():
    first_of_january = MONDAY + 2 * DAY
    assert not may_be_forming(first_of_january, MONTH, first_of_january + 31 * DAY)


# The report


def report(**findings) -> Report:
    return Report(Path("data") / "EURUSD_H1.csv", "EURUSD", HOUR, 5000, **findings)


def test_a_clean_file_is_reported_in_one_line():
    assert report().lines() == ["EURUSD_H1.csv: 5,000 bars of EURUSD H1"]


def test_a_symbol_that_is_not_known_is_a_question_mark():
    assert Report(Path("a.csv"), "", HOUR, 1).lines() == ["a.csv: 1 bar of ? H1"]


def test_dropped_rows_are_counted_and_the_first_named():
    faults = (Fault(3, "open", "empty"), Fault(9, "time", "empty"))
    assert report(faults=faults).lines()[1:] == [
        "dropped 2 broken rows, the first: line 3, column open: empty"
    ]


def test_one_dropped_row_is_one_row():
    (line,) = report(faults=(Fault(3, "open", "empty"),)).lines()[1:]
    assert line.startswith("dropped 1 broken row, ")


def test_gaps_are_counted_and_the_largest_named():
    gaps = tuple(Gap(MONDAY + number * DAY, size) for number, size in enumerate((1, 24, 2, 1500)))
    assert report(gaps=gaps).lines()[1:] == [
        "4 gaps beyond weekends, 1,527 bars missing (1,500 after 2020-01-02 00:00, "
        "24 after 2019-12-31 00:00, 2 after 2020-01-01 00:00)"
    ]


def test_one_gap_is_one_gap():
    assert report(gaps=(Gap(MONDAY, 1),)).lines()[1:] == [
        "1 gap beyond weekends, 1 bar missing (1 after 2019-12-30 00:00)"
    ]


def test_gaps_before_1970_are_told_on_every_system():
    (line,) = report(gaps=(Gap(-DAY, 1),)).lines()[1:]
    assert "1 after 1969-12-31 00:00" in line


def test_a_last_bar_that_may_be_forming_is_told():
    assert report(last_may_be_forming=True).lines()[1:] == [
        "the last bar may still be forming: forecast from closed bars only"
    ]


def test_notes_come_last():
    assert report(notes=("read in reverse",)).lines()[-1] == "read in reverse"


def test_a_fault_is_named_by_line_and_column():
    assert str(Fault(7, "high", "empty")) == "line 7, column high: empty"
