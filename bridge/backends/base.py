"""The one interface above every runtime."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.bundles import Bundle


class BackendError(RuntimeError):
    """A bundle's graph cannot be loaded or does not do what its manifest says."""


class Forecasts(NamedTuple):
    """Forecasts of a batch: `quantiles` [B, H, Q] prices and `up` [B, H], both float64."""

    quantiles: NDArray[np.float64]
    up: NDArray[np.float64]


class Backend(Protocol):
    """A loaded model.

    The same window gives the same bits alone and at any place in any batch.
    """

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        """Forecast a batch.

        Args:
            bars: [B, context] closes or [B, context, 4] open, high, low, close; float64 prices.
            time: [B] float64, open time of each window's last bar.

        Raises:
            BackendError: the runtime failed.
        """
        ...


def open_backend(bundle: Bundle) -> Backend:
    """Load a bundle, ask it once, and hold its answer against its manifest.

    Raises:
        BackendError: naming the bundle.
    """
    from bridge.backends.onnx_runtime import OnnxRuntimeBackend

    manifest = bundle.manifest
    try:
        backend = OnnxRuntimeBackend(bundle.graph)
        shape = (1, manifest.context) if manifest.inputs == "close" else (1, manifest.context, 4)
        answer = backend.forecast(np.ones(shape), np.zeros(1))
        wanted = (1, manifest.horizon, len(manifest.levels))
        if answer.quantiles.shape != wanted or answer.up.shape != wanted[:2]:
            raise BackendError(
                f"{bundle.graph.name} answers {answer.quantiles.shape} where the manifest "
                f"promises {wanted}"
            )
        if not (np.isfinite(answer.quantiles).all() and np.isfinite(answer.up).all()):
            raise BackendError(f"{bundle.graph.name} answers values that are not finite")
    except BackendError as error:
        raise BackendError(f"bundle {bundle.path}: {error}") from error
    return backend
