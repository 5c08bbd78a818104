"""Recipes: what they say, what they default to, and what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from bridge.bundles import shipped_store
from bridge.bundles.manifest import METHODS
from bridge.tuning.methods.bases import open_base
from bridge.tuning.recipes.defaults import recipe_for, training_for
from bridge.tuning.recipes.recipe import MethodRecipe, ModelRecipe, Recipe, RecipeError
from bridge.tuning.recipes.recipe_file import read_recipe, to_toml
from tests.tuning.folders import put_base, save_gpt2

HOURS = np.arange(1_262_304_000, 1_262_304_000 + 1000 * 86_400, 3600)


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


def test_the_default_recipe_keeps_the_last_tenth_for_the_test() -> None:
    recipe = recipe_for([HOURS], "mine")

    assert recipe.data.train_until == date(2012, 3, 11)
    assert recipe.data.validate_until == date(2012, 6, 19)


def test_the_days_of_very_few_bars_are_two_all_the_same() -> None:
    recipe = recipe_for([HOURS[:24]], "mine")

    assert recipe.data.train_until < recipe.data.validate_until


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
        (
            "[method]\nname = 'lorra'",
            "`method.name` is 'lorra': expected 'full', .*'ia3'; did you mean 'lora'",
        ),
        ("[method]\nname = 'adapter'", "expected 'full', 'lora', 'qlora', 'bottleneck', 'prefix'"),
        ("[method]\nreductoin = 4", "`method.reductoin`: did you mean `reduction`"),
        ("[method]\nreduction = 0", "`reduction` is 0: at least 1"),
        ("[method]\nrank = 0", "`rank` is 0: at least 1"),
        ("[method]\nrank = 1.5", "`method.rank` is 1.5: expected a whole number"),
        ("[method]\nprefix_tokens = -1", "`prefix_tokens` is -1: at least 1"),
        ("[method]\nalpha = 0", "`method.alpha` is 0.0: it must be positive"),
        ("[method]\nalpha = inf", "`method.alpha` is inf: expected a finite"),
        ("[method]\ndropout = 1.0", "`method.dropout` is 1.0: at least 0 and below 1"),
        ("[method]\nplacement = 'everywhere'", "expected 'houlsby' or 'pfeiffer'"),
        ("[method]\nactivation = 'Relu'", "'identity'; did you mean 'relu'"),
        ("[method]\nbase = 3", "`method.base` is 3: expected a string"),
        ("[method]\ntrain_shell = 'yes'", "`method.train_shell` is 'yes': expected true or false"),
        ("[model]\nhead = 'point'", "`model.head` is 'point': expected 'quantile' or 'text'"),
        ("[training]\nweight_decay = nan", "`training.weight_decay` is nan: expected a finite"),
        (f"[training]\nseed = {2**64}", f"`training.seed` is {2**64}: at most {2**32 - 1}"),
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


@pytest.mark.parametrize("method", METHODS)
def test_the_default_recipe_of_each_method_reads_back(tmp_path: Path, method: str) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])

    recipe = recipe_for([HOURS], "mine", method=method, base=base)

    assert read_recipe(written(tmp_path, to_toml(recipe))) == recipe
    assert (recipe.method.name, recipe.method.base) == (method, base.name)


def test_the_default_recipe_takes_shape_and_window_from_a_base_of_ours(tmp_path: Path) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])

    model = recipe_for([HOURS], "mine", method="lora", base=base).model

    assert (model.layers, model.heads, model.width) == (2, 2, 32)
    assert (model.context, model.horizon) == (32, 4)
    assert model.usual_volatility == 1e-3


def test_the_default_recipe_takes_the_shape_alone_from_another_s_base(tmp_path: Path) -> None:
    save_gpt2(tmp_path)
    base = open_base(str(tmp_path), [])

    model = recipe_for([HOURS], "mine", method="lora", base=base).model

    assert (model.layers, model.heads, model.width) == (2, 2, 32)
    assert (model.context, model.horizon) == (ModelRecipe().context, ModelRecipe().horizon)


def test_the_default_recipe_of_the_text_head_has_the_window_of_the_article_series() -> None:
    recipe = recipe_for([HOURS], "mine", head="text")

    assert (recipe.model.head, recipe.model.context, recipe.model.horizon) == ("text", 20, 40)
    assert recipe.model.context % recipe.model.patch == 0


def test_tuning_is_shorter_and_fine_tuning_gentler_than_training_from_scratch(
    tmp_path: Path,
) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])
    scratch = recipe_for([HOURS], "mine").training

    full = recipe_for([HOURS], "mine", base=base).training
    lora = recipe_for([HOURS], "mine", method="lora", base=base).training

    assert scratch == Recipe().training
    assert full.steps == lora.steps < scratch.steps
    assert full.learning_rate < lora.learning_rate


def test_a_head_that_the_base_has_not_is_learned_at_the_rate_of_something_new(
    tmp_path: Path,
) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])

    same = recipe_for([HOURS], "mine", base=base).training
    other = recipe_for([HOURS], "mine", base=base, head="text").training

    assert other.learning_rate > same.learning_rate


def test_ia3_does_not_decay_since_its_factors_begin_at_one(tmp_path: Path) -> None:
    base = open_base(put_base(tmp_path).path.as_posix(), [])

    assert recipe_for([HOURS], "mine", method="ia3", base=base).training.weight_decay == 0


def test_a_default_recipe_of_an_unknown_method_lists_those_there_are() -> None:
    with pytest.raises(RecipeError, match=r"'botleneck': expected .*did you mean 'bottleneck'"):
        recipe_for([HOURS], "mine", method="botleneck")


def test_a_recipe_of_before_there_were_methods_reads_as_full_from_scratch(tmp_path: Path) -> None:
    recipe = read_recipe(shipped_store() / "fx-h1" / "recipe.toml")

    assert recipe.method == MethodRecipe()
    assert recipe.model.head == "quantile"


def test_a_missing_recipe_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no such recipe"):
        read_recipe(tmp_path / "none.toml")


def test_text_has_training_of_its_own_for_every_method() -> None:
    for method in METHODS:
        text, quantile = training_for(method, head="text"), training_for(method)

        assert text.batch < quantile.batch
        assert text.learning_rate > quantile.learning_rate or method == "ia3"
