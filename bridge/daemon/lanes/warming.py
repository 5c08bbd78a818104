"""A model is asked before anyone waits for its answer: the first request finds it warm."""

from __future__ import annotations

from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from bridge.backends import Backend, BackendError, require_promised
from bridge.backends.base import BackendDied
from bridge.bundles import Manifest
from bridge.daemon.lanes.pace import Pace

_TIMES = 3
_LONG_US = 100_000  # one that takes so long is not asked twice


def warm_up(backend: Backend, manifest: Manifest, pace: Pace) -> None:
    """Compute windows alone, and in batches as large as the loop will form; `pace` learns.

    Raises:
        BackendError: the model fails.
    """
    took_us = [_ask(backend, manifest, 1)]
    while len(took_us) < _TIMES and took_us[-1] < _LONG_US:
        took_us.append(_ask(backend, manifest, 1))
    pace.begin(min(took_us))
    pace.learn(1, min(took_us))
    size = 1
    while pace.is_inline and pace.batch_limit > size:
        size = pace.batch_limit
        try:
            pace.learn(size, _ask(backend, manifest, size))
        except BackendDied:
            raise
        except BackendError:  # a graph may admit one window at a time
            pace.take_one_at_a_time()


def plain_windows(manifest: Manifest, count: int) -> NDArray[np.float64]:
    """Windows that any model can answer, [B, context] or [B, context, 4]: nothing ever moved."""
    shape = (count, manifest.context, 4)
    return np.ones(shape[:2] if manifest.inputs == "close" else shape)


def _ask(backend: Backend, manifest: Manifest, size: int) -> int:
    """Microseconds for a batch of this size."""
    bars = plain_windows(manifest, size)
    begun_ns = perf_counter_ns()
    answer = backend.forecast(bars, np.zeros(size))
    took_us = (perf_counter_ns() - begun_ns) // 1000
    require_promised(answer, manifest, size)
    return took_us
