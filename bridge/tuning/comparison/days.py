"""The days that cut every file into what trains, what validates and what is tested, by fold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from bridge.bars import FoldDays, walk_forward_days
from bridge.bundles import Bundle
from bridge.tuning.comparison.tasks import ComparisonError, Source
from bridge.tuning.recipes.defaults import recipe_for
from bridge.tuning.recipes.recipe import Recipe


def choose_days(
    sources: Sequence[Source], folds: int, base: Bundle | None, recipe: Recipe | None = None
) -> list[FoldDays]:
    """The days of each fold: tested are those after which the base was chosen.

    One fold takes the days of training and validation of the base, or of the recipe that it will
    be trained by, and tests on all later ones. Without either, and where all bars came after the
    base's training, the test is their last tenth. Several folds walk forward from the first day
    after the base's or the recipe's last one.

    Args:
        sources: the files tuned to: the test ends on the last day that all of them have.
        folds: at least 1. base: the one there is. recipe: of the one that is to be trained.

    Raises:
        ComparisonError: no bars are left to test on.
    """
    shortest = min(sources, key=lambda each: int(each.bars.time[-1]))
    last = _day(shortest.bars.time[-1])
    until, begun = (_said_day(base, key) for key in ("validate_until", "train_until"))
    label = base.manifest.label if base else "the base"
    if until is not None and until >= last:
        raise ComparisonError(
            f"{label} was chosen on bars up to {until} and those of {shortest.path.name} end on "
            f"{last}: give later bars, or a base that was trained on earlier ones"
        )
    if recipe is not None and recipe.data.validate_until >= last:
        raise ComparisonError(
            f"the base's recipe validates up to {recipe.data.validate_until} and the bars of "
            f"{shortest.path.name} end on {last}: move train_until and validate_until in it, or "
            "give later bars"
        )
    times = [each.bars.time for each in sources]
    if folds > 1:
        chosen = recipe.data.validate_until if recipe else until
        after = None if chosen is None else chosen + timedelta(days=1)
        try:
            return walk_forward_days(times, folds=folds, first_test=after)
        except ValueError as error:
            raise ComparisonError(str(error)) from error
    first = max(_day(time[0]) for time in times)
    if until is not None and begun is not None and first <= begun:
        return [FoldDays(begun, until, last)]
    if recipe is not None:
        return [FoldDays(recipe.data.train_until, recipe.data.validate_until, last)]
    data = recipe_for(times, "comparison").data
    if until is not None and data.validate_until < until:
        raise ComparisonError(
            f"{label} was trained up to {begun} and chosen on bars up to {until}: give bars that "
            "begin before the former, or after the latter"
        )
    return [FoldDays(data.train_until, data.validate_until, last)]


def _said_day(base: Bundle | None, key: str) -> date | None:
    """A day that the base's manifest says, if it does."""
    text = base.manifest.data.get(key) if base else None
    if base is None or text is None:
        return None
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise ComparisonError(
            f"{base.manifest.label} says {key} = {text!r}, which is no day such as 2018-12-31: "
            "take another base"
        ) from error


def _day(time: np.int64) -> date:
    return date(1970, 1, 1) + timedelta(days=int(time) // 86_400)
