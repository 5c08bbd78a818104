"""Tables of the report: every method's costs and scores over its seeds, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bridge.tuning.comparison.estimates import Estimate, Scorer
from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.losses import Losses, join, require_same_windows
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, Variant
from bridge.tuning.comparison.results import Comparison, seeds_of
from bridge.tuning.comparison.training_costs import Cost, cost_of, speed_to_full
from bridge.tuning.scoring.scores import RANDOM_WALK
from bridge.tuning.scoring.significance import (
    DieboldMariano,
    SignificanceError,
    compare_all,
    daily_losses,
)

Array = NDArray[np.float64]
SIGNIFICANT = 0.05
"""Of a test's p-value, adjusted for all pairs tested beside it."""


@dataclass(frozen=True)
class Scores:
    """One forecaster on one task.

    Attributes:
        ratio_h: the pinball ratio at each bar ahead.
        coverage: None where the quantiles 0.1 and 0.9 are not forecast.
        nrmse_article: None where there is nothing above zero to divide by.
        direction: None of a forecaster that calls none.
        to_base, to_full: differences of pinball ratios; None of the two themselves, and where
            there is none to compare with.
    """

    name: str
    pinball: Estimate
    coverage: Estimate | None
    mse: Estimate
    rmse: Estimate
    rmse_ratio: Estimate
    nrmse: Estimate
    nrmse_article: Estimate | None
    direction: Estimate | None
    ratio_h: tuple[Estimate, ...]
    to_base: Estimate | None = None
    to_full: Estimate | None = None


@dataclass(frozen=True)
class Forgetting:
    """Pinball ratio on the base's own data, before and after tuning."""

    method: str
    before: Estimate
    after: Estimate
    change: Estimate


