"""Texts of bars for the tests to write."""

from datetime import datetime, timezone

import numpy as np

from bridge.bars import Bars

MT5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
MT5_ROWS = (
    "2020.12.31\t21:00:00\t1.22800\t1.22900\t1.22700\t1.22850\t1500\t0\t3\n"
    "2020.12.31\t22:00:00\t1.22850\t1.22950\t1.22750\t1.22810\t1400\t0\t4\n"
    "2020.12.31\t23:00:00\t1.22810\t1.22910\t1.22710\t1.22160\t1300\t0\t5\n"
)
HEADER = "time,open,high,low,close,volume\n"
LAST_HOUR = int(datetime(2020, 12, 31, 23, tzinfo=timezone.utc).timestamp())


def hours(count: int, first: str = "2020-12-01") -> list[str]:
    """Rows of a plain CSV, an hour apart."""
    start = np.datetime64(first, "s")
    return [
        f"{start + np.timedelta64(number, 'h')},1.1,1.2,1.0,1.1,5\n".replace("T", " ")
        for number in range(count)
    ]


def table(rows: list[str]) -> str:
    return HEADER + "".join(rows)


def assert_equal(left: Bars, right: Bars) -> None:
    assert (left.symbol, left.tf) == (right.symbol, right.tf)
    np.testing.assert_array_equal(left.time, right.time)
    np.testing.assert_array_equal(left.ohlc, right.ohlc)
    np.testing.assert_array_equal(left.volume, right.volume)
