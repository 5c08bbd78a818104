"""The demo: a daemon, real EURUSD hours, and a client that asks as an EA would on each new bar."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bridge.answers import Forecast
from bridge.bars import Bars, read_bars
from bridge.client import Client

_TIMEOUT_MS = 1000


class DemoDataMissing(ModuleNotFoundError):
    """The `backtesting` package, whose real EURUSD hours the demo replays, is not installed."""


@dataclass(frozen=True)
class Step:
    """One bar of the replay: the bars known so far, the forecast, and its round trip."""

    number: int
    known: Bars
    forecast: Forecast
    round_trip_us: float


@dataclass
class Summary:
    """What a replay showed, counted over the forecasts whose outcome was seen."""

    round_trips_us: list[float] = field(default_factory=list)
    inside: int = 0
    judged: int = 0

    @property
    def coverage(self) -> float:
        """Share of closes, up to H bars ahead, between the outer quantiles."""
        return self.inside / self.judged if self.judged else float("nan")

    def percentile_us(self, percent: float) -> float:
        """A percentile of the round trips."""
        return float(np.percentile(self.round_trips_us, percent))


def demo_bars() -> Bars:
    """EURUSD hours of 2017 and 2018, from the `backtesting` package.

    Raises:
        DemoDataMissing: it is not installed.
    """
    spec = importlib.util.find_spec("backtesting")  # found, not imported: that takes seconds
    if spec is None or spec.origin is None:
        raise DemoDataMissing("the demo's bars come with backtesting", name="backtesting")
    bars, _ = read_bars(Path(spec.origin).parent / "test" / "EURUSD.csv")
    return bars


def replay(
    client: Client,
    bars: Bars,
    *,
    context: int,
    steps: int,
    seconds: float,
    summary: Summary,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Step]:
    """Give the client one bar more at each step, evenly over `seconds`; judge what has come.

    Args:
        client: asks the daemon.
        bars: the history; the replay takes its last `context + steps` bars.
        context: bars known before the first step.
        steps: how many bars to replay.
        seconds: how long to take.
        summary: is counted up.
        pause: waits; tests do not.
    """
    first = len(bars) - steps
    started = time.perf_counter()
    client.forecast(bars[first - context : first])  # connect, and learn what the model reads
    asked: list[tuple[int, Forecast]] = []
    for number in range(1, steps + 1):
        stop = first + number
        begun = time.perf_counter()
        forecast = client.forecast(bars[stop - context : stop])
        round_trip_us = (time.perf_counter() - begun) * 1e6
        summary.round_trips_us.append(round_trip_us)
        _judge(summary, asked, stop - 1, float(bars.close[stop - 1]))
        asked.append((stop - 1, forecast))
        asked = asked[-forecast.horizon :]
        yield Step(number, bars[:stop], forecast, round_trip_us)
        pause(max(0.0, started + seconds * number / steps - time.perf_counter()))


def _judge(summary: Summary, asked: list[tuple[int, Forecast]], bar: int, close: float) -> None:
    """Hold a close that has come against every forecast that was made for it."""
    for made_at, forecast in asked:
        quantiles = forecast.quantiles[bar - made_at - 1]
        summary.judged += 1
        summary.inside += bool(quantiles[0] <= close <= quantiles[-1])
