"""Bars as the terminal exports them, and what Expert Advisors of the tests write down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.bars import Bars, timeframe_name

HEADER = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"


def write_export(folder: Path, bars: Bars, *, digits: int = 5, spread: int = 10) -> Path:
    """Write bars as `Symbols > Bars > Export` does; returns the file."""
    stamps = [_stamp(int(time)) for time in bars.time]
    compact = [stamps[end].translate({ord(mark): None for mark in ".:\t"})[:12] for end in (0, -1)]
    name = f"{bars.symbol}_{timeframe_name(bars.tf)}_{compact[0]}_{compact[1]}.csv"
    rows = (
        "\t".join(
            [stamp, *(f"{price:.{digits}f}" for price in ohlc), f"{volume:.0f}", "0", f"{spread}"]
        )
        for stamp, ohlc, volume in zip(stamps, bars.ohlc, bars.volume, strict=True)
    )
    path = folder / name
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8", newline="\r\n")
    return path


def _stamp(time: int) -> str:
    return str(np.datetime64(time, "s")).replace("-", ".").replace("T", "\t")


@dataclass(frozen=True)
class Asked:
    """What programs/Probe.mq5 was answered on one new bar.

    Attributes:
        bar: open time of the bar that had just begun to form.
        error: number of the ENUM_FORECAST_ERROR, 0 where there is a forecast.
        microseconds: what Ask took.
        numbers: quantiles row by row, then probabilities; empty where there is no forecast.
    """

    bar: int
    error: int
    microseconds: int
    numbers: NDArray[np.float64]


def read_probe(path: Path) -> list[Asked]:
    """All that the probe wrote down, oldest bar first."""
    values = np.fromfile(path, "<f8")
    asked = []
    at = 0
    while at < len(values):
        bar, error, microseconds, count = (int(value) for value in values[at : at + 4])
        asked.append(Asked(bar, error, microseconds, values[at + 4 : at + 4 + count]))
        at += 4 + count
    return asked
