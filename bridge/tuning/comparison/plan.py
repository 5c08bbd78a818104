"""What a comparison trains: one run for every task, method, seed and fold, and the ablation's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import gcd

from bridge.bundles.manifest import METHODS

OWN = "own"
QUANTILE = "quantile"
TEXT = "text"
TASKS = (OWN, QUANTILE, TEXT)
"""`own` is the base's own window with the quantile head; the two others read 20 values and say 40,
as in the article series that this project follows, with the head they are named after."""

LARGE = "large"
"""Not trained, but measured: the base's own window through a network of GPT-2 small's size."""

POINT_CONTEXT, POINT_HORIZON, POINT_PATCH = 20, 40, 4
_POINT_STRIDE_FACTOR = 4
_HOURS_OF_WEEK = 120  # in which the market is open

MERGED = ("lora", "qlora", "ia3")
"""Methods whose adapter becomes part of the base's weights before it is exported."""

_REDUCTIONS = (64, 32, 16, 8, 4, 2, 1)


@dataclass(frozen=True)
class Variant:
    """What an ablation's bottleneck changes: its reduction factor, activation and placement."""

    reduction: int
    activation: str = "gelu"
    placement: str = "houlsby"

    @property
    def name(self) -> str:
        """`r8-gelu-houlsby`."""
        return f"r{self.reduction}-{self.activation}-{self.placement}"


DEFAULT_VARIANT = Variant(8)


@dataclass(frozen=True)
class RunKey:
    """Which run: its results are kept under its name."""

    task: str
    method: str
    seed: int
    fold: int = 0
    variant: Variant | None = None

    @property
    def name(self) -> str:
        """`own-lora-fold0-seed1`, a plain file name."""
        variant = f"-{self.variant.name}" if self.variant else ""
        return f"{self.task}-{self.method}{variant}-fold{self.fold}-seed{self.seed}"


@dataclass(frozen=True)
class Plan:
    """What to compare.

    Attributes:
        methods: of `METHODS`, in the report's order.
        heads: the heads compared at 20 in and 40 out; `quantile`, `text`.
        seeds: runs of each method that differ in nothing but their random numbers.
        steps: optimizer steps of each run; None takes the recipes'.
        folds: walk-forward folds; 1 is a single train, validate and test split.
        ablation: whether bottlenecks of every size are trained beside.
        stride: bars between the test windows of the base's own task.
    """

    methods: tuple[str, ...] = METHODS
    heads: tuple[str, ...] = (QUANTILE, TEXT)
    seeds: int = 3
    steps: int | None = None
    folds: int = 1
    ablation: bool = True
    stride: int = 7

    def __post_init__(self) -> None:
        _require_known("method", self.methods, METHODS)
        _require_known("head", self.heads, (QUANTILE, TEXT))
        for name in ("seeds", "folds", "stride"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: at least 1")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps is {self.steps}: at least 1")

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that are trained, `own` first."""
        return (OWN, *(head for head in (QUANTILE, TEXT) if head in self.heads))

    def runs(self, width: int) -> list[RunKey]:
        """Every run over a network so wide. One seed of all comes before the next: a killed
        comparison has a whole one."""
        keys = []
        for fold in range(self.folds):
            for seed in range(self.seeds):
                keys += [
                    RunKey(task, method, seed, fold)
                    for task in self.tasks
                    for method in self.methods
                ]
                keys += [
                    RunKey(OWN, "bottleneck", seed, fold, each) for each in self.variants(width)
                ]
        return keys

    def variants(self, width: int) -> list[Variant]:
        """The ablation's bottlenecks beside the default one: every size up to the square, the
        default and the square one without non-linearity, and Pfeiffer's placement.

        Args:
            width: of the network: no bottleneck is narrower than one number.
        """
        if not self.ablation or "bottleneck" not in self.methods:
            return []
        sizes = [Variant(reduction) for reduction in _REDUCTIONS if reduction <= width]
        others = [
            Variant(DEFAULT_VARIANT.reduction, activation="identity"),
            Variant(1, activation="identity"),
            Variant(DEFAULT_VARIANT.reduction, placement="pfeiffer"),
        ]
        return [each for each in (*sizes, *others) if each != DEFAULT_VARIANT]

    @property
    def point_stride(self) -> int:
        """Bars between the windows of 20 in and 40 out, farther apart because text is slow: no
        whole part of a day or week, so that every hour is tested and not the same few."""
        step = self.stride * _POINT_STRIDE_FACTOR
        while gcd(step, _HOURS_OF_WEEK) > 1:
            step += 1
        return step

    def as_dict(self) -> dict[str, object]:
        """For the report's JSON."""
        return asdict(self)


def _require_known(kind: str, given: Sequence[str], known: Sequence[str]) -> None:
    if not given:
        raise ValueError(f"no {kind} is given: choose from {', '.join(known)}")
    for index, name in enumerate(given):
        if name not in known:
            raise ValueError(f"'{name}' is no {kind}: choose from {', '.join(known)}")
        if name in given[:index]:
            raise ValueError(f"{kind} '{name}' is given twice")
