"""Backends with one trait each, in this process: steady, held, hanging, dying, failing."""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.backends import Backend, BackendError, Forecasts
from bridge.backends.base import BackendDied
from bridge.daemon.lanes.lane import Lane, LaneOptions
from tests.backends import graphs

_PATIENCE_S = 60.0


@dataclass
class Steady:
    """Answers as `graphs.steady` does, after a pause, and notes who asked it for how many."""

    pause_s: float = 0.0
    sizes: list[int] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    aborted: int = 0
    closed: int = 0

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        clock.sleep(self.pause_s)
        self.sizes.append(len(bars))
        self.threads.append(threading.current_thread().name)
        quantiles = bars[:, -1][:, np.newaxis, np.newaxis] * graphs.FACTORS
        return Forecasts(quantiles, np.full((len(bars), graphs.HORIZON), 0.5))

    def abort(self) -> None:
        self.aborted += 1

    def close(self) -> None:
        self.closed += 1


@dataclass
class Held(Steady):
    """Waits in every forecast until it is let go; `deaf`, or until it is aborted."""

    deaf: bool = False
    asked: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    windows: list[float] = field(default_factory=list)

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        self.windows += bars[:, -1].tolist()
        self.asked.set()
        assert self.let_go.wait(_PATIENCE_S), "nobody let it go"
        return super().forecast(bars, time)


@dataclass
class StuckOnce(Steady):
    """Waits in its first forecast until it is aborted."""

    ended: threading.Event = field(default_factory=threading.Event)

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        if not self.ended.is_set():
            assert self.ended.wait(_PATIENCE_S), "nobody aborted it"
            raise BackendError("it was told to stop")
        return super().forecast(bars, time)

    def abort(self) -> None:
        super().abort()
        self.ended.set()


@dataclass
class Dying(Steady):
    """Its process is gone."""

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        raise BackendDied("its process was killed")


@dataclass
class Failing(Steady):
    """Raises where one of the windows has a last close above `limit`."""

    limit: float = 0.0

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        answer = super().forecast(bars, time)
        if (bars[:, -1] > self.limit).any():
            raise BackendError("it does not like this window")
        return answer


def lane_of(
    store: Path,
    backend: Backend,
    name: str = "m",
    *,
    by_workers: bool = False,
    reopen: Callable[[], Backend] | None = None,
    **options: float,
) -> Lane:
    """A lane around a backend, under any name.

    Args:
        by_workers: the loop must not compute it, as if it were another process that does.
        options: of `LaneOptions`; one worker where they do not say otherwise.
    """
    bundle = graphs.put(store, graphs.steady(), graphs.manifest(name))
    if by_workers:
        bundle = replace(bundle, manifest=replace(bundle.manifest, runtime="torch"))
    return Lane(bundle, backend, LaneOptions(**{"workers": 1, **options}), reopen)
