"""What is descended and what is scored, for both heads."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bridge.bars import Bars, Part
from bridge.forecaster.model import Forecaster, ForecasterConfig
from bridge.forecaster.text import TextForecaster
from bridge.tuning.recipes.recipe import TrainingRecipe
from bridge.tuning.training.objectives import (
    QuantileObjective,
    TextObjective,
    model_input,
    objective_for,
    validation_ratio,
)
from bridge.tuning.training.samples import Batch, Samples


@pytest.fixture
def network(config: ForecasterConfig) -> Forecaster:
    torch.manual_seed(0)
    return Forecaster(replace(config, dropout=0.0))


@pytest.fixture
def text(config: ForecasterConfig) -> TextForecaster:
    torch.manual_seed(0)
    return TextForecaster(replace(config, dropout=0.0, head="text"))


def test_each_head_has_its_objective(
    network: Forecaster, text: TextForecaster, recipe: TrainingRecipe
) -> None:
    assert isinstance(objective_for(network, recipe), QuantileObjective)
    assert isinstance(objective_for(text, recipe), TextObjective)


def test_a_new_quantile_network_scores_as_the_random_walk_it_is(
    network: Forecaster, recipe: TrainingRecipe, validation: Samples
) -> None:
    score = objective_for(network, recipe).validate(network, validation)

    assert score == validation_ratio(network, validation)
    assert score == pytest.approx(1.0, abs=0.02)


def test_a_new_text_network_scores_as_ten_equal_digits(
    text: TextForecaster, recipe: TrainingRecipe, validation: Samples
) -> None:
    score = objective_for(text, recipe).validate(text, validation)

    assert score == pytest.approx(math.log2(10), abs=0.2)


def test_the_text_loss_in_bits_is_its_score(
    text: TextForecaster, recipe: TrainingRecipe, validation: Samples
) -> None:
    objective = objective_for(text, recipe)
    everything = validation.batch(np.arange(len(validation)))

    nats = float(objective.loss(text, everything).detach())

    assert nats / math.log(2) == pytest.approx(objective.validate(text, validation), rel=1e-5)


def test_of_many_windows_text_is_validated_on_the_same_few(
    text: TextForecaster,
    recipe: TrainingRecipe,
    samples: Samples,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    batch = Samples.batch

    def counting(self: Samples, indices: np.ndarray) -> Batch:  # type: ignore[type-arg]
        seen.extend(indices.tolist())
        return batch(self, indices)

    monkeypatch.setattr(Samples, "batch", counting)
    monkeypatch.setattr("bridge.tuning.training.objectives._TEXT_VALIDATION_WINDOWS", 40)

    objective = objective_for(text, recipe)

    assert objective.validate(text, samples) == objective.validate(text, samples)
    assert seen[:40] == seen[40:]
    assert (seen[0], seen[39]) == (0, len(samples) - 1)


def test_validation_leaves_a_network_training(
    network: Forecaster, text: TextForecaster, recipe: TrainingRecipe, validation: Samples
) -> None:
    for each in (network, text):
        objective_for(each, recipe).validate(each, validation)

        assert each.training


def test_wild_windows_count_more_the_more_the_recipe_weighs_volatility(
    network: Forecaster, recipe: TrainingRecipe, hourly: Bars
) -> None:
    """A window ten times as wild as another, and a target that only the wild one misses."""
    calm = Samples([hourly], [Part(0, 200)], context=32, horizon=4).batch(np.arange(2))
    wild = calm.bars.clone()
    wild[1] = wild[1, -1, 3] * (wild[1] / wild[1, -1, 3]) ** 10
    moves = torch.zeros_like(calm.moves)
    moves[1] = 0.5
    batch = Batch(wild, calm.time, moves)

    losses = [
        objective_for(network, replace(recipe, volatility_weight=weight))
        .loss(network, batch)
        .item()
        for weight in (0.0, 0.5, 1.0)
    ]

    assert losses == sorted(losses)
    assert losses[2] > 1.3 * losses[0]


@pytest.mark.parametrize("head", ["quantile", "text"])
def test_bfloat16_gives_nearly_the_same_loss(
    network: Forecaster,
    text: TextForecaster,
    recipe: TrainingRecipe,
    validation: Samples,
    head: str,
) -> None:
    chosen = network if head == "quantile" else text
    batch = validation.batch(np.arange(8))

    full = objective_for(chosen, recipe).loss(chosen, batch)
    half = objective_for(chosen, replace(recipe, precision="bfloat16")).loss(chosen, batch)

    assert half.dtype == torch.float32
    assert float(half.detach()) == pytest.approx(float(full.detach()), rel=0.02)
    assert float(half.detach()) != float(full.detach())


def test_a_network_of_closes_is_given_closes(config: ForecasterConfig) -> None:
    bars = torch.arange(24.0).view(2, 3, 4)

    assert model_input(replace(config, inputs="ohlc"), bars) is bars
    assert torch.equal(model_input(replace(config, inputs="close"), bars), bars[..., 3])
