"""What the benchmarks ask: forecasts that no cache has seen, or the same few again and again."""

from __future__ import annotations

import numpy as np

from bridge.synthetic import SyntheticRequests, random_walk_bars

CONTEXT = 128
TF = 3600


def requests(*, fresh: bool = True, seed: int = 0) -> SyntheticRequests:
    """Requests to the shipped model, on EURUSD."""
    return SyntheticRequests(CONTEXT, TF, fresh=fresh, seed=seed, symbol="EURUSD")


def window(seed: int) -> np.ndarray:
    """[CONTEXT, 4] open, high, low, close of a random walk."""
    return np.ascontiguousarray(random_walk_bars(CONTEXT, TF, seed).ohlc, dtype="<f8")
