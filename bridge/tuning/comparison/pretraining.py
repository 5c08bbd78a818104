"""The base that a comparison trains first, where it is given the base's own bars and no base."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bridge.bundles import BundleError, open_bundle
from bridge.tuning import build as building
from bridge.tuning.comparison.listener import Listener
from bridge.tuning.comparison.runs import drop_other_run
from bridge.tuning.comparison.subject import Subject
from bridge.tuning.comparison.tasks import ComparisonError
from bridge.tuning.methods.bases import Base, open_base
from bridge.tuning.recipes.defaults import recipe_for
from bridge.tuning.recipes.recipe import Recipe
from bridge.tuning.recipes.recipe_file import to_toml
from bridge.tuning.training.trainer import DivergedError, TrainingError

BASE_NAME = "base"


def make_base(subject: Subject, recipe: Recipe | None, folder: Path, listener: Listener) -> Base:
    """Pre-train a base on the files of its own, up to the days that the first fold validates on.

    Args:
        recipe: shape, training and days; None takes the default one, and the first fold's days.
        folder: of the comparison; the base is kept in `base`, and found there again as long as
            recipe and files are the same.

    Raises:
        ComparisonError: it cannot be trained. BuildError, LeakageError, ExportError: as `build`.
    """
    files = [building.TrainingFile(each.path, each.bars) for each in subject.kept]
    chosen = _recipe(subject, recipe)
    text = to_toml(chosen)
    made, run = folder / BASE_NAME, folder / "work" / BASE_NAME
    if not _is_made_of(made, text, files):
        names = ", ".join(each.bars.symbol or each.path.name for each in subject.kept)
        listener.stage(f"pre-training the base on {names}")
        hashes = "".join(sorted(each.sha256 for each in files))
        drop_other_run(run, hashlib.sha256((text + hashes).encode()).hexdigest())
        try:
            building.build(
                files,
                chosen,
                text,
                run=run,
                out=folder,
                stores=[],
                replace_existing=True,
                listener=building.Listener(
                    training=lambda each: listener.advanced(each.step / chosen.training.steps),
                ),
            )
        except DivergedError as error:
            raise ComparisonError(
                f"the base: {error.reason}: lower learning_rate in the file of --base-recipe"
            ) from error
        except TrainingError as error:
            raise ComparisonError(
                f"the base: {error.reason}: make room where its disk is full, else delete {run}, "
                "and give the same command again"
            ) from error
    return open_base(str(made), [])


def _recipe(subject: Subject, recipe: Recipe | None) -> Recipe:
    if recipe is not None:
        return replace(recipe, name=BASE_NAME)
    first = subject.days[0]
    default = recipe_for([each.bars.time for each in subject.kept], BASE_NAME)
    data = replace(default.data, train_until=first.train_until, validate_until=first.validate_until)
    return replace(default, data=data)


def _is_made_of(made: Path, text: str, files: Sequence[building.TrainingFile]) -> bool:
    """Whether the base that is kept was trained by this recipe on these very files."""
    kept_text = made / "recipe.toml"
    if not (kept_text.is_file() and kept_text.read_text(encoding="utf-8") == text):
        return False
    try:
        recorded = open_bundle(made).manifest.data.get("files", [])
    except BundleError:
        return False  # damaged: it is made again
    return {each.get("sha256") for each in recorded} == {each.sha256 for each in files}
