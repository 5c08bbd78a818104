"""Recipes: what they say, what they default to, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bridge.tuning.recipe import Recipe, RecipeError, read_recipe, recipe_for, to_toml


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_keys_that_are_not_given_keep_their_defaults(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, 'name = "mine"\n[training]\nsteps = 10\n'))

    assert recipe.name == "mine"
    assert recipe.training.steps == 10
    assert recipe.training.batch == Recipe().training.batch
    assert recipe.model == Recipe().model


def test_a_recipe_written_and_read_back_is_the_same(tmp_path: Path) -> None:
    recipe = recipe_for([np.arange(0, 10**8, 3600)], "mine")
    recipe = replace(recipe, data=replace(recipe.data, source='an "odd" \\ source'))

    assert read_recipe(written(tmp_path, to_toml(recipe))) == recipe


def test_the_default_recipe_keeps_the_last_tenth_for_the_test(tmp_path: Path) -> None:
    hours = np.arange(1_262_304_000, 1_262_304_000 + 1000 * 86_400, 3600)

    recipe = recipe_for([hours], "mine")

    assert recipe.data.train_until == date(2012, 3, 11)
    assert recipe.data.validate_until == date(2012, 6, 19)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nam = 'x'", "unknown key `nam`: did you mean `name`"),
        ("[training]\nlearning_rat = 1.0", "`training.learning_rat`: did you mean `learning_rate`"),
        ("[training]\nsteps = 'many'", "`training.steps` is 'many': expected a whole number"),
        ("[training]\nsteps = 0", "`steps` is 0: at least 1"),
        ("[training]\nmirror = 1", "`training.mirror` is 1: expected true or false"),
        ("[training]\nprecision = 'float16'", "expected 'float32' or 'bfloat16'"),
        ("[training]\nlearning_rate = -1", "`learning_rate` must be positive"),
        ("[model]\ninputs = 'volume'", "expected 'close' or 'ohlc'"),
        ("[model]\nlevels = ['a']", "`model.levels` is .*: expected an array of numbers"),
        ("[model]\ndropout = 1.0", "below 1"),
        ("model = 3", r"`model` is a table: write \[model\]"),
        ("[data]\ntrain_until = 2019", "expected a date such as 2018-12-31"),
        ("[data]\ntrain_until = 2020-01-01", "must be before"),
        ("name = ", "is not TOML"),
        ("name = 'Mein Modell'", "such as mein-modell"),
        ("[training]\nweight_decay = nan", "`training.weight_decay` is nan: expected a finite"),
        ("[training]\nwarmup_steps = -5", "`training.warmup_steps` is -5: at least 0"),
    ],
)
def test_a_wrong_recipe_is_refused_naming_file_and_key(
    tmp_path: Path, text: str, message: str
) -> None:
    path = written(tmp_path, text)

    with pytest.raises(RecipeError, match=message) as error:
        read_recipe(path)

    assert str(path) in str(error.value)


def test_a_missing_recipe_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no such recipe"):
        read_recipe(tmp_path / "none.toml")
