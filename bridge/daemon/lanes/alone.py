"""A forecast for one who is alone: what a batch of one would come to, by the shortest way."""

from __future__ import annotations

from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from bridge.backends import Backend, require_promised
from bridge.bundles import Manifest
from bridge.daemon.lanes.batch import Outcome, are_finite
from bridge.daemon.lanes.watchdog import Watchdog


class Alone:
    """Asks one lane's backend for one window at a time, in the loop, under the watchdog's eyes.

    Args:
        backend, manifest: the model.
        limit_s: how long the loop waits at most.

    Attributes:
        given_up: whether the last forecast was ended because it took too long.
    """

    __slots__ = ("_manifest", "_promised", "_time", "backend", "given_ns", "given_up", "limit_ns")

    def __init__(self, backend: Backend, manifest: Manifest, limit_s: float) -> None:
        self.backend = backend
        self.given_ns = 0
        self.limit_ns = int(limit_s * 1e9)
        self.given_up = False
        self._manifest = manifest
        self._time = np.zeros(1)
        wide = (1, manifest.horizon, len(manifest.levels))
        self._promised = (wide, wide[:2], self._time.dtype, self._time.dtype)

    def ask(
        self, backend: Backend, window: NDArray[np.float64], time: int, watchdog: Watchdog
    ) -> Outcome | None:
        """The forecast; None where there is none, for whatever reason: a batch says which."""
        self._time[0] = time
        self.backend, self.given_up = backend, False
        self.given_ns = begun_ns = perf_counter_ns()
        watchdog.watched = self
        try:
            quantiles, up = forecasts = backend.forecast(window[np.newaxis], self._time)
            infer_us = (perf_counter_ns() - begun_ns) // 1000
            if (quantiles.shape, up.shape, quantiles.dtype, up.dtype) != self._promised:
                require_promised(forecasts, self._manifest, 1)
            if not are_finite(quantiles, up):
                return None
            return Outcome(quantiles.tobytes(), up.tobytes(), infer_us, begun_ns)
        except Exception:  # noqa: BLE001  (a batch meets it again, and tells of it)
            return None
        finally:
            watchdog.watched = None
