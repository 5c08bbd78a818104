"""The formats users have: what one writes, `read_bars` reads back."""

import gzip
import importlib.util
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bars import Bars, read_bars

from .files import HEADER, LAST_HOUR, MT5, MT5_ROWS, assert_equal, hours, table

MT5_AS_USERS_HAVE_IT = {
    "as exported": (MT5 + MT5_ROWS).encode(),
    "utf-8 with BOM": (MT5 + MT5_ROWS).encode("utf-8-sig"),
    "utf-16 with BOM": (MT5 + MT5_ROWS).encode("utf-16"),
    "utf-16 big endian": b"\xfe\xff" + (MT5 + MT5_ROWS).encode("utf-16-be"),
    "gzip": gzip.compress((MT5 + MT5_ROWS).encode()),
    "crlf": (MT5 + MT5_ROWS).replace("\n", "\r\n").encode(),
    "carriage returns doubled": (MT5 + MT5_ROWS).replace("\n", "\r\r\n").encode(),
    "comma": (MT5 + MT5_ROWS).replace("\t", ",").encode(),
    "semicolon": (MT5 + MT5_ROWS).replace("\t", ";").encode(),
    "decimal comma": (MT5 + MT5_ROWS).replace("1.2", "1,2").encode(),
    "semicolon and decimal comma": (MT5 + MT5_ROWS)
    .replace("1.2", "1,2")
    .replace("\t", ";")
    .encode(),
    "no last line break": (MT5 + MT5_ROWS).rstrip().encode(),
    "blank lines": (MT5 + "\n" + MT5_ROWS.replace("\n", "\n\n") + "\n\n").encode(),
    "blank lines first": ("\n\n" + MT5 + MT5_ROWS).encode(),
    "no seconds": (MT5 + MT5_ROWS).replace("00:00\t", "00\t").encode(),
    "no spread": (MT5 + MT5_ROWS)
    .replace("\t<SPREAD>", "")
    .replace("\t3\n", "\n")
    .replace("\t4\n", "\n")
    .replace("\t5\n", "\n")
    .encode(),
    "tab after the last cell": (MT5 + MT5_ROWS.replace("\n", "\t\n")).encode(),
}


@pytest.mark.parametrize("raw", MT5_AS_USERS_HAVE_IT.values(), ids=MT5_AS_USERS_HAVE_IT.keys())
def test_metatraders_export_is_read_as_users_have_it(write, raw):
    bars, _ = read_bars(write("EURUSD_H1_202012312100_202012312300.csv", raw))
    assert bars.time.tolist() == [LAST_HOUR - 7200, LAST_HOUR - 3600, LAST_HOUR]
    assert bars.ohlc.tolist() == [
        [1.228, 1.229, 1.227, 1.2285],
        [1.2285, 1.2295, 1.2275, 1.2281],
        [1.2281, 1.2291, 1.2271, 1.2216],
    ]
    assert bars.volume.tolist() == [1500, 1400, 1300]


def test_a_daily_export_has_no_time_column(write):
    text = (
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2020.12.30\t1.1\t1.2\t1.0\t1.1\t5\t0\t3\n2020.12.31\t1.1\t1.2\t1.0\t1.1\t5\t0\t3\n"
    )
    bars, _ = read_bars(write("EURUSD_Daily_202012300000_202012310000.csv", text))
    assert (bars.tf, bars.time[-1]) == (86_400, LAST_HOUR - 23 * 3600)


def test_minutes_are_read(write):
    rows = [
        f"2020.12.31\t23:{minute:02d}:00\t1.1\t1.2\t1.0\t1.1\t5\t0\t3\n" for minute in range(60)
    ]
    bars, report = read_bars(write("EURUSD_M1.csv", MT5 + "".join(rows)))
    assert (bars.tf, len(bars), report.gaps) == (60, 60, ())


@pytest.mark.parametrize("name", ["EURUSD_MN1.csv", "EURUSD_Monthly_201901.csv", "EURUSD.csv"])
def test_months_are_read_whatever_their_length(write, name):
    rows = [f"{2019 + n // 12}-{1 + n % 12:02d}-01,1.1,1.2,1.0,1.1,5\n" for n in range(24)]
    bars, report = read_bars(write(name, table(rows)))
    assert (bars.tf, len(bars), report.gaps) == (2_592_000, 24, ())


