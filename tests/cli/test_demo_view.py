"""The demo's live view, on terminals of any usual width."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from bridge.answers import Forecast
from bridge.bars import Bars
from bridge.cli.demo import _view
from bridge.demo import Step


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_whole_fan_is_visible(width: int, bars: Bars) -> None:
    close = float(bars.close[-1])
    spread = np.linspace(-0.05, 0.05, 9) * np.arange(1, 17)[:, None] / 16
    forecast = Forecast(
        model="fx-h1@1",
        symbol="EURUSD",
        time=int(bars.time[-1]),
        tf=3600,
        horizon=16,
        levels=tuple(round(level / 10, 1) for level in range(1, 10)),
        quantiles=close + spread,
        up=np.full(16, 0.5),
        cached=False,
        infer_us=1,
        server_us=1,
    )
    console = Console(file=io.StringIO(), width=width)

    console.print(_view(Step(1, bars, forecast, 100.0), 10, [100.0, 120.0], width))

    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    median = next(line for line in lines if "━" * 16 in line)
    assert median.count("━") in (16, 32)
    # The outermost prices stand in the last column of the fan, inside the frame.
    assert lines[1].rstrip("│ ").endswith("░")
