"""One run after the other: trained, scored and kept, so that a killed comparison goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from torch import nn

from bridge.tuning.comparison.forecasters import example_forecast, network_losses
from bridge.tuning.comparison.plan import Plan, RunKey
from bridge.tuning.comparison.results import Point, RunResult
from bridge.tuning.comparison.storage import load_run, save_run
from bridge.tuning.comparison.tasks import Task
from bridge.tuning.methods.bases import Base
from bridge.tuning.methods.networks import (
    all_parameters,
    save_network,
    trainable_parameters,
    tuned_network,
)
from bridge.tuning.recipes.recipe import MethodRecipe
from bridge.tuning.training.trainer import Progress, Trained, train

OnStep = Callable[[Progress], None]
MEASURED_SEED = 0
"""Of this seed and the first fold the trained networks are kept, to be measured at the end."""


class Runs:
    """The runs of one comparison, in its folder.

    Args:
        folder: of the comparison: `runs/` holds what finished, `work/` the checkpoints.
        plan: what is compared. base: what every method tunes.
        tasks: by name and fold.
        machine: what it all is trained on, kept with each run: times of two do not compare.
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        base: Base,
        tasks: Mapping[tuple[str, int], Task],
        *,
        machine: str = "",
    ) -> None:
        self._kept = folder / "runs"
        self._work = folder / "work"
        self._plan = plan
        self._base = base
        self._base_digest = base.weights_digest
        self._tasks = tasks
        self._machine = machine
        self._kept.mkdir(parents=True, exist_ok=True)

    def finished(self, key: RunKey) -> RunResult | None:
        """What the run gave, where it was finished with this very plan, base and data."""
        result = load_run(key, self._kept)
        return result if result and result.fingerprint == self.fingerprint(key) else None

    def result(self, key: RunKey, on_step: OnStep) -> RunResult:
        """Train and score, or go on where a killed run stopped, and keep the result.

        Raises:
            TrainingError: as the trainer says.
        """
        task = self._tasks[key.task, key.fold]
        network = self._new(key)
        trainable, parameters = trainable_parameters(network), all_parameters(network)
        trained = self._train(key, network, on_step)
        result = RunResult(
            key=key,
            fingerprint=self.fingerprint(key),
            trainable=trainable,
            parameters=parameters,
            stored_bytes=_stored_bytes(trained.network, self._method(key)),
            seconds=trained.curve[-1].seconds,
            steps=trained.steps,
            best_step=trained.best_step,
            score=trained.score,
            validation=trained.validation,
            curve=tuple(
                Point(each.step, each.seconds, each.loss, each.validation) for each in trained.curve
            ),
            test=network_losses(trained.network, task.test),
            kept=network_losses(trained.network, task.kept) if task.kept else None,
            example=(
                example_forecast(task, trained.network)
                if key.seed == MEASURED_SEED and key.variant is None
                else None
            ),
            machine=self._machine,
        )
        result = save_run(result, self._kept)
        if not is_measured(key):
            shutil.rmtree(self._folder(key), ignore_errors=True)
        return result

    def network(self, key: RunKey) -> nn.Module:
        """The trained network of a finished run whose checkpoint is kept."""
        return self._train(key, self._new(key), lambda progress: None).network

    def fingerprint(self, key: RunKey) -> str:
        """Of all that decides a run's result."""
        task = self._tasks[key.task, key.fold]
        recipe = task.recipe(key, self._plan, self._base)
        content = [
            self._base.name,
            self._base_digest,
            asdict(task.config),
            asdict(recipe.method),
            asdict(recipe.training),
            task.data_hash,
        ]
        return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()

    def _new(self, key: RunKey) -> nn.Module:
        task = self._tasks[key.task, key.fold]
        return tuned_network(task.config, self._method(key), self._base, seed=key.seed)

    def _train(self, key: RunKey, network: nn.Module, on_step: OnStep) -> Trained:
        task = self._tasks[key.task, key.fold]
        folder, fingerprint = self._folder(key), self.fingerprint(key)
        drop_other_run(folder, fingerprint)
        return train(
            network,
            task.recipe(key, self._plan, self._base).training,
            task.samples,
            task.validation,
            folder,
            fingerprint=fingerprint,
            on_progress=on_step,
        )

    def _method(self, key: RunKey) -> MethodRecipe:
        return self._tasks[key.task, key.fold].recipe(key, self._plan, self._base).method

    def _folder(self, key: RunKey) -> Path:
        return self._work / key.name


def is_measured(key: RunKey) -> bool:
    """Whether this run's network is what latency and int8 are measured on."""
    return key.seed == MEASURED_SEED and key.fold == 0 and key.variant is None


def drop_other_run(folder: Path, fingerprint: str) -> None:
    """Begin anew where a folder holds a checkpoint of another plan or other data."""
    mark = folder / "fingerprint.txt"
    if folder.is_dir() and not (mark.is_file() and mark.read_text(encoding="utf-8") == fingerprint):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(fingerprint, encoding="utf-8")


def _stored_bytes(network: nn.Module, method: MethodRecipe) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = save_network(network, method, folder)  # type: ignore[arg-type]
        return sum((folder / file).stat().st_size for file in files)
