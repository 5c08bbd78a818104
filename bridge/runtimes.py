"""Opens any bundle, whatever runs it; torch and the workshop are imported once one needs them.

This is where the PyTorch backend, which knows no network, meets the workshop, which builds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from bridge.backends import Backend, BackendError, open_backend
from bridge.bundles import Bundle, Specialists, list_bundles, shipped_store
from bridge.bundles.bundle import WEIGHTS_FILE

if TYPE_CHECKING:
    from bridge.backends.pytorch import PytorchRuntime


class Runtimes:
    """Opens the bundles that PyTorch runs, adapters of one base beside each other.

    Args:
        stores: where the bases of adapters are looked for.
    """

    def __init__(self, stores: Sequence[Path]) -> None:
        self._stores = (*stores, shipped_store())  # a base is meant by its very version
        self._pytorch: PytorchRuntime | None = None
        self._lock = Lock()

    def open(self, bundle: Bundle) -> Backend:
        """Load a bundle that PyTorch runs.

        Raises:
            BackendError: it cannot be run, or what it needs is not installed.
        """
        with self._lock:
            if self._pytorch is None:
                self._pytorch = _pytorch(self._stores)
        return self._pytorch.open(bundle)

    def drop(self, label: str) -> None:
        """Let go of what was loaded for a bundle, and of its base with the last adapter on it."""
        if self._pytorch is not None:
            self._pytorch.drop(label)


class Routed:
    """A model with its specialists, as a daemon over these stores would serve it.

    Args:
        bundle: what is asked.
        stores: where its specialists, and the bases of adapters, are looked for.
        routes: whether specialists answer at all; not where `name@version` was asked for.
    """

    def __init__(self, bundle: Bundle, stores: Sequence[Path], *, routes: bool = True) -> None:
        loaded = list_bundles(stores)[0] if routes else []
        self.bundle = bundle
        self.specialists = Specialists(bundle, loaded)
        self._runtimes = Runtimes(stores)
        self._opened: dict[str, Backend] = {}

    def bundle_for(self, symbol: str) -> Bundle:
        """The bundle that answers for a symbol."""
        return self.specialists.answering(symbol)

    def backend_for(self, symbol: str) -> Backend:
        """Its backend, opened when first asked for.

        Raises:
            BackendError: it cannot be run.
        """
        bundle = self.bundle_for(symbol)
        label = bundle.manifest.label
        if label not in self._opened:
            self._opened[label] = open_backend(bundle, self._runtimes)
        return self._opened[label]


class _Workshop:
    """Networks as the workshop made them: a `NetworkBuilder`."""

    def __init__(self, stores: Sequence[Path]) -> None:
        self._stores = stores

    def base_weights(self, bundle: Bundle) -> Mapping[str, Any]:
        from bridge.tuning.methods.bases import open_base
        from bridge.tuning.methods.hugging_face import read_weights
        from bridge.tuning.methods.networks import shared_weights

        manifest = bundle.manifest
        if WEIGHTS_FILE in manifest.files:  # of a base that is no bundle
            return read_weights([bundle.path / WEIGHTS_FILE], manifest.label)
        try:
            return shared_weights(open_base(manifest.base, self._stores), manifest.method)
        except ValueError as error:
            raise BackendError(
                f"it stands on {manifest.base}, which is not to be had: {error}"
            ) from error

    def network(self, bundle: Bundle, weights: Mapping[str, Any] | None) -> Any:
        from bridge.tuning.methods.networks import shared_network

        return shared_network(bundle, weights)


def _pytorch(stores: Sequence[Path]) -> PytorchRuntime:
    try:
        import bridge.tuning.methods.networks  # noqa: F401  what it needs is missing now, or never
        from bridge.backends.pytorch import PytorchRuntime
    except ImportError as error:
        raise BackendError(
            f"it is run by PyTorch, and {error.name or error} is missing: give pip install "
            '"eabridge[train]", or export the model with eabridge export --model NAME --to onnx'
        ) from error
    return PytorchRuntime(_Workshop(stores))
