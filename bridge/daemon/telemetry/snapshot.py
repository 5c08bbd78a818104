"""The daemon as one value: what the page, `eabridge top` and the control socket's `status` show.

Made by whoever asks, in a thread of its own; what holds the interpreter holds the loop up, so the
interpreter is offered to others between one model or forecast and the next.
"""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from time import sleep, time
from typing import TYPE_CHECKING, Any

from bridge.bundles import Manifest
from bridge.daemon.cache.memory import ForecastCache
from bridge.daemon.telemetry.counts import LaneTelemetry, Remembered, Telemetry
from bridge.daemon.telemetry.histogram import exact_percentiles_us

if TYPE_CHECKING:
    import psutil

_PAUSE_S = 0.0005  # long enough for another thread to take the interpreter
_FORECASTS_AT_ONCE = 8


@dataclass(frozen=True)
class LaneFacts:
    """What is so of one lane at the moment.

    Attributes:
        answers_for: the symbols for which it answers in the place of its base.
        in_flight: windows being computed.
        mode: `inline` (by the loop) or `worker` (by threads of its own, or in another process).
        state: `ready`; `restarting`: what runs it is being replaced; `open`: it failed too often
            and is left alone for a while.
    """

    manifest: Manifest
    default: bool
    answers_for: tuple[str, ...]
    queued: int
    in_flight: int
    mode: str
    state: str


@dataclass(frozen=True)
class ServiceFacts:
    """What is so of the daemon at the moment, beside what it counts.

    Attributes:
        server: name and version, as in `hello`.
        health: `ready`, `degraded` (a model does not answer) or `draining`.
        queued: requests and windows that wait anywhere.
        connections: of clients; None where nobody counts them.
    """

    server: str
    health: str
    queued: int
    connections: int | None
    lanes: tuple[LaneFacts, ...]


@dataclass(frozen=True)
class Source:
    """Where those who show the daemon read. Any thread may.

    Attributes:
        facts: asks the service.
        cache: None where it is switched off.
    """

    facts: Callable[[], ServiceFacts]
    telemetry: Telemetry
    cache: ForecastCache | None

    def snapshot(self) -> dict[str, Any]:
        """All of it, of now, as JSON takes it. Takes some milliseconds; not for the loop."""
        return snapshot(self.facts(), self.telemetry, self.cache)


def snapshot(
    facts: ServiceFacts, telemetry: Telemetry, cache: ForecastCache | None
) -> dict[str, Any]:
    """Facts and counts as one map of what JSON knows; every number in it is finite.

    Times are POSIX seconds, `time` of a forecast those of the broker's server; durations are
    microseconds where the name ends in `_us`. `requests` counts messages and a lane's windows;
    `latency_us` and a lane's percentiles are those of its latest forecasts.
    """
    p50_us, p99_us = telemetry.percentiles_us()
    return {
        "server": facts.server,
        "pid": os.getpid(),
        "now": time(),
        "started": telemetry.started,
        "uptime_s": telemetry.uptime_s,
        "health": facts.health,
        "requests": telemetry.requests,
        "errors": {code.value: count for code, count in telemetry.errors.items() if count},
        "queued": facts.queued,
        "connections": facts.connections,
        "latency_us": {"p50": p50_us, "p99": p99_us},
        "cache": None if cache is None else _cache(cache),
        "lanes": [_lane(lane, telemetry) for lane in facts.lanes],
        "swaps": {
            "done": telemetry.swaps_done,
            "refused": telemetry.swaps_refused,
            "last": telemetry.last_swap,
        },
        "memory_bytes": memory_bytes(),
        "forecasts": _forecasts(telemetry.remembered()),
        "strip": [row._asdict() for row in telemetry.strip()],
    }


def memory_bytes() -> int:
    """The memory that this process has in use (its resident set)."""
    return int(this_process().memory_info().rss)


@lru_cache(maxsize=1)
def this_process() -> psutil.Process:
    """This process, as psutil sees it. Imported when it is asked for, and not at the start."""
    import psutil

    return psutil.Process()


def _cache(cache: ForecastCache) -> dict[str, int]:
    return {
        "entries": cache.entries,
        "bytes": cache.bytes,
        "limit_bytes": cache.limit_bytes,
        "hits": cache.hits,
        "misses": cache.misses,
    }


def _lane(facts: LaneFacts, telemetry: Telemetry) -> dict[str, Any]:
    manifest = facts.manifest
    # One that nobody has counted for yet shows zeros; it is the loop that makes it known.
    counts = telemetry.lanes.get(manifest.label) or LaneTelemetry(manifest.label, telemetry)
    (queue_p50_us,) = exact_percentiles_us(counts.latest_queue_us.copy(), 0.5)
    infer_p50_us, infer_p99_us = exact_percentiles_us(counts.latest_infer_us.copy(), 0.5, 0.99)
    sleep(_PAUSE_S)
    return {
        "model": manifest.label,
        "name": manifest.name,
        "version": manifest.version,
        "default": facts.default,
        "symbols": list(manifest.symbols),
        "answers_for": list(facts.answers_for),
        "tf": manifest.tf,
        "context": manifest.context,
        "horizon": manifest.horizon,
        "queued": facts.queued,
        "in_flight": facts.in_flight,
        "mode": facts.mode,
        "state": facts.state,
        "requests": counts.requests,
        "failed": counts.failed,
        "cached": counts.cached,
        "batches": counts.batches,
        "windows": counts.windows,
        "queue_p50_us": queue_p50_us,
        "infer_p50_us": infer_p50_us,
        "infer_p99_us": infer_p99_us,
        "restarts": counts.restarts,
    }


def _forecasts(remembered: list[Remembered]) -> list[dict[str, Any]]:
    forecasts = []
    for number, forecast in enumerate(remembered, start=1):
        forecasts.append(_forecast(forecast))
        if number % _FORECASTS_AT_ONCE == 0:
            sleep(_PAUSE_S)
    return forecasts


def _forecast(forecast: Remembered) -> dict[str, Any]:
    levels = len(forecast.levels)
    closes = array("d", forecast.values)[forecast.columns - 1 :: forecast.columns].tolist()
    prices = array("d", forecast.quantiles).tolist()
    return {
        "symbol": forecast.symbol,
        "tf": forecast.tf,
        "model": forecast.model,
        "time": forecast.time,
        "asked_at": forecast.asked_at,
        "closes": _checked(closes),
        "levels": list(forecast.levels),
        "quantiles": [prices[at : at + levels] for at in range(0, len(prices), levels)],
        "up": array("d", forecast.up).tolist(),
        "cached": forecast.cached,
        "server_us": forecast.server_us,
    }


def _checked(closes: list[float]) -> list[float]:
    """The latest closes. The daemon checks those that the model reads, and before them may be
    anything: what is shown begins after the last that is no price."""
    bad = (at for at in reversed(range(len(closes))) if not 0.0 < closes[at] < math.inf)
    return closes[next(bad, -1) + 1 :]
