"""A forecast as a picture: recent bars and the fan of what may follow. Needs `eabridge[demo]`."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from bridge.answers import Forecast
from bridge.bars import Bars, timeframe_name
from bridge.bars.times import stamp

_BARS_SHOWN = 64
_PRICE, _FAN, _ACTUAL = "#222222", "#0072B2", "#D55E00"  # Okabe and Ito's, safe for colour-blind


def draw_fan(forecast: Forecast, bars: Bars, path: Path, actual: Bars | None = None) -> None:
    """Write a PNG: closes up to the forecast, its fan, and what came where that is known.

    Args:
        forecast: made from the last bars of `bars`.
        bars: history that ends with the forecast's last bar.
        path: the file to write.
        actual: the bars that followed, if they are known.
    """
    mpl.use("Agg")
    shown = bars[-_BARS_SHOWN:]
    last = float(shown.close[-1])
    past = np.arange(1 - len(shown), 1)
    ahead = np.arange(forecast.horizon + 1)
    figure = Figure(figsize=(10, 5.5), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(past, shown.close, color=_PRICE, linewidth=1.5, label="close")
    bands = len(forecast.levels) // 2
    for band in range(bands):
        low, high = (
            np.concatenate([[last], forecast.quantiles[:, column]])
            for column in (band, len(forecast.levels) - 1 - band)
        )
        share = forecast.levels[-1 - band] - forecast.levels[band]
        axes.fill_between(
            ahead,
            low,
            high,
            color=_FAN,
            alpha=0.15,
            linewidth=0,
            label=f"{share:.0%} of outcomes" if band == 0 else None,
        )
    median = [last, *(forecast.median(h) for h in range(1, forecast.horizon + 1))]
    axes.plot(ahead, median, color=_FAN, linewidth=1.5, label="median forecast")
    if actual is not None and len(actual):
        closes = np.concatenate([[last], actual.close[: forecast.horizon]])
        axes.plot(
            np.arange(len(closes)),
            closes,
            color=_ACTUAL,
            linewidth=1.5,
            linestyle="--",
            label="what came",
        )
    axes.axvline(0, color="#999999", linewidth=0.8)
    name = timeframe_name(forecast.tf)
    axes.set_title(f"{forecast.symbol} {name} after {stamp(forecast.time)}, by {forecast.model}")
    axes.set_xlabel(f"{name} bars from the last closed one")
    axes.set_ylabel("price")
    axes.grid(alpha=0.25)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path)
