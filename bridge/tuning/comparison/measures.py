"""What is measured once, when all is trained: latency side by side, int8, and memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bridge.backends import Backend
from bridge.backends.onnx_runtime import OnnxRuntimeBackend
from bridge.backends.pytorch import PytorchBackend
from bridge.bars import windows
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.comparison import processes
from bridge.tuning.comparison.estimates import Scorer
from bridge.tuning.comparison.forecasters import backend_losses
from bridge.tuning.comparison.losses import Losses
from bridge.tuning.comparison.plan import LARGE, OWN, Plan, RunKey
from bridge.tuning.comparison.results import (
    BASE_NETWORK,
    INT8,
    ONNX,
    PYTORCH,
    Measures,
    Memory,
    Quantised,
    Sharing,
    Timing,
)
from bridge.tuning.comparison.runs import MEASURED_SEED, Runs
from bridge.tuning.comparison.tasks import Task
from bridge.tuning.costs.latency import Way, backend_way, measure_latency
from bridge.tuning.costs.memory import Measured, measure_memory
from bridge.tuning.exporting.export import export_onnx
from bridge.tuning.exporting.graph import ExportError
from bridge.tuning.exporting.int8 import CALIBRATION_WINDOWS, quantise_int8
from bridge.tuning.methods.bases import Base
from bridge.tuning.methods.networks import plain_network, tuned_network
from bridge.tuning.recipes.recipe import MethodRecipe
from bridge.tuning.training.objectives import model_input

LARGE_NETWORK = "GPT-2 small's size"
ADAPTERS = 20
_WINDOWS_ASKED = 64
_STEPS = 12
_LARGE_STEPS = 3
_LARGE_CALIBRATION = 64
_LARGE_BATCH = 16
_CPU = torch.device("cpu")
OnStage = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How long measuring takes: latency rounds (without any, nothing is exported), and whether
    processes are started for memory, of the base and of a GPT-2 of full size."""

    rounds: int = 20
    calls: int = 25
    memory: bool = True
    large: bool = True


def measure(
    plan: Plan,
    base: Base,
    tasks: Mapping[tuple[str, int], Task],
    runs: Runs,
    walk: Losses,
    folder: Path,
    effort: Effort,
    on_stage: OnStage,
) -> Measures:
    """Everything of `Measures`, from the networks of the first seed.

    Args:
        walk: the random walk's losses on the first fold's own task.
        folder: for graphs and adapters.
    """
    folder.mkdir(parents=True, exist_ok=True)
    timings, quantised = (
        _answers(plan, tasks, runs, walk, folder, effort, on_stage) if effort.rounds else ([], [])
    )
    if not effort.memory:
        return Measures(timings=tuple(timings), quantised=tuple(quantised))
    return Measures(
        timings=tuple(timings),
        quantised=tuple(quantised),
        memory=tuple(_memory(plan, base, tasks, effort, on_stage)),
        sharing=tuple(_sharing(plan, base, tasks, runs, folder, effort, on_stage)),
    )


def _answers(
    plan: Plan,
    tasks: Mapping[tuple[str, int], Task],
    runs: Runs,
    walk: Losses,
    folder: Path,
    effort: Effort,
    on_stage: OnStage,
) -> tuple[list[Timing], list[Quantised]]:
    """Export every method, and ask all that answer in turns."""
    ways: dict[tuple[str, str, str], Way] = {}
    quantised = []
    for name in plan.tasks:
        task = tasks[name, 0]
        for method in plan.methods:
            on_stage(f"exporting {method}, {name}")
            network = runs.network(RunKey(name, method, MEASURED_SEED))
            ways[name, method, PYTORCH] = _backend_way(PytorchBackend(network, _CPU), task)
            if name != OWN:  # the two heads are compared in the one runtime that both have
                continue
            graph, small = folder / f"{method}.onnx", folder / f"{method}-int8.onnx"
            export_onnx(plain_network(network), task.validation, graph)  # type: ignore[arg-type]
            ways[name, method, ONNX] = _backend_way(OnnxRuntimeBackend(graph), task)
            try:
                quantise_int8(graph, _calibration(task), small)
            except ExportError as error:
                quantised.append(_refused(name, method, str(error)))
                continue
            ways[name, method, INT8] = _backend_way(OnnxRuntimeBackend(small), task)
            quantised.append(_quantised(task, method, graph, small, walk))
    if effort.large:
        on_stage(f"exporting a network of {LARGE_NETWORK}")
        ways |= _large_ways(tasks[OWN, 0], folder)
    on_stage("measuring latency, all ways in turns")
    took = measure_latency(
        {"/".join(key): way for key, way in ways.items()},
        rounds=effort.rounds,
        calls=effort.calls,
        turn_seconds=0.5,
    )
    found = {key: took["/".join(key)] for key in ways}
    timings = [
        Timing(*key, each.p50_us, each.p99_us, each.p50_ci, each.calls)
        for key, each in found.items()
    ]
    return timings, quantised


def _large_ways(task: Task, folder: Path) -> dict[tuple[str, str, str], Way]:
    """A network of GPT-2 small's size in float32 and int8; what is merged answers as `full`."""
    config = _large(task.config)
    base = processes.random_base(config)
    network = plain_network(tuned_network(config, MethodRecipe(), base, seed=0))
    graph, small = folder / "large.onnx", folder / "large-int8.onnx"
    export_onnx(network, task.validation, graph)
    quantise_int8(graph, _calibration(task, _LARGE_CALIBRATION), small)
    found = {
        (LARGE, "full", runtime): _backend_way(OnnxRuntimeBackend(path), task)
        for runtime, path in ((ONNX, graph), (INT8, small))
    }
    for path in (graph, small):
        path.unlink()
    return found


