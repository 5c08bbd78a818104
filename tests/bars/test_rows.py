"""The fast path and the row-by-row path, and that they agree."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.bars.layout import find_layout
from bridge.bars.rows import Rows, parse, parse_columns, parse_rows

HEADER = "time,open,high,low,close,volume\n"
MT5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"


def body_of(text: str) -> str:
    return "\n".join(text.split("\n")[find_layout(text).first_line - 1 :])


def at_once(text: str) -> Rows | None:
    layout = find_layout(text)
    return parse_columns(body_of(text), layout, layout.first_line)


def row_by_row(text: str) -> Rows:
    layout = find_layout(text)
    return parse_rows(body_of(text), layout, layout.first_line)


def assert_equal(left: Rows, right: Rows) -> None:
    np.testing.assert_array_equal(left.time, right.time)
    np.testing.assert_array_equal(left.ohlc, right.ohlc)
    np.testing.assert_array_equal(left.volume, right.volume)
    np.testing.assert_array_equal(left.lines, right.lines)
    assert left.faults == right.faults


CLEAN = {
    "MT5": MT5
    + "2020.12.31\t22:00:00\t1.10001\t1.2\t1.0\t1.1\t55\t0\t3\n"
    + "2020.12.31\t23:00:00\t1.10002\t1.3\t1.0\t1.1\t66\t0\t3\n",
    "decimal comma": MT5
    + "2020.12.31\t22:00:00\t1,10001\t1,2\t1,0\t1,1\t55\t0\t3\n"
    + "2020.12.31\t23:00:00\t1,10002\t1,3\t1,0\t1,1\t66\t0\t3\n",
    "daily": HEADER + "2020-12-30,1.1,1.2,1.0,1.1,5\n2020-12-31,1.1,1.2,1.0,1.1,5\n",
    "offset": HEADER + "2020-12-31 22:00:00+02:00,1.1,1.2,1.0,1.1,5\n",
    "offset without seconds": HEADER + "2020-12-31 22:00+02:00,1.1,1.2,1.0,1.1,5\n",
    "posix": HEADER + "1609455600,1.1,1.2,1.0,1.1,5\n1609459200,1.1,1.2,1.0,1.1,5\n",
    "day first": HEADER + "31.12.2020 23:00:00.000,1.1,1.2,1.0,1.1,5\n",
    "quoted": HEADER + '"2020-12-31 22:00","1.1","1.2","1.0","1.1","5"\n',
    "no volume": "time,open,high,low,close\n2020-12-31 22:00,1.1,1.2,1.0,1.1\n",
    "MT4": "2020.12.31,22:00,1.1,1.2,1.0,1.1,5\n2020.12.31,23:00,1.1,1.2,1.0,1.1,5\n",
    "not a number": HEADER + "2020-12-31 22:00,nan,inf,-inf,-1.1,1e3\n",
    "extra columns": "name,time,open,high,low,close\né,2020-12-31 22:00,1.1,1.2,1.0,1.1\n",
    "no last line break": HEADER + "2020-12-31 22:00,1.1,1.2,1.0,1.1,5",
    "padded": HEADER + "2020-12-31 22:00, 1.1, 1.2 ,1.0,1.1,5\n",
}


@pytest.mark.parametrize("text", CLEAN.values(), ids=CLEAN.keys())
def test_a_clean_text_is_read_alike_at_once_and_row_by_row(text):
    assert_equal(at_once(text), row_by_row(text))


def test_a_price_is_the_nearest_double_to_its_text():
    assert at_once(HEADER + "2020-12-31,0.1,1.10001,1e-05,123456.789,5\n").ohlc.tolist() == [
        [0.1, 1.10001, 0.00001, 123456.789]
    ]


def test_every_row_knows_its_line():
    assert at_once(CLEAN["MT5"]).lines.tolist() == [2, 3]


ODD = {
    "blank line": HEADER + "2020-12-30,1,2,1,1,5\n\n2020-12-31,1,2,1,1,5\n",
    "blank line after the header": HEADER + "\n2020-12-31,1,2,1,1,5\n",
    "line of blanks": HEADER + "2020-12-30,1,2,1,1,5\n   \n",
    "row cut short": HEADER + "2020-12-30,1,2,1,1,5\n2020-12-31,1,2\n",
    "row too wide": HEADER + "2020-12-30,1,2,1,1,5\n2020-12-31,1,2,1,1,5,6\n",
    "word": HEADER + "2020-12-30,1,2,one,1,5\n",
    "empty price": HEADER + "2020-12-30,1,2,,1,5\n",
    "empty volume": HEADER + "2020-12-30,1,2,1,1,\n",
    "time cut short": HEADER + "2020-12-30 22:00,1,2,1,1,5\n2020-12-30 23,1,2,1,1,5\n",
    "open quote": HEADER + '2020-12-30,1,2,1,1,"5\n2020-12-31,1,2,1,1,5\n',
    "quoted line break": HEADER + '2020-12-30,1,2,1,1,"5\n"\n2020-12-31,1,2,1,1,5\n',
    "nothing": HEADER,
    "header without line break": HEADER.rstrip(),
    "blanks alone": HEADER + "  \n",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_a_text_with_anything_odd_is_not_read_at_once(text):
    assert at_once(text) is None


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_a_text_with_anything_odd_is_read_as_row_by_row(text):
    assert_equal(parse(text, find_layout(text)), row_by_row(text))


def test_an_odd_row_among_thousands_costs_only_itself():
    rows = [f"{1_600_000_000 + 60 * number},1,2,1,1,5" for number in range(5000)]
    rows[3333] = "1600199980,1,2"
    text = HEADER + "\n".join(rows) + "\n"
    parsed = parse(text, find_layout(text))
    assert (len(parsed.time), [fault.line for fault in parsed.faults]) == (4999, [3335])


def test_a_long_text_in_which_every_row_is_odd_is_read_row_by_row():
    rows = [f"2020-12-{1 + number // 1440:02d},{number},1,2,1,1," for number in range(2500)]
    text = "date,number,open,high,low,close,volume\n" + "\n".join(rows) + "\n"
    assert_equal(parse(text, find_layout(text)), row_by_row(text))


def test_a_line_longer_than_any_cell_may_be_is_one_fault():
    text = HEADER + '"' + "9" * 200_000 + ",1,2,1,1,5\n2020-12-31,1,2,1,1,5\n"
    parsed = parse(text, find_layout(text))
    assert (len(parsed.time), [fault.line for fault in parsed.faults]) == (1, [2])


numbers = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.sampled_from(
        ["1.1", "1", "", " ", "nan", "-inf", "1e400", "1_000", "1,1", "x", '"1"', "0x1"]
    ),
)
moments = st.one_of(
    st.datetimes().map(str),
    st.datetimes().map(lambda moment: moment.strftime("%Y.%m.%d %H:%M")),
    st.sampled_from(["2020-12-31", "1609455600", "31.12.2020 23:00", "2020-12-31 23:00Z", "x", ""]),
)
tables = st.lists(st.tuples(moments, numbers, numbers, numbers, numbers, numbers), max_size=4)


@given(tables, st.sampled_from(",;\t"), st.sampled_from(["\n", "\n\n", ""]))
@example([("2020-12-31 23:00:00,5", "1", "1", "1", "1", "1")], ";", "\n")
def test_whatever_is_read_at_once_is_read_alike_row_by_row(rows, delimiter, end):
    text = "\n".join([HEADER.rstrip().replace(",", delimiter), *map(delimiter.join, rows)]) + end
    fast = at_once(text)
    if fast is not None:
        assert_equal(fast, row_by_row(text))
