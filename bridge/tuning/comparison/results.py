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

PINBALL_RATIO = "pinball ratio"
"""What a run's validation score is called where it is one; text is validated in bits per digit."""

BASE_NETWORK = "base"
"""What `Memory` and `Sharing` call the comparison's own base."""

PYTORCH, ONNX, INT8 = "PyTorch", "ONNX", "int8"
"""Runtimes of a `Timing`."""


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
        stored_bytes: what its files take on disk: without a base of ours, which they name, and
            with the blocks of a Hugging Face one, which they hold.
        seconds, steps: of training, validation excluded. best_step: whose weights were kept.
        score: name of the validation score; lower is better. validation: the best one.
        curve: the whole training.
        test: losses on the test windows. kept: on the base's own data, for what was forgotten.
        example: [H, Q] its forecast of the example window, log-returns.
        machine: what it was trained on; empty of a run that was kept without.
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
    machine: str = ""

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
class LeftOut:
    """A forecaster without training that a task and fold had to do without, and why."""

    task: str
    fold: int
    name: str
    reason: str


@dataclass(frozen=True)
class Timing:
    """Latency of one window's forecast on one thread, microseconds, over `calls` calls; `runtime`
    is `PyTorch`, `ONNX` or `int8`."""

    task: str
    method: str
    runtime: str
    p50_us: float
    p99_us: float
    p50_ci: tuple[float, float]
    calls: int = 0


@dataclass(frozen=True)
class Memory:
    """Peak memory of a training run in a process of its own, above what its imports take; loading
    the base and validating are part of it.

    `network` is `BASE_NETWORK`, or the name of a larger one whose weights were drawn at random:
    its cost does not depend on them. `step_ms` is one training step's time, `device_bytes` the most
    memory on a CUDA device where there is one.
    """

    network: str
    task: str
    method: str
    peak_bytes: int
    step_ms: float
    device_bytes: int = 0


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
class FoldFacts:
    """What one fold's windows were, over all files that are tuned to; times are POSIX seconds.

    Attributes:
        train_windows, validation_windows, test_windows: how many.
        train_first, train_last, validation_last: bars that training and validation saw.
        first, last: when the test's windows end.
        kept_first, kept_last: when those of the base's own data do, where there are any.
    """

    train_windows: int
    validation_windows: int
    test_windows: int
    train_first: int
    train_last: int
    validation_last: int
    first: int
    last: int
    kept_first: int | None = None
    kept_last: int | None = None


@dataclass(frozen=True)
class TaskFacts:
    """What a task's windows were: their shape, and those of each fold.

    `width` is the network's; `batch` windows make a step of training, with every method.
    """

    task: str
    context: int
    horizon: int
    levels: tuple[float, ...]
    tf: int
    stride: int
    block_seconds: int
    width: int
    batch: int
    folds: tuple[FoldFacts, ...]

    @property
    def test_windows(self) -> int:
        """Of all folds."""
        return sum(fold.test_windows for fold in self.folds)

    @property
    def first(self) -> int:
        """When the first test window ends."""
        return min(fold.first for fold in self.folds)

    @property
    def last(self) -> int:
        """When the last one does."""
        return max(fold.last for fold in self.folds)


@dataclass(frozen=True)
class Measures:
    """What is measured once, at the end."""

    timings: tuple[Timing, ...] = ()
    memory: tuple[Memory, ...] = ()
    quantised: tuple[Quantised, ...] = ()
    sharing: tuple[Sharing, ...] = ()

    def timing(self, task: str, method: str, runtime: str) -> Timing | None:
        """One way's latency, where it was measured."""
        return next(
            (
                each
                for each in self.timings
                if (each.task, each.method, each.runtime) == (task, method, runtime)
            ),
            None,
        )


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
        left_out: forecasters that could not be fitted.
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
    left_out: tuple[LeftOut, ...] = ()

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
