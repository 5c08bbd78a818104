"""Bars that a test makes up, price by price."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.mql5.history import HEADER

HOUR = 3600
START = int(np.datetime64("2020-01-02T10:00", "s").astype(int))
"""When the first bar opens."""

Bar = tuple[int, float, float, float, float, int]
"""Open time, open, high, low, close, tick volume."""


def export(path: Path, bars: list[Bar], *, spread: int = 10, encoding: str = "utf-8") -> Path:
    """Write them as the terminal does; returns the path."""
    lines = [HEADER]
    for time, *ohlc, volume in bars:
        stamp = str(np.datetime64(time, "s")).replace("-", ".").replace("T", "\t")
        prices = "\t".join(f"{price:.5f}" for price in ohlc)
        lines.append(f"{stamp}\t{prices}\t{volume}\t0\t{spread}\n")
    path.write_text("".join(lines), encoding=encoding, newline="\r\n")
    return path
