"""Books of made-up forecasts, so that a test knows when an Expert Advisor should do what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.bars import Bars
from bridge.book.book import BookInfo, write_head
from bridge.book.checksums import fold_rows, window_checksums

CONTEXT, HORIZON = 2, 6
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MOVE, REACH = 0.0010, 0.0040  # of the median from the last close; of the outermost levels from it
LIKELY = 0.7


def planned_quantiles(last_close: float, direction: int) -> NDArray[np.float64]:
    """[HORIZON, 9] prices for a rise (1), a fall (-1) or neither (0), the same for every bar."""
    around = np.linspace(-REACH, REACH, len(LEVELS))
    return np.tile(last_close + direction * MOVE + around, (HORIZON, 1))


def write_plan(
    path: Path,
    bars: Bars,
    signals: Mapping[int, int],
    *,
    holes: frozenset[int] = frozenset(),
) -> Path:
    """Write a book that forecasts neither way after every bar but those of `signals`.

    Args:
        path: the book.
        bars: the history.
        signals: direction by the number of the last closed bar.
        holes: numbers of the last closed bars for which there is no forecast.
    """
    rows = [row for row in range(CONTEXT - 1, len(bars)) if row not in holes]
    records = np.array(
        [
            [
                *planned_quantiles(float(bars.close[row]), signals.get(row, 0)).reshape(-1),
                *[0.5 + signals.get(row, 0) * (LIKELY - 0.5)] * HORIZON,
            ]
            for row in rows
        ]
    )
    info = BookInfo("plan@1", bars.symbol, 1, CONTEXT, HORIZON, LEVELS, bars.tf, digits=5)
    windows = window_checksums(bars.ohlc[:, 3:], CONTEXT, info.digits)
    with path.open("wb") as file:
        file.seek(info.records_at(len(rows)))
        file.write(records.astype("<f8").tobytes())
        write_head(
            file,
            info,
            bars.time[rows],
            windows[[row - CONTEXT + 1 for row in rows]],
            fold_rows(records),
        )
    return path
