"""Training: it learns, it repeats, it survives a kill, and it stops when it should."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
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


@dataclass
class Workshop:
    """Trains the same small network on the same bars, but for what a test changes."""

    folder: Path
    config: ForecasterConfig
    recipe: TrainingRecipe
    samples: Samples
    validation: Samples
    seen: list[Progress] = field(default_factory=list)

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
            self.config,
            self.recipe,
            self.samples,
            self.validation,
            self.folder / run,
            fingerprint=fingerprint,
            on_progress=listen,
        )


@pytest.fixture
def workshop(
    tmp_path: Path,
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
) -> Workshop:
    return Workshop(tmp_path, config, recipe, samples, validation)


def same_weights(one: Forecaster, other: Forecaster) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[key]) for key, value in one.state_dict().items())


def test_it_learns_that_some_hours_are_wilder_than_others(workshop: Workshop) -> None:
    untrained = validation_ratio(Forecaster(workshop.config), workshop.validation)
    workshop.recipe = replace(workshop.recipe, steps=150)

    assert workshop.fit().validation < untrained - 0.02


def test_the_same_recipe_and_bars_give_the_same_weights(workshop: Workshop) -> None:
    assert same_weights(workshop.fit("one").model, workshop.fit("two").model)


def test_a_killed_run_goes_on_to_the_same_weights(workshop: Workshop) -> None:
    whole = workshop.fit("whole")
    with pytest.raises(KeyboardInterrupt):
        workshop.fit("killed", stop_at=6)

    resumed = workshop.fit("killed")

    assert [progress.step for progress in workshop.seen] == [4, *range(5, 13)]
    assert same_weights(resumed.model, whole.model)
    assert resumed.validation == whole.validation


def test_a_finished_run_is_not_trained_again(workshop: Workshop) -> None:
    first = workshop.fit()

    again = workshop.fit()

    assert [progress.step for progress in workshop.seen] == [12]
    assert same_weights(first.model, again.model)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_continued_run_does_not_keep_its_checkpoint_mapped(workshop: Workshop) -> None:
    """Windows cannot replace a mapped file: the next checkpoint could not be written."""
    workshop.fit()
    workshop.recipe = replace(workshop.recipe, steps=14)

    workshop.fit()

    assert [progress.step for progress in workshop.seen] == [12, 13, 14]
    assert "checkpoint.safetensors" not in Path("/proc/self/maps").read_text()


def test_a_checkpoint_of_other_bars_is_not_continued(workshop: Workshop) -> None:
    workshop.fit()

    with pytest.raises(TrainingError, match="--restart"):
        workshop.fit(fingerprint="others")


def test_a_damaged_checkpoint_is_said_to_be_damaged(workshop: Workshop) -> None:
    workshop.fit()
    (workshop.folder / "run" / "checkpoint.safetensors").write_bytes(b"junk")

    with pytest.raises(TrainingError, match=r"is damaged .*--restart"):
        workshop.fit()


def test_training_stops_when_validation_gets_no_better(workshop: Workshop) -> None:
    workshop.recipe = replace(
        workshop.recipe, steps=400, learning_rate=1.0, validate_every=2, patience=3
    )

    trained = workshop.fit()

    assert len(workshop.seen) < 400
    assert trained.steps == trained.best_step + 3 * 2


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_state(
    workshop: Workshop, hourly: Bars
) -> None:
    with pytest.raises(KeyboardInterrupt):
        workshop.fit(stop_at=9)
    checkpoint = (workshop.folder / "run" / "checkpoint.safetensors").read_bytes()
    broken = Bars("BUSY", 3600, hourly.time, np.full_like(hourly.ohlc, np.nan), hourly.volume)
    workshop.samples = Samples([broken], [Part(0, 2400)], context=32, horizon=4)

    with pytest.raises(TrainingError, match=r"loss is nan at step 9.*last good state"):
        workshop.fit()

    assert (workshop.folder / "run" / "checkpoint.safetensors").read_bytes() == checkpoint


def test_the_learning_rate_warms_up_and_decays_to_nothing() -> None:
    recipe = TrainingRecipe(steps=1000, warmup_steps=100, learning_rate=1e-3)

    rates = [learning_rate(recipe, step) for step in range(1, 1001)]

    assert rates[0] < 2e-5
    assert max(rates) == pytest.approx(1e-3, rel=0.05)
    assert rates.index(max(rates)) == 99
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)
    assert sorted(rates[99:], reverse=True) == rates[99:]
