"""From a file to bars: what they are called, what is refused, what is repaired."""

import gzip
import time as clock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bars import BarsError, read_bars

from .files import HEADER, MT5, MT5_ROWS, assert_equal, hours, table

# Symbol and timeframe


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("EURUSD_H1_202012010000_202012312300.csv", "EURUSD"),
        ("EURUSD_H1.csv.gz", "EURUSD"),
        ("EURUSD.m_H1_202012010000_202012312300.csv", "EURUSD.m"),
        ("EURUSDm_H1.csv", "EURUSDm"),
        ("EURUSD_i_H1_202012010000_202012312300.csv", "EURUSD_i"),
        ("US_500_H1.csv", "US_500"),
        ("#AAPL_H1.csv", "#AAPL"),
        ("BTCUSD+_Hourly_2020.csv", "BTCUSD+"),
        ("EURUSD.csv", "EURUSD"),
        ("EURUSD.txt", "EURUSD"),
        ("EURUSD_H1 (1).csv", "EURUSD"),
        ("my bars.csv", ""),
    ],
)
def test_the_symbol_is_taken_from_the_files_name(write, name, symbol):
    bars, report = read_bars(write(name, table(hours(3))))
    assert (bars.symbol, report.symbol) == (symbol, symbol)


def test_without_a_name_for_it_the_timeframe_is_the_commonest_step(write):
    rows = hours(30)
    del rows[3:20]
    assert read_bars(write("EURUSD.csv", table(rows)))[0].tf == 3600


def test_a_name_and_bars_that_disagree_are_refused_with_the_right_name(write):
    path = write("EURUSD.m_M15.csv", table(hours(5)))
    with pytest.raises(BarsError, match=r"M15, but its bars are H1: name the file EURUSD.m_H1.csv"):
        read_bars(path)


def test_hours_are_not_months_whatever_the_name(write):
    with pytest.raises(BarsError, match="the name says MN1, but its bars are H1"):
        read_bars(write("EURUSD_MN1.csv", table(hours(5))))


def test_a_name_without_a_symbol_is_mended_with_a_placeholder(write):
    with pytest.raises(BarsError, match=r"name the file SYMBOL_H1.csv"):
        read_bars(write("my bars_M15.csv", table(hours(5))))


def test_a_name_is_believed_where_a_weekend_lies_between_two_bars(write):
    rows = ["2020-12-18 23:00,1,2,1,1,5\n", "2020-12-21 00:00,1,2,1,1,5\n"]
    assert read_bars(write("EURUSD_H1.csv", table(rows)))[0].tf == 3600


def test_a_name_is_believed_where_most_bars_are_missing(write):
    rows = [f"2020-12-31 12:{minute:02d},1,2,1,1,5\n" for minute in (0, 2, 4, 5, 7, 9)]
    assert read_bars(write("EURZAR_M1.csv", table(rows)))[0].tf == 60


def test_one_bar_has_the_timeframe_of_its_name(write):
    assert read_bars(write("EURUSD_H4.csv", table(hours(1))))[0].tf == 14_400


def test_one_bar_without_a_timeframe_in_its_name_is_refused_with_a_name_to_give(write):
    with pytest.raises(BarsError, match=r"one bar tells no timeframe: name the file SYMBOL_H1.csv"):
        read_bars(write("EURUSD.csv", table(hours(1))))


# What is refused


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BarsError, match=r"EURUSD_H1.csv: there is no such file"):
        read_bars(tmp_path / "EURUSD_H1.csv")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(BarsError, match=tmp_path.name):
        read_bars(tmp_path)


UNREADABLE = {
    "empty": (b"", "the file is empty"),
    "blank": (b"\n\n \n", "the file is empty"),
    "BOM alone": (b"\xff\xfe", "the file is empty"),
    "gzip of nothing": (gzip.compress(b""), "the file is empty"),
    "header alone": (MT5.encode(), "there is no bar in it"),
    "header without line break": (MT5.rstrip().encode(), "there is no bar in it"),
    "yfinance's header alone": (b"Price,Close,High,Low,Open\nTicker,A,A,A,A", "no bar in it"),
    "binary with zeros": (bytes(range(256)) * 9, "this is no text"),
    "binary without zeros": (bytes(range(1, 256)) * 9, "no column for time, open, high, low"),
    "damaged gzip": (gzip.compress(b"x" * 999)[:-9], "the gzip is damaged"),
    "half a utf-16 character": (MT5.encode("utf-16")[:-1], "damaged"),
    "ticks": (b"<DATE>\t<TIME>\t<BID>\t<ASK>\n", "no column for open, high, low, close"),
}


@pytest.mark.parametrize(("raw", "reason"), UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("repair", [False, True])
def test_what_has_no_bars_is_refused_by_name_and_reason(write, raw, reason, repair):
    path = write("EURUSD_H1.csv", raw)
    with pytest.raises(BarsError) as caught:
        read_bars(path, repair=repair)
    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)


