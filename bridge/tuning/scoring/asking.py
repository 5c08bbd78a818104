"""Forecasts of a file's windows as log-returns from the last close, which is what is scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.bars import Bars, windows

Array = NDArray[np.float64]
Ask = Callable[[Array, Array], tuple[Array, Array]]
"""[B, T(, 4)] bars and [B] times to [B, H, Q] prices and [B, H] probabilities of a rise."""

_BATCH = 256


class Shape(Protocol):
    """What a manifest, and a network's config, say of the windows asked for."""

    @property
    def inputs(self) -> str: ...

    @property
    def context(self) -> int: ...

    @property
    def horizon(self) -> int: ...

    @property
    def levels(self) -> tuple[float, ...]: ...


def true_moves(bars: Bars, ends: NDArray[np.int64], horizon: int) -> Array:
    """[W, H] log-returns from the last close that came after the windows that end at `ends`."""
    logs = np.log(bars.close)
    moves: Array = logs[ends[:, None] + np.arange(1, horizon + 1)] - logs[ends][:, None]
    return moves


def forecast_moves(
    ask: Ask,
    shape: Shape,
    bars: Bars,
    ends: NDArray[np.int64],
    on_progress: Callable[[int], None] = lambda done: None,
) -> tuple[Array, Array]:
    """[W, H, Q] quantiles of log-returns from the last close, and [W] the probability that the
    next close is above it.

    Args:
        ask: the model. shape: of its windows.
        bars: one file's. ends: [W] index of each window's last bar.
        on_progress: called with the windows done.
    """
    values = bars.ohlc if shape.inputs == "ohlc" else bars.close
    logs = np.log(bars.close)
    quantiles = np.empty((len(ends), shape.horizon, len(shape.levels)))
    up = np.empty(len(ends))
    for start in range(0, len(ends), _BATCH):
        rows = ends[start : start + _BATCH]
        prices, rising = ask(windows(values, rows, shape.context), bars.time[rows].astype(float))
        span = slice(start, start + len(rows))
        quantiles[span] = np.log(prices) - logs[rows][:, None, None]
        up[span] = rising[:, 0]
        on_progress(start + len(rows))
    return quantiles, up
