"""The training loop of every method and head: AdamW, validation, early stopping, and a run that
can be killed at any moment and goes on to the same result.

Only what requires a gradient is averaged, kept as best and written to the checkpoint: an adapter
on a frozen base costs what the adapter weighs.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn, optim

from bridge.tuning.recipes.recipe import TrainingRecipe
from bridge.tuning.training.checkpoint import (
    DamagedCheckpoint,
    UnwritableCheckpoint,
    load_checkpoint,
    read_state,
    save_checkpoint,
)
from bridge.tuning.training.objectives import device_of, objective_for
from bridge.tuning.training.samples import Samples
from bridge.tuning.training.weights import TrainedWeights

_GRADIENT_NORM = 1.0
_LOSS_SMOOTHING = 0.98
_CURVE_POINTS = 10  # between two validations


class TrainingError(RuntimeError):
    """Training cannot go on. The message says at which step, and what is left on disk.

    `reason` is the message less its advice, which is for the options of `eabridge train`.
    """

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(f"{reason}: {advice}" if advice else reason)
        self.reason = reason


class DivergedError(TrainingError):
    """The loss, the gradient or the score is no longer a number."""


@dataclass(frozen=True)
class Progress:
    """Where a run is: `loss` is the smoothed training loss, `validation` the latest score, and
    `score` says what kind of score that is."""

    step: int
    loss: float
    validation: float | None
    best: float | None
    score: str


@dataclass(frozen=True)
class CurvePoint:
    """A point of the training curve.

    Attributes:
        step: optimizer steps so far.
        seconds: of training so far, validations and checkpoints excluded, kept over resumes.
        loss: the smoothed training loss.
        validation: the score of the averaged weights, where this step was validated.
    """

    step: int
    seconds: float
    loss: float
    validation: float | None


@dataclass(frozen=True)
class Trained:
    """A network with the best weights of its run, in evaluation mode, their validation score
    (what it is called: `score`), the step they were reached at, and the way there."""

    network: nn.Module
    validation: float
    best_step: int
    steps: int
    curve: tuple[CurvePoint, ...]
    score: str


def train(
    network: nn.Module,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
    run: Path,
    *,
    fingerprint: str,
    on_progress: Callable[[Progress], None],
) -> Trained:
    """Fit what requires a gradient in `network`, or go on where a killed run stopped.

    The score that decides is that of the running average of weights. The network is trained in
    place, on CUDA where there is one, and comes back to where it was.

    Args:
        network: as built for this run: a continued one starts from the same frozen weights.
        recipe: how to fit it.
        samples, validation: windows to learn from, and to validate on.
        run: folder for the checkpoint.
        fingerprint: of recipe, base and data; a checkpoint with another one is not continued.
        on_progress: called after every step, and with what a continued run had reached.

    Raises:
        TrainingError: nothing to train, the loss is not finite, the checkpoint belongs to another
            run or cannot be written.
    """
    with _on_fastest_device(network) as device:
        going = _Run(network, recipe, run / "checkpoint.safetensors", fingerprint, device)
        if going.checkpoint.is_file():
            going.resume()
            on_progress(going.progress(None))
        network.train()
        while not going.finished:
            going.step(samples)
            score = going.validate(validation) if going.validation_is_due else None
            going.mark(score)
            if score is not None:
                going.save()
            on_progress(going.progress(score))
        return going.result()


def learning_rate(recipe: TrainingRecipe, step: int) -> float:
    """Linear warm-up to the peak, then half a cosine to zero at the last step."""
    warm = min(1.0, step / max(1, recipe.warmup_steps))
    return recipe.learning_rate * warm * 0.5 * (1.0 + math.cos(math.pi * step / recipe.steps))


@dataclass
class _State:
    """What a checkpoint remembers beside tensors. Windows are drawn by (seed, step): no more."""

    fingerprint: str
    step: int = 0
    loss: float = 0.0
    best: float | None = None
    best_step: int = 0
    waited: int = 0
    seconds: float = 0.0
    curve: list[list[Any]] = field(default_factory=list)  # the fields of each CurvePoint


class _Run:
    """A network on its way: what is trained in it, its optimizer, and how far it has come."""

    def __init__(
        self,
        network: nn.Module,
        recipe: TrainingRecipe,
        checkpoint: Path,
        fingerprint: str,
        device: torch.device,
    ) -> None:
        self.checkpoint = checkpoint
        self._network = network
        self._recipe = recipe
        self._device = device
        self._objective = objective_for(network, recipe)
        try:
            self._weights = TrainedWeights(network)
        except ValueError as error:
            raise TrainingError(str(error)) from error
        self._optimizer = _optimizer(self._weights.trained, recipe)
        self._state = _State(fingerprint)

    @property
    def finished(self) -> bool:
        return self._state.step >= self._recipe.steps or self._state.waited >= self._recipe.patience

    @property
    def validation_is_due(self) -> bool:
        step = self._state.step
        return step % self._recipe.validate_every == 0 or step == self._recipe.steps

    def step(self, samples: Samples) -> None:
        """One batch, one step of the optimizer, one of the running average."""
        state, recipe = self._state, self._recipe
        step = state.step + 1
        began = time.perf_counter()
        draw = np.random.default_rng((recipe.seed, step))
        torch.manual_seed(recipe.seed + (step << 20))  # dropout repeats after a resume
        indices = draw.integers(len(samples), size=recipe.batch)
        mirrored = draw.random(recipe.batch) < 0.5 if recipe.mirror else None
        batch = samples.batch(indices, mirrored).to(self._device)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        loss = self._objective.loss(self._network, batch)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self._weights.trained.values(), _GRADIENT_NORM)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise self._stopped(f"the loss is {value} at step {step}")
        if not math.isfinite(float(norm)):
            raise self._stopped(f"the gradient is {float(norm)} at step {step}")
        self._optimizer.step()
        self._weights.update_average(recipe.ema_decay, step)
        state.seconds += time.perf_counter() - began
        state.step = step
        state.loss = (
            value if step == 1 else state.loss + (1 - _LOSS_SMOOTHING) * (value - state.loss)
        )

    def validate(self, validation: Samples) -> float:
        """The averaged weights' score; they are kept where it is the best so far."""
        state = self._state
        with self._weights.averaged():
            score = self._objective.validate(self._network, validation)
        if not math.isfinite(score):
            raise self._stopped(
                f"the {self._objective.score} of the validation is {score} at step {state.step}"
            )
        if state.best is None or score < state.best:
            state.best, state.best_step, state.waited = score, state.step, 0
            self._weights.keep_average_as_best()
        else:
            state.waited += 1
        return score

    def mark(self, score: float | None) -> None:
        """Put a point on the curve: at the first step, at validations and a few between them."""
        state = self._state
        between = max(1, self._recipe.validate_every // _CURVE_POINTS)
        if score is not None or state.step == 1 or state.step % between == 0:
            state.curve.append([state.step, state.seconds, state.loss, score])

    def progress(self, score: float | None) -> Progress:
        state = self._state
        return Progress(state.step, state.loss, score, state.best, self._objective.score)

    def save(self) -> None:
        try:
            save_checkpoint(
                self.checkpoint, self._weights.groups, self._optimizer, asdict(self._state)
            )
        except UnwritableCheckpoint as error:
            raise TrainingError(
                f"{error} at step {self._state.step}; what it held before is whole",
                "make room, or give --run a folder on another disk, then give the same command "
                "again to go on",
            ) from error

    def resume(self) -> None:
        """Go on from the checkpoint."""
        try:
            kept = read_state(self.checkpoint)
            if kept.get("fingerprint") != self._state.fingerprint:
                raise TrainingError(
                    f"{self.checkpoint} is of another recipe, another base or other bars",
                    "give --run another folder, or --restart to begin anew",
                )
            load_checkpoint(self.checkpoint, self._weights.groups, self._optimizer)
            self._state = _State(**kept)
        except (DamagedCheckpoint, TypeError) as error:
            raise TrainingError(str(error), "give --restart to begin anew") from error

    def result(self) -> Trained:
        state = self._state
        if state.best is None:
            raise TrainingError("training ended before its first validation")
        self._weights.use_best()
        return Trained(
            self._network.eval(),
            state.best,
            state.best_step,
            state.step,
            tuple(CurvePoint(*point) for point in state.curve),
            self._objective.score,
        )

    def _stopped(self, reason: str) -> DivergedError:
        saved = self._state.best is not None  # each validation ends with a checkpoint
        kept = f"{self.checkpoint} keeps the last good state" if saved else "nothing was saved"
        return DivergedError(
            f"{reason}; {kept}", "lower learning_rate in the recipe and give --restart"
        )


def _optimizer(trained: Mapping[str, Tensor], recipe: TrainingRecipe) -> optim.Optimizer:
    decayed = {name for name, value in trained.items() if value.dim() >= 2 and "ia3_" not in name}
    return optim.AdamW(
        [
            {
                "params": [value for name, value in trained.items() if name in decayed],
                "weight_decay": recipe.weight_decay,
            },
            {  # biases, and IA3's factors: they start at one, and decay would draw them to zero
                "params": [value for name, value in trained.items() if name not in decayed],
                "weight_decay": 0.0,
            },
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
    )


@contextlib.contextmanager
def _on_fastest_device(network: nn.Module) -> Iterator[torch.device]:
    """The network on CUDA where there is one, and back where it was afterwards."""
    home = device_of(network)
    device = torch.device("cuda") if torch.cuda.is_available() else home
    network.to(device)
    try:
        yield device
    finally:
        network.to(home)
