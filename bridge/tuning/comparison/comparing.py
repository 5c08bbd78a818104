"""The whole comparison, from files and a base to everything that the report is made of."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bridge.bars import FoldDays
from bridge.bundles import Bundle
from bridge.tuning import build as building
from bridge.tuning.comparison.forecasters import example, untrained
from bridge.tuning.comparison.losses import join
from bridge.tuning.comparison.measures import Effort, measure
from bridge.tuning.comparison.plan import OWN, TEXT, Plan, RunKey
from bridge.tuning.comparison.results import Comparison, Measures, Untrained
from bridge.tuning.comparison.runs import Runs
from bridge.tuning.comparison.storage import (
    load_measures,
    load_untrained,
    save_measures,
    save_untrained,
)
from bridge.tuning.comparison.tasks import Source, Task, choose_days, lay_out, require_one_timeframe
from bridge.tuning.methods.bases import Base, open_base
from bridge.tuning.methods.networks import all_parameters, tuned_network
from bridge.tuning.recipes.defaults import recipe_for, training_for
from bridge.tuning.recipes.recipe import MethodRecipe, Recipe
from bridge.tuning.recipes.recipe_file import to_toml
from bridge.tuning.scoring.leakage import (
    read_windows,
    require_distinct,
    require_named_right,
    require_unseen,
)
from bridge.tuning.scoring.scores import RANDOM_WALK
from bridge.tuning.training.trainer import Progress

BASE_NAME = "base"
# What a run of each task takes, in runs of the base's own: for the time that is left.
_RUN_COST = {OWN: 1.0, "quantile": 0.6, TEXT: 2.5}
_MEASURING_SHARE = 0.1
_LIBRARIES = (
    *("eabridge", "torch", "transformers", "peft", "bitsandbytes", "onnxruntime", "arch"),
    *("statsmodels", "numpy"),
)


@dataclass(frozen=True)
class Listener:
    """Where a comparison tells of its progress: what it does, and the share that is done."""

    stage: Callable[[str], None] = lambda text: None
    advanced: Callable[[float], None] = lambda share: None


@dataclass(frozen=True)
class Subject:
    """What is compared on: files to tune on, files of the base's own, and the days of each fold."""

    sources: Sequence[Source]
    kept: Sequence[Source]
    days: Sequence[FoldDays] = field(default_factory=tuple)


def choose_subject(
    sources: Sequence[Source],
    kept: Sequence[Source],
    folds: int,
    base: Bundle | None,
    recipe: Recipe | None = None,
) -> Subject:
    """Check the files and choose the days.

    Args:
        base: the base where there is one already.
        recipe: of the base that is to be trained; without either, the days are the files' own.

    Raises:
        ComparisonError, LeakageError: files that do not go together, are the same, or hold bars
            that the base has seen.
    """
    require_one_timeframe([*sources, *kept])
    require_distinct(sources)
    require_distinct(kept)
    require_named_right(sources, base)
    times = [each.bars.time for each in (*sources, *kept)]
    return Subject(sources, kept, tuple(choose_days(times, folds, base, recipe)))


def make_base(subject: Subject, recipe: Recipe | None, folder: Path, listener: Listener) -> Base:
    """Pre-train a base on the files of its own, up to the days that the first fold validates on.

    Args:
        recipe: shape and training; None takes the default one. Its name is set here, and its days
            where several folds walk forward.
        folder: of the comparison; the base is kept in `base`, and found there again.
    """
    files = [building.TrainingFile(each.path, each.bars) for each in subject.kept]
    first = subject.days[0]
    chosen = recipe or recipe_for([each.bars.time for each in subject.kept], BASE_NAME)
    chosen = replace(
        chosen,
        name=BASE_NAME,
        data=replace(
            chosen.data, train_until=first.train_until, validate_until=first.validate_until
        ),
    )
    text = to_toml(chosen)
    made = folder / BASE_NAME
    kept_text = made / "recipe.toml"
    if not (kept_text.is_file() and kept_text.read_text(encoding="utf-8") == text):
        listener.stage(f"pre-training the base on {_symbols(subject.kept)}")
        building.build(
            files,
            chosen,
            text,
            run=folder / "work" / BASE_NAME,
            out=folder,
            stores=[],
            replace_existing=True,
            listener=building.Listener(training=_base_progress(listener, chosen.training.steps)),
        )
    return open_base(str(made), [])


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
        ComparisonError, BaseError, LeakageError, TrainingError, ExportError, MeasuredRunError.
    """
    listener = listener or Listener()
    tasks = {
        (name, fold): lay_out(name, fold, days, subject.sources, subject.kept, base, plan)
        for fold, days in enumerate(subject.days)
        for name in plan.tasks
    }
    for task in tasks.values():
        require_unseen(subject.sources, [split.test for split in task.splits], base.bundle)
    runs = Runs(folder, plan, base, tasks)
    found = [each for task in tasks.values() for each in _untrained(task, base, folder, listener)]
    keys = plan.runs()
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

            result = runs.result(key, advance)
        results.append(result)
        done += _RUN_COST[key.task]
        listener.advanced(done / total)
    walk = join([each.test for each in found if _is(each, OWN, RANDOM_WALK, 0)])
    measures = _measures(plan, base, tasks, runs, walk, folder, effort or Effort(), listener)
    listener.advanced(1.0)
    first = tasks[OWN, 0]
    return Comparison(
        plan=plan.as_dict(),
        base=base.name,
        base_parameters=all_parameters(_untuned(first, base)),
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
        examples={name: example(tasks[name, 0]) for name in plan.tasks},
        measures=measures,
    )


def _untrained(task: Task, base: Base, folder: Path, listener: Listener) -> list[Untrained]:
    path = folder / "runs" / f"untrained-{task.name}-fold{task.fold}.json"
    fingerprint = f"{base.name} {task.data_hash}"
    found = load_untrained(fingerprint, path)
    if found is None:
        listener.stage(f"random walks and classical methods on the test of {task.name}")
        answers = task.name == OWN and base.config is not None
        found = untrained(task, _untuned(task, base) if answers else None)
        save_untrained(found, fingerprint, path)
    return found


def _measures(
    plan: Plan,
    base: Base,
    tasks: Mapping[tuple[str, int], Task],
    runs: Runs,
    walk: Any,
    folder: Path,
    effort: Effort,
    listener: Listener,
) -> Measures:
    path = folder / "runs" / "measures.json"
    fingerprint = f"{base.name} {plan} {effort} {[task.data_hash for task in tasks.values()]}"
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


def _facts(tasks: Mapping[tuple[str, int], Task], name: str) -> Any:
    """Of the task over all folds: the first's training, and all tests."""
    folds = [task.facts() for (each, _), task in tasks.items() if each == name]
    return replace(
        folds[0],
        test_windows=sum(each.test_windows for each in folds),
        first=min(each.first for each in folds),
        last=max(each.last for each in folds),
    )


def _is(each: Untrained, task: str, name: str, fold: int) -> bool:
    return (each.task, each.name, each.fold) == (task, name, fold)


def _base_progress(listener: Listener, steps: int) -> Callable[[Progress], None]:
    return lambda progress: listener.advanced(progress.step / steps)


def _symbols(sources: Sequence[Source]) -> str:
    return ", ".join(each.bars.symbol or each.path.name for each in sources)


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
