"""PyTorch: a base loaded once, and beside it any number of adapters.

Imported only when a bundle needs it. What a network is made of comes through a `NetworkBuilder`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.backends.base import BackendError, Forecasts, NetworkBuilder
from bridge.bundles import Bundle, BundleError, Manifest
from bridge.bundles.bundle import WEIGHTS_FILE

_ROUNDED = "qlora"  # the one method whose adapters stand on other values than the base's own


@dataclass
class _Base:
    """A base's tensors, and the backends that stand on them."""

    weights: Mapping[str, Any]
    users: set[PytorchBackend] = field(default_factory=set)


class PytorchRuntime:
    """Opens bundles over shared bases. Thread-safe.

    Adapters of one base share its tensors: each takes the memory of what it adds. A base is let go
    with the last of them that is closed. Where there is a CUDA device, all of it stands there.

    Args:
        builder: makes the networks.
    """

    def __init__(self, builder: NetworkBuilder) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._builder = builder
        self._lock = Lock()
        self._bases: dict[tuple[str, bool], _Base] = {}  # by what `_standing_on` says
        self._opened: dict[str, list[PytorchBackend]] = {}

    def open(self, bundle: Bundle) -> PytorchBackend:
        """Load a bundle's adapter, and its base where no other has loaded it.

        Raises:
            BackendError: the bundle, or its base, does not make a network.
        """
        label = bundle.manifest.label
        with self._lock:
            try:
                base = self._base(bundle)
                try:
                    network = self._builder.network(bundle, base.weights if base else None)
                    bundle.verify()  # what was read by its path is what the manifest vouches for
                    network = network.to(self.device).requires_grad_(False).eval()
                    backend = PytorchBackend(network, self.device, self._let_go)
                    if base is not None:
                        base.users.add(backend)
                finally:
                    self._let_go_of_unused()
            except BackendError:
                raise
            except BundleError as error:
                raise BackendError(str(error).removeprefix(f"bundle {bundle.path}: ")) from error
            except (OSError, ValueError, RuntimeError, KeyError) as error:
                raise BackendError(f"it makes no network: {error}") from error
            self._opened.setdefault(label, []).append(backend)
            return backend

    def drop(self, label: str) -> None:
        """Close every backend of a bundle. Nothing happens where none is open."""
        for backend in tuple(self._opened.get(label, ())):
            backend.close()

    @property
    def bases(self) -> int:
        """How many bases are loaded. Adapters of `qlora` have their own, with rounded weights."""
        return len(self._bases)

    def _base(self, bundle: Bundle) -> _Base | None:
        """What a bundle stands on; None where it brings all its weights for itself."""
        key = _standing_on(bundle.manifest)
        if key is None:
            return None
        if key not in self._bases:
            weights = self._builder.base_weights(bundle)
            on_device = {name: each.to(self.device) for name, each in weights.items()}
            self._bases[key] = _Base(on_device)
        return self._bases[key]

    def _let_go(self, backend: PytorchBackend) -> None:
        """Forget a backend that is closed, and its base with the last one that stands on it."""
        with self._lock:
            for label, opened in tuple(self._opened.items()):
                if backend in opened:
                    opened.remove(backend)
                if not opened:
                    del self._opened[label]
            for base in self._bases.values():
                base.users.discard(backend)
            self._let_go_of_unused()

    def _let_go_of_unused(self) -> None:
        for key in [key for key, base in self._bases.items() if not base.users]:
            del self._bases[key]


def _standing_on(manifest: Manifest) -> tuple[str, bool] | None:
    """The same for adapters that can share a base; None for a model that has none."""
    if manifest.method == "full" or not manifest.base:
        return None
    # An adapter of a base that is no bundle keeps that base's weights beside it.
    own = manifest.files.get(WEIGHTS_FILE)
    return (own or manifest.base, manifest.method == _ROUNDED)


class PytorchBackend:
    """A network in this process.

    One window at a time: torch chooses its kernels by the size of the batch, and they differ in
    the last bits. One thread, likewise: a split sum rounds otherwise.

    Args:
        network: in eval mode. device: where it stands.
        on_close: told once it holds nothing any more.
    """

    def __init__(
        self,
        network: Any,
        device: torch.device,
        on_close: Callable[[PytorchBackend], None] = lambda backend: None,
    ) -> None:
        self._network: Any = network
        self._device = device
        self._on_close = on_close

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        network = self._network
        if network is None:
            raise BackendError("it was closed while it was asked: ask again")
        try:
            with torch.inference_mode(), _one_thread():
                answers = [
                    self._answer(network, bars[row : row + 1], time[row : row + 1])
                    for row in range(len(bars))
                ]
        except (RuntimeError, ValueError, IndexError, AttributeError) as error:
            raise BackendError(str(error)) from error
        quantiles, up = zip(*answers, strict=True)
        return Forecasts(np.concatenate(quantiles), np.concatenate(up))

    def abort(self) -> None:
        """Nothing: a forecast in this process ends by itself. In one of its own it can be ended."""

    def close(self) -> None:
        """Let go of the tensors, whoever else still holds the network.

        Modules refer to each other in circles, which a collector that is told to leave alone what
        was there at the start never ends.
        """
        network, self._network = self._network, None
        if network is not None:
            network.to("meta")
            self._on_close(self)

    def _answer(
        self, network: Any, bars: NDArray[np.float64], time: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        quantiles, up = network(
            torch.tensor(bars, device=self._device), torch.tensor(time, device=self._device)
        )
        return quantiles.double().cpu().numpy(), up.double().cpu().numpy()


_threads_lock = Lock()
_computing = 0
_threads_before = 1


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread for as long as anything here computes; then as many as it had."""
    global _computing, _threads_before
    with _threads_lock:
        if not _computing:
            _threads_before = torch.get_num_threads()
        _computing += 1
        torch.set_num_threads(1)  # for each thread that computes: OpenMP remembers it by thread
    try:
        yield
    finally:
        with _threads_lock:
            _computing -= 1
            if not _computing:
                torch.set_num_threads(_threads_before)
