"""Text to POSIX seconds, one cell or a column."""

from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bars.times import parse_time, parse_times, shown, stamp

LAST_HOUR = int(datetime(2020, 12, 31, 23, tzinfo=timezone.utc).timestamp())
LAST_DAY = LAST_HOUR - 23 * 3600


@pytest.mark.parametrize(
    "cell",
    [
        "2020.12.31 23:00",
        "2020.12.31 23:00:00",
        "2020-12-31 23:00:00",
        "2020/12/31 23:00",
        "2020-12-31T23:00:00",
        "2020-12-31T23:00:00Z",
        "2020-12-31 23:00:00.000",
        "2020-12-31 23:00:00,000",
        "2020-12-31 23:00:00.000000000",
        "2020-12-31 23:00:00 UTC",
        "20201231 23:00",
        "20201231 230000",
        "20201231230000",
        "31.12.2020 23:00",
        "31.12.2020 23:00:00.000",
        "31.12.2020 23:00:00.000 GMT+0200",
        "  2020.12.31 23:00  ",
    ],
)
def test_a_time_is_read_in_any_common_form(cell):
    assert parse_time(cell) == LAST_HOUR


@pytest.mark.parametrize(
    "cell", ["2020.12.31", "2020-12-31", "2020/12/31", "20201231", "31.12.2020"]
)
def test_a_date_alone_is_its_midnight(cell):
    assert parse_time(cell) == LAST_DAY


@pytest.mark.parametrize(
    "cell",
    ["1609455600", "1609455600.0", "1609455600000", "1609455600000000", "1609455600000000000"],
)
def test_a_posix_time_may_be_in_seconds_milli_micro_or_nanoseconds(cell):
    assert parse_time(cell) == LAST_HOUR


@pytest.mark.parametrize("offset", ["+02:00", "-05:00", "+0530", "+02", "Z"])
def test_an_offset_is_dropped_and_the_clocks_reading_counts(offset):
    assert parse_time(f"2020-12-31 23:00:00{offset}") == LAST_HOUR


def test_an_hour_may_have_one_digit():
    assert parse_time("2020.12.31 9:00") == LAST_DAY + 9 * 3600


def test_times_before_1970_are_read():
    assert parse_time("1969-12-31 23:59:59") == -1


def test_a_day_that_cannot_be_a_month_is_not_said_to_be_one():
    with pytest.raises(ValueError, match="is day-month-year: write it as 2020-12-31"):
        parse_time("31/12/2020 23:00")


@pytest.mark.parametrize("cell", ["12/31/2020", "1/2/2020", "12-31-2020"])
def test_a_day_that_may_be_a_month_is_refused_with_the_form_to_use(cell):
    with pytest.raises(ValueError, match="may be day-month or month-day: write it as 2020-12-31"):
        parse_time(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "x",
        "2020",
        "2020.12",
        "2020.12.3",
        "2020.12.31 23",
        "2020.12.31 23:0",
        "2020.12.31 23:00 PM",
        "2020.12.31 23:00:00 sharp",
        "12345",
        "-1609455600",
        "nan",
    ],
)
def test_what_is_no_time_is_refused_with_what_was_expected(cell):
    with pytest.raises(ValueError, match=r"is no time: expected 2020.12.31 23:00"):
        parse_time(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "2021.02.29",
        "2020.13.01",
        "2020.00.10",
        "2020.12.31 24:00",
        "2020.12.31 23:60",
        "2020.12.31 23:00:60",
        "0000.01.01",
    ],
)
def test_a_time_that_no_calendar_has_is_refused(cell):
    with pytest.raises(ValueError, match="is no time"):
        parse_time(cell)


def column(*cells: str) -> np.ndarray:
    return np.array([cell.encode() for cell in cells])


@pytest.mark.parametrize(
    "cells",
    [
        ("2020.12.31 23:00", "2021.01.01 00:00"),
        ("2020-12-31T23:00:00Z", "2021-01-01T00:00:00Z"),
        ("2020-12-31 23:00+02:00", "2021-01-01 00:00+02:00"),
        ("2020-12-31", "2021-01-01"),
        ("31.12.2020 23:00:00.000", "01.01.2021 00:00:00.000"),
        ("1609455600", "1609459200"),
        ("1609455600000", "1609459200000"),
        ("1609455600000000000", "1609459200000000000"),
        ("1609455600.25", "1609459200.75"),
    ],
)
def test_a_column_of_one_form_is_read_at_once(cells):
    assert parse_times(column(*cells), None).tolist() == [parse_time(cell) for cell in cells]


def test_a_date_and_a_time_beside_it_are_one_time():
    dates, times = column("2020.12.31", "2021.01.01"), column("23:00:00", "00:00:00")
    assert parse_times(dates, times).tolist() == [LAST_HOUR, LAST_HOUR + 3600]


def test_an_empty_column_has_no_times():
    assert len(parse_times(np.zeros(0, dtype="S1"), None)) == 0


@pytest.mark.parametrize(
    "cells",
    [
        ("2020.12.31 23:00", "2021.01.01"),
        ("2020.12.31", "2021.01.01 00:00"),
        ("2020.12.31 23:00", "2021.01.01 00"),
        ("2020.12.31 23:00", "2021-01-01 00:00"),
        ("2020-12-31 23:00-05:00", "2021-01-01 00:00+01:00"),
        ("2020.12.31 23:00", ""),
        ("2020.12.31 23", "2021.01.01 00"),
        ("0000.01.01 23:00", "2021.01.01 00:00"),
        ("2020.12.31 23:00", "2021.13.01 00:00"),
        ("2020.12.31 23:00x", "2021.01.01 00:00x"),
        ("1609455600000000000", "9999999999999999999"),
        ("2020.12.31 23:00" + " " * 40, "2021.01.01 00:00"),
    ],
)
def test_a_column_with_an_odd_cell_is_left_to_be_read_cell_by_cell(cells):
    with pytest.raises(ValueError, match=r"."):
        parse_times(column(*cells), None)


dates = ["2020", "1999", "0000", "12", "31", "02", "29", "2020.12.31", "31.12.2020", "1609455600"]
clocks = ["9", "24", "60", "000", "23:00", "+02:00", "Z", " UTC", "x", ".", "-", "/", " ", "T", ":"]
pieces = st.sampled_from([*dates, *clocks])
odd_cells = st.lists(pieces, min_size=1, max_size=7).map("".join)


@given(st.one_of(odd_cells, st.datetimes().map(str), st.integers(0, 10**19).map(str)))
def test_a_column_never_reads_a_cell_other_than_it_is_read_alone(cell):
    try:
        at_once = parse_times(column(cell), None).tolist()
    except ValueError:
        return  # left to be read alone
    assert at_once == [parse_time(cell)]


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), st.sampled_from(" T"))
def test_every_second_of_the_calendar_reads_back(moment, between):
    expected = (moment.replace(microsecond=0) - datetime(1970, 1, 1)).total_seconds()
    assert parse_time(moment.isoformat(sep=between, timespec="seconds")) == expected


@pytest.mark.parametrize(
    ("time", "text"), [(LAST_HOUR, "2020-12-31 23:00"), (-3600, "1969-12-31 23:00")]
)
def test_a_stamp_is_a_time_for_a_person(time, text):
    assert stamp(time) == text


def test_a_cell_is_shown_without_control_characters():
    assert shown("a\x1b[2J\nb") == r"'a\x1b[2J\nb'"


def test_a_long_cell_is_cut():
    assert shown("9" * 1000) == f"'{'9' * 40}...'"
