"""The base that is trained first on files of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.tuning import build as building
from bridge.tuning.comparison.listener import Listener
from bridge.tuning.comparison.pretraining import make_base
from bridge.tuning.comparison.subject import Subject, choose_subject
from bridge.tuning.comparison.tasks import ComparisonError, Source
from bridge.tuning.recipes.recipe import DataRecipe, ModelRecipe, Recipe, TrainingRecipe
from bridge.tuning.training.trainer import DivergedError
from tests.tuning.comparison.conftest import source
from tests.tuning.comparison.test_subject import day_of


class Told:
    """The stages that a listener was told of."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.listener = Listener(stage=self.stages.append)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture(scope="module")
def tuned() -> Source:
    return source("TUNED", 3)


@pytest.fixture(scope="module")
def recipe(tuned: Source) -> Recipe:
    return Recipe(
        data=DataRecipe(train_until=day_of(tuned, 4000), validate_until=day_of(tuned, 5000)),
        model=ModelRecipe(context=32, horizon=4, layers=1, heads=2, width=16),
        training=TrainingRecipe(steps=4, batch=16, warmup_steps=1, validate_every=2),
    )


def subject(folder: Path, tuned: Source, recipe: Recipe, content: str = "bars") -> Subject:
    """What is tuned, and a file of the base's own that is on the disk, as a base hashes it."""
    made = source("KEPT", 4)
    path = folder / made.path
    path.write_text(content, encoding="utf-8")
    return choose_subject([tuned], [replace(made, path=path)], 1, None, recipe)


def test_a_base_is_pre_trained_on_files_of_its_own_and_kept(
    tmp_path: Path, tuned: Source, recipe: Recipe, told: Told
) -> None:
    compared = subject(tmp_path, tuned, recipe)

    base = make_base(compared, recipe, tmp_path, told.listener)
    same = make_base(compared, recipe, tmp_path, told.listener)

    assert base.bundle is not None
    assert base.bundle.manifest.data["validate_until"] == str(compared.days[0].validate_until)
    assert same.name == base.name
    assert told.stages == ["pre-training the base on KEPT"]


def test_a_base_without_a_recipe_has_the_days_of_the_first_fold(
    tmp_path: Path, tuned: Source, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    asked: list[Recipe] = []

    def build(files: Any, recipe: Recipe, *rest: Any, **options: Any) -> None:
        asked.append(recipe)
        raise DivergedError("enough")

    monkeypatch.setattr(building, "build", build)
    compared = subject(tmp_path, tuned, replace(Recipe(), data=DataRecipe()))
    compared = choose_subject(compared.sources, compared.kept, 1, None)

    with pytest.raises(ComparisonError):
        make_base(compared, None, tmp_path, told.listener)

    assert asked[0].data.train_until == compared.days[0].train_until
    assert asked[0].data.validate_until == compared.days[0].validate_until


def test_a_base_is_trained_anew_where_its_recipe_or_its_bars_changed(
    tmp_path: Path, tuned: Source, recipe: Recipe, told: Told
) -> None:
    first = make_base(subject(tmp_path, tuned, recipe), recipe, tmp_path, told.listener)
    longer = replace(recipe, training=replace(recipe.training, steps=6))
    second = make_base(subject(tmp_path, tuned, longer), longer, tmp_path, told.listener)
    more = subject(tmp_path, tuned, longer, content="more bars")
    third = make_base(more, longer, tmp_path, told.listener)

    assert told.stages == 3 * ["pre-training the base on KEPT"]
    assert len({first.name, second.name, third.name}) == 3


def test_a_base_that_diverges_says_what_can_be_done_here(
    tmp_path: Path, tuned: Source, recipe: Recipe, told: Told
) -> None:
    wild = replace(recipe, training=replace(recipe.training, learning_rate=1e30))

    with pytest.raises(ComparisonError, match=r"the base: .* at step .* learning_rate in the file"):
        make_base(subject(tmp_path, tuned, wild), wild, tmp_path, told.listener)
