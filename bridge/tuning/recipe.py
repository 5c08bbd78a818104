"""A recipe: everything that decides a trained model but the bars, in one TOML file."""

from __future__ import annotations

import difflib
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from bridge.bundles.manifest import HEADS, METHODS, is_plain_name

if TYPE_CHECKING:
    from bridge.tuning.bases import Base

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


_Part = TypeVar("_Part", bound=Any)


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
    head: str = "quantile"


PLACEMENTS = ("houlsby", "pfeiffer")
ADAPTER_ACTIVATIONS = ("gelu", "relu", "tanh", "identity")


@dataclass(frozen=True)
class MethodRecipe:
    """How a base is tuned; what a method does not use, it ignores.

    Attributes:
        name: `full` trains every weight; the others freeze GPT-2's blocks and train an adapter.
        base: what is tuned: a bundle (`name`, `name@version` or its folder), or a GPT-2 in
            Hugging Face format (its folder, or its name on the hub). Empty: nothing, `full`
            then trains from scratch.
        train_shell: train the embeddings and the head too where the base brought its own.
        reduction: bottleneck: the width is divided by it on the way down; 1 leaves it square.
        placement: bottleneck: `houlsby` stands after attention and after the MLP, `pfeiffer`
            after the MLP alone.
        activation: bottleneck: between down and up.
        rank, alpha: lora, qlora: of the two matrices whose product, times alpha / rank, is added.
        dropout: bottleneck, lora, qlora: of the adapter's input while training.
        prefix_tokens: prefix: tokens whose keys and values are learned, in front of each window.
    """

    name: str = "full"
    base: str = ""
    train_shell: bool = False
    reduction: int = 8
    placement: str = "houlsby"
    activation: str = "gelu"
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    prefix_tokens: int = 8


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
    method: MethodRecipe = field(default_factory=MethodRecipe)
    training: TrainingRecipe = field(default_factory=TrainingRecipe)


@dataclass(frozen=True)
class RecipeFile:
    """A recipe's file as it was read; what it leaves out is taken from a default."""

    path: Path
    text: str
    content: Mapping[str, Any]

    def draft(self, method: str = "full") -> Recipe:
        """Over the plain defaults: enough to know the method, the base and the head.

        Args:
            method: the one that is meant where the file names none.

        Raises:
            RecipeError: an unknown key or word, or a value of the wrong type.
        """
        with self._named():
            recipe = _build(Recipe(method=MethodRecipe(name=method)), self.content, "")
            _check_words(recipe)
            return recipe

    def over(self, default: Recipe) -> Recipe:
        """The recipe, keys that are not given taken from `default`.

        Raises:
            RecipeError: an unknown key or a value of the wrong type or range.
        """
        with self._named():
            recipe = _build(default, self.content, "")
            check_recipe(recipe)
            return recipe

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except RecipeError as error:
            raise RecipeError(f"{self.path}: {error}") from error


def open_recipe(path: Path) -> RecipeFile:
    """Read a recipe's file.

    Raises:
        RecipeError: no such file, or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return RecipeFile(path, text, tomllib.loads(text))
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: there is no such recipe") from error
    except OSError as error:
        raise RecipeError(f"{path} cannot be read as a recipe: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not TOML: {error}") from error


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; keys that are not given keep their plain defaults.

    Raises:
        RecipeError: no such file, not TOML, an unknown key or a value of the wrong type or range.
    """
    return open_recipe(path).over(Recipe())


