"""The one interface above every runtime."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.bundles import Bundle, BundleError, Manifest
from bridge.bundles.bundle import GRAPH_FILE

TRY_OUT_SECONDS = 60.0
"""How long a model may take over its first windows, before it is given up."""

_TRIED_TOGETHER = (2, 5, 17)  # kernels take numbers by 2, 4, 8 or 16, and differ for what is left
_TRY_ALONE_S = 0.5  # a slow model is asked for two windows


class BackendError(RuntimeError):
    """A bundle's graph cannot be loaded or does not do what its manifest says."""


class BackendDied(BackendError):
    """The process that ran a model is gone, and the model with it: open it again."""


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
            BackendError: the runtime failed, or was told to stop.
            BackendDied: the process that ran it is gone; asking again is of no use.
        """
        ...

    def abort(self) -> None:
        """End, as far as that can be, the forecasts that other threads wait for here.

        They raise BackendError. Nothing happens where nobody waits. Thread-safe.
        """
        ...

    def close(self) -> None:
        """Let go of what this model holds, and of what only it shared. Thread-safe; once is enough.

        Asked afterwards, it raises BackendError.
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
    `bridge.runtimes.Runtimes`; in a process of its own, by
    `bridge.backends.process.ProcessRuntime`.
    """

    def open(self, bundle: Bundle) -> Backend:
        """Load a bundle.

        Raises:
            BackendError: it cannot be run, or torch is not installed.
        """
        ...

    def drop(self, label: str) -> None:
        """Close every backend that `open` gave for the bundle of this label, if any."""
        ...


def open_backend(
    bundle: Bundle, runtime: TorchRuntime | None = None, *, seconds: float = TRY_OUT_SECONDS
) -> Backend:
    """Load a bundle, ask it for windows alone and together, and hold it to its manifest.

    Args:
        bundle: the model.
        runtime: opens a bundle that PyTorch runs; without it such a bundle is refused.
        seconds: how long it may take over these windows.

    Raises:
        BackendError: naming the bundle.
    """
    try:
        backend = load_backend(bundle, runtime)
        try:
            with _within(seconds, backend):
                try_out(backend, bundle.manifest)
        except BaseException:
            backend.close()
            raise
    except BackendError as error:
        raise type(error)(f"bundle {bundle.path}: {error}") from error
    return backend


def load_backend(bundle: Bundle, runtime: TorchRuntime | None = None) -> Backend:
    """Load a bundle and ask it nothing.

    Raises:
        BackendError: it cannot be loaded.
    """
    if bundle.manifest.runtime == "torch":
        if runtime is None:
            raise BackendError(
                "it is run by PyTorch, which is not to be had here: export it with eabridge "
                "export --model NAME --to onnx"
            )
        return runtime.open(bundle)
    try:
        from bridge.backends.onnx_runtime import OnnxRuntimeBackend
    except ImportError as error:
        raise BackendError(
            f"ONNX Runtime cannot be loaded ({error}): on Windows it needs Microsoft's Visual C++ "
            "Redistributable, from https://aka.ms/vs/17/release/vc_redist.x64.exe"
        ) from error
    try:
        return OnnxRuntimeBackend(bundle.read(GRAPH_FILE))
    except BundleError as error:
        raise BackendError(str(error).removeprefix(f"bundle {bundle.path}: ")) from error


def try_out(backend: Backend, manifest: Manifest) -> None:
    """Ask a model for windows alone and together, and hold it to its manifest.

    Raises:
        BackendError: it fails, or does not do as its manifest says.
    """
    bars, times = _windows_to_try(manifest)
    alone: list[Forecasts] = []
    begun = perf_counter()
    for row in range(len(bars)):
        answer = backend.forecast(bars[[row]], times[[row]])
        require_promised(answer, manifest, 1)
        if not (np.isfinite(answer.quantiles).all() and np.isfinite(answer.up).all()):
            raise BackendError("the graph answers values that are not finite")
        alone.append(answer)
        if len(alone) > 1 and perf_counter() - begun > _TRY_ALONE_S:
            break
    for size in _TRIED_TOGETHER:
        if size <= len(alone):
            _require_same_together(backend, manifest, bars[:size], times[:size], alone)


def _windows_to_try(manifest: Manifest) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[B, context(, 4)] prices around 1, the first of which do not move, and [B] times."""
    count = max(_TRIED_TOGETHER)
    steps = np.random.default_rng(0).normal(0.0, 1e-3, (count, manifest.context))
    steps[0] = 0.0
    close: NDArray[np.float64] = np.exp(np.cumsum(steps, axis=1))
    bars = close if manifest.inputs == "close" else np.repeat(close[:, :, np.newaxis], 4, axis=2)
    times: NDArray[np.float64] = 1.5e9 + 3600.0 * np.arange(count, dtype=np.float64)
    return bars, times


def _require_same_together(
    backend: Backend,
    manifest: Manifest,
    bars: NDArray[np.float64],
    times: NDArray[np.float64],
    alone: Sequence[Forecasts],
) -> None:
    try:
        together = backend.forecast(bars, times)
    except BackendDied:
        raise
    except BackendError:  # a graph may admit one window at a time
        return
    require_promised(together, manifest, len(bars))
    for row in range(len(bars)):
        again = Forecasts(together.quantiles[row], together.up[row])
        if any(a.tobytes() != b.tobytes() for a, b in zip(alone[row], again, strict=True)):
            raise BackendError(
                "the answer to a window changes with the other windows of its batch: export it "
                "in float32, or with a batch of one"
            )


@contextmanager
def _within(seconds: float, backend: Backend) -> Iterator[None]:
    """A limit to what `backend` is asked meanwhile: what hangs is ended, and refused."""
    late = threading.Event()

    def end() -> None:
        late.set()
        backend.abort()

    limit = threading.Timer(seconds, end)
    limit.daemon = True
    limit.start()
    try:
        yield
    except BackendError:
        if not late.is_set():
            raise
    finally:
        limit.cancel()
    if late.is_set():
        raise BackendError(f"it had not answered its first windows after {seconds:g} seconds")