class Tables:
    """All tables of a comparison; what is costly to resample is resampled once.

    Raises:
        WindowsError: forecasters of one task were scored on different windows.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self._losses: dict[tuple[str, str, Variant | None], list[Losses]] = {}
        self._tests: dict[tuple[str, ...], list[DieboldMariano]] = {}
        for task in comparison.facts:
            self._require_same_windows([task])
        self._scorers = {
            task: Scorer(self.losses(task, RANDOM_WALK)[0], facts.block_seconds)
            for task, facts in comparison.facts.items()
        }
        self.scores = {task: self._scores(task) for task in comparison.facts}
        self.costs = {task: self._costs(task) for task in comparison.facts}

    def losses(self, task: str, name: str, variant: Variant | None = None) -> list[Losses]:
        """A forecaster's losses, folds joined, one for each seed; of the untrained just one."""
        key = (task, name, variant)
        if key not in self._losses:
            self._losses[key] = self._joined(task, name, variant)
        return self._losses[key]

    def untrained(self, task: str) -> list[str]:
        """Names of the task's forecasters that were not trained here, the base first. One that
        was left out of a fold is left out of all."""
        names = [each.name for each in self.comparison.untrained if each.task == task]
        folds = names.count(RANDOM_WALK)
        whole = [name for name in dict.fromkeys(names) if names.count(name) == folds]
        return sorted(whole, key=lambda name: name != BASE)

    def row(self, task: str, name: str) -> Scores | None:
        """One forecaster's scores on a task."""
        return next((each for each in self.scores.get(task, []) if each.name == name), None)

    def cost(self, task: str, method: str) -> Cost | None:
        """One method's costs on a task."""
        return next((each for each in self.costs.get(task, []) if each.method == method), None)

    def validation(self, task: str, name: str, fold: int | None = None) -> float | None:
        """An untrained forecaster's validation score: of one fold, or the mean of all."""
        found = [
            each.validation
            for each in self.comparison.untrained
            if (each.task, each.name) == (task, name)
            and each.validation is not None
            and fold in (None, each.fold)
        ]
        return float(np.mean(found)) if found else None

    def pinball_difference(self, task: str, first: str, second: str) -> Estimate:
        """One forecaster's pinball ratio less another's, paired, over weeks and seeds."""
        return self._scorers[task].pinball_difference(
            self.losses(task, first), self.losses(task, second)
        )

    def nrmse_difference(
        self, first: tuple[str, str], second: tuple[str, str], *, article: bool = False
    ) -> Estimate | None:
        """NRMSE of one (task, forecaster) less another's; the tasks share their windows. None of
        the article's where either has none."""
        scorer = self._scorers[first[0]]
        one, other = self.losses(*first), self.losses(*second)
        if article:
            return scorer.nrmse_article_difference(one, other)
        return scorer.nrmse_difference(one, other)

    def better(self, task: str, first: str, second: str) -> bool:
        """Whether the first forecaster is the better one, as far as can be told.

        Two must agree: the Diebold-Mariano test of `significance`, which is of these very runs,
        and the 95% interval of the difference, which is of other seeds too.
        """
        tests = [
            test
            for test in self.significance([task])
            if {test.first, test.second} == {first, second} and test.p_holm < SIGNIFICANT
        ]
        if not tests or (tests[0].difference < 0) != (tests[0].first == first):
            return False
        difference = self.pinball_difference(task, first, second)
        return difference.high is not None and difference.high < 0.0

    def speed_to_full(self, task: str, method: str) -> Estimate | None:
        """How many times faster than full a method came to full's best validation score."""
        return speed_to_full(self.comparison, task, method)

    def forgetting(self) -> list[Forgetting]:
        """For each method, where the base's own data were given."""
        return self._forgetting

    @cached_property
    def _forgetting(self) -> list[Forgetting]:
        kept = {
            name: losses
            for name in (RANDOM_WALK, BASE, *self.comparison.methods)
            if (losses := self._kept(name))
        }
        if OWN not in self.comparison.facts or RANDOM_WALK not in kept or BASE not in kept:
            return []
        require_same_windows(
            {
                f"{name} (on the base's own data, run {index})": each
                for name, found in kept.items()
                for index, each in enumerate(found)
            }
        )
        [walk], before = kept.pop(RANDOM_WALK), kept.pop(BASE)
        scorer = Scorer(walk, self.comparison.facts[OWN].block_seconds)
        return [
            Forgetting(
                method,
                scorer.pinball_ratio(before),
                scorer.pinball_ratio(after),
                scorer.pinball_difference(after, before),
            )
            for method, after in kept.items()
        ]

    def ablation(self) -> list[tuple[Variant, Cost, Scores]]:
        """The bottlenecks trained, the smallest first; empty without an ablation."""
        return self._ablation

    @cached_property
    def _ablation(self) -> list[tuple[Variant, Cost, Scores]]:
        variants = {run.key.variant for run in self.comparison.runs if run.key.variant}
        if not variants:
            return []
        ordered = sorted(
            variants | {DEFAULT_VARIANT},
            key=lambda each: (each.placement, each.activation, -each.reduction),
        )
        rows = []
        for variant in ordered:
            runs = self.comparison.of(OWN, "bottleneck", _kept_as(variant))
            if runs:
                scores = self._score(OWN, "bottleneck", _kept_as(variant))
                rows.append(
                    (variant, cost_of(self.comparison, runs), replace(scores, name=variant.name))
                )
        return rows

    def ablation_difference(self, first: Variant, second: Variant) -> Estimate:
        """One trained bottleneck's pinball ratio less another's, paired, over weeks and seeds."""
        return self._scorers[OWN].pinball_difference(
            self.losses(OWN, "bottleneck", _kept_as(first)),
            self.losses(OWN, "bottleneck", _kept_as(second)),
        )

    def significance(self, tasks: Sequence[str]) -> list[DieboldMariano]:
        """Every pair of forecasters, by pinball loss over the walk's, days as witnesses.

        A test's `difference` is that of the pinball ratios. Seeds are averaged before, so that it
        speaks of these runs, not of what other seeds would give: for that see `better`.

        Args:
            tasks: one, or several that share their windows; methods are then named `method/head`.

        Empty where the test is too short.
        """
        key = tuple(tasks)
        if key not in self._tests:
            self._tests[key] = self._compared(tasks)
        return self._tests[key]

    def is_trained(self, name: str) -> bool:
        """Whether the forecaster is one of the comparison's methods."""
        return name in self.comparison.methods

    def _joined(self, task: str, name: str, variant: Variant | None) -> list[Losses]:
        runs = self.comparison.of(task, name, variant)
        if runs:
            return [join([run.test for run in folds]) for folds in seeds_of(runs).values()]
        found = [
            each.test
            for each in self.comparison.untrained
            if (each.task, each.name) == (task, name)
        ]
        return [join(found)] if found else []

    def _names(self, task: str) -> list[str]:
        """All forecasters of a task that have been scored."""
        names = [*self.comparison.methods, *self.untrained(task)]
        return [name for name in names if self.losses(task, name)]

    def _require_same_windows(self, tasks: Sequence[str]) -> None:
        require_same_windows(
            {
                f"{name} ({task}, run {index})": losses
                for task in tasks
                for name in self._names(task)
                for index, losses in enumerate(self.losses(task, name))
            }
        )

    def _compared(self, tasks: Sequence[str]) -> list[DieboldMariano]:
        self._require_same_windows(tasks)
        facts = self.comparison.facts[tasks[0]]
        series: dict[str, Array] = {}
        for task in tasks:
            walk = self._scorers[task].walk
            for name in self._names(task):
                shown = f"{name}/{task}" if len(tasks) > 1 and self.is_trained(name) else name
                if shown not in series:
                    daily = [_daily(each, walk) for each in self.losses(task, name)]
                    series[shown] = np.mean(daily, axis=0)
        try:
            return compare_all(series, horizon=facts.horizon, tf=facts.tf)
        except SignificanceError:
            return []

    def _kept(self, name: str) -> list[Losses]:
        runs = self.comparison.of(OWN, name)
        if runs:
            seeds = [
                [run.kept for run in folds if run.kept is not None]
                for folds in seeds_of(runs).values()
            ]
            return [join(each) for each in seeds if each]
        found = [
            each.kept
            for each in self.comparison.untrained
            if each.task == OWN and each.name == name and each.kept is not None
        ]
        return [join(found)] if found else []

    def _scores(self, task: str) -> list[Scores]:
        return [self._score(task, name) for name in self._names(task)]

    def _score(self, task: str, name: str, variant: Variant | None = None) -> Scores:
        scorer, losses = self._scorers[task], self.losses(task, name, variant)

        def against(other: str) -> Estimate | None:
            others = self.losses(task, other)
            if not others or (other == name and variant is None):
                return None
            return scorer.pinball_difference(losses, others)

        return Scores(
            name=name,
            pinball=scorer.pinball_ratio(losses),
            coverage=scorer.coverage(losses),
            mse=scorer.mse(losses),
            rmse=scorer.rmse(losses),
            rmse_ratio=scorer.rmse_ratio(losses),
            nrmse=scorer.nrmse(losses),
            nrmse_article=scorer.nrmse_article(losses),
            direction=scorer.direction(losses),
            ratio_h=scorer.pinball_ratio_h(losses),
            to_base=against(BASE),
            to_full=against("full"),
        )

    def _costs(self, task: str) -> list[Cost]:
        return [
            cost_of(self.comparison, runs)
            for method in self.comparison.methods
            if (runs := self.comparison.of(task, method))
        ]


def _kept_as(variant: Variant) -> Variant | None:
    """How its runs are named: the default one's are the method's own."""
    return None if variant == DEFAULT_VARIANT else variant


def _daily(losses: Losses, walk: Losses) -> Array:
    """[D] by day, the mean over horizons of the pinball loss over the walk's usual one; its mean
    over days is the pinball ratio."""
    usual = walk.pinball.sum(axis=0) / walk.windows.sum()  # [H]
    relative = (losses.pinball / usual).mean(axis=1)  # [T]
    return daily_losses(losses.time, relative, windows=losses.windows)
