"""What training minimises and what validation scores, for each head."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from bridge.forecaster.model import Forecaster, ForecasterConfig, pinball_loss
from bridge.forecaster.text import TextForecaster
from bridge.tuning.recipes.recipe import TrainingRecipe
from bridge.tuning.training.samples import Batch, Samples

_VALIDATION_BATCH = 1024
_TEXT_VALIDATION_BATCH = 64  # a window of text is some 240 tokens
_TEXT_VALIDATION_WINDOWS = 512


class Objective(Protocol):
    """One head's loss and score."""

    score: str
    """What `validate` returns, in words."""

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """A scalar to descend."""
        ...

    def validate(self, network: nn.Module, samples: Samples) -> float:
        """The score over all of `samples`; lower is better. Leaves the network training."""
        ...


def objective_for(network: nn.Module, recipe: TrainingRecipe) -> Objective:
    """The objective of the network's head."""
    if isinstance(network, TextForecaster):
        return TextObjective(recipe)
    return QuantileObjective(cast(Forecaster, network).config, recipe)


class QuantileObjective:
    """Pinball loss in units of each window's volatility; scored against the random walk."""

    score = "pinball ratio"

    def __init__(self, config: ForecasterConfig, recipe: TrainingRecipe) -> None:
        self._levels = torch.tensor(config.levels)
        # Errors grow with the root of the time ahead: each horizon then counts alike.
        self._weights = 1.0 / torch.arange(1, config.horizon + 1).sqrt()[:, None]
        self._recipe = recipe

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean over windows, horizons and levels, weighed as the recipe says."""
        model = cast(Forecaster, network)
        device = batch.bars.device
        with autocast(self._recipe, device):
            bars = model_input(model.config, batch.bars)
            scaled, scale = model.scaled_quantiles(bars, batch.time)
        target = (batch.moves / scale[:, None]).float()
        wildness = scale.float() ** self._recipe.volatility_weight
        weighed = self._weights.to(device) * (wildness / wildness.mean())[:, None, None]
        return (pinball_loss(scaled.float(), target, self._levels.to(device)) * weighed).mean()

    def validate(self, network: nn.Module, samples: Samples) -> float:
        """`validation_ratio`."""
        return validation_ratio(cast(Forecaster, network), samples)


class TextObjective:
    """Cross-entropy of the digits of the coming closes, in nats; scored in bits."""

    score = "bits per digit"

    def __init__(self, recipe: TrainingRecipe) -> None:
        self._recipe = recipe

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean over windows, horizons and digits, in nats."""
        model = cast(TextForecaster, network)
        with autocast(self._recipe, batch.bars.device):
            losses = model.digit_loss(batch.bars, batch.time, batch.moves)
        return losses.mean()

    def validate(self, network: nn.Module, samples: Samples) -> float:
        """Mean bits per digit; of many windows, of 512 that are evenly spread over them."""
        model = cast(TextForecaster, network)
        device = device_of(model)
        picked = np.arange(len(samples), dtype=np.int64)
        if len(picked) > _TEXT_VALIDATION_WINDOWS:
            picked = np.linspace(0, len(samples) - 1, _TEXT_VALIDATION_WINDOWS).astype(np.int64)
        total, digits = 0.0, 0
        model.eval()
        with torch.no_grad():
            for start in range(0, len(picked), _TEXT_VALIDATION_BATCH):
                batch = samples.batch(picked[start : start + _TEXT_VALIDATION_BATCH]).to(device)
                losses = model.digit_loss(batch.bars, batch.time, batch.moves)
                total += float(losses.double().sum())
                digits += losses.numel()
        model.train()
        return total / digits / math.log(2)


def validation_ratio(model: Forecaster, samples: Samples) -> float:
    """Pinball loss over that of the window's Gaussian random walk, mean over horizons.

    `wql_ratio` of `bridge.tuning.scoring.scores`, in torch; never seen by the optimizer.
    """
    config, device = model.config, device_of(model)
    levels = torch.tensor(config.levels, dtype=torch.float64, device=device)
    normal = torch.tensor([NormalDist().inv_cdf(level) for level in config.levels], device=device)
    root = torch.arange(1, config.horizon + 1, device=device).sqrt()[:, None]
    ours = torch.zeros(config.horizon, dtype=torch.float64, device=device)
    walks = torch.zeros(config.horizon, dtype=torch.float64, device=device)
    model.eval()
    with torch.no_grad():
        for start in range(0, len(samples), _VALIDATION_BATCH):
            indices = np.arange(start, min(start + _VALIDATION_BATCH, len(samples)), dtype=np.int64)
            batch = samples.batch(indices).to(device)
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


def autocast(recipe: TrainingRecipe, device: torch.device) -> torch.autocast:
    """Multiplies in bfloat16 where the recipe says so."""
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16")


def device_of(network: nn.Module) -> torch.device:
    """Where the network's weights are."""
    return next(network.parameters()).device
