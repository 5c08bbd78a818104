"""Tables of the report: every method's costs and scores over its seeds, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.tuning.comparison.estimates import Estimate, Scorer, over_seeds, times_over_seeds
from bridge.tuning.comparison.forecasters import BASE, STRONGEST_WALK
from bridge.tuning.comparison.losses import Losses, join
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, Variant
from bridge.tuning.comparison.results import Comparison, RunResult, seeds_of
from bridge.tuning.scoring.scores import RANDOM_WALK
from bridge.tuning.scoring.significance import (
    DieboldMariano,
    SignificanceError,
    compare_all,
    daily_losses,
)

Array = NDArray[np.float64]
SAME_LOSS = 0.0005
"""Validation scores this near count as the same."""


@dataclass(frozen=True)
class Scores:
    """One forecaster on one task; `to_base` and `to_full` are differences of pinball ratios."""

    name: str
    pinball: Estimate
    coverage: Estimate
    mse: Estimate
    rmse: Estimate
    rmse_ratio: Estimate
    nrmse: Estimate
    nrmse_article: Estimate
    direction: Estimate | None
    ratio_h: Array
    to_base: Estimate | None = None
    to_full: Estimate | None = None


@dataclass(frozen=True)
class Cost:
    """What one method took on one task, over its seeds.

    Attributes:
        trainable, parameters, stored_bytes: the same for each seed.
        seconds: of the whole training. step_ms: of one step.
        validation: the best score. score: what it is called.
        beats_base, beats_walk: seconds until the validation score was below the untuned base's,
            and below the strongest walk's; None where a seed never got there, or there is none.
        same_loss: seconds until the validation score came within `SAME_LOSS` of the best one that
            `full` reached with the same seed; None where some seed never did.
        reached: of the seeds, how many did each of the three.
        memory_bytes: peak of training, in a process of its own.
    """

    method: str
    trainable: int
    parameters: int
    stored_bytes: int
    seconds: Estimate
    step_ms: Estimate
    validation: Estimate
    score: str
    beats_base: Estimate | None
    beats_walk: Estimate | None
    same_loss: Estimate | None
    reached: tuple[int, int, int]
    memory_bytes: int | None


@dataclass(frozen=True)
class Forgetting:
    """Pinball ratio on the base's own data, before and after tuning."""

    method: str
    before: Estimate
    after: Estimate
    change: Estimate


