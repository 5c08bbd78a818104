"""Every method and both heads go through the one training loop, and survive a kill in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from bridge.forecaster.model import ForecasterConfig
from bridge.forecaster.text import TextForecaster
from bridge.tuning.methods.bases import Base, open_base
from bridge.tuning.methods.networks import Network, trainable_parameters, tuned_network
from bridge.tuning.recipes.recipe import METHODS, MethodRecipe, TrainingRecipe
from bridge.tuning.training.samples import Samples
from tests.forecaster.test_text import require_drawn_as_written
from tests.tuning.folders import put_base, shaken
from tests.tuning.workshop import Workshop, same_weights

ADAPTERS = [name for name in METHODS if name != "full"]


@pytest.fixture
def base(tmp_path: Path, config: ForecasterConfig) -> Base:
    put_base(tmp_path / "store", config=config)
    return open_base("base", [tmp_path / "store"])


@pytest.fixture
def workshop(
    tmp_path: Path,
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
) -> Workshop:
    brief = replace(recipe, steps=6, validate_every=2, batch=8)
    return Workshop(tmp_path, config, brief, samples, validation)


def tuned(workshop: Workshop, base: Base, method: str, head: str = "quantile") -> None:
    """Let the workshop tune `base` in this way."""
    workshop.config = replace(workshop.config, head=head)
    recipe = MethodRecipe(name=method, reduction=4, rank=2, prefix_tokens=2, dropout=0.1)
    workshop.make = lambda config: tuned_network(config, recipe, base, seed=0)


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_run_of_any_method_goes_on_to_the_same_weights(
    workshop: Workshop, base: Base, method: str
) -> None:
    tuned(workshop, base, method)
    unbroken = workshop.fit("unbroken")
    with pytest.raises(KeyboardInterrupt):
        workshop.fit("killed", stop_at=3)

    resumed = workshop.fit("killed")

    assert [progress.step for progress in workshop.seen] == [2, 3, 4, 5, 6]
    assert same_weights(resumed.network, unbroken.network)
    assert resumed.validation == unbroken.validation


@pytest.mark.parametrize("method", ["full", "lora", "prefix"])
def test_a_killed_run_of_the_text_head_goes_on_to_the_same_weights(
    workshop: Workshop, base: Base, method: str
) -> None:
    tuned(workshop, base, method, head="text")
    unbroken = workshop.fit("unbroken")
    with pytest.raises(KeyboardInterrupt):
        workshop.fit("killed", stop_at=3)

    assert same_weights(workshop.fit("killed").network, unbroken.network)


@pytest.mark.parametrize("method", ADAPTERS)
def test_the_base_under_an_adapter_stays_as_it_was(
    workshop: Workshop, base: Base, method: str
) -> None:
    tuned(workshop, base, method)
    before = frozen(workshop.make(workshop.config))

    after = frozen(workshop.fit().network)

    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize("method", ADAPTERS)
def test_the_checkpoint_of_an_adapter_holds_no_weight_of_its_base(
    workshop: Workshop, base: Base, method: str
) -> None:
    tuned(workshop, base, method)
    trained = workshop.fit().network

    with safe_open(workshop.checkpoint(), framework="pt") as file:
        names = [name for name in file.keys() if name.startswith("model.")]  # noqa: SIM118
        size = sum(file.get_tensor(name).numel() for name in names)

    assert size == trainable_parameters(trained)


@pytest.mark.parametrize("method", ["lora", "bottleneck", "prefix"])
def test_a_text_adapter_continues_from_the_cache_as_from_the_whole_text(
    workshop: Workshop, base: Base, method: str
) -> None:
    tuned(workshop, base, method, head="text")
    network = shaken(cast(Network, workshop.make(workshop.config)), noise=0.3).eval()
    assert isinstance(network, TextForecaster)
    batch = workshop.validation.batch(np.arange(2))

    with torch.no_grad():
        require_drawn_as_written(network, batch.bars[..., 3], batch.time)


def test_the_text_head_is_scored_in_bits_per_digit_and_learns(
    workshop: Workshop, base: Base
) -> None:
    tuned(workshop, base, "full", head="text")
    workshop.recipe = replace(workshop.recipe, steps=40, validate_every=20, learning_rate=5e-3)

    trained = workshop.fit()

    assert trained.score == "bits per digit"
    assert trained.validation < 3.0  # ten digits alike are log2(10) = 3.32


def frozen(network: nn.Module) -> dict[str, torch.Tensor]:
    """What training must not change."""
    return {
        name: value.detach().clone()
        for name, value in network.named_parameters()
        if not value.requires_grad
    }
