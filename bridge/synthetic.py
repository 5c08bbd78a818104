"""Windows of a random walk, for requests whose answers do not matter."""

from __future__ import annotations

import numpy as np

from bridge.bars import Bars

_MONDAY = 1_577_923_200 // 604_800 * 604_800 + 4 * 86_400


def random_walk_bars(count: int, tf: int, seed: int) -> Bars:
    """`count` bars whose closes step by a tenth of a percent, highs and lows around them."""
    draw = np.random.default_rng(seed)
    close = 1.1 * np.exp(np.cumsum(draw.normal(0.0, 1e-3, count)))
    opened = np.concatenate([[1.1], close[:-1]])
    beyond = 1.0 + np.abs(draw.normal(0.0, 5e-4, (2, count)))
    high, low = np.maximum(opened, close) * beyond[0], np.minimum(opened, close) / beyond[1]
    time = np.arange(count, dtype=np.int64) * tf + _MONDAY
    return Bars("", tf, time, np.stack([opened, high, low, close], axis=1), np.zeros(count))