BROKEN = {
    "row cut short": ("2020-12-31 22:00,1.1,1.2", "low: missing: the row has 3 of 6 columns"),
    "row cut within a price": ("2020-12-31 22:00,1.1,1.2,1.", "close: missing: the row has 4 of 6"),
    "row too wide": ("2020-12-31 22:00,1,1,1,2,1,0,1,1,5", "7: the row has 10 cells for 6 columns"),
    "no time": (",1.1,1.2,1.0,1.1,5", "time: '' is no time"),
    "time cut short": ("2020-12-31 22,1.1,1.2,1.0,1.1,5", "time: '2020-12-31 22' is no time"),
    "no such day": ("2020-02-30 22:00,1.1,1.2,1.0,1.1,5", "time: '2020-02-30 22:00' is no time"),
    "year 0": ("0000-01-01 22:00,1.1,1.2,1.0,1.1,5", "time: '0000-01-01 22:00' is no time"),
    "ambiguous": (
        "12/31/2020 22:00,1.1,1.2,1.0,1.1,5",
        "time: '12/31/2020 22:00' may be day-month",
    ),
    "word": ("2020-12-31 22:00,1.1,high,1.0,1.1,5", "high: 'high' is not a number"),
    "thousands": ('2020-12-31 22:00,"1,234.5",1.2,1.0,1.1,5', "open: '1,234.5' is not a number"),
    "underscore": ("2020-12-31 22:00,1_1,1.2,1.0,1.1,5", "open: '1_1' is not a number"),
    "empty price": ("2020-12-31 22:00,1.1,1.2,1.0,,5", "close: empty"),
    "nan": ("2020-12-31 22:00,1.1,1.2,1.0,NaN,5", "close: price nan is not a finite number"),
    "inf": ("2020-12-31 22:00,1.1,inf,1.0,1.1,5", "high: price inf is not a finite number"),
    "overflow": ("2020-12-31 22:00,1.1,1e999,1.0,1.1,5", "high: price inf is not a finite number"),
    "zero": ("2020-12-31 22:00,0,1.2,1.0,1.1,5", "open: price 0.0 is not positive"),
    "negative": ("2020-12-31 22:00,1.1,1.2,-1.0,1.1,5", "low: price -1.0 is not positive"),
    "high below low": ("2020-12-31 22:00,1.1,1.0,1.2,1.1,5", "high: high 1.0 is below low 1.2"),
    "negative volume": ("2020-12-31 22:00,1.1,1.2,1.0,1.1,-5", "volume: volume -5.0 is no count"),
    "volume in words": ("2020-12-31 22:00,1.1,1.2,1.0,1.1,5k", "volume: '5k' is not a number"),
    "duplicate": ("2020-12-01 02:00,1.1,1.2,1.0,1.1,5", "time: 2020-12-01 02:00 is a duplicate"),
    "back in time": (
        "2019-12-31 22:00,1.1,1.2,1.0,1.1,5",
        "time: 2019-12-31 22:00 is out of order",
    ),
    "wild date": ("2099-12-31 22:00,1.1,1.2,1.0,1.1,5", "time: 2099-12-31 22:00 is out of order"),
    "header again": (HEADER.strip(), "time: 'time' is no time"),
    "open quote": (
        '"2020-12-31 22:00,1.1,1.2,1.0,1.1,5',
        "time: '2020-12-31 22:00,1.1,1.2,1.0,1.1",
    ),
    "remark": ("# from the broker", "time: '# from the broker' is no time"),
}


def with_broken_row(row: str) -> str:
    """Ten hours, a broken row on line 5, ten more."""
    rows = hours(20)
    return table([*rows[:3], f"{row}\n", *rows[3:]])


