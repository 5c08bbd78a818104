"""Training: it learns, it repeats, it survives a kill, and it stops when it should."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from bridge.bars import Bars, Part
from bridge.forecaster.model import Forecaster, ForecasterConfig
from bridge.tuning.recipes.recipe import TrainingRecipe
from bridge.tuning.training.objectives import validation_ratio
from bridge.tuning.training.samples import Samples
from bridge.tuning.training.trainer import TrainingError, learning_rate
from tests.tuning.workshop import Workshop, head_alone, same_weights, whole


@pytest.fixture
def workshop(
    tmp_path: Path,
    config: ForecasterConfig,
    recipe: TrainingRecipe,
    samples: Samples,
    validation: Samples,
) -> Workshop:
    return Workshop(tmp_path, config, recipe, samples, validation)


def test_it_learns_that_some_hours_are_wilder_than_others(workshop: Workshop) -> None:
    untrained = validation_ratio(Forecaster(workshop.config), workshop.validation)
    workshop.recipe = replace(workshop.recipe, steps=150)

    assert workshop.fit().validation < untrained - 0.02


def test_the_same_recipe_and_bars_give_the_same_weights(workshop: Workshop) -> None:
    assert same_weights(workshop.fit("one").network, workshop.fit("two").network)


def test_a_killed_run_goes_on_to_the_same_weights(workshop: Workshop) -> None:
    unbroken = workshop.fit("unbroken")
    with pytest.raises(KeyboardInterrupt):
        workshop.fit("killed", stop_at=6)

    resumed = workshop.fit("killed")

    assert [progress.step for progress in workshop.seen] == [4, *range(5, 13)]
    assert same_weights(resumed.network, unbroken.network)
    assert resumed.validation == unbroken.validation


def test_a_finished_run_is_not_trained_again(workshop: Workshop) -> None:
    first = workshop.fit()

    again = workshop.fit()

    assert [progress.step for progress in workshop.seen] == [12]
    assert same_weights(first.network, again.network)


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
    workshop.checkpoint().write_bytes(b"junk")

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
    checkpoint = workshop.checkpoint().read_bytes()
    broken = Bars("BUSY", 3600, hourly.time, np.full_like(hourly.ohlc, np.nan), hourly.volume)
    workshop.samples = Samples([broken], [Part(0, 2400)], context=32, horizon=4)

    with pytest.raises(TrainingError, match=r"loss is nan at step 9.*last good state"):
        workshop.fit()

    assert workshop.checkpoint().read_bytes() == checkpoint


def test_a_gradient_that_is_no_number_stops_before_it_reaches_a_weight(
    workshop: Workshop,
) -> None:
    built: list[nn.Module] = []

    def exploding(config: ForecasterConfig) -> nn.Module:
        network = whole(config)
        network.patch_embedding.weight.register_hook(  # type: ignore[operator, union-attr]
            lambda gradient: gradient * float("inf")
        )
        built.append(network)
        return network

    workshop.make = exploding

    with pytest.raises(TrainingError, match=r"gradient is .* at step 1; nothing was saved"):
        workshop.fit()

    assert same_weights(built[0], whole(workshop.config))


def test_a_validation_that_is_no_number_stops_and_saves_nothing(
    workshop: Workshop, hourly: Bars
) -> None:
    flat = Bars("FLAT", 3600, hourly.time, np.full_like(hourly.ohlc, 1.1), hourly.volume)
    workshop.validation = Samples([flat], [Part(0, 600)], context=32, horizon=4)

    with pytest.raises(TrainingError, match="pinball ratio of the validation is inf at step 4"):
        workshop.fit()

    assert not workshop.checkpoint().exists()


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX does")
def test_a_full_disk_is_said_and_leaves_the_last_good_checkpoint(workshop: Workshop) -> None:
    with pytest.raises(KeyboardInterrupt):
        workshop.fit(stop_at=6)
    before = workshop.checkpoint().read_bytes()

    with (
        files_of_at_most(len(before) // 2),
        pytest.raises(TrainingError, match=r"cannot be written .* at step 8; .* make room"),
    ):
        workshop.fit()

    assert workshop.checkpoint().read_bytes() == before
    assert list(workshop.checkpoint().parent.iterdir()) == [workshop.checkpoint()]


def test_a_run_that_found_the_disk_full_goes_on_to_the_same_weights(workshop: Workshop) -> None:
    unbroken = workshop.fit("unbroken")
    blocking = workshop.checkpoint("full").with_suffix(".part")
    blocking.mkdir(parents=True)  # a folder where the draft goes: nothing can be written there
    with pytest.raises(TrainingError, match="cannot be written"):
        workshop.fit("full")
    blocking.rmdir()

    assert same_weights(workshop.fit("full").network, unbroken.network)


def test_what_is_frozen_stays_and_what_is_not_learns(workshop: Workshop) -> None:
    workshop.make = head_alone
    before = head_alone(workshop.config).state_dict()

    after = workshop.fit().network.state_dict()

    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed
    assert all(name.startswith("head.") for name in changed)


def test_a_partly_frozen_run_that_was_killed_goes_on_to_the_same_weights(
    workshop: Workshop,
) -> None:
    workshop.make = head_alone
    unbroken = workshop.fit("unbroken")
    with pytest.raises(KeyboardInterrupt):
        workshop.fit("killed", stop_at=6)

    assert same_weights(workshop.fit("killed").network, unbroken.network)


def test_a_checkpoint_holds_only_what_is_trained(workshop: Workshop) -> None:
    workshop.make = head_alone
    workshop.fit()

    with safe_open(workshop.checkpoint(), framework="pt") as file:
        names = [name for name in file.keys() if not name.startswith("optimizer.")]  # noqa: SIM118

    assert names
    assert all(name.split(".")[1] == "head" for name in names)


def test_a_network_without_anything_to_train_is_refused(workshop: Workshop) -> None:
    workshop.make = lambda config: whole(config).requires_grad_(False)

    with pytest.raises(TrainingError, match="every weight is frozen"):
        workshop.fit()


def test_the_trained_network_forecasts_without_dropout(workshop: Workshop) -> None:
    assert not any(module.training for module in workshop.fit().network.modules())


def test_the_curve_has_every_validation_and_the_time_it_took(workshop: Workshop) -> None:
    trained = workshop.fit()

    validated = [point for point in trained.curve if point.validation is not None]
    assert [point.step for point in validated] == [4, 8, 12]
    assert min(point.validation or 0.0 for point in validated) == trained.validation
    seconds = [point.seconds for point in trained.curve]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def test_the_curve_of_a_killed_run_goes_on(workshop: Workshop) -> None:
    with pytest.raises(KeyboardInterrupt):
        workshop.fit(stop_at=6)

    curve = workshop.fit().curve

    assert [point.step for point in curve] == list(range(1, 13))
    assert [point.seconds for point in curve] == sorted(point.seconds for point in curve)


def test_progress_names_the_score(workshop: Workshop) -> None:
    assert workshop.fit().score == "pinball ratio"
    assert {progress.score for progress in workshop.seen} == {"pinball ratio"}


def test_the_learning_rate_warms_up_and_decays_to_nothing() -> None:
    recipe = TrainingRecipe(steps=1000, warmup_steps=100, learning_rate=1e-3)

    rates = [learning_rate(recipe, step) for step in range(1, 1001)]

    assert rates[0] < 2e-5
    assert max(rates) == pytest.approx(1e-3, rel=0.05)
    assert rates.index(max(rates)) == 99
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)
    assert sorted(rates[99:], reverse=True) == rates[99:]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writes beyond `size` bytes of a file fail meanwhile, as on a full disk."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
