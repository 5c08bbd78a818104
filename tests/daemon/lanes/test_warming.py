"""A model is asked before it is served: what is learned of it, and what keeps it out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.backends import BackendError, Forecasts
from bridge.backends.base import BackendDied
from tests.daemon.backends import Dying, Failing, Steady, lane_of


@dataclass
class AboveOne(Steady):
    """Raises where it is asked for more than one window at a time."""

    error: type[BackendError] = BackendError

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        if len(bars) > 1:
            raise self.error("more than one")
        return super().forecast(bars, time)


def test_it_is_asked_alone_and_in_batches_as_large_as_the_loop_will_form(store: Path) -> None:
    backend = Steady()
    lane_of(store, backend).warm()
    assert backend.sizes[:3] == [1, 1, 1]
    assert backend.sizes[3:] == [2, 4, 8, 16, 32, 64]


def test_one_that_takes_one_window_at_a_time_is_served(store: Path) -> None:
    backend = AboveOne()
    lane_of(store, backend).warm()
    assert set(backend.sizes) == {1}


@pytest.mark.parametrize("backend", [Dying(), Failing(), AboveOne(error=BackendDied)])
@pytest.mark.parametrize("workers", [0, 1])
def test_one_that_fails_or_dies_over_it_is_not(store: Path, backend: Steady, workers: int) -> None:
    with pytest.raises(BackendError):
        lane_of(store, backend, workers=workers).warm()


def test_a_very_slow_one_is_asked_once(store: Path) -> None:
    backend = Steady(pause_s=0.15)
    lane_of(store, backend).warm()
    assert backend.sizes == [1]
