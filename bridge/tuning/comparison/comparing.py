"""The whole comparison, from files and a base to everything that the report is made of."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import nn

from bridge.bars import Part
from bridge.tuning.comparison.forecasters import example, untrained, untrained_fingerprint
from bridge.tuning.comparison.listener import Listener
from bridge.tuning.comparison.losses import Losses, join
from bridge.tuning.comparison.measures import Effort, measure
from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT, Plan, RunKey
from bridge.tuning.comparison.results import (
    Comparison,
    LeftOut,
    Measures,
    RunResult,
    TaskFacts,
    Untrained,
)
from bridge.tuning.comparison.runs import MEASURED_SEED, Runs
from bridge.tuning.comparison.storage import (
    load_measures,
    load_untrained,
    save_measures,
    save_untrained,
)
from bridge.tuning.comparison.subject import Subject, require_comparable
from bridge.tuning.comparison.tasks import ComparisonError, Task, lay_out
from bridge.tuning.methods.bases import Base
from bridge.tuning.methods.networks import all_parameters, tuned_network
from bridge.tuning.recipes.defaults import training_for
from bridge.tuning.recipes.recipe import MethodRecipe
from bridge.tuning.run_folder import base_name
from bridge.tuning.scoring.leakage import read_windows, require_unseen
from bridge.tuning.scoring.scores import RANDOM_WALK
from bridge.tuning.training.trainer import DivergedError, Progress, TrainingError

# What a run of each task takes, in runs of the base's own: for the time that is left.
_RUN_COST = {OWN: 1.0, QUANTILE: 0.6, TEXT: 2.5}
_MEASURING_SHARE = 0.1
_LIBRARIES = (
    *("eabridge", "torch", "transformers", "peft", "bitsandbytes", "onnxruntime", "arch"),
    *("statsmodels", "numpy"),
)
Tasks = Mapping[tuple[str, int], Task]


def compare(
    subject: Subject,
    base: Base,
    plan: Plan,
    folder: Path,
    *,
    command: str = "",
    effort: Effort | None = None,
    listener: Listener | None = None,
) -> Comparison:
    """Train, score and measure all of a plan, or go on where a killed comparison stopped.

    Args:
        subject: files and days. base: what every method tunes. plan: what is compared.
        folder: keeps runs and checkpoints.
        command: the command that asked for it, for the report.
        effort: how long measuring takes.

    Raises:
        ComparisonError: it cannot be begun (`require_comparable`), or a run diverged.
        BaseError, LeakageError, Nf4Error, ExportError, MeasuredRunError: as their functions say.
    """
    listener = listener or Listener()
    require_comparable(subject, plan, base)
    tasks = {
        (name, fold): lay_out(name, fold, days, subject.sources, subject.kept, base, plan)
        for fold, days in enumerate(subject.days)
        for name in plan.tasks
    }
    _require_unseen(subject, tasks, base)
    runs = Runs(folder, plan, base, tasks, machine=_machine())
    found, left_out = _all_untrained(tasks, base, folder, listener)
    results = _trained(plan, base, tasks, runs, folder, listener)
    walk = join([each.test for each in found if _is(each, OWN, RANDOM_WALK, 0)])
    measures = _measures(plan, base, tasks, runs, walk, folder, effort or Effort(), listener)
    listener.advanced(1.0)
    return Comparison(
        plan=plan.as_dict(),
        base=base_name(base),
        base_parameters=all_parameters(_untuned(tasks[OWN, 0], base)),
        symbols=tuple(each.bars.symbol for each in subject.sources),
        base_symbols=base.bundle.manifest.symbols if base.bundle else (),
        kept_symbols=tuple(each.bars.symbol for each in subject.kept),
        seen_known=bool(read_windows(base.bundle)),
        machine=_machine(),
        libraries=_libraries(),
        command=command,
        facts={name: _facts(tasks, name) for name in plan.tasks},
        runs=tuple(results),
        untrained=tuple(found),
        left_out=tuple(left_out),
        examples={name: example(tasks[name, 0]) for name in plan.tasks},
        measures=measures,
    )


def _require_unseen(subject: Subject, tasks: Tasks, base: Base) -> None:
    """No bar that is scored, of whichever file, may have been in the base's training."""
    for task in tasks.values():
        require_unseen(subject.sources, [split.test for split in task.splits], base.bundle)
        reach = task.config.context - 1, task.config.horizon + 1
        scored = [
            Part(int(each.ends[0]) - reach[0], int(each.ends[-1]) + reach[1]) for each in task.kept
        ]
        require_unseen(subject.kept[: len(scored)], scored, base.bundle)


