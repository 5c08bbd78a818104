"""The training loop: pinball loss, AdamW, validation, early stopping, and a run that can be
killed at any moment and goes on to the same result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn, optim
from torch.optim.swa_utils import AveragedModel

from bridge.forecaster.model import Forecaster, ForecasterConfig, pinball_loss
from bridge.tuning.checkpoint import (
    DamagedCheckpoint,
    load_checkpoint,
    read_state,
    save_checkpoint,
)
from bridge.tuning.recipe import TrainingRecipe
from bridge.tuning.samples import Samples

_VALIDATION_BATCH = 1024
_GRADIENT_NORM = 1.0
_LOSS_SMOOTHING = 0.98


class TrainingError(RuntimeError):
    """Training cannot go on. The message says at which step, and what is left on disk."""


@dataclass(frozen=True)
class Progress:
    """Where a run is: `loss` is the smoothed training loss, `validation` the latest score."""

    step: int
    loss: float
    validation: float | None
    best: float | None


@dataclass(frozen=True)
class Trained:
    """The best model of a run, its validation score, and the step it was reached at."""

    model: Forecaster
    validation: float
    best_step: int
    steps: int


def train(
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
    run: Path,
    *,
    fingerprint: str,
    on_progress: Callable[[Progress], None],
) -> Trained:
    """Fit a forecaster, or go on where a killed run stopped.

    The score that decides is `validation_ratio` of the running average of weights.

    Args:
        config: the network. recipe: how to fit it.
        samples, validation: windows to learn from, and to validate on.
        run: folder for the checkpoint.
        fingerprint: of recipe and data; a checkpoint with another one is not continued.
        on_progress: called after every step, and with what a continued run had reached.

    Raises:
        TrainingError: the loss is not finite, or the checkpoint belongs to another run.
    """
    torch.manual_seed(recipe.seed)
    model = Forecaster(config)
    average = AveragedModel(model, avg_fn=_running_average(recipe.ema_decay))
    averaged = cast(Forecaster, average.module)
    best = Forecaster(config)
    optimizer = _optimizer(model, recipe)
    modules: dict[str, nn.Module] = {"model": model, "average": average, "best": best}
    state = _State(fingerprint)
    checkpoint = run / "checkpoint.safetensors"
    if checkpoint.is_file():
        _require_same_run(checkpoint, fingerprint)
        state = _State(**load_checkpoint(checkpoint, modules, optimizer))
        on_progress(Progress(state.step, state.loss, None, state.best))

    levels = torch.tensor(config.levels)
    weights = 1.0 / torch.arange(1, config.horizon + 1).sqrt()[:, None]  # each horizon counts alike
    while state.step < recipe.steps and state.waited < recipe.patience:
        step = state.step + 1
        loss = _step(model, optimizer, recipe, samples, step, levels, weights)
        if not math.isfinite(loss):
            kept = f"{checkpoint} keeps the last good state" if state.step else "nothing was saved"
            raise TrainingError(
                f"the loss is {loss} at step {step}; {kept}: lower learning_rate in the recipe"
            )
        average.update_parameters(model)
        state.step = step
        state.loss = loss if step == 1 else state.loss + (1 - _LOSS_SMOOTHING) * (loss - state.loss)
        score = None
        if step % recipe.validate_every == 0 or step == recipe.steps:
            score = validation_ratio(averaged, validation)
            if state.best is None or score < state.best:
                state.best, state.best_step, state.waited = score, step, 0
                best.load_state_dict(averaged.state_dict())
            else:
                state.waited += 1
            save_checkpoint(checkpoint, modules, optimizer, asdict(state))
        on_progress(Progress(step, state.loss, score, state.best))
    if state.best is None:
        raise TrainingError("training ended before its first validation")
    return Trained(best.eval(), state.best, state.best_step, state.step)


def validation_ratio(model: Forecaster, samples: Samples) -> float:
    """Pinball loss over that of the window's Gaussian random walk, mean over horizons.

    The same as `wql_ratio` of `bridge.tuning.scores`, in torch; never seen by the optimizer.
    """
    config = model.config
    levels = torch.tensor(config.levels, dtype=torch.float64)
    normal = torch.tensor([NormalDist().inv_cdf(level) for level in config.levels])
    root = torch.arange(1, config.horizon + 1).sqrt()[:, None]
    ours = torch.zeros(config.horizon, dtype=torch.float64)
    walks = torch.zeros(config.horizon, dtype=torch.float64)
    model.eval()
    with torch.no_grad():
        for start in range(0, len(samples), _VALIDATION_BATCH):
            batch = samples.batch(
                np.arange(start, min(start + _VALIDATION_BATCH, len(samples)), dtype=np.int64)
            )
            scaled, scale = model.scaled_quantiles(model_input(config, batch.bars), batch.time)
            quantiles = scaled.double() * scale[:, None, None]
            close = torch.log(batch.bars[..., 3])
            deviation = (close[:, 1:] - close[:, :-1]).std(dim=1, correction=0)
            walk = deviation[:, None, None] * root * normal
            ours += pinball_loss(quantiles, batch.moves, levels).sum((0, 2))
            walks += pinball_loss(walk, batch.moves, levels).sum((0, 2))
    model.train()
    return float((ours / walks).mean())


def model_input(config: ForecasterConfig, bars: Tensor) -> Tensor:
    """[B, T, 4] bars as the network takes them: all columns, or the closes alone."""
    return bars if config.inputs == "ohlc" else bars[..., 3].contiguous()


@dataclass
class _State:
    """What a checkpoint remembers beside tensors. Windows are drawn by (seed, step): no more."""

    fingerprint: str
    step: int = 0
    loss: float = 0.0
    best: float | None = None
    best_step: int = 0
    waited: int = 0


def _step(
    model: Forecaster,
    optimizer: optim.Optimizer,
    recipe: TrainingRecipe,
    samples: Samples,
    step: int,
    levels: Tensor,
    weights: Tensor,
) -> float:
    draw = np.random.default_rng((recipe.seed, step))
    torch.manual_seed(recipe.seed + (step << 20))  # dropout repeats after a resume
    indices = draw.integers(len(samples), size=recipe.batch)
    mirrored = draw.random(recipe.batch) < 0.5 if recipe.mirror else None
    batch = samples.batch(indices, mirrored)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(recipe, step)
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        bars = model_input(model.config, batch.bars)
        scaled, scale = model.scaled_quantiles(bars, batch.time)
    target = (batch.moves / scale[:, None]).float()
    wildness = scale.float() ** recipe.volatility_weight
    weighed = weights * (wildness / wildness.mean())[:, None, None]
    loss = (pinball_loss(scaled.float(), target, levels) * weighed).mean()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), _GRADIENT_NORM)
    optimizer.step()
    return float(loss.detach())


def learning_rate(recipe: TrainingRecipe, step: int) -> float:
    """Linear warm-up to the peak, then half a cosine to zero at the last step."""
    warm = min(1.0, step / max(1, recipe.warmup_steps))
    return recipe.learning_rate * warm * 0.5 * (1.0 + math.cos(math.pi * step / recipe.steps))


def _optimizer(model: nn.Module, recipe: TrainingRecipe) -> optim.Optimizer:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return optim.AdamW(
        [
            {
                "params": [parameter for parameter in trained if parameter.dim() >= 2],
                "weight_decay": recipe.weight_decay,
            },
            {
                "params": [parameter for parameter in trained if parameter.dim() < 2],
                "weight_decay": 0.0,
            },
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
    )


def _running_average(decay: float) -> Callable[[Any, Any, Any], Any]:
    """Exponential, but a plain mean over a quarter of the steps while there are few of them."""

    def update(average: Tensor, value: Tensor, count: Tensor) -> Tensor:
        return average.lerp(value, max(1.0 - decay, 4.0 / (4.0 + float(count))))

    return update


def _require_same_run(checkpoint: Path, fingerprint: str) -> None:
    try:
        kept = read_state(checkpoint)
    except DamagedCheckpoint as error:
        raise TrainingError(f"{error}: give --restart to begin anew") from error
    if kept.get("fingerprint") != fingerprint:
        raise TrainingError(
            f"{checkpoint} is of another recipe or other bars: give --run another folder, or "
            "--restart to begin anew"
        )
