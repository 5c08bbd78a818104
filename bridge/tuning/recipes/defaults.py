"""The recipe that is followed where none is given: for these bars, this base and this method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridge.tuning.recipes.recipe import (
    DataRecipe,
    MethodRecipe,
    ModelRecipe,
    Recipe,
    TrainingRecipe,
    check_recipe,
)

if TYPE_CHECKING:
    from bridge.tuning.methods.bases import Base


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
