"""What training took, over seeds; of several folds each seed counts with their mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bridge.tuning.comparison.estimates import Estimate, over_seeds, times_over_seeds
from bridge.tuning.comparison.forecasters import BASE
from bridge.tuning.comparison.results import (
    BASE_NETWORK,
    PINBALL_RATIO,
    Comparison,
    Memory,
    RunResult,
    seeds_of,
)
from bridge.tuning.scoring.baselines import STRONGEST_WALK

SAME_LOSS = 0.0005
"""Pinball ratios on validation this near count as the same."""


@dataclass(frozen=True)
class Cost:
    """What one method took on one task, over its seeds. Times are geometric means.

    Attributes:
        trainable, parameters, stored_bytes: the same for each seed.
        seconds: of the whole training. step_ms: of one step.
        validation: the best score. score: what it is called.
        validated_every: seconds of training between two validations: no time below is known
            better than that.
        beats_base, beats_walk: seconds until the validation score was below the untuned base's,
            and below the strongest walk's; None where a run never got there, or there is none.
        same_loss: seconds until the validation score came within `SAME_LOSS` of the best one that
            `full` reached with the same seed; None where some run never did, or where the score
            is no pinball ratio.
        reached: of the runs, how many did each of the three.
        walk_beaten_at_start, full_met_at_start: whether the base as it was is already there, in
            every fold: `beats_walk` and `same_loss` are then None, as there is nothing to time.
        memory_bytes: peak of training, in a process of its own. device_bytes: the same on a CUDA
            device; None without one.
    """

    method: str
    trainable: int
    parameters: int
    stored_bytes: int
    seconds: Estimate
    step_ms: Estimate
    validation: Estimate
    score: str
    validated_every: Estimate
    beats_base: Estimate | None
    beats_walk: Estimate | None
    same_loss: Estimate | None
    reached: tuple[int, int, int]
    walk_beaten_at_start: bool
    full_met_at_start: bool
    memory_bytes: int | None
    device_bytes: int | None


def cost_of(comparison: Comparison, runs: Sequence[RunResult]) -> Cost:
    """Of one method's runs on one task, or of one variant's."""
    first = runs[0]
    task, is_ratio = first.key.task, first.score == PINBALL_RATIO
    base = _validations(comparison, task, BASE) if is_ratio else {}
    walk = _validations(comparison, task, STRONGEST_WALK) if is_ratio else {}
    full = _full_scores(comparison, task) if is_ratio else {}
    folds = {run.key.fold for run in runs}
    beaten = all(fold in base and fold in walk and base[fold] < walk[fold] for fold in folds)
    met = all(
        _place(run) in full and base.get(run.key.fold, np.inf) <= full[_place(run)] for run in runs
    )
    times = (
        [_first_below(run, base.get(run.key.fold)) for run in runs],
        [_first_below(run, walk.get(run.key.fold)) for run in runs],
        [_first_at(run, full.get(_place(run))) for run in runs],
    )
    memory = _memory(comparison, first)
    return Cost(
        method=first.key.method,
        trainable=first.trainable,
        parameters=first.parameters,
        stored_bytes=first.stored_bytes,
        seconds=times_over_seeds(_by_seed(runs, lambda run: run.seconds)),
        step_ms=times_over_seeds(_by_seed(runs, lambda run: 1e3 * run.seconds / run.steps)),
        validation=over_seeds(_by_seed(runs, lambda run: run.validation)),
        score=first.score,
        validated_every=times_over_seeds(_by_seed(runs, _validated_every)),
        beats_base=_if_all(runs, times[0]),
        beats_walk=None if beaten else _if_all(runs, times[1]),
        same_loss=None if met else _if_all(runs, times[2]),
        reached=(_count(times[0]), _count(times[1]), _count(times[2])),
        walk_beaten_at_start=beaten,
        full_met_at_start=met,
        memory_bytes=memory.peak_bytes if memory else None,
        device_bytes=memory.device_bytes or None if memory else None,
    )


def speed_to_full(comparison: Comparison, task: str, method: str) -> Estimate | None:
    """How many times faster than full a method came within `SAME_LOSS` of full's best validation
    score, both with the same seed.

    The interval is Student's, of the seeds' log-ratios. None where some run never came there,
    where the base as it was is there already, and of scores that are no pinball ratio.
    """
    runs, fulls = comparison.of(task, method), comparison.of(task, "full")
    if not runs or not fulls:
        return None
    if any(cost_of(comparison, each).same_loss is None for each in (runs, fulls)):
        return None
    limits = _full_scores(comparison, task)
    slow = {_place(run): _first_at(run, limits[_place(run)]) for run in fulls}
    ratios = {}
    for run in runs:
        fast, other = _first_at(run, limits[_place(run)]), slow[_place(run)]
        assert fast is not None
        assert other is not None
        ratios[_place(run)] = float(np.log(other / fast))
    return times_over_seeds(np.exp(_by_seed(runs, lambda run: ratios[_place(run)])).tolist())


def _by_seed(runs: Sequence[RunResult], value: Callable[[RunResult], float]) -> list[float]:
    """Each seed's mean over its folds: seeds are the sample, folds are other data."""
    return [float(np.mean([value(run) for run in folds])) for folds in seeds_of(runs).values()]


def _place(run: RunResult) -> tuple[int, int]:
    return run.key.fold, run.key.seed


def _full_scores(comparison: Comparison, task: str) -> dict[tuple[int, int], float]:
    """By fold and seed, what counts as full's best validation score."""
    return {_place(run): run.validation + SAME_LOSS for run in comparison.of(task, "full")}


def _validations(comparison: Comparison, task: str, name: str) -> Mapping[int, float]:
    """An untrained forecaster's validation score by fold."""
    return {
        each.fold: each.validation
        for each in comparison.untrained
        if (each.task, each.name) == (task, name) and each.validation is not None
    }


def _memory(comparison: Comparison, run: RunResult) -> Memory | None:
    """Of the method's training on the comparison's own base; variants are not measured."""
    if run.key.variant is not None:
        return None
    wanted = (BASE_NETWORK, run.key.task, run.key.method)
    return next(
        (
            each
            for each in comparison.measures.memory
            if (each.network, each.task, each.method) == wanted
        ),
        None,
    )


def _validated_every(run: RunResult) -> float:
    return run.seconds / max(1, sum(point.validation is not None for point in run.curve))


def _first_below(run: RunResult, score: float | None) -> float | None:
    """Strictly below: a network that begins as the base has not learned by staying it."""
    return None if score is None else run.seconds_to(float(np.nextafter(score, -np.inf)))


def _first_at(run: RunResult, score: float | None) -> float | None:
    return None if score is None else run.seconds_to(score)


def _count(seconds: Sequence[float | None]) -> int:
    return sum(each is not None for each in seconds)


def _if_all(runs: Sequence[RunResult], seconds: Sequence[float | None]) -> Estimate | None:
    """The time over seeds where every run got there."""
    found = {_place(run): each for run, each in zip(runs, seconds, strict=True) if each is not None}
    if len(found) < len(runs):
        return None
    return times_over_seeds(_by_seed(runs, lambda run: found[_place(run)]))
