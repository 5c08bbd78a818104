"""Backends: a batch of windows to a batch of forecasts, whatever runs the network."""

from bridge.backends.base import (
    Backend,
    BackendError,
    Forecasts,
    NetworkBuilder,
    TorchRuntime,
    open_backend,
    require_promised,
)

__all__ = [
    "Backend",
    "BackendError",
    "Forecasts",
    "NetworkBuilder",
    "TorchRuntime",
    "open_backend",
    "require_promised",
]