def test_metatrader_4s_export_without_a_header_is_read(write):
    text = "2020.12.31,22:00,1.1,1.2,1.0,1.1,5\n2020.12.31,23:00,1.1,1.2,1.0,1.15,6\n"
    bars, _ = read_bars(write("EURUSD60.csv", text))
    assert (bars.time[-1], bars.close[-1], bars.volume[-1]) == (LAST_HOUR, 1.15, 6)


def test_yfinances_download_with_a_header_of_two_levels_is_read(write):
    text = (
        "Price,Close,High,Low,Open,Volume\n"
        "Ticker,EURUSD=X,EURUSD=X,EURUSD=X,EURUSD=X,EURUSD=X\n"
        "Datetime,,,,,\n"
        "2020-12-31 22:00:00+00:00,1.15,1.2,1.0,1.1,0\n"
        "2020-12-31 23:00:00+00:00,1.16,1.2,1.0,1.1,0\n"
    )
    bars, _ = read_bars(write("download.csv", text))
    assert (bars.symbol, bars.time[-1]) == ("EURUSD=X", LAST_HOUR)
    assert bars.ohlc[-1].tolist() == [1.1, 1.2, 1.0, 1.16]


def test_yfinances_datetime_keeps_its_clock_and_drops_its_offset(write):
    text = (
        "Datetime,Open,High,Low,Close,Adj Close,Volume\n"
        "2020-12-31 22:00:00-05:00,1.1,1.2,1.0,1.1,9.9,0\n"
        "2020-12-31 23:00:00-05:00,1.1,1.2,1.0,1.1,9.9,0\n"
    )
    bars, _ = read_bars(write("AAPL.csv", text))
    assert (bars.time[-1], bars.close[-1]) == (LAST_HOUR, 1.1)


def test_an_offset_without_seconds_is_dropped_too(write):
    rows = [f"2020-12-31 {hour}:00+02:00,1.1,1.2,1.0,1.1,5\n" for hour in (22, 23)]
    bars, _ = read_bars(write("a.csv", table(rows)))
    assert bars.time[-1] == LAST_HOUR


def test_a_table_that_pandas_wrote_with_a_numbered_index_is_read(write):
    text = ",Date,Open,High,Low,Close\n0,2020-12-30,1.1,1.2,1.0,1.1\n1,2020-12-31,1.1,1.2,1.0,1.1\n"
    bars, _ = read_bars(write("a.csv", text))
    assert (bars.tf, len(bars)) == (86_400, 2)


def backtesting_data(name: str) -> Path:
    spec = importlib.util.find_spec("backtesting")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "test" / name


def test_the_backtesting_packages_hourly_euro_is_read():
    bars, report = read_bars(backtesting_data("EURUSD.csv"))
    assert (bars.symbol, bars.tf, len(bars)) == ("EURUSD", 3600, 5000)
    assert bars.ohlc[0].tolist() == [1.0716, 1.0722, 1.07083, 1.07219]
    assert (report.faults, report.last_may_be_forming) == ((), False)


def test_the_backtesting_packages_daily_share_is_read():
    bars, _ = read_bars(backtesting_data("GOOG.csv"))
    assert (bars.symbol, bars.tf, len(bars)) == ("GOOG", 86_400, 2148)


def test_the_backtesting_packages_monthly_coin_is_read():
    bars, report = read_bars(backtesting_data("BTCUSD.csv"))
    assert (bars.symbol, bars.tf, report.gaps) == ("BTCUSD", 2_592_000, ())


def test_a_file_from_newest_to_oldest_is_turned_round(write):
    bars, report = read_bars(write("a.csv", table(hours(5)[::-1])))
    assert np.all(np.diff(bars.time) == 3600)
    assert report.notes == ("the file runs from newest to oldest: read in reverse",)


def test_a_file_from_newest_to_oldest_with_a_duplicate_loses_only_that(write):
    rows = hours(6)[::-1]
    bars, report = read_bars(write("a.csv", table([*rows[:3], rows[2], *rows[3:]])), repair=True)
    assert (len(bars), len(report.faults)) == (6, 1)


def test_a_file_that_is_turned_round_lies_in_memory_as_any_other(write):
    bars, _ = read_bars(write("a.csv", table(hours(5)[::-1])))
    assert bars.ohlc.flags.c_contiguous
    assert bars.time.flags.c_contiguous


