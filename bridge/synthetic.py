"""Windows of a random walk, and requests about them, where the answers do not matter."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from bridge.bars import Bars
from bridge.wire import PROTOCOL_VERSION
from bridge.wire.codec import pack

_MONDAY = 1_578_268_800  # 2020-01-06, 00:00
_ID_MARK, _TIME_MARK = 0xF1F2_F3F4_F5F6_F7F8, 0xE1E2_E3E4_E5E6_E7E8  # both take eight bytes
_NUMBER = struct.Struct(">Q")


def random_walk_bars(count: int, tf: int, seed: int) -> Bars:
    """`count` bars whose closes step by a tenth of a percent, highs and lows around them."""
    draw = np.random.default_rng(seed)
    close = 1.1 * np.exp(np.cumsum(draw.normal(0.0, 1e-3, count)))
    opened = np.concatenate([[1.1], close[:-1]])
    beyond = 1.0 + np.abs(draw.normal(0.0, 5e-4, (2, count)))
    high, low = np.maximum(opened, close) * beyond[0], np.minimum(opened, close) / beyond[1]
    time = np.arange(count, dtype=np.int64) * tf + _MONDAY
    return Bars("", tf, time, np.stack([opened, high, low, close], axis=1), np.zeros(count))


class SyntheticRequests:
    """Bodies of `forecast`, one after the other, at hardly any cost: what a load is made of.

    Args:
        context, tf: of the model that is asked. inputs: `close` or `ohlc`.
        fresh: each asks about a time of its own, so that none is answered from a cache; else the
            same few come round again and again.
        windows: how many different ones take turns.
        seed: sets these windows apart from another's.
        fields: of the request, such as `model`.
    """

    def __init__(
        self,
        context: int,
        tf: int,
        *,
        inputs: str = "ohlc",
        fresh: bool = True,
        windows: int = 64,
        seed: int = 0,
        **fields: Any,
    ) -> None:
        self._parts = [
            _cut(random_walk_bars(context, tf, seed * windows + number), inputs, fields)
            for number in range(windows)
        ]
        self._first = _MONDAY + context * tf
        self._tf = tf
        self._fresh = fresh
        self._asked = 0

    def next(self) -> tuple[int, bytes]:
        """The next request's id, counted from 1, and its body."""
        head, between, tail = self._parts[self._asked % len(self._parts)]
        bar = self._asked if self._fresh else self._asked % len(self._parts)
        self._asked += 1
        time = _NUMBER.pack(self._first + bar * self._tf)
        return self._asked, head + _NUMBER.pack(self._asked) + between + time + tail


def _cut(bars: Bars, inputs: str, fields: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    """A body before, between and after the eight bytes each of its id and its time."""
    window = bars.ohlc if inputs == "ohlc" else bars.close
    message = {
        "v": PROTOCOL_VERSION,
        "id": _ID_MARK,
        "op": "forecast",
        **fields,
        "tf": bars.tf,
        "time": _TIME_MARK,
        inputs: np.ascontiguousarray(window, dtype="<f8").tobytes(),
    }
    head, rest = pack(message).split(_NUMBER.pack(_ID_MARK), 1)
    between, tail = rest.split(_NUMBER.pack(_TIME_MARK), 1)
    return head, between, tail
