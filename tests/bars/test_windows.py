"""Windows, and parts of a history that do not touch."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bars import Part, split_by_time, window_ends, windows

MONDAY = 1_577_664_000  # 2019-12-30 00:00
HOUR, DAY = 3600, 86_400


def hourly(days: int) -> np.ndarray:
    return MONDAY + np.arange(days * 24, dtype=np.int64) * HOUR


def split(time, train_until, validate_until, context=8, horizon=4):
    return split_by_time(
        time,
        date.fromisoformat(train_until),
        date.fromisoformat(validate_until),
        context=context,
        horizon=horizon,
    )


def bars_used(part: Part, context: int, horizon: int) -> set[int]:
    """Every bar that a window of the part reads, as context or as target."""
    return {
        bar
        for end in window_ends(part, context, horizon).tolist()
        for bar in range(end - context + 1, end + horizon + 1)
    }


# Windows


def test_a_window_is_the_context_up_to_and_including_its_end():
    closes = np.arange(10.0)
    assert windows(closes, np.array([3, 9]), 4).tolist() == [[0, 1, 2, 3], [6, 7, 8, 9]]


def test_windows_of_prices_keep_their_columns():
    assert windows(np.zeros((10, 4)), np.array([5, 6, 7]), 3).shape == (3, 3, 4)


def test_windows_are_a_copy():
    closes = np.arange(10.0)
    windows(closes, np.array([9]), 4)[:] = -1
    assert closes.tolist() == list(range(10))


def test_no_ends_give_no_windows():
    assert windows(np.arange(10.0), np.zeros(0, dtype=np.int64), 4).shape == (0, 4)


def test_a_window_that_begins_before_the_first_bar_is_refused():
    with pytest.raises(IndexError, match="a window of 4 bars cannot end at bar 3"):
        windows(np.arange(10.0), np.array([2]), 4)


def test_a_window_that_ends_after_the_last_bar_is_refused():
    with pytest.raises(IndexError):
        windows(np.arange(10.0), np.array([10]), 4)


def test_the_first_window_ends_where_its_context_is_whole():
    assert window_ends(Part(100, 200), context=8, horizon=4)[0] == 107


def test_the_last_window_ends_where_its_target_is_whole():
    assert window_ends(Part(100, 200), context=8, horizon=4)[-1] == 195


def test_windows_follow_each_other_bar_by_bar():
    assert window_ends(Part(0, 15), context=8, horizon=4).tolist() == [7, 8, 9, 10]


def test_a_stride_leaves_windows_out():
    assert window_ends(Part(0, 20), context=8, horizon=4, stride=3).tolist() == [7, 10, 13]


@pytest.mark.parametrize(("length", "count"), [(12, 1), (11, 0), (0, 0)])
def test_a_part_has_a_window_when_context_and_target_fit(length, count):
    assert len(window_ends(Part(50, 50 + length), context=8, horizon=4)) == count


# Splits


def test_a_part_is_as_long_as_its_bars():
    assert len(Part(10, 25)) == 15


def test_training_includes_its_last_day_whole():
    time = hourly(days=20)
    parts = split(time, "2020-01-05", "2020-01-12")
    assert time[parts.train.stop - 1] == MONDAY + 7 * DAY - HOUR


def test_validation_includes_its_last_day_whole():
    time = hourly(days=20)
    parts = split(time, "2020-01-05", "2020-01-12")
    assert time[parts.validate.stop - 1] == MONDAY + 14 * DAY - HOUR


def test_the_test_part_reaches_the_last_bar():
    assert split(hourly(days=20), "2020-01-05", "2020-01-12").test.stop == 20 * 24


def test_between_training_and_validation_context_and_horizon_bars_are_left_out():
    parts = split(hourly(days=20), "2020-01-05", "2020-01-12", context=8, horizon=4)
    assert parts.validate.start - parts.train.stop == 12


def test_between_validation_and_test_context_and_horizon_bars_are_left_out():
    parts = split(hourly(days=20), "2020-01-05", "2020-01-12", context=8, horizon=4)
    assert parts.test.start - parts.validate.stop == 12


def test_a_day_without_bars_cuts_between_its_neighbours():
    time = hourly(days=20)
    time = time[(time < MONDAY + 5 * DAY) | (time >= MONDAY + 7 * DAY)]  # no weekend
    saturday, sunday = (split(time, day, "2020-01-12") for day in ("2020-01-04", "2020-01-05"))
    assert saturday == sunday


def test_where_nothing_was_trained_on_nothing_is_left_out():
    parts = split(hourly(days=20), "2019-12-01", "2020-01-12")
    assert (parts.train, parts.validate.start) == (Part(0, 0), 0)


def test_where_the_file_begins_after_both_cuts_all_of_it_tests():
    assert split(hourly(days=20), "2019-11-01", "2019-12-01").test == Part(0, 480)


def test_where_the_file_ends_before_the_cuts_all_of_it_trains():
    parts = split(hourly(days=20), "2021-01-01", "2022-01-01")
    assert (parts.train, len(parts.validate), len(parts.test)) == (Part(0, 480), 0, 0)


def test_a_part_shorter_than_the_embargo_is_empty():
    parts = split(hourly(days=20), "2020-01-05", "2020-01-06", context=100, horizon=10)
    assert len(parts.validate) == 0


def test_a_cut_at_the_end_of_time_is_no_cut():
    parts = split(hourly(days=2), "2020-01-01", "9999-12-31")
    assert parts.train == Part(0, 48)


@pytest.mark.parametrize("validate_until", ["2020-01-05", "2020-01-04"])
def test_cuts_out_of_order_are_refused(validate_until):
    with pytest.raises(
        ValueError, match=f"2020-01-05 is not before validate_until {validate_until}"
    ):
        split(hourly(days=20), "2020-01-05", validate_until)


@given(
    st.lists(st.integers(0, 30 * 24), unique=True, max_size=400).map(sorted),
    st.integers(-2, 32),
    st.integers(1, 30),
    st.integers(1, 40),
    st.integers(1, 20),
)
def test_no_window_of_one_part_shares_a_bar_with_anothers(hours, first, between, context, horizon):
    time = MONDAY + np.array(hours, dtype=np.int64) * HOUR
    train_until = date.fromordinal(date(2019, 12, 30).toordinal() + first)
    validate_until = date.fromordinal(train_until.toordinal() + between)
    parts = split_by_time(time, train_until, validate_until, context=context, horizon=horizon)
    trained, validated, tested = (
        bars_used(part, context, horizon) for part in (parts.train, parts.validate, parts.test)
    )
    assert trained.isdisjoint(validated)
    assert trained.isdisjoint(tested)
    assert validated.isdisjoint(tested)


@given(st.integers(1, 60), st.integers(1, 40), st.integers(1, 20))
def test_no_bar_that_training_saw_is_within_a_window_of_the_first_validated(
    length, context, horizon
):
    parts = split_by_time(
        hourly(days=30),
        date(2020, 1, 5),
        date.fromordinal(date(2020, 1, 5).toordinal() + length),
        context=context,
        horizon=horizon,
    )
    validated = bars_used(parts.validate, context, horizon)
    assert not validated or min(validated) - parts.train.stop >= context + horizon
