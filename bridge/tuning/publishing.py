"""From a trained network to a bundle in a store: exported, verified, scored, written whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.backends import Backend
from bridge.backends.onnx_runtime import OnnxRuntimeBackend
from bridge.bundles import Bundle, BundleError, Manifest, write_bundle
from bridge.bundles.bundle import GRAPH_FILE
from bridge.bundles.manifest import SPECIALIST
from bridge.tuning.costs.latency import backend_way, measure_latency, speed_ratio
from bridge.tuning.exporting.export import (
    Array,
    ExportError,
    calibration_windows,
    difference_from,
    export_onnx,
    require_exportable,
    validation_score,
    verify_batches,
)
from bridge.tuning.exporting.int8 import CALIBRATION_WINDOWS, quantise_int8
from bridge.tuning.material import Material
from bridge.tuning.methods.networks import Network, plain_network
from bridge.tuning.scoring.evaluation import evaluate
from bridge.tuning.scoring.leakage import read_windows
from bridge.tuning.training.trainer import Progress

WORST_INT8 = 0.002
"""How much of the pinball ratio int8 may cost before it is refused."""

_ROUNDS = 8  # of 25 windows each way
_TEST_STRIDE = 7
_TEXT_STRIDE = 97  # a text forecast is forty values written digit by digit


@dataclass(frozen=True)
class Listener:
    """Where a build tells of its progress: a new stage, a training step, windows evaluated."""

    stage: Callable[[str], None] = lambda text: None
    training: Callable[[Progress], None] = lambda progress: None
    evaluating: Callable[[int, int], None] = lambda done, total: None


@dataclass(frozen=True)
class Target:
    """What is to be published, and where.

    Attributes:
        out: the store. name: of the bundle in it.
        runtime: `onnx` or `torch`.
        quantisation: empty, or `int8`.
        force: publish an int8 graph that scores worse than is allowed; its bundle says so.
        replace_existing: replace a bundle of that name.
    """

    out: Path
    name: str
    runtime: str = "onnx"
    quantisation: str = ""
    force: bool = False
    replace_existing: bool = False

    def require_room(self) -> None:
        """Raise BundleError where a bundle of that name stands and is not to be replaced."""
        folder = self.out / self.name
        if folder.exists() and not self.replace_existing:
            raise BundleError(f"{folder} exists already: give --name another, or --replace")


def publish(
    trained: Bundle,
    network: Network,
    material: Material,
    target: Target,
    listener: Listener | None = None,
) -> Bundle:
    """Export a trained network as `target` says, score it on the untouched bars, and write it.

    Args:
        trained: the bundle that holds the network: a run's folder, or one from a store.
        network: what `load_network` makes of it, in evaluation mode.
        material: the bars: training windows calibrate, validation windows verify, the rest scores.
        target: what to make.
        listener: is told of progress.

    Raises:
        ExportError: the network cannot be a graph, the graph answers otherwise than the network,
            or int8 costs more than `WORST_INT8`.
        BundleError, OSError: the bundle cannot be written; nothing half-written remains.
    """
    listener = listener or Listener()
    plain = plain_network(network)
    manifest = _retitled(trained.manifest, target)
    files = {name: trained.path / name for name in trained.manifest.files if name != GRAPH_FILE}
    with tempfile.TemporaryDirectory(prefix="eabridge-", ignore_cleanup_errors=True) as scratch:
        backend: Backend
        if target.runtime == "onnx":
            graph = Path(scratch) / GRAPH_FILE
            verified = _export(plain, material, graph, target, listener)
            manifest = replace(manifest, scores={**manifest.scores, **verified})
            files = {GRAPH_FILE: graph, **files}
            backend = OnnxRuntimeBackend(graph)
        else:
            backend = _torch_backend(plain)
        test = _test_scores(trained, manifest, backend, material, listener)
        manifest = replace(manifest, scores={**manifest.scores, **test})
        return write_bundle(
            target.out / target.name, manifest, files, replace_existing=target.replace_existing
        )


def _retitled(manifest: Manifest, target: Target) -> Manifest:
    """The manifest of what is made, before its scores."""
    data: Mapping[str, Any] = manifest.data
    if target.name != manifest.name:  # a second answer for its base's symbols would be one too many
        data = {key: value for key, value in data.items() if key != SPECIALIST}
    kept = {"validation": manifest.scores["validation"]} if "validation" in manifest.scores else {}
    return replace(
        manifest,
        name=target.name,
        data=dict(data),
        scores=kept,
        runtime=target.runtime,
        quantisation=target.quantisation,
    )


def _export(
    plain: Network, material: Material, graph: Path, target: Target, listener: Listener
) -> dict[str, Any]:
    """Write the graph; what its verification found, for the manifest."""
    require_exportable(plain.config)
    listener.stage("exporting to ONNX and comparing with PyTorch")
    difference = export_onnx(plain, material.validation, graph)
    found: dict[str, Any] = {"onnx_vs_torch": difference}
    if target.quantisation != "int8":
        return found
    listener.stage(f"quantising to int8 on {CALIBRATION_WINDOWS} training windows, and scoring it")
    config = plain.config
    float32 = graph.with_name("float32.onnx")
    graph.replace(float32)
    calibration = calibration_windows(config, material.training, CALIBRATION_WINDOWS)
    quantise_int8(float32, calibration, graph)
    backend = OnnxRuntimeBackend(graph)
    verify_batches(backend, config, material.validation)
    unquantised = OnnxRuntimeBackend(float32)
    before = validation_score(unquantised, config, material.validation)
    after = validation_score(backend, config, material.validation)
    worse = after - before
    listener.stage(_speed(unquantised, backend, calibration))
    if not worse <= WORST_INT8 and not target.force:
        raise ExportError(
            f"int8 worsens the pinball ratio on the validation windows from {before:.4f} to "
            f"{after:.4f}, by {worse:.4f} where {WORST_INT8} is allowed: serve it in float32, or "
            "give --force (the bundle then says what it costs)"
        )
    return {
        **found,
        "int8": {
            "validation_float32": round(before, 5),
            "validation_int8": round(after, 5),
            "worse_by": round(worse, 5),
            "allowed": WORST_INT8,
            "forced": not worse <= WORST_INT8,
            "calibration_windows": len(calibration[0]),
            "int8_vs_torch": difference_from(plain, backend, material.validation),
        },
    }


def _speed(float32: Backend, int8: Backend, windows: tuple[Array, Array]) -> str:
    """How much faster int8 is here; no part of the bundle, for it is this machine's alone."""
    ways = {name: backend_way(each, *windows) for name, each in (("f", float32), ("i", int8))}
    measured = measure_latency(ways, rounds=_ROUNDS)
    return (
        f"one window takes {measured['f'].p50_us:,.0f} us in float32 and "
        f"{measured['i'].p50_us:,.0f} us in int8, {speed_ratio(measured['f'], measured['i']):.2f} "
        "times as fast on this machine: the wider the model, the more int8 gains"
    )


def _torch_backend(plain: Network) -> Backend:
    import torch

    from bridge.backends.pytorch import PytorchBackend

    return PytorchBackend(plain, torch.device("cpu"))


def _test_scores(
    trained: Bundle, manifest: Manifest, backend: Backend, material: Material, listener: Listener
) -> dict[str, Any]:
    """Scores on the bars that neither training nor validation saw, where each file has some."""
    if not material.has_test:
        listener.stage(
            f"no scores: some file has no bars left after {manifest.data['validate_until']}; move "
            "train_until and validate_until in the recipe"
        )
        return {}
    listener.stage("scoring on the bars that neither training nor validation saw")
    scored = evaluate(
        backend,
        manifest,
        material.sources,
        seen=read_windows(trained),
        stride=_TEXT_STRIDE if manifest.head == "text" else _TEST_STRIDE,
        on_progress=listener.evaluating,
    )
    return {"test": {key: scored[key] for key in ("stride", "files", "overall")}}
