"""Windows, and parts of a history that do not touch."""

from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bars import (
    Part,
    split_by_time,
    walk_forward,
    walk_forward_days,
    window_ends,
    windows,
)

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


def test_the_test_may_end_on_a_day_too():
    time = hourly(days=20)
    parts = split_by_time(
        time, date(2020, 1, 5), date(2020, 1, 9), date(2020, 1, 14), context=8, horizon=4
    )
    assert time[parts.test.stop - 1] == MONDAY + 16 * DAY - HOUR


@pytest.mark.parametrize("test_until", ["2020-01-12", "2020-01-11"])
def test_a_test_that_ends_before_it_begins_is_refused(test_until):
    with pytest.raises(ValueError, match=f"2020-01-12 is not before test_until {test_until}"):
        split_by_time(
            hourly(days=20),
            date(2020, 1, 5),
            date(2020, 1, 12),
            date.fromisoformat(test_until),
            context=8,
            horizon=4,
        )


# Walking forward

YEAR = hourly(days=360)


def folds_of(time=YEAR, folds=4, **dates):
    return walk_forward(time, folds=folds, context=24, horizon=8, **dates)


def test_there_are_as_many_folds_as_asked_for():
    assert [len(folds_of(folds=count)) for count in (1, 2, 5)] == [1, 2, 5]


def test_training_grows_from_fold_to_fold():
    stops = [fold.train.stop for fold in folds_of()]
    assert all(fold.train.start == 0 for fold in folds_of())
    assert stops == sorted(set(stops))


def test_each_fold_is_tested_where_the_one_before_it_ended():
    folds = folds_of()
    for before, after in pairwise(folds):
        assert after.test.start == before.test.stop + 24 + 8


def test_no_bar_is_tested_twice_and_the_last_one_is_tested():
    folds = folds_of()
    tested = np.concatenate([np.arange(fold.test.start, fold.test.stop) for fold in folds])
    assert len(np.unique(tested)) == len(tested)
    assert tested[-1] == len(YEAR) - 1


def test_the_younger_half_is_tested_where_no_day_is_named():
    assert folds_of()[0].test.start == 180 * 24 + 24 + 8


def test_the_first_and_the_last_day_tested_may_be_named():
    folds = folds_of(first_test=date(2020, 10, 1), last_test=date(2020, 11, 30))
    first, last = folds[0].test.start - 24 - 8, folds[-1].test.stop - 1
    assert YEAR[first] == MONDAY + (date(2020, 10, 1) - date(2019, 12, 30)).days * DAY
    assert YEAR[last] == MONDAY + (date(2020, 12, 1) - date(2019, 12, 30)).days * DAY - HOUR


def test_days_that_folds_do_not_share_evenly_are_tested_in_the_first():
    folds = walk_forward_days([YEAR], folds=7)  # 180 days
    lengths = [(fold.test_until - fold.validate_until).days for fold in folds]
    assert lengths == [30, 25, 25, 25, 25, 25, 25]


def test_as_many_days_validate_as_test_but_a_fifth_of_the_older_ones_at_most():
    many, few = (walk_forward_days([YEAR], folds=count)[-1] for count in (1, 10))
    assert (many.validate_until - many.train_until).days == 36
    assert (few.validate_until - few.train_until).days == 18


def test_files_of_different_years_are_cut_on_the_same_days_that_all_of_them_have():
    late, early = YEAR[60 * 24 :], YEAR[: 300 * 24]
    both = walk_forward_days([late, early], folds=3)
    assert both == walk_forward_days([YEAR[60 * 24 : 300 * 24]], folds=3)


@given(st.integers(1, 6), st.integers(1, 30), st.integers(1, 10), st.integers(40, 200))
def test_no_fold_trains_on_a_bar_that_its_windows_are_tested_on(folds, context, horizon, days):
    for fold in walk_forward(hourly(days), folds=folds, context=context, horizon=horizon):
        trained, validated, tested = (
            bars_used(part, context, horizon) for part in (fold.train, fold.validate, fold.test)
        )
        in_order = [part for part in (trained, validated, tested) if part]  # short spans have none
        assert all(max(one) < min(later) for one, later in pairwise(in_order))
        assert min(tested, default=len(YEAR)) - fold.validate.stop >= context + horizon
        assert not validated or min(validated) - fold.train.stop >= context + horizon


@pytest.mark.parametrize(
    ("time", "options", "message"),
    [
        (YEAR, {"folds": 0}, "at least one"),
        (hourly(days=6), {"folds": 4}, "4 folds do not fit between 2020-01-02 and 2020-01-04"),
        (YEAR, {"folds": 1, "first_test": date(2020, 1, 2)}, "leave nothing to train and"),
        (YEAR, {"folds": 1, "first_test": date(2021, 1, 10)}, "do not fit"),
    ],
)
def test_folds_that_cannot_be_are_refused_with_the_days(time, options, message):
    with pytest.raises(ValueError, match=message):
        folds_of(time, **options)