def _large(config: ForecasterConfig) -> ForecasterConfig:
    return replace(config, **processes.GPT2_SMALL, inner=0)  # type: ignore[arg-type]


def _backend_way(backend: Backend, task: Task) -> Way:
    return backend_way(backend, *_asked(task))


def _asked(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Test windows that take turns: [N, T(, 4)] bars and [N] times."""
    scored = task.test[0]
    ends = scored.ends[:_WINDOWS_ASKED]
    values = scored.bars.ohlc if task.config.inputs == "ohlc" else scored.bars.close
    return windows(values, ends, task.config.context), scored.bars.time[ends].astype(np.float64)


def _calibration(task: Task, count: int = CALIBRATION_WINDOWS) -> tuple[np.ndarray, np.ndarray]:
    """Training windows, evenly spread."""
    rows = np.linspace(0, len(task.samples) - 1, count).astype(np.int64)
    batch = task.samples.batch(np.unique(rows))
    return model_input(task.config, batch.bars).numpy(), batch.time.numpy()


def _quantised(task: Task, method: str, graph: Path, small: Path, walk: Losses) -> Quantised:
    scorer = Scorer(walk, task.facts().block_seconds)
    before = [backend_losses(OnnxRuntimeBackend(graph), task)]
    after = [backend_losses(OnnxRuntimeBackend(small), task)]
    change = scorer.pinball_difference(after, before)
    return Quantised(
        task=task.name,
        method=method,
        float32=scorer.pinball_ratio(before).value,
        int8=scorer.pinball_ratio(after).value,
        difference=(change.value, change.low, change.high),
    )


def _refused(task: str, method: str, reason: str) -> Quantised:
    unknown = float("nan")
    return Quantised(task, method, unknown, unknown, (unknown, None, None), reason)


def _memory(
    plan: Plan,
    base: Base,
    tasks: Mapping[tuple[str, int], Task],
    effort: Effort,
    on_stage: OnStage,
) -> list[Memory]:
    found = []
    for name in plan.tasks:
        task = tasks[name, 0]
        for method in plan.methods:
            on_stage(f"measuring the memory of {method}, {name}")
            recipe = task.recipe(RunKey(name, method, MEASURED_SEED), plan, base)
            training = replace(recipe.training, steps=_STEPS, warmup_steps=1)
            measured = measure_memory(
                processes.train_briefly,
                _location(base),
                asdict(task.config),
                asdict(recipe.method),
                asdict(training),
                imports=processes.IMPORTS,
            )
            found.append(_peak(BASE_NETWORK, name, method, measured))
    if not effort.large:
        return found
    task = tasks[OWN, 0]
    config = _large(task.config)
    for method in plan.methods:
        on_stage(f"measuring {method} at {LARGE_NETWORK}")
        recipe = task.recipe(RunKey(OWN, method, MEASURED_SEED), plan, base)
        training = replace(
            recipe.training, steps=_LARGE_STEPS, batch=_LARGE_BATCH, precision="float32"
        )
        measured = measure_memory(
            processes.train_briefly,
            "",
            asdict(config),
            asdict(recipe.method),
            asdict(training),
            imports=processes.IMPORTS,
        )
        found.append(_peak(LARGE_NETWORK, OWN, method, measured))
    return found


def _peak(network: str, task: str, method: str, measured: Measured) -> Memory:
    step_ms = float(measured.result)
    return Memory(network, task, method, measured.peak_bytes, step_ms, measured.device_bytes)


def _sharing(
    plan: Plan,
    base: Base,
    tasks: Mapping[tuple[str, int], Task],
    runs: Runs,
    folder: Path,
    effort: Effort,
    on_stage: OnStage,
) -> list[Sharing]:
    """Of bottleneck and LoRA, on the base itself and on one of GPT-2 small's size."""
    task = tasks[OWN, 0]
    found = []
    for method in (each for each in ("bottleneck", "lora") if each in plan.methods):
        on_stage(f"holding {ADAPTERS} {method} adapters on one base")
        key = RunKey(OWN, method, MEASURED_SEED)
        recipe = task.recipe(key, plan, base).method
        held = folder / f"held-{method}"
        processes.adapter_bundle(task.config, recipe, base, runs.network(key), held)
        found.append(_held(BASE_NETWORK, method, _location(base), held))
        if effort.large:
            found.append(_held_large(task, recipe, folder / f"held-{method}-large"))
    return found


def _held_large(task: Task, method: MethodRecipe, folder: Path) -> Sharing:
    config = _large(task.config)
    base = processes.random_base(config)
    network = tuned_network(config, method, base, seed=0)
    network.has_foreign_base = False  # type: ignore[assignment]  # drawn again, not saved
    processes.adapter_bundle(config, method, base, network, folder)
    return _held(LARGE_NETWORK, method.name, "", folder)


def _held(network: str, method: str, base: str, folder: Path) -> Sharing:
    one, many = (
        measure_memory(processes.hold_adapters, base, str(folder), count, imports=processes.IMPORTS)
        for count in (1, ADAPTERS)
    )
    return Sharing(
        network=network,
        method=method,
        adapters=ADAPTERS,
        one_bytes=one.peak_bytes,
        many_bytes=many.peak_bytes,
        process_one_bytes=int(one.result),
        process_many_bytes=int(many.result),
    )


def _location(base: Base) -> str:
    """Where a process of its own finds the base again."""
    return str(base.bundle.path) if base.bundle is not None else base.name
