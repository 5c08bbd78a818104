"""A bench that trains one small network, whatever a test changes about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from bridge.forecaster.model import Forecaster, ForecasterConfig
from bridge.tuning.recipes.recipe import TrainingRecipe
from bridge.tuning.training.samples import Samples
from bridge.tuning.training.trainer import Progress, Trained, train


def whole(config: ForecasterConfig) -> nn.Module:
    """A network all of which is trained."""
    torch.manual_seed(0)
    return Forecaster(config)


def head_alone(config: ForecasterConfig) -> nn.Module:
    """A network whose head is trained and whose blocks are frozen."""
    network = whole(config)
    network.requires_grad_(False)
    network.head.requires_grad_(True)  # type: ignore[union-attr]
    return network


@dataclass
class Workshop:
    """Trains the same small network on the same bars, but for what a test changes."""

    folder: Path
    config: ForecasterConfig
    recipe: TrainingRecipe
    samples: Samples
    validation: Samples
    seen: list[Progress] = field(default_factory=list)
    make: Callable[[ForecasterConfig], nn.Module] = whole

    def fit(
        self, run: str = "run", *, fingerprint: str = "these bars", stop_at: int | None = None
    ) -> Trained:
        (self.folder / run).mkdir(exist_ok=True)
        self.seen.clear()

        def listen(progress: Progress) -> None:
            self.seen.append(progress)
            if progress.step == stop_at:
                raise KeyboardInterrupt

        return train(
            self.make(self.config),
            self.recipe,
            self.samples,
            self.validation,
            self.folder / run,
            fingerprint=fingerprint,
            on_progress=listen,
        )

    def checkpoint(self, run: str = "run") -> Path:
        return self.folder / run / "checkpoint.safetensors"


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[key]) for key, value in one.state_dict().items())
