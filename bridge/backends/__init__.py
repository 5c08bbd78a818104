"""Backends: a batch of windows to a batch of forecasts, whatever runs the network.

In this process, `onnx_runtime` and `pytorch`; in another one, `process`, which asks a `worker` over
a `channel`. `trial` finds out in a process of its own what a graph does to one that loads it.
"""

from bridge.backends.base import (
    Backend,
    BackendDied,
    BackendError,
    Forecasts,
    NetworkBuilder,
    TorchRuntime,
    open_backend,
    require_promised,
)

__all__ = [
    "Backend",
    "BackendDied",
    "BackendError",
    "Forecasts",
    "NetworkBuilder",
    "TorchRuntime",
    "open_backend",
    "require_promised",
]
