"""Opens any bundle, whatever runs it; torch and the workshop are imported once one needs them.

This is where the PyTorch backend, which knows no network, meets the workshop, which builds them: in
this process (`Runtimes`), or for a daemon in one of its own (`torch_process`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from bridge.backends import Backend, BackendError, open_backend
from bridge.bundles import Bundle, Specialists, list_bundles, shipped_store
from bridge.bundles.bundle import WEIGHTS_FILE
from bridge.bundles.store import find_among

if TYPE_CHECKING:
    from bridge.backends.process import ProcessRuntime
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
        """Close every backend that was opened for the bundle of this label."""
        if self._pytorch is not None:
            self._pytorch.drop(label)


def torch_process(stores: Sequence[Path]) -> ProcessRuntime:
    """The same in a process of its own, which begins with the first bundle that needs it.

    Args:
        stores: where the bases of adapters are looked for.
    """
    from bridge.backends.process import ProcessRuntime

    return ProcessRuntime(f"{__name__}:work", [str(store.absolute()) for store in stores])


def work() -> None:
    """What that process does: it serves the one that began it, and ends with it."""
    from bridge.backends.worker import serve_backends

    serve_backends(lambda stores: Runtimes([Path(store) for store in stores]))


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
            # By name, in the stores: no manifest leads to another folder, or to the network.
            base = find_among(manifest.base, self._stores, list_bundles(self._stores))
            weights = shared_weights(open_base(str(base.path), []), manifest.method)
            base.verify()
            return weights
        except ValueError as error:
            raise BackendError(
                f"it stands on {manifest.base}, which is not to be had: {error}"
            ) from error

    def network(self, bundle: Bundle, weights: Mapping[str, Any] | None) -> Any:
        from bridge.tuning.methods.networks import shared_network

        _require_vouched_adapter(bundle)
        return shared_network(bundle, weights)


def _require_vouched_adapter(bundle: Bundle) -> None:
    """Raise BackendError where an adapter is not the manifest's, or its settings name code."""
    from bridge.tuning.methods.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS

    manifest = bundle.manifest
    if manifest.method == "full":
        return
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if name not in manifest.files:
            raise BackendError(
                f"its manifest lists no {name}, which its method {manifest.method} needs: copy "
                "the bundle again from where it was made"
            )
    content = bundle.read(ADAPTER_CONFIG)
    try:
        settings = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BackendError(f"{ADAPTER_CONFIG} is not JSON ({error})") from error
    if isinstance(settings, dict) and settings.get("megatron_config"):
        raise BackendError(  # for PEFT would import a module of the name that stands beside it
            f"{ADAPTER_CONFIG} names code to run (`megatron_config`), which no bundle may: tune it "
            "with eabridge train"
        )


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
