"""Training: it learns, it repeats, it survives a kill, and it stops when it should."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.bars import Bars, Part
from bridge.forecaster.model import Forecaster, ForecasterConfig
from bridge.tuning.recipe import TrainingRecipe
from bridge.tuning.samples import Samples
from bridge.tuning.trainer import (
    Progress,
    Trained,
    TrainingError,
    learning_rate,
    train,
    validation_ratio,
)


def fit(
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
    run: Path,
    *,
    fingerprint: str = "these bars",
    stop_at: int | None = None,
) -> tuple[Trained, list[Progress]]:
    run.mkdir(exist_ok=True)
    seen: list[Progress] = []

    def listen(progress: Progress) -> None:
        seen.append(progress)
        if progress.step == stop_at:
            raise KeyboardInterrupt

    trained = train(
        config, recipe, samples, validation, run, fingerprint=fingerprint, on_progress=listen
    )
    return trained, seen


def same_weights(one: Forecaster, other: Forecaster) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[key]) for key, value in one.state_dict().items())


def test_it_learns_that_some_hours_are_wilder_than_others(
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
    tmp_path: Path,
) -> None:
    untrained = validation_ratio(Forecaster(config), validation)

    trained, _ = fit(config, replace(recipe, steps=150), samples, validation, tmp_path / "run")

    assert trained.validation < untrained - 0.02


def test_the_same_recipe_and_bars_give_the_same_weights(
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
    tmp_path: Path,
) -> None:
    first, _ = fit(config, recipe, samples, validation, tmp_path / "one")
    second, _ = fit(config, recipe, samples, validation, tmp_path / "two")

    assert same_weights(first.model, second.model)


def test_a_killed_run_goes_on_to_the_same_weights(
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
    tmp_path: Path,
) -> None:
    whole, _ = fit(config, recipe, samples, validation, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(config, recipe, samples, validation, tmp_path / "killed", stop_at=6)

    resumed, seen = fit(config, recipe, samples, validation, tmp_path / "killed")

    assert [progress.step for progress in seen] == [4, *range(5, 13)]  # from the checkpoint on
    assert same_weights(resumed.model, whole.model)
    assert resumed.validation == whole.validation


def test_a_finished_run_is_not_trained_again(
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
    tmp_path: Path,
) -> None:
    first, _ = fit(config, recipe, samples, validation, tmp_path / "run")

    again, seen = fit(config, recipe, samples, validation, tmp_path / "run")

    assert [progress.step for progress in seen] == [12]
    assert same_weights(first.model, again.model)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_continued_run_does_not_keep_its_checkpoint_mapped(
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
    tmp_path: Path,
) -> None:
    """Windows cannot replace a mapped file: the next checkpoint could not be written."""
    fit(config, recipe, samples, validation, tmp_path / "run")
    maps: list[str] = []

    def look(progress: Progress) -> None:
        maps.append(Path("/proc/self/maps").read_text())

    longer = replace(recipe, steps=14)
    (tmp_path / "run").mkdir(exist_ok=True)
    train(
        config,
        longer,
        samples,
        validation,
        tmp_path / "run",
        fingerprint="these bars",
        on_progress=look,
    )

    assert len(maps) == 3
    assert not any("checkpoint.safetensors" in each for each in maps)


def test_a_checkpoint_of_other_bars_is_not_continued(
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
    tmp_path: Path,
) -> None:
    fit(config, recipe, samples, validation, tmp_path / "run")

    with pytest.raises(TrainingError, match="--restart"):
        fit(config, recipe, samples, validation, tmp_path / "run", fingerprint="others")


def test_training_stops_when_validation_gets_no_better(
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
    tmp_path: Path,
) -> None:
    hopeless = replace(recipe, steps=400, learning_rate=1.0, validate_every=2, patience=3)

    trained, seen = fit(config, hopeless, samples, validation, tmp_path / "run")

    assert len(seen) < 400
    assert trained.steps == trained.best_step + 3 * 2


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_state(
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    hourly: Bars,
    validation: Samples,
    tmp_path: Path,
) -> None:
    samples = Samples([hourly], [Part(0, 2400)], context=32, horizon=4)
    with pytest.raises(KeyboardInterrupt):
        fit(config, recipe, samples, validation, tmp_path / "run", stop_at=9)
    checkpoint = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
    broken = Bars("BUSY", 3600, hourly.time, np.full_like(hourly.ohlc, np.nan), hourly.volume)
    samples = Samples([broken], [Part(0, 2400)], context=32, horizon=4)

    with pytest.raises(TrainingError, match=r"loss is nan at step 9.*last good state"):
        fit(config, recipe, samples, validation, tmp_path / "run")

    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == checkpoint


def test_the_learning_rate_warms_up_and_decays_to_nothing() -> None:
    recipe = TrainingRecipe(steps=1000, warmup_steps=100, learning_rate=1e-3)

    rates = [learning_rate(recipe, step) for step in range(1, 1001)]

    assert rates[0] < 2e-5
    assert max(rates) == pytest.approx(1e-3, rel=0.05)
    assert rates.index(max(rates)) == 99
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)
    assert sorted(rates[99:], reverse=True) == rates[99:]