class Tables:
    """All tables of a comparison; what is costly to resample is resampled once."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self._scorers = {
            task: Scorer(self.losses(task, RANDOM_WALK)[0], facts.block_seconds)
            for task, facts in comparison.facts.items()
        }
        self._tests: dict[tuple[str, ...], list[DieboldMariano]] = {}
        self.scores = {task: self._scores(task) for task in comparison.facts}
        self.costs = {task: self._costs(task) for task in comparison.facts}

    def losses(self, task: str, name: str, variant: Variant | None = None) -> list[Losses]:
        """A forecaster's losses, folds joined, one for each seed; of the untrained just one."""
        runs = self.comparison.of(task, name, variant)
        if runs:
            return [join([run.test for run in folds]) for folds in seeds_of(runs).values()]
        found = [
            each.test
            for each in self.comparison.untrained
            if (each.task, each.name) == (task, name)
        ]
        return [join(found)] if found else []

    def untrained(self, task: str) -> list[str]:
        """Names of the task's forecasters that were not trained here, the base first."""
        names = [each.name for each in self.comparison.untrained if each.task == task]
        unique = list(dict.fromkeys(names))
        return sorted(unique, key=lambda name: name != BASE)

    def row(self, task: str, name: str) -> Scores | None:
        """One forecaster's scores on a task."""
        return next((each for each in self.scores.get(task, []) if each.name == name), None)

    def cost(self, task: str, method: str) -> Cost | None:
        """One method's costs on a task."""
        return next((each for each in self.costs.get(task, []) if each.method == method), None)

    def validation(self, task: str, name: str) -> float | None:
        """An untrained forecaster's validation score, mean over folds."""
        found = [
            each.validation
            for each in self.comparison.untrained
            if (each.task, each.name) == (task, name) and each.validation is not None
        ]
        return float(np.mean(found)) if found else None

    def nrmse_difference(
        self, first: tuple[str, str], second: tuple[str, str], *, article: bool = False
    ) -> Estimate:
        """NRMSE of one (task, forecaster) less another's; the tasks share their windows."""
        one, other = self.losses(*first), self.losses(*second)
        return self._scorers[first[0]].nrmse_difference(
            "/".join(first), one, "/".join(second), other, article=article
        )

    def forgetting(self) -> list[Forgetting]:
        """For each method, where the base's own data were given."""
        walks = self._kept(RANDOM_WALK)
        before = self._kept(BASE)
        if OWN not in self.comparison.facts or not walks or not before:
            return []
        scorer = Scorer(walks[0], self.comparison.facts[OWN].block_seconds)
        rows = []
        for method in self.comparison.methods:
            after = self._kept(method)
            if after:
                rows.append(
                    Forgetting(
                        method,
                        scorer.pinball_ratio(BASE, before),
                        scorer.pinball_ratio(method, after),
                        scorer.pinball_difference(method, after, BASE, before),
                    )
                )
        return rows

    def ablation(self) -> list[tuple[Variant, Cost, Scores]]:
        """The bottlenecks trained, the smallest first; empty without an ablation."""
        variants = {run.key.variant for run in self.comparison.runs if run.key.variant}
        if not variants:
            return []
        ordered = sorted(
            variants | {DEFAULT_VARIANT},
            key=lambda each: (each.placement, each.activation, -each.reduction),
        )
        rows = []
        for variant in ordered:
            key = None if variant == DEFAULT_VARIANT else variant
            runs = self.comparison.of(OWN, "bottleneck", key)
            if runs:
                scores = self._score(OWN, variant.name, self.losses(OWN, "bottleneck", key))
                rows.append((variant, self._cost(OWN, "bottleneck", runs), scores))
        return rows

    def significance(self, tasks: Sequence[str]) -> list[DieboldMariano]:
        """Every pair of forecasters, by pinball loss over the walk's, days as witnesses.

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

    def _compared(self, tasks: Sequence[str]) -> list[DieboldMariano]:
        facts = self.comparison.facts[tasks[0]]
        series: dict[str, Array] = {}
        for task in tasks:
            walk = self._scorers[task].walk
            for name in [*self.comparison.methods, *self.untrained(task)]:
                found = self.losses(task, name)
                shown = f"{name}/{task}" if len(tasks) > 1 and self.is_trained(name) else name
                if found and shown not in series:
                    series[shown] = np.mean([_daily(each, walk) for each in found], axis=0)
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
        names = [*self.comparison.methods, *self.untrained(task)]
        return [
            self._score(task, name, losses) for name in names if (losses := self.losses(task, name))
        ]

    def _score(self, task: str, name: str, losses: list[Losses]) -> Scores:
        scorer = self._scorers[task]
        against: dict[str, Estimate | None] = {}
        for other in (BASE, "full"):
            others = self.losses(task, other)
            against[other] = (
                scorer.pinball_difference(name, losses, other, others)
                if others and other != name
                else None
            )
        return Scores(
            name=name,
            pinball=scorer.pinball_ratio(name, losses),
            coverage=scorer.coverage(name, losses),
            mse=scorer.mse(name, losses),
            rmse=scorer.rmse(name, losses),
            rmse_ratio=scorer.rmse_ratio(name, losses),
            nrmse=scorer.nrmse(name, losses),
            nrmse_article=scorer.nrmse_article(name, losses),
            direction=scorer.direction(name, losses),
            ratio_h=scorer.pinball_ratio_h(name, losses),
            to_base=against[BASE],
            to_full=against["full"],
        )

    def _costs(self, task: str) -> list[Cost]:
        return [
            self._cost(task, method, runs)
            for method in self.comparison.methods
            if (runs := self.comparison.of(task, method))
        ]

    def _cost(self, task: str, method: str, runs: list[RunResult]) -> Cost:
        base = self._validations(task, BASE)
        walk = self._validations(task, STRONGEST_WALK) if runs[0].score == "pinball ratio" else {}
        full = {
            (run.key.fold, run.key.seed): run.validation + SAME_LOSS
            for run in self.comparison.of(task, "full")
        }
        times = (
            [_first_below(run, base.get(run.key.fold)) for run in runs],
            [_first_below(run, walk.get(run.key.fold)) for run in runs],
            [
                run.seconds_to(full[key]) if (key := (run.key.fold, run.key.seed)) in full else None
                for run in runs
            ],
        )
        memory = [
            each.peak_bytes
            for each in self.comparison.measures.memory
            if (each.network, each.task, each.method) == ("base", task, method)
        ]
        variant = runs[0].key.variant
        return Cost(
            method=method,
            trainable=runs[0].trainable,
            parameters=runs[0].parameters,
            stored_bytes=runs[0].stored_bytes,
            seconds=times_over_seeds([run.seconds for run in runs]),
            step_ms=times_over_seeds([1e3 * run.seconds / run.steps for run in runs]),
            validation=over_seeds([run.validation for run in runs]),
            score=runs[0].score,
            beats_base=_all_or_none(times[0]),
            beats_walk=_all_or_none(times[1]),
            same_loss=_all_or_none(times[2]),
            reached=tuple(sum(each is not None for each in column) for column in times),  # type: ignore[arg-type]
            memory_bytes=memory[0] if memory and variant is None else None,
        )

    def _validations(self, task: str, name: str) -> Mapping[int, float]:
        return {
            each.fold: each.validation
            for each in self.comparison.untrained
            if (each.task, each.name) == (task, name) and each.validation is not None
        }


def _first_below(run: RunResult, score: float | None) -> float | None:
    """Strictly below: a network that begins as the base has not learned by staying it."""
    return None if score is None else run.seconds_to(float(np.nextafter(score, -np.inf)))


def _all_or_none(seconds: Sequence[float | None]) -> Estimate | None:
    found = [each for each in seconds if each is not None]
    return times_over_seeds(found) if found and len(found) == len(seconds) else None


def _daily(losses: Losses, walk: Losses) -> Array:
    """[D] by day, the mean over horizons of the pinball loss over the walk's usual one."""
    usual = walk.pinball.sum(axis=0) / walk.windows.sum()  # [H]
    relative = (losses.pinball / usual).mean(axis=1) / losses.windows  # [T]
    return daily_losses(losses.time, relative)
