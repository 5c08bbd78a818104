"""A recipe: everything that decides a trained model but the bars, in one TOML file."""

from __future__ import annotations

import difflib
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from bridge.bundles.manifest import is_plain_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class RecipeError(ValueError):
    """A recipe cannot be used. The message names the file and the key."""


@dataclass(frozen=True)
class DataRecipe:
    """Where the bars come from, and the two days that cut them. Both days belong to the part
    before them; `context + horizon` bars after each belong to none."""

    source: str = "your own export"
    license: str = "not stated"
    train_until: date = date(2018, 12, 31)
    validate_until: date = date(2019, 12, 31)


@dataclass(frozen=True)
class ModelRecipe:
    """The network's shape: see `ForecasterConfig`, which adds what the bars decide.

    `usual_volatility` of 0 takes the median of the training windows'.
    """

    inputs: str = "ohlc"
    context: int = 128
    horizon: int = 16
    levels: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    patch: int = 8
    layers: int = 2
    heads: int = 4
    width: int = 64
    dropout: float = 0.0
    usual_volatility: float = 0.0


@dataclass(frozen=True)
class TrainingRecipe:
    """How the network is fitted.

    Attributes:
        steps: optimizer steps at most. batch: windows per step.
        learning_rate: the peak, after `warmup_steps`; a cosine takes it to zero.
        weight_decay: AdamW's, on matrices alone.
        ema_decay: of the running average of weights, which is what is validated and exported.
        volatility_weight: a window's loss weighs as its volatility to this power: at 0 all alike,
            at 1 as in the score, where wild weeks count more than calm ones.
        mirror: half of the windows are turned upside down (price to 1/price): what is true of
            EURGBP is true of GBPEUR. Turn it off for indices and shares, which fall faster than
            they rise.
        precision: `bfloat16` where the processor multiplies it fast, else `float32`.
        validate_every: steps between validations and checkpoints.
        patience: validations without a better score before training stops.
        seed: fixes weights, windows and dropout.
    """

    steps: int = 3000
    batch: int = 256
    learning_rate: float = 2e-3
    warmup_steps: int = 300
    weight_decay: float = 0.05
    ema_decay: float = 0.999
    volatility_weight: float = 0.5
    mirror: bool = True
    precision: str = "float32"
    validate_every: int = 250
    patience: int = 6
    seed: int = 0


@dataclass(frozen=True)
class Recipe:
    """A whole recipe. The defaults are the shipped model's shape, trained for a shorter time."""

    name: str = "my-model"
    data: DataRecipe = field(default_factory=DataRecipe)
    model: ModelRecipe = field(default_factory=ModelRecipe)
    training: TrainingRecipe = field(default_factory=TrainingRecipe)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; keys that are not given keep their defaults.

    Raises:
        RecipeError: no such file, not TOML, an unknown key or a value of the wrong type or range.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: there is no such recipe") from error
    except OSError as error:
        raise RecipeError(f"{path} cannot be read as a recipe: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not TOML: {error}") from error
    try:
        recipe: Recipe = _build(Recipe, content, "")
        _check(recipe)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from error
    return recipe


def recipe_for(times: Sequence[NDArray[np.int64]], name: str) -> Recipe:
    """The default recipe with dates for these bars: the last tenth of them is the test, the
    tenth before it validates."""
    ordered = np.sort(np.concatenate(list(times)))
    days = [
        datetime.fromtimestamp(int(ordered[len(ordered) * tenths // 10]), timezone.utc).date()
        for tenths in (8, 9)
    ]
    return Recipe(name=name, data=DataRecipe(train_until=days[0], validate_until=days[1]))


def to_toml(recipe: Recipe) -> str:
    """A recipe as TOML that `read_recipe` reads back to the same values."""
    lines = [f"name = {json.dumps(recipe.name)}"]
    for table in ("data", "model", "training"):
        lines += ["", f"[{table}]"]
        for key, value in asdict(getattr(recipe, table)).items():
            shown = str(value) if isinstance(value, date) else json.dumps(value)
            lines.append(f"{key} = {shown}")
    return "\n".join(lines) + "\n"


def check_name(name: str) -> None:
    """Raise RecipeError where no bundle may be called so."""
    if not is_plain_name(name):
        plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._") or "my-model"
        raise RecipeError(
            f"`name` is '{name}': lower-case letters, digits, '.', '_' and '-', such as {plain}"
        )


def _build(kind: type[Any], content: Mapping[str, Any], where: str) -> Any:
    types = get_type_hints(kind)
    values = {}
    for key, value in content.items():
        if key not in types:
            near = difflib.get_close_matches(key, types, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(types)}"
            raise RecipeError(f"unknown key `{where}{key}`: {hint}")
        values[key] = _value(types[key], value, f"{where}{key}")
    return kind(**values)


def _value(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise RecipeError(f"`{where}` is a table: write [{where}]")
        return _build(kind, value, f"{where}.")  # type: ignore[arg-type]
    if kind == tuple[float, ...]:
        if isinstance(value, list) and all(type(item) in (int, float) for item in value):
            return tuple(float(item) for item in value)
        raise RecipeError(f"`{where}` is {value!r}: expected an array of numbers")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise RecipeError(f"`{where}` is {value!r}: expected {_KINDS[kind]}")
    return value


_KINDS = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"} | {
    date: "a date such as 2018-12-31"
}


def _check(recipe: Recipe) -> None:
    check_name(recipe.name)
    model, training = recipe.model, recipe.training
    for table, part in (("model", model), ("training", training)):
        for key, value in asdict(part).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise RecipeError(f"`{table}.{key}` is {value}: expected a finite number")
    for name, value in (
        ("warmup_steps", training.warmup_steps),
        ("weight_decay", training.weight_decay),
        ("volatility_weight", training.volatility_weight),
        ("seed", training.seed),
    ):
        if value < 0:
            raise RecipeError(f"`training.{name}` is {value}: at least 0")
    if model.inputs not in ("close", "ohlc"):
        raise RecipeError(f"`model.inputs` is '{model.inputs}': expected 'close' or 'ohlc'")
    if training.precision not in ("float32", "bfloat16"):
        raise RecipeError(
            f"`training.precision` is '{training.precision}': expected 'float32' or 'bfloat16'"
        )
    if recipe.data.train_until >= recipe.data.validate_until:
        raise RecipeError("`data.train_until` must be before `data.validate_until`")
    for part, names in (
        (model, ("context", "horizon", "patch", "layers", "heads", "width")),
        (training, ("steps", "batch", "validate_every", "patience")),
    ):
        for each in fields(part):
            if each.name in names and getattr(part, each.name) < 1:
                raise RecipeError(f"`{each.name}` is {getattr(part, each.name)}: at least 1")
    if not 0 <= model.dropout < 1 or not 0 <= training.ema_decay < 1:
        raise RecipeError("`dropout` and `ema_decay` must be at least 0 and below 1")
    if model.usual_volatility < 0:
        raise RecipeError("`model.usual_volatility` must not be negative; 0 learns it")
    if training.learning_rate <= 0:
        raise RecipeError("`learning_rate` must be positive")
