"""From files of bars and a recipe to a bundle: the whole of `eabridge train`, step by step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from bridge.bars.windows import midnight_after
from bridge.bundles import Bundle
from bridge.bundles.bundle import RECIPE_FILE
from bridge.bundles.store import SHIPPED_MODEL
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.exporting.export import require_exportable
from bridge.tuning.material import (
    BuildError,
    Material,
    TrainingFile,
    configure,
    material_for,
)
from bridge.tuning.methods.bases import Base, open_base
from bridge.tuning.methods.networks import Network, tuned_network
from bridge.tuning.publishing import Listener, Target, publish
from bridge.tuning.recipes.defaults import recipe_for
from bridge.tuning.recipes.recipe import DataRecipe, Recipe, check_name, check_recipe
from bridge.tuning.recipes.recipe_file import open_recipe, to_toml
from bridge.tuning.run_folder import base_name, remember_files, seal_run
from bridge.tuning.training.trainer import train

__all__ = ["BuildError", "Listener", "TrainingFile", "build", "choose_recipe", "train_run"]

_LEAST_TEST_BARS = 1000  # a base's own days are kept where at least so many bars follow them


def build(
    files: Sequence[TrainingFile],
    recipe: Recipe,
    recipe_text: str,
    *,
    run: Path,
    out: Path,
    stores: Sequence[Path] = (),
    runtime: str = "onnx",
    replace_existing: bool = False,
    listener: Listener | None = None,
) -> Bundle:
    """Train, export, score on the untouched last part, and write the bundle `out`/`recipe.name`.

    Args:
        files: the bars, all of one timeframe.
        recipe, recipe_text: what to do, and the TOML that says so; it is kept in the bundle.
        run: folder of this run: its checkpoint, and its network as a bundle. Kept, so that a
            killed run goes on, and for `eabridge export`.
        out: the store to write to.
        stores: where the recipe's base is looked for.
        runtime: `onnx`, or `torch` to serve it with PyTorch beside its base.
        replace_existing: replace a bundle of the same name.
        listener: is told of progress.

    Raises:
        BuildError: the files do not go together or are too short.
        BaseError: the base is not to be had, or of another shape.
        LeakageError: the same bars come twice, or the test was seen in the base's training.
        TrainingError, ExportError, BundleError: as their functions say.
    """
    listener = listener or Listener()
    target = Target(out, recipe.name, runtime, replace_existing=replace_existing)
    target.require_room()  # now, not after the training
    base = recipe_base(recipe, stores)
    sealed, network, material = train_run(
        files, recipe, recipe_text, base, run=run, runtime=runtime, listener=listener
    )
    return publish(sealed, network, material, target, listener)


def train_run(
    files: Sequence[TrainingFile],
    recipe: Recipe,
    recipe_text: str,
    base: Base | None,
    *,
    run: Path,
    runtime: str = "onnx",
    specialist: bool = False,
    listener: Listener,
) -> tuple[Bundle, Network, Material]:
    """Train a recipe in its run's folder, which is a bundle afterwards; nothing is published.

    Returns:
        The run as a bundle, the network with its best weights, and the bars as they were cut.
    """
    material = material_for(files, recipe, base)
    config = configure(recipe, material, base)
    if runtime == "onnx":
        require_exportable(config)  # now, not after the training
    run.mkdir(parents=True, exist_ok=True)
    network = tuned_network(config, recipe.method, base, seed=recipe.training.seed)
    listener.stage(
        f"training on {len(material.training):,} windows, "
        f"validating on {len(material.validation):,}"
    )
    trained = train(
        network,
        recipe.training,
        material.training,
        material.validation,
        run,
        fingerprint=_fingerprint(config, recipe, base, material.records(recipe.data)),
        on_progress=listener.training,
    )
    best = cast(Network, trained.network)
    # Not before: a checkpoint of another recipe is refused, and its run stays as it is.
    (run / RECIPE_FILE).write_text(recipe_text, encoding="utf-8", newline="\n")
    remember_files(run, files)
    listener.stage(f"kept the weights of step {trained.best_step}, which validated best")
    sealed = seal_run(run, recipe, material, base, trained, best, specialist=specialist)
    return sealed, best, material


def recipe_base(recipe: Recipe, stores: Sequence[Path]) -> Base | None:
    """The base that a recipe names; None where it starts from scratch.

    Raises:
        BaseError: there is none such, or it is no GPT-2.
    """
    return open_base(recipe.method.base, stores) if recipe.method.base else None


def choose_recipe(
    path: Path | None,
    name: str | None,
    files: Sequence[TrainingFile],
    *,
    method: str | None = None,
    base: str | None = None,
    head: str | None = None,
    stores: Sequence[Path] = (),
    usual_method: str = "full",
) -> tuple[Recipe, str]:
    """The recipe to follow and its TOML: the file's, or one made for these bars.

    What the file leaves out is as it would be without one: dates by the bars, the shape by the
    base, training by the method. What is given beside the file has the last word. A method that
    tunes and names no base tunes the shipped model; where nobody names a method it is
    `usual_method`.

    Raises:
        RecipeError: the file cannot be used, or the name or the method is none.
        BaseError: there is no such base.
    """
    if name is not None:
        check_name(name)
    if path is None:
        recipe = _default_recipe(
            name, files, method or usual_method, base, head or "quantile", stores
        )
        return recipe, to_toml(recipe)
    file = open_recipe(path)
    draft = file.draft(usual_method)  # where it says nothing, these bars, base and method do
    default = _default_recipe(
        None,
        files,
        method or draft.method.name,
        base or draft.method.base,
        head or draft.model.head,
        stores,
    )
    recipe = file.over(default)
    tuning = recipe.method
    if method is not None:
        tuning = replace(tuning, name=method)
    if base is not None or (tuning.name != "full" and not tuning.base):
        tuning = replace(tuning, base=base or SHIPPED_MODEL)
    model = recipe.model if head is None else replace(recipe.model, head=head)
    changed = replace(recipe, name=name or recipe.name, method=tuning, model=model)
    check_recipe(changed)
    return changed, (file.text if changed == file.draft() else to_toml(changed))


def _default_recipe(
    name: str | None,
    files: Sequence[TrainingFile],
    method: str,
    base: str | None,
    head: str,
    stores: Sequence[Path],
) -> Recipe:
    times = [file.bars.time for file in files]
    default = partial(recipe_for, times, name or Recipe.name, method=method, head=head)
    recipe = default()  # a wrong word is told before a base is looked for
    text = base or ("" if method == "full" else SHIPPED_MODEL)
    tuned = open_base(text, stores) if text else None
    recipe = default(base=tuned)
    return replace(recipe, data=_days_of_base(recipe.data, files, tuned))


def _days_of_base(data: DataRecipe, files: Sequence[TrainingFile], base: Base | None) -> DataRecipe:
    """Dates for bars that a base was trained on in part: its own, so that its test stays unseen.

    Where all bars came after its training, or too few would be left for a test, the dates stay.
    """
    if base is None or base.bundle is None:
        return data
    try:
        days = [
            date.fromisoformat(base.bundle.manifest.data[key])
            for key in ("train_until", "validate_until")
        ]
    except (KeyError, TypeError, ValueError):
        return data
    times = [file.bars.time for file in files]
    if data.validate_until >= days[1] and data.train_until >= days[1]:
        return data
    for time in times:
        trained, validated = (int(np.searchsorted(time, midnight_after(day))) for day in days)
        if not trained or validated - trained < 1 or len(time) - validated < _LEAST_TEST_BARS:
            return data
    return replace(data, train_until=days[0], validate_until=days[1])


def _fingerprint(
    config: ForecasterConfig, recipe: Recipe, base: Base | None, records: Sequence[dict[str, Any]]
) -> str:
    content = [
        asdict(config),
        asdict(recipe.training),
        asdict(recipe.data),
        {**asdict(recipe.method), "base": base_name(base)},
        list(records),
        # A bundle's label says which weights it has; another's folder can hold any.
        base.weights_digest if base and not base.bundle else "",
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