def recipe_for(
    times: Sequence[NDArray[np.int64]],
    name: str,
    *,
    method: str = "full",
    base: Base | None = None,
    head: str = "quantile",
) -> Recipe:
    """The default recipe for these bars: dates, the base's shape, the method's training.

    The last tenth of the bars is the test, the tenth before it validates.

    Args:
        times: open times of each file's bars. name: of the model to be.
        method: one of `METHODS`. base: what it tunes; None trains from scratch.
        head: `quantile` or `text`.

    Raises:
        RecipeError: there is no such method or head.
    """
    ordered = np.sort(np.concatenate(list(times)))
    days = [
        datetime.fromtimestamp(int(ordered[len(ordered) * tenths // 10]), timezone.utc).date()
        for tenths in (8, 9)
    ]
    days[0] = min(days[0], days[1] - timedelta(days=1))  # what is too short is told by its bars
    recipe = Recipe(
        name=name,
        data=DataRecipe(train_until=days[0], validate_until=days[1]),
        model=replace(_model_over(base), **(_TEXT_WINDOW if head == "text" else {}), head=head),
        method=MethodRecipe(name=method, base=base.name if base else ""),
    )
    check_recipe(recipe)
    if base is not None:
        recipe = replace(recipe, training=training_for(method, head=head))
    return recipe


def training_for(
    method: str, *, head: str = "quantile", fresh_shell: bool = False
) -> TrainingRecipe:
    """How a method tunes a base by default: fewer steps than from scratch, at its own rate.

    Args:
        method: one of `METHODS`. head: `quantile` or `text`.
        fresh_shell: the base is ours, and the network has another window than it: what is new has
            to be learned from nothing, and wants a rate for that.
    """
    if head == "text":
        return _TUNING_TEXT[method]
    return (_TUNING | _TUNING_FRESH)[method] if fresh_shell else _TUNING[method]


# The window of the article series that the text head follows. Its numbers are tokens, one window
# of 128 bars would be a thousand.
_TEXT_WINDOW: dict[str, Any] = {"context": 20, "horizon": 40, "patch": 4}


def _model_over(base: Base | None) -> ModelRecipe:
    """The model that a base makes: its window and shape where it is ours, else its blocks'."""
    if base is None:
        return ModelRecipe()
    if base.config is not None:
        names = {each.name for each in fields(ModelRecipe)}
        return ModelRecipe(
            **{key: value for key, value in asdict(base.config).items() if key in names}
        )
    return ModelRecipe(layers=base.layers, heads=base.heads, width=base.width)


# Chosen on the validation year, over fx-h1 on EURGBP and USDCAD: of each method the learning rate
# with the best score there, among two to four. Half of the steps reach most of the gain.
_FINE_TUNING = TrainingRecipe(
    steps=600, batch=128, warmup_steps=50, validate_every=50, learning_rate=5e-4
)
_TUNING = {
    "full": _FINE_TUNING,
    "lora": replace(_FINE_TUNING, learning_rate=5e-3),
    "qlora": replace(_FINE_TUNING, learning_rate=5e-3),
    "bottleneck": replace(_FINE_TUNING, learning_rate=3e-3),
    "prefix": replace(_FINE_TUNING, learning_rate=3e-2),
    # Its factors begin at 1, and decay would pull them to 0.
    "ia3": replace(_FINE_TUNING, learning_rate=2e-2, weight_decay=0.0),
}
_TUNING_FRESH = {
    "full": replace(_FINE_TUNING, learning_rate=2e-3),
    "bottleneck": replace(_FINE_TUNING, learning_rate=5e-3),
}
# Likewise, over fx-h1 on three pairs. A window is 240 digits in the place of 16 patches, each of
# them a lesson: fewer windows and steps teach as much.
_TEXT_TUNING = TrainingRecipe(
    steps=300, batch=32, warmup_steps=30, validate_every=50, ema_decay=0.98, learning_rate=4e-3
)
_TUNING_TEXT = {
    "full": _TEXT_TUNING,
    "lora": replace(_TEXT_TUNING, learning_rate=1e-2),
    "qlora": replace(_TEXT_TUNING, learning_rate=1e-2),
    "bottleneck": replace(_TEXT_TUNING, learning_rate=2e-2),
    "prefix": replace(_TEXT_TUNING, learning_rate=5e-2),
    "ia3": replace(_TEXT_TUNING, learning_rate=2e-2, weight_decay=0.0),
}


_LARGEST_SEED = 2**32 - 1  # each step's own seed is made of it, and torch takes 64 bits


def to_toml(recipe: Recipe) -> str:
    """A recipe as TOML that `read_recipe` reads back to the same values."""
    lines = [f"name = {json.dumps(recipe.name)}"]
    for table in ("data", "model", "method", "training"):
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


def _build(default: _Part, content: Mapping[str, Any], where: str) -> _Part:
    types = get_type_hints(type(default))
    values = {}
    for key, value in content.items():
        if key not in types:
            near = difflib.get_close_matches(key, types, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(types)}"
            raise RecipeError(f"unknown key `{where}{key}`: {hint}")
        values[key] = _value(types[key], getattr(default, key), value, f"{where}{key}")
    return replace(default, **values)


def _value(kind: Any, default: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise RecipeError(f"`{where}` is a table: write [{where}]")
        return _build(default, value, f"{where}.")
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


def check_recipe(recipe: Recipe) -> None:
    """Raise RecipeError where a value is beyond what may be, naming its key."""
    check_name(recipe.name)
    model, method, training = recipe.model, recipe.method, recipe.training
    for table, part in (("model", model), ("method", method), ("training", training)):
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
    if training.seed > _LARGEST_SEED:
        raise RecipeError(f"`training.seed` is {training.seed}: at most {_LARGEST_SEED}")
    _check_words(recipe)
    if recipe.data.train_until >= recipe.data.validate_until:
        raise RecipeError("`data.train_until` must be before `data.validate_until`")
    for part, names in (
        (model, ("context", "horizon", "patch", "layers", "heads", "width")),
        (method, ("reduction", "rank", "prefix_tokens")),
        (training, ("steps", "batch", "validate_every", "patience")),
    ):
        for each in fields(part):
            if each.name in names and getattr(part, each.name) < 1:
                raise RecipeError(f"`{each.name}` is {getattr(part, each.name)}: at least 1")
    if not 0 <= model.dropout < 1 or not 0 <= training.ema_decay < 1:
        raise RecipeError("`dropout` and `ema_decay` must be at least 0 and below 1")
    if not 0 <= method.dropout < 1:
        raise RecipeError(f"`method.dropout` is {method.dropout}: at least 0 and below 1")
    if method.alpha <= 0:
        raise RecipeError(f"`method.alpha` is {method.alpha}: it must be positive")
    if model.usual_volatility < 0:
        raise RecipeError("`model.usual_volatility` must not be negative; 0 learns it")
    if training.learning_rate <= 0:
        raise RecipeError("`learning_rate` must be positive")


def _check_words(recipe: Recipe) -> None:
    model, method, training = recipe.model, recipe.method, recipe.training
    for key, chosen, known in (
        ("model.inputs", model.inputs, ("close", "ohlc")),
        ("model.head", model.head, HEADS),
        ("method.name", method.name, METHODS),
        ("method.placement", method.placement, PLACEMENTS),
        ("method.activation", method.activation, ADAPTER_ACTIVATIONS),
        ("training.precision", training.precision, ("float32", "bfloat16")),
    ):
        _check_choice(key, chosen, known)


def _check_choice(key: str, chosen: str, known: Sequence[str]) -> None:
    if chosen in known:
        return
    near = difflib.get_close_matches(chosen.lower(), known, 1)
    hint = f"; did you mean '{near[0]}'?" if near and len(known) > 2 else ""
    quoted = [f"'{each}'" for each in known]
    raise RecipeError(
        f"`{key}` is '{chosen}': expected {', '.join(quoted[:-1])} or {quoted[-1]}{hint}"
    )
