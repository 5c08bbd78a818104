"""What a comparison measured, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.tuning.comparison.losses import Losses
from bridge.tuning.comparison.plan import RunKey, Variant

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """A point of a training curve: the smoothed training loss, the validation score where it was
    taken, after so many steps and seconds of training."""

    step: int
    seconds: float
    loss: float
    validation: float | None


@dataclass(frozen=True)
class RunResult:
    """One trained network.

    Attributes:
        key: which run. fingerprint: of all that decides its result.
        trainable, parameters: how many parameters were trained, of how many.
        stored_bytes: what its files take on disk, its base not counted.
        seconds, steps: of training, validation excluded. best_step: whose weights were kept.
        score: name of the validation score; lower is better. validation: the best one.
        curve: the whole training.
        test: losses on the test windows. kept: on the base's own data, for what was forgotten.
        example: [H, Q] its forecast of the example window, log-returns.
    """

    key: RunKey
    fingerprint: str
    trainable: int
    parameters: int
    stored_bytes: int
    seconds: float
    steps: int
    best_step: int
    score: str
    validation: float
    curve: tuple[Point, ...]
    test: Losses
    kept: Losses | None = None
    example: Array | None = None

    def seconds_to(self, score: float) -> float | None:
        """Seconds of training until the validation score was at most `score`; None if never."""
        return next(
            (
                point.seconds
                for point in self.curve
                if point.validation is not None and point.validation <= score
            ),
            None,
        )


@dataclass(frozen=True)
class Untrained:
    """A forecaster that this comparison did not train, on one task and fold: a random walk, a
    classical method, the base before tuning. `validation` is its score on the windows that decide
    when training stops, where it has one."""

    task: str
    name: str
    fold: int
    test: Losses
    validation: float | None = None
    kept: Losses | None = None
    example: Array | None = None


@dataclass(frozen=True)
class Timing:
    """Latency of one window's forecast, microseconds; `runtime` is `PyTorch`, `ONNX` or `int8`."""

    task: str
    method: str
    runtime: str
    p50_us: float
    p99_us: float
    p50_ci: tuple[float, float]


@dataclass(frozen=True)
class Memory:
    """Peak memory of a training run in a process of its own, above what its imports take.

    `network` is `base` for the comparison's own base, or the name of a larger one whose weights
    were drawn at random: its cost does not depend on them. `step_ms` is one training step's time.
    """

    network: str
    task: str
    method: str
    peak_bytes: int
    step_ms: float


@dataclass(frozen=True)
class Quantised:
    """An int8 export: pinball ratios on the test windows, and its difference with its interval."""

    task: str
    method: str
    float32: float
    int8: float
    difference: tuple[float, float | None, float | None]
    refused: str = ""


@dataclass(frozen=True)
class Sharing:
    """Memory of a process that holds one adapter on a base, and of one that holds many.

    Above what the imports take; `process_...` is the whole process, as a task manager shows it.
    """

    network: str
    method: str
    adapters: int
    one_bytes: int
    many_bytes: int
    process_one_bytes: int
    process_many_bytes: int


@dataclass(frozen=True)
class Example:
    """The window that every method is drawn on: closes up to it, the prices that came.

    It is the test window whose moves, in units of its own past volatility, are the median of all:
    an ordinary one, that no forecaster's result chose.
    """

    task: str
    symbol: str
    time: int
    past: tuple[float, ...]
    actual: tuple[float, ...]


@dataclass(frozen=True)
class TaskFacts:
    """What a task's windows were: their shape, dates (the first fold's and the last's) and count.

    `test_windows` counts all folds'; `first`, `last` are POSIX seconds of the test's windows.
    """

    task: str
    context: int
    horizon: int
    levels: tuple[float, ...]
    tf: int
    stride: int
    train_windows: int
    validation_windows: int
    test_windows: int
    train_first: int
    train_last: int
    validation_last: int
    first: int
    last: int
    block_seconds: int


@dataclass(frozen=True)
class Measures:
    """What is measured once, at the end."""

    timings: tuple[Timing, ...] = ()
    memory: tuple[Memory, ...] = ()
    quantised: tuple[Quantised, ...] = ()
    sharing: tuple[Sharing, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Everything that the report is made of.

    Attributes:
        plan: its fields. base, base_parameters: what was tuned.
        symbols: tuned to. base_symbols: that the base was trained on. kept_symbols: on whose files
            forgetting was measured.
        seen_known: whether the base keeps fingerprints of what it saw, so that the tests could be
            held against them.
        machine, libraries, command: how it was measured.
        facts, examples: by task.
    """

    plan: Mapping[str, Any]
    base: str
    base_parameters: int
    symbols: tuple[str, ...]
    base_symbols: tuple[str, ...]
    kept_symbols: tuple[str, ...]
    seen_known: bool
    machine: str
    libraries: Mapping[str, str]
    command: str
    facts: Mapping[str, TaskFacts]
    runs: tuple[RunResult, ...]
    untrained: tuple[Untrained, ...]
    examples: Mapping[str, Example]
    measures: Measures = field(default_factory=Measures)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods compared, in the plan's order."""
        return tuple(self.plan["methods"])

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have runs, in order."""
        return tuple(self.facts)

    def of(self, task: str, method: str, variant: Variant | None = None) -> list[RunResult]:
        """The runs of one method on one task, by fold and seed."""
        found = [
            run
            for run in self.runs
            if (run.key.task, run.key.method, run.key.variant) == (task, method, variant)
        ]
        return sorted(found, key=lambda run: (run.key.fold, run.key.seed))


def seeds_of(runs: Sequence[RunResult]) -> dict[int, list[RunResult]]:
    """Runs by seed, each list by fold."""
    by_seed: dict[int, list[RunResult]] = {}
    for run in sorted(runs, key=lambda run: run.key.fold):
        by_seed.setdefault(run.key.seed, []).append(run)
    return by_seed