def test_a_file_without_volume_has_volumes_of_zero(write):
    text = "time,open,high,low,close\n2020-12-31 22:00,1,2,1,1\n2020-12-31 23:00,1,2,1,1\n"
    assert read_bars(write("a.csv", text))[0].volume.tolist() == [0, 0]


def test_a_row_without_volume_has_a_volume_of_zero(write):
    text = HEADER + "2020-12-31 22:00,1,2,1,1,\n2020-12-31 23:00,1,2,1,1,7\n"
    assert read_bars(write("a.csv", text))[0].volume.tolist() == [0, 7]


def test_arrays_have_the_types_that_bars_promise(write):
    bars, _ = read_bars(write("a.csv", table(hours(3))))
    assert (bars.time.dtype, bars.ohlc.dtype, bars.volume.dtype) == (np.int64, float, float)


def test_a_path_may_be_a_string(write):
    assert len(read_bars(str(write("a.csv", table(hours(3)))))[0]) == 3


# Whatever the dialect


@st.composite
def some_bars(draw: st.DrawFn) -> Bars:
    tf = draw(st.sampled_from([60, 900, 3600, 14_400]))
    count = draw(st.integers(2, 8))
    prices = st.floats(1e-5, 1e6, allow_nan=False)
    rows = draw(st.lists(st.lists(prices, min_size=4, max_size=4), min_size=count, max_size=count))
    ohlc = np.array(rows)
    ohlc[:, 1], ohlc[:, 2] = ohlc.max(axis=1), ohlc.min(axis=1)
    volume = draw(st.lists(st.integers(0, 10**9), min_size=count, max_size=count))
    first = draw(st.integers(0, 1_000_000)) * tf
    time = first + np.arange(count, dtype=np.int64) * tf
    return Bars("EURUSD", tf, time, ohlc, np.array(volume, dtype=float))


CLOCKS = {
    "%Y.%m.%d %H:%M": "time",
    "%Y-%m-%d %H:%M:%S": "Datetime",
    "%Y-%m-%dT%H:%M:%SZ": "timestamp",
    "%d.%m.%Y %H:%M:%S.000": "Gmt time",
    "%Y%m%d %H%M%S": "",
    "%Y.%m.%d|%H:%M:%S": "<DATE>|<TIME>",
    "%Y%m%d|%H%M%S": "Date|Time",
}


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, str]:
    delimiter = draw(st.sampled_from("\t;,"))
    return {
        "clock": draw(st.sampled_from(sorted(CLOCKS))),
        "delimiter": delimiter,
        "point": draw(st.sampled_from(".,")) if delimiter != "," else ".",
        "ending": draw(st.sampled_from(["\n", "\r\n", "\n\n"])),
        "quote": draw(st.sampled_from(["", '"'])),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])),
        "compression": draw(st.sampled_from(["", ".gz"])),
        "order": draw(st.sampled_from(["oldest first", "newest first"])),
    }


def written(bars: Bars, dialect: dict[str, str]) -> bytes:
    def row(cells: list[str]) -> str:
        return dialect["delimiter"].join(
            f"{dialect['quote']}{cell}{dialect['quote']}" for cell in cells
        )

    rows = [row([*CLOCKS[dialect["clock"]].split("|"), "Open", "High", "Low", "Close", "Volume"])]
    for time, ohlc, volume in zip(bars.time.tolist(), bars.ohlc.tolist(), bars.volume, strict=True):
        moment = datetime.fromtimestamp(time, timezone.utc).strftime(dialect["clock"])
        numbers = [repr(price).replace(".", dialect["point"]) for price in ohlc]
        rows.append(row([*moment.split("|"), *numbers, str(int(volume))]))
    if dialect["order"] == "newest first":
        rows[1:] = rows[:0:-1]
    raw = "".join(line + dialect["ending"] for line in rows).encode(dialect["encoding"])
    return gzip.compress(raw) if dialect["compression"] else raw


@given(some_bars(), dialects())
def test_bars_read_back_equal_in_whatever_dialect_they_were_written(
    tmp_path_factory, bars, dialect
):
    path = tmp_path_factory.mktemp("dialect") / f"EURUSD.csv{dialect['compression']}"
    path.write_bytes(written(bars, dialect))
    assert_equal(read_bars(path)[0], bars)
