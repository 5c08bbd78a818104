"""What is compared on: files and days. What cannot be compared is refused here, before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bridge.bars import FoldDays
from bridge.bars.fingerprints import Hashes, fingerprints
from bridge.bundles import Bundle
from bridge.tuning.comparison.days import choose_days
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, TEXT, Plan
from bridge.tuning.comparison.tasks import (
    ComparisonError,
    Source,
    cut,
    cut_kept,
    model_of,
    require_one_timeframe,
)
from bridge.tuning.methods.bases import Base
from bridge.tuning.methods.nf4 import require_nf4
from bridge.tuning.recipes.recipe import ModelRecipe, Recipe
from bridge.tuning.scoring.leakage import require_distinct, require_named_right


@dataclass(frozen=True)
class Subject:
    """What is compared on: files to tune on, files of the base's own, and the days of each fold."""

    sources: Sequence[Source]
    kept: Sequence[Source]
    days: Sequence[FoldDays] = ()


def choose_subject(
    sources: Sequence[Source],
    kept: Sequence[Source],
    folds: int,
    base: Bundle | None,
    recipe: Recipe | None = None,
) -> Subject:
    """Check the files and choose the days.

    Args:
        sources: to tune on. kept: the base's own, on which forgetting is measured.
        base: the base where there is one already.
        recipe: of the base that is to be trained; without either, the days are the files' own.

    Raises:
        ComparisonError, LeakageError: files that do not go together, are the same, or are named
            as another symbol's.
    """
    require_one_timeframe([*sources, *kept])
    require_distinct(sources)
    require_distinct(kept)
    require_named_right([*sources, *kept], base)
    named: dict[str, Hashes] = {}
    for each in kept:
        marks = fingerprints(each.bars)
        named[each.bars.symbol] = np.union1d(marks, named.get(each.bars.symbol, marks))
    require_named_right(sources, named, label="the base")
    return Subject(sources, kept, tuple(choose_days(sources, folds, base, recipe)))


def require_comparable(
    subject: Subject, plan: Plan, base: Base | None, recipe: Recipe | None = None
) -> None:
    """Refuse what would end a comparison midway, or what it could say nothing of.

    Args:
        base: the one there is. recipe: of the one that is to be trained, where there is none.

    Raises:
        ComparisonError: a base with another head or levels, a network too narrow, a file too
            short.
        Nf4Error: a method wants weights in four bits and this machine cannot hold them.
    """
    if base is None and recipe is not None and recipe.method.name != "full":
        raise ComparisonError(
            f"the base's recipe says method {recipe.method.name}, and a base is trained whole: "
            "leave [method] out of it"
        )
    own = model_of(OWN, subject.sources, base, recipe)
    _require_quantile_head(base, own)
    if not own.levels[0] <= 0.5 <= own.levels[-1]:
        raise ComparisonError(
            f"the base's levels are {own.levels} and 0.5 lies outside them, so that it has no "
            "median: take a base with levels on either side, such as fx-h1"
        )
    if "bottleneck" in plan.methods and own.width < DEFAULT_VARIANT.reduction:
        raise ComparisonError(
            f"the base is {own.width} wide and the bottleneck divides that by "
            f"{DEFAULT_VARIANT.reduction}: leave bottleneck out of --methods, or take a base at "
            f"least {DEFAULT_VARIANT.reduction} wide"
        )
    if "qlora" in plan.methods:
        require_nf4()
    for name in plan.tasks:
        model = model_of(name, subject.sources, base, recipe)
        for days in subject.days:
            for source in subject.sources:
                cut(source, days, model)
            for source in subject.kept if name == OWN else ():
                cut_kept(source, days, model)


def _require_quantile_head(base: Base | None, own: ModelRecipe) -> None:
    head = base.config.head if base and base.config else own.head
    if head == TEXT:
        raise ComparisonError(
            f"{base.name if base else 'the base of --base-recipe'} has the text head, and a base "
            "is compared at its own window by its quantiles: take one with the quantile head (the "
            "text head is trained beside, at 20 values in and 40 out)"
        )
