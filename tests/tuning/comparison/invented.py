"""Comparisons whose losses are made up, for what the report concludes from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bridge.tuning.comparison.losses import Losses
from bridge.tuning.comparison.plan import OWN, RunKey, Variant
from bridge.tuning.comparison.results import (
    PINBALL_RATIO,
    Comparison,
    FoldFacts,
    Point,
    RunResult,
    TaskFacts,
    Untrained,
)
from bridge.tuning.scoring.scores import BLOCK_SECONDS, RANDOM_WALK

HORIZON = 3
DAY = 86_400


def walk_losses(days: int = 400, *, first_day: int = 0, seed: int = 0) -> Losses:
    """The random walk's, of two times a day with one to four windows each."""
    draw = np.random.default_rng(seed)
    time = DAY // 2 * np.arange(2 * days, dtype=np.int64) + first_day * DAY
    windows = draw.integers(1, 5, len(time)).astype(np.float64)
    pinball = windows[:, None] * draw.gamma(4.0, size=(len(time), HORIZON)) * [1.0, 1.4, 1.7]
    covered = 0.8 * np.repeat(windows[:, None], HORIZON, axis=1)
    square = reach = span = called = moved = windows
    return Losses(time, windows, pinball, covered, square, reach, span, called, moved)


def losses(walk: Losses, ratio: float, *, noise: float = 0.0, seed: int = 1) -> Losses:
    """Of a forecaster whose pinball ratio is about this, with daily luck."""
    draw = np.random.default_rng(seed)
    luck = ratio * (1.0 + noise * draw.normal(size=(len(walk), 1)))
    return replace(walk, pinball=walk.pinball * luck)


def run(
    key: RunKey,
    test: Losses,
    *,
    seconds: float = 10.0,
    validations: Sequence[float] = (0.99, 0.98),
    score: str = PINBALL_RATIO,
) -> RunResult:
    """A run that validated so often, evenly over its seconds."""
    count = len(validations)
    curve = tuple(
        Point(100 * (index + 1), seconds * (index + 1) / count, 1.0, value)
        for index, value in enumerate(validations)
    )
    return RunResult(
        key=key,
        fingerprint="",
        trainable=10,
        parameters=100,
        stored_bytes=1000,
        seconds=seconds,
        steps=100 * count,
        best_step=100,
        score=score,
        validation=min(validations),
        curve=curve,
        test=test,
    )


def untrained(
    name: str, test: Losses, *, task: str = OWN, fold: int = 0, validation: float | None = None
) -> Untrained:
    return Untrained(task=task, name=name, fold=fold, test=test, validation=validation)


def facts(task: str = OWN) -> TaskFacts:
    fold = FoldFacts(1000, 100, 1000, 0, 0, 0, 0, 0)
    return TaskFacts(
        task=task,
        context=32,
        horizon=HORIZON,
        levels=(0.1, 0.5, 0.9),
        tf=3600,
        stride=12,
        block_seconds=BLOCK_SECONDS,
        width=64,
        batch=128,
        folds=(fold,),
    )


def comparison(
    runs: Sequence[RunResult], others: Sequence[Untrained], tasks: Sequence[str] = (OWN,)
) -> Comparison:
    """All of it; `others` are beside the random walk, which has to be among them."""
    methods = tuple(dict.fromkeys(each.key.method for each in runs))
    assert any(each.name == RANDOM_WALK for each in others)
    return Comparison(
        plan={"methods": methods, "seeds": 1, "folds": 1},
        base="base@0",
        base_parameters=100,
        symbols=("MADE",),
        base_symbols=(),
        kept_symbols=(),
        seen_known=True,
        machine="",
        libraries={},
        command="",
        facts={task: facts(task) for task in tasks},
        runs=tuple(runs),
        untrained=tuple(others),
        examples={},
    )


def of_ratios(
    methods: dict[str, Sequence[float]],
    *,
    variants: dict[Variant, Sequence[float]] | None = None,
    noise: float = 0.02,
    days: int = 400,
) -> Comparison:
    """Methods with these pinball ratios, one a seed, on the base's own window; a walk beside."""
    walk = walk_losses(days)
    named: list[tuple[str, Variant | None, Sequence[float]]] = [
        *((name, None, ratios) for name, ratios in methods.items()),
        *(("bottleneck", variant, ratios) for variant, ratios in (variants or {}).items()),
    ]
    runs = [
        run(
            RunKey(OWN, name, seed, 0, variant),
            losses(walk, ratio, noise=noise, seed=100 * place + seed),
        )
        for place, (name, variant, ratios) in enumerate(named)
        for seed, ratio in enumerate(ratios)
    ]
    return comparison(runs, [untrained(RANDOM_WALK, walk)])
