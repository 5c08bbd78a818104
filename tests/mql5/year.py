"""A year of hours made of real ones: no package ships a year of a broker's bars."""

from __future__ import annotations

import numpy as np

from bridge.bars import Bars

WEEK = 7 * 86_400
_WEEK_HOURS = 120
_FIRST_MONDAY = 1_546_819_200  # 7 January 2019


def year_of(real: Bars, *, weeks: int, seed: int, digits: int = 5) -> Bars:
    """`weeks` weeks from a Monday on, each with the returns of a real week drawn at random.

    A week keeps its hours of rest and of haste, which are what a forecast is made from; the prices
    go on from the week before.
    """
    draw = np.random.default_rng(seed)
    week_of = (real.time - _FIRST_MONDAY) // WEEK
    sources = [
        rows
        for number in np.unique(week_of)
        if len(rows := np.flatnonzero(week_of == number)) == _WEEK_HOURS and rows[0] > 0
    ]
    time, ohlc, volume = [], [], []
    last = float(real.close[0])
    for week in range(weeks):
        rows = sources[draw.integers(len(sources))]
        prices = real.ohlc[rows] * (last / real.close[rows[0] - 1])
        last = float(prices[-1, 3])
        time.append(real.time[rows] + (week - week_of[rows[0]]) * WEEK)
        ohlc.append(np.round(prices, digits))
        volume.append(real.volume[rows])
    return Bars(
        real.symbol, real.tf, np.concatenate(time), np.concatenate(ohlc), np.concatenate(volume)
    )
