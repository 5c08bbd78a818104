"""Windows of several files as tensors, ready to be drawn in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridge.bars import Bars, Part, window_ends


@dataclass(frozen=True)
class Batch:
    """`bars` [B, T, 4] float64 prices, `time` [B] float64, `moves` [B, H] float64 log-returns of
    the coming closes from the last one."""

    bars: Tensor
    time: Tensor
    moves: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(self.bars.to(device), self.time.to(device), self.moves.to(device))


class Samples:
    """Every window of one part of each file, by index.

    Args:
        files: the bars of each file.
        parts: the part of each to draw windows from, targets included.
        stride: bars between the ends of neighbouring windows.
    """

    def __init__(
        self,
        files: Sequence[Bars],
        parts: Sequence[Part],
        *,
        context: int,
        horizon: int,
        stride: int = 1,
    ) -> None:
        self._ohlc = torch.from_numpy(np.concatenate([bars.ohlc for bars in files]))
        self._time = torch.from_numpy(np.concatenate([bars.time for bars in files]))
        offsets = np.cumsum([0] + [len(bars) for bars in files[:-1]])
        self._ends = np.concatenate(
            [
                offset + window_ends(part, context, horizon, stride)
                for offset, part in zip(offsets, parts, strict=True)
            ]
        )
        self._past = torch.arange(1 - context, 1)
        self._ahead = torch.arange(1, horizon + 1)

    def __len__(self) -> int:
        return len(self._ends)

    def batch(self, indices: NDArray[np.int64], mirrored: NDArray[np.bool_] | None = None) -> Batch:
        """The windows at `indices`; those where `mirrored` have each price p turned to 1/p."""
        ends = torch.from_numpy(self._ends[indices])
        bars = self._ohlc[ends[:, None] + self._past]  # [B, T, 4]
        last = torch.log(self._ohlc[ends, 3])
        moves = torch.log(self._ohlc[ends[:, None] + self._ahead, 3]) - last[:, None]  # [B, H]
        if mirrored is not None:
            turned = torch.from_numpy(mirrored)
            upside_down = 1.0 / bars[..., [0, 2, 1, 3]]  # the low becomes the high
            bars = torch.where(turned[:, None, None], upside_down, bars)
            moves = torch.where(turned[:, None], -moves, moves)
        return Batch(bars, self._time[ends].double(), moves)