@pytest.mark.parametrize(("row", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_row_is_named_by_file_line_and_column(write, row, problem):
    path = write("EURUSD_H1.csv", with_broken_row(row))
    with pytest.raises(BarsError) as caught:
        read_bars(path)
    assert str(caught.value).startswith(f"{path}: 1 broken row: line 5, column {problem}")


@pytest.mark.parametrize("row", [row for row, _ in BROKEN.values()], ids=BROKEN.keys())
def test_repair_drops_a_broken_row_and_nothing_else(write, row):
    bars, report = read_bars(write("EURUSD_H1.csv", with_broken_row(row)), repair=True)
    assert (len(bars), [fault.line for fault in report.faults]) == (20, [5])
    assert np.all(np.diff(bars.time) == 3600)


def test_the_refusal_says_what_to_do_next(write):
    with pytest.raises(BarsError, match="Mend the file, or give --repair to drop them"):
        read_bars(write("EURUSD_H1.csv", with_broken_row("x")))


def test_lines_are_counted_with_blank_ones_and_the_header(write):
    text = "\n\n" + HEADER + "\n" + hours(1)[0] + "\n\nx,1,1,1,1,5\n"
    with pytest.raises(BarsError, match="line 8, column time"):
        read_bars(write("EURUSD_H1.csv", text))


def test_the_date_and_the_time_of_metatraders_export_are_named_apart(write):
    text = MT5 + MT5_ROWS.replace("22:00:00", "")
    with pytest.raises(BarsError, match="line 3, column time: empty"):
        read_bars(write("EURUSD_H1.csv", text))


def test_of_many_broken_rows_five_are_named_and_the_rest_counted(write):
    rows = [*hours(3), *["x,1,1,1,1,5\n"] * 1200]
    with pytest.raises(BarsError, match=r"1,200 broken rows: line 5, .*line 9, .*; and 1,195 more"):
        read_bars(write("EURUSD_H1.csv", table(rows)))


def test_a_row_with_several_faults_is_one_broken_row(write):
    with pytest.raises(BarsError, match=": 1 broken row: line 5, column open"):
        read_bars(write("EURUSD_H1.csv", with_broken_row("2020-12-31 22:00,0,inf,nan,-1,-5")))


def test_faults_are_told_in_order_of_lines(write):
    rows = hours(20)
    rows[10], rows[5] = rows[9], "x,1,1,1,1,5\n"
    _, report = read_bars(write("EURUSD_H1.csv", table(rows)), repair=True)
    assert [fault.line for fault in report.faults] == [7, 12]


def test_a_refusal_is_short_and_printable_whatever_the_file_holds(write):
    row = "\x1b[2J" + "9" * 200_000 + ",1,1,1,1,5"
    with pytest.raises(BarsError) as caught:
        read_bars(write("EURUSD_H1.csv", with_broken_row(row)))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


# What is repaired


def test_a_clean_file_is_the_same_with_repair(write):
    path = write("EURUSD_H1.csv", table(hours(30)))
    (plain, _), (repaired, report) = read_bars(path), read_bars(path, repair=True)
    assert_equal(plain, repaired)
    assert (report.faults, report.notes) == ((), ())


def test_a_repaired_file_says_how_many_rows_it_lost(write):
    rows = [*hours(10), "x\n", "y\n", *hours(3)]
    _, report = read_bars(write("EURUSD_H1.csv", table(rows)), repair=True)
    assert "dropped 5 broken rows" in report.lines()[1]


def test_rows_dropped_from_the_middle_are_a_gap(write):
    rows = hours(24 * 28)
    rows[300] = "x\n"
    _, report = read_bars(write("EURUSD_H1.csv", table(rows)), repair=True)
    assert [gap.missing_bars for gap in report.gaps] == [1]


def test_a_file_with_no_sound_row_has_nothing_to_repair(write):
    with pytest.raises(BarsError, match="there is no sound bar in it"):
        read_bars(write("EURUSD_H1.csv", HEADER + "x,1,1,1,1,5\n"), repair=True)


# The last bar


def until_now(count: int) -> str:
    """Hourly bars of which the last has not closed yet."""
    last = int(clock.time()) + 1800
    return table([f"{last - 3600 * ago},1.1,1.2,1.0,1.1,5\n" for ago in reversed(range(count))])


def test_a_last_bar_that_may_be_forming_is_kept_and_told(write):
    bars, report = read_bars(write("EURUSD_H1.csv", until_now(5)))
    assert (len(bars), report.last_may_be_forming) == (5, True)


def test_repair_drops_a_last_bar_that_may_be_forming(write):
    bars, report = read_bars(write("EURUSD_H1.csv", until_now(5)), repair=True)
    assert (len(bars), report.rows, report.last_may_be_forming) == (4, 4, False)
    assert report.notes == ("dropped the last bar: it may still be forming",)


def test_a_forming_bar_is_no_fault(write):
    _, report = read_bars(write("EURUSD_H1.csv", until_now(5)), repair=True)
    assert report.faults == ()


def test_where_the_only_bar_is_forming_there_is_none_to_keep(write):
    with pytest.raises(BarsError, match="its only bar may still be forming: export it again later"):
        read_bars(write("EURUSD_H1.csv", until_now(1)), repair=True)


def test_a_history_that_ended_is_closed_to_its_last_bar(write):
    _, report = read_bars(write("EURUSD_H1.csv", table(hours(5))))
    assert not report.last_may_be_forming


# Whatever the bytes


@given(st.binary(max_size=400))
def test_no_bytes_whatever_raise_anything_but_a_refusal(tmp_path_factory, raw):
    path = tmp_path_factory.mktemp("bytes") / "EURUSD_H1.csv"
    path.write_bytes(raw)
    with pytest.raises(BarsError, match=r"EURUSD_H1.csv: "):
        read_bars(path, repair=True)


words = ["<DATE>", "time", "Price", "Ticker", "open", "high,low,close", "2020-12-31 23:00", "nan"]
signs = [*"\t,;\n\n\"'.-0123456789 \r", "\x1b", "é"]
lines = [
    HEADER,
    MT5,
    "2020-12-31 22:00,1.1,1.2,1.0,1.1,5\n",
    "2020-12-31 23:00,1.1,1.2,1.0,1.1,5\n",
]
scraps = st.lists(st.sampled_from([*words, *signs, *lines]), max_size=40).map("".join)


@given(scraps)
def test_scraps_of_a_file_are_bars_or_a_refusal(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("scraps") / "EURUSD_H1.csv"
    path.write_bytes(text.encode())
    try:
        bars, report = read_bars(path, repair=True)
    except BarsError:
        return
    assert len(bars) == report.rows > 0
    assert np.all(np.diff(bars.time) > 0)