def _trained(
    plan: Plan, base: Base, tasks: Tasks, runs: Runs, folder: Path, listener: Listener
) -> list[RunResult]:
    """Every run's result, those that finished before from their files."""
    keys = plan.runs(base.width)
    total = sum(_RUN_COST[key.task] for key in keys) / (1.0 - _MEASURING_SHARE)
    done, results = 0.0, []
    for number, key in enumerate(keys, 1):
        result = runs.finished(key)
        if result is None:
            listener.stage(f"run {number} of {len(keys)}: {key.name}")

            def advance(progress: Progress, before: float = done, key: RunKey = key) -> None:
                head = tasks[key.task, key.fold].head
                steps = plan.steps or training_for(key.method, head=head).steps
                listener.advanced((before + progress.step / steps * _RUN_COST[key.task]) / total)

            try:
                result = runs.result(key, advance)
            except TrainingError as error:
                raise ComparisonError(
                    f"{key.name}: {error.reason}: {_advice(error, key, folder)}"
                ) from error
        results.append(result)
        done += _RUN_COST[key.task]
        listener.advanced(done / total)
    return results


def _advice(error: TrainingError, key: RunKey, folder: Path) -> str:
    if not isinstance(error, DivergedError):
        run = folder / "work" / key.name
        return (
            f"make room where its disk is full, else delete {run}, and give the same command again"
        )
    if key.variant is not None:
        return "leave the ablation out (--no-ablation), or compare on another base"
    return (
        f"leave {key.method} out of --methods, or compare on another base; what was trained stays"
    )


def _all_untrained(
    tasks: Tasks, base: Base, folder: Path, listener: Listener
) -> tuple[list[Untrained], list[LeftOut]]:
    """All that needs no training, but what some fold of its task had to leave out."""
    found: list[Untrained] = []
    left_out: list[LeftOut] = []
    for task in tasks.values():
        twin = [each for each in found if (each.task, each.fold) == (QUANTILE, task.fold)]
        if task.name == TEXT and twin:  # the same windows and levels, and no network of its own
            found += [replace(each, task=TEXT, validation=None) for each in twin]
            left_out += [
                replace(each, task=TEXT)
                for each in left_out
                if (each.task, each.fold) == (QUANTILE, task.fold)
            ]
            continue
        more, without = _untrained(task, base, folder, listener)
        found += more
        left_out += without
    gone = {(each.task, each.name) for each in left_out}
    return [each for each in found if (each.task, each.name) not in gone], left_out


def _untrained(
    task: Task, base: Base, folder: Path, listener: Listener
) -> tuple[list[Untrained], list[LeftOut]]:
    path = folder / "runs" / f"untrained-{task.name}-fold{task.fold}.json"
    fingerprint = untrained_fingerprint(task, base)
    kept = load_untrained(fingerprint, path)
    if kept is not None:
        return kept
    listener.stage(f"random walks and classical methods on the test of {task.name}")
    answers = task.name == OWN and base.config is not None
    found, left_out = untrained(task, _untuned(task, base) if answers else None)
    for each in left_out:
        listener.stage(f"left out: {each.name}, {each.reason}")
    return save_untrained(found, left_out, fingerprint, path)


def _measures(
    plan: Plan,
    base: Base,
    tasks: Mapping[tuple[str, int], Task],
    runs: Runs,
    walk: Losses,
    folder: Path,
    effort: Effort,
    listener: Listener,
) -> Measures:
    path = folder / "runs" / "measures.json"
    measured = [
        RunKey(name, method, MEASURED_SEED) for name in plan.tasks for method in plan.methods
    ]
    fingerprint = str([_machine(), effort, [runs.fingerprint(key) for key in measured]])
    kept = load_measures(fingerprint, path)
    if kept is not None:
        return kept
    # Every method is exported, or asked, and its memory measured: a stage each.
    total = 3 * len(tasks) * len(plan.methods)
    stages = iter(range(total))

    def on_stage(text: str) -> None:
        listener.stage(text)
        begun = next(stages, total) / total
        listener.advanced(1.0 - _MEASURING_SHARE * (1.0 - begun))

    measures = measure(plan, base, tasks, runs, walk, folder / "work", effort, on_stage)
    save_measures(measures, fingerprint, path)
    return measures


def _untuned(task: Task, base: Base) -> nn.Module:
    """The base as it is, for a task of its own window."""
    network = tuned_network(task.config, MethodRecipe(base=base.name), base, seed=0)
    return network.requires_grad_(False).eval()


def _facts(tasks: Tasks, name: str) -> TaskFacts:
    """Of a task over all folds."""
    found = [task.facts() for (each, _), task in tasks.items() if each == name]
    return replace(found[0], folds=tuple(fold for each in found for fold in each.folds))


def _is(each: Untrained, task: str, name: str, fold: int) -> bool:
    return (each.task, each.name, each.fold) == (task, name, fold)


def _machine() -> str:
    cores = os.cpu_count() or 1
    device = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    processor = _processor()
    return f"{cores} core{'s' if cores > 1 else ''} of {processor}{device}, {platform.system()}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _libraries() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # bitsandbytes, where no qlora is compared
            continue
    return found
