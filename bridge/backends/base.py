"""The one interface above every runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.bundles import Bundle, Manifest


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


def require_promised(answer: Forecasts, manifest: Manifest, batch: int) -> None:
    """Hold an answer's shapes and types against the manifest.

    Raises:
        BackendError: it is not what the manifest promises for `batch` windows.
    """
    wanted = (batch, manifest.horizon, len(manifest.levels))
    for name, array, shape in (
        ("quantiles", answer.quantiles, wanted),
        ("up", answer.up, wanted[:2]),
    ):
        if array.shape != shape or array.dtype != np.float64:
            raise BackendError(
                f"`{name}` comes as {array.dtype} {array.shape} where the manifest promises "
                f"float64 {shape}"
            )


class NetworkBuilder(Protocol):
    """Makes networks for the PyTorch backend: the workshop's, which this room may not import.

    A network is a `torch.nn.Module` in eval mode: (bars, time), as `Backend.forecast` takes them,
    to (quantiles [B, H, Q], up [B, H]).
    """

    def base_weights(self, bundle: Bundle) -> Mapping[str, Any]:
        """The tensors that a bundle's adapter stands on, by name.

        Raises:
            BackendError: its base is not to be had.
        """
        ...

    def network(self, bundle: Bundle, weights: Mapping[str, Any] | None) -> Any:
        """A bundle's network. Where `weights` are given it shares them: only what the bundle adds
        to its base is new memory.

        Raises:
            BackendError: the bundle's files do not make the network of its manifest.
        """
        ...


class TorchRuntime(Protocol):
    """Whatever opens bundles that PyTorch runs; injected, so that torch is imported for them only.

    Implemented by `bridge.backends.pytorch.PytorchRuntime` and, over the workshop's networks, by
    `bridge.runtimes.Runtimes`.
    """

    def open(self, bundle: Bundle) -> Backend:
        """Load a bundle.

        Raises:
            BackendError: it cannot be run, or torch is not installed.
        """
        ...

    def drop(self, label: str) -> None:
        """Let go of what `open` loaded for the bundle of this label; nothing where it loaded none.

        The backend must be asked no more.
        """
        ...


def open_backend(bundle: Bundle, runtime: TorchRuntime | None = None) -> Backend:
    """Load a bundle, ask it for two windows alone and together, and hold it to its manifest.

    Args:
        bundle: the model.
        runtime: opens a bundle that PyTorch runs; without it such a bundle is refused.

    Raises:
        BackendError: naming the bundle.
    """
    try:
        backend = _load(bundle, runtime)
        try:
            _try_out(backend, bundle.manifest)
        except BackendError:
            if runtime is not None:
                runtime.drop(bundle.manifest.label)
            raise
    except BackendError as error:
        raise BackendError(f"bundle {bundle.path}: {error}") from error
    return backend


def _load(bundle: Bundle, runtime: TorchRuntime | None) -> Backend:
    if bundle.manifest.runtime == "torch":
        if runtime is None:
            raise BackendError(
                "it is run by PyTorch, which is not to be had here: export it with eabridge "
                "export --model NAME --to onnx"
            )
        return runtime.open(bundle)
    from bridge.backends.onnx_runtime import OnnxRuntimeBackend

    return OnnxRuntimeBackend(bundle.graph)


def _try_out(backend: Backend, manifest: Manifest) -> None:
    flat = np.ones((manifest.context, 4))
    wavy = flat + 0.01 * np.sin(np.arange(manifest.context))[:, np.newaxis]
    bars = np.stack([flat, wavy])
    if manifest.inputs == "close":
        bars = bars[:, :, 3]
    times = np.zeros(len(bars))
    alone = [backend.forecast(bars[[row]], times[[row]]) for row in range(len(bars))]
    for answer in alone:
        require_promised(answer, manifest, 1)
        if not (np.isfinite(answer.quantiles).all() and np.isfinite(answer.up).all()):
            raise BackendError("the graph answers values that are not finite")
    try:
        together = backend.forecast(bars, times)
    except BackendError:  # a graph may admit one window at a time
        return
    require_promised(together, manifest, len(bars))
    for row, answer in enumerate(alone):
        again = Forecasts(together.quantiles[row], together.up[row])
        if any(a.tobytes() != b.tobytes() for a, b in zip(answer, again, strict=True)):
            raise BackendError(
                "the answer to a window changes with the other windows of its batch: export it "
                "in float32, or with a batch of one"
            )
