"""A recipe: everything that decides a trained model but the bars, and what its values may be."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date

from bridge.bundles.manifest import HEADS, METHODS, is_plain_name


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


_LARGEST_SEED = 2**32 - 1  # each step's own seed is made of it, and torch takes 64 bits


def check_name(name: str) -> None:
    """Raise RecipeError where no bundle may be called so."""
    if not is_plain_name(name):
        plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._") or "my-model"
        raise RecipeError(
            f"`name` is '{name}': lower-case letters, digits, '.', '_' and '-', such as {plain}"
        )


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
    check_words(recipe)
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


def check_words(recipe: Recipe) -> None:
    """Raise RecipeError where a word is none of those there are, naming the nearest."""
    model, method, training = recipe.model, recipe.method, recipe.training
    for key, chosen, known in (
        ("model.inputs", model.inputs, ("close", "ohlc")),
        ("model.head", model.head, HEADS),
        ("method.name", method.name, METHODS),
        ("method.placement", method.placement, PLACEMENTS),
        ("method.activation", method.activation, ADAPTER_ACTIVATIONS),
        ("training.precision", training.precision, ("float32", "bfloat16")),
    ):
        check_word(key, chosen, known)


def check_word(key: str, chosen: str, known: Sequence[str]) -> None:
    """Raise RecipeError where a word is not among those known, naming the nearest."""
    if chosen in known:
        return
    near = difflib.get_close_matches(chosen.lower(), known, 1)
    hint = f"; did you mean '{near[0]}'?" if near and len(known) > 2 else ""
    quoted = [f"'{each}'" for each in known]
    raise RecipeError(
        f"`{key}` is '{chosen}': expected {', '.join(quoted[:-1])} or {quoted[-1]}{hint}"
    )
