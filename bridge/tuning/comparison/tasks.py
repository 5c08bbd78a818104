"""The comparison's tasks laid out: windows to learn from, to validate on and to be scored on, and
the forecasters that need no training, on the same windows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.bars import (
    Bars,
    FoldDays,
    Splits,
    open_hours,
    split_by_time,
    timeframe_name,
    walk_forward_days,
    window_ends,
)
from bridge.bundles import Bundle
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.comparison.plan import (
    OWN,
    POINT_CONTEXT,
    POINT_HORIZON,
    POINT_PATCH,
    POINT_STRIDE_FACTOR,
    QUANTILE,
    TEXT,
    Plan,
    RunKey,
)
from bridge.tuning.comparison.results import TaskFacts
from bridge.tuning.methods.bases import Base, network_config
from bridge.tuning.recipes.defaults import recipe_for, training_for
from bridge.tuning.recipes.recipe import ModelRecipe, Recipe
from bridge.tuning.scoring.scores import BLOCK_SECONDS
from bridge.tuning.training.samples import Samples

Array = NDArray[np.float64]
_VALIDATION_STRIDE = 7
_FEWEST_TRAINING_WINDOWS = 1000


class ComparisonError(ValueError):
    """These files cannot be compared on. The message says what would be right."""


@dataclass(frozen=True)
class Source:
    """A file of bars. `path` names it in messages; `sha256` is of its bytes."""

    path: Path
    bars: Bars
    sha256: str


def read_source(path: Path, bars: Bars) -> Source:
    """A source of bars that were read from `path`."""
    return Source(path, bars, hashlib.sha256(path.read_bytes()).hexdigest())


@dataclass(frozen=True)
class Scored:
    """Windows of one file that a test scores: bars, and the index of each window's last one."""

    bars: Bars
    ends: NDArray[np.int64]

    def moves(self, horizon: int) -> Array:
        """[W, H] log-returns from the last close that came."""
        logs = np.log(self.bars.close)
        moved: Array = logs[self.ends[:, None] + np.arange(1, horizon + 1)] - logs[self.ends, None]
        return moved


@dataclass(frozen=True)
class Task:
    """One task of one fold.

    Attributes:
        name: of `TASKS`. fold: which one. days: that cut it.
        config: the network. samples, validation: windows to train and to validate on.
        test: the test windows. kept: windows of the base's own files in the same days, on which
            forgetting is measured; only of the base's own task.
        validated: the validation windows, as the test's are given.
        splits: of each file.
        data_hash: of files, days and strides.
    """

    name: str
    fold: int
    days: FoldDays
    config: ForecasterConfig
    samples: Samples
    validation: Samples
    test: tuple[Scored, ...]
    kept: tuple[Scored, ...]
    validated: tuple[Scored, ...]
    splits: tuple[Splits, ...]
    stride: int
    data_hash: str

    @property
    def head(self) -> str:
        """The network's head."""
        return "text" if self.name == TEXT else "quantile"

    def facts(self) -> TaskFacts:
        """What the report says of this task's windows."""
        tested = [each.bars.time[each.ends] for each in self.test]
        first, config = self.splits[0], self.config
        time = self.test[0].bars.time
        return TaskFacts(
            task=self.name,
            context=config.context,
            horizon=config.horizon,
            levels=config.levels,
            tf=config.tf,
            stride=self.stride,
            train_windows=len(self.samples),
            validation_windows=len(self.validation),
            test_windows=sum(map(len, tested)),
            train_first=int(time[first.train.start]),
            train_last=int(time[first.train.stop - 1]),
            validation_last=int(time[first.validate.stop - 1]),
            first=min(int(each[0]) for each in tested),
            last=max(int(each[-1]) for each in tested),
            block_seconds=max(BLOCK_SECONDS, 2 * (config.context + config.horizon) * config.tf),
        )

    def recipe(self, key: RunKey, plan: Plan, base: Base) -> Recipe:
        """How one run is trained: the method's own defaults, with this task's shape and days."""
        times = [each.bars.time for each in self.test]
        recipe = recipe_for(times, "comparison", method=key.method, base=base, head=self.head)
        trained = recipe.training
        if self.name == QUANTILE:  # the base's head, but another window: much of the shell is new
            trained = training_for(key.method, fresh_shell=base.config is not None)
        method = recipe.method
        if key.variant is not None:
            method = replace(method, **asdict(key.variant))
        steps = plan.steps or trained.steps
        training = replace(
            trained,
            seed=key.seed,
            steps=steps,
            warmup_steps=min(trained.warmup_steps, max(1, steps // 10)),
            validate_every=min(trained.validate_every, max(1, steps // 4)),
            patience=steps,  # every method has the same budget
        )
        return replace(recipe, method=method, training=training)


def choose_days(
    times: Sequence[NDArray[np.int64]],
    folds: int,
    base: Bundle | None,
    recipe: Recipe | None = None,
) -> list[FoldDays]:
    """The days that cut each fold: after those the base was chosen on, where there is a base.

    One fold takes the days of training and validation of the base, or of the recipe that it will
    be trained by, and tests on all later ones. Without either, and where all bars came after the
    base's training, the test is their last tenth. Several folds walk forward.

    Raises:
        ComparisonError: no bars are left to test on.
    """
    last = min(_day(time[-1]) for time in times)
    until = None if base is None else base.manifest.data.get("validate_until")
    begun = None if base is None else base.manifest.data.get("train_until")
    if until is not None and date.fromisoformat(until) >= last:
        raise ComparisonError(
            f"{base.manifest.label if base else 'the base'} was chosen on bars up to {until} and "
            f"these end on {last}: give later bars, or a base that was trained on earlier ones"
        )
    if recipe is not None and recipe.data.validate_until >= last:
        raise ComparisonError(
            f"the base's recipe validates up to {recipe.data.validate_until} and these bars end on "
            f"{last}: move train_until and validate_until in it, or give later bars"
        )
    try:
        if folds > 1:
            after = None if until is None else date.fromisoformat(until) + timedelta(days=1)
            return walk_forward_days(times, folds=folds, first_test=after)
        first = max(_day(time[0]) for time in times)
        if until is not None and begun is not None and first <= date.fromisoformat(begun):
            return [FoldDays(date.fromisoformat(begun), date.fromisoformat(until), last)]
        if recipe is not None:
            return [FoldDays(recipe.data.train_until, recipe.data.validate_until, last)]
    except ValueError as error:
        raise ComparisonError(str(error)) from error
    data = recipe_for(times, "comparison").data
    if until is not None and data.validate_until < date.fromisoformat(until):
        raise ComparisonError(
            f"{base.manifest.label if base else 'the base'} was trained up to {begun} and chosen "
            f"on bars up to {until}: give bars that begin before the former, or after the latter"
        )
    return [FoldDays(data.train_until, data.validate_until, last)]


def lay_out(
    name: str,
    fold: int,
    days: FoldDays,
    sources: Sequence[Source],
    kept: Sequence[Source],
    base: Base,
    plan: Plan,
) -> Task:
    """Cut every file for one task of one fold.

    Raises:
        ComparisonError: files of several timeframes, or too few bars in a part.
        BaseError: the base does not fit these bars.
    """
    model = recipe_for([sources[0].bars.time], "comparison", base=base).model
    if name != OWN:
        model = replace(
            model, context=POINT_CONTEXT, horizon=POINT_HORIZON, patch=POINT_PATCH, head=name
        )
    stride = plan.stride if name == OWN else plan.stride * POINT_STRIDE_FACTOR
    validation_stride = _VALIDATION_STRIDE * (POINT_STRIDE_FACTOR if name == TEXT else 1)
    splits = [_cut(source, days, model) for source in sources]
    config = _config(model, sources, splits, base)
    shape = {"context": config.context, "horizon": config.horizon}
    bars = [source.bars for source in sources]

    def windows_of(parts: Sequence[Splits], files: Sequence[Source], step: int) -> list[Scored]:
        return [
            Scored(source.bars, window_ends(split.test, stride=step, **shape))
            for source, split in zip(files, parts, strict=True)
        ]

    kept = kept if name == OWN else ()
    return Task(
        name=name,
        fold=fold,
        days=days,
        config=config,
        samples=Samples(bars, [split.train for split in splits], **shape),
        validation=Samples(
            bars, [split.validate for split in splits], stride=validation_stride, **shape
        ),
        test=tuple(windows_of(splits, sources, stride)),
        kept=tuple(windows_of([_cut(source, days, model) for source in kept], kept, stride)),
        validated=tuple(
            Scored(source.bars, window_ends(split.validate, stride=validation_stride, **shape))
            for source, split in zip(sources, splits, strict=True)
        ),
        splits=tuple(splits),
        stride=stride,
        data_hash=_hash(days, stride, sources, kept),
    )


def _config(
    model: ModelRecipe, sources: Sequence[Source], splits: Sequence[Splits], base: Base
) -> ForecasterConfig:
    seen = [source.bars[: cut.train.stop] for source, cut in zip(sources, splits, strict=True)]
    moves = np.concatenate([np.abs(np.diff(np.log(bars.close))) for bars in seen])
    moved = moves[moves > 0]
    # A normal move's deviation is 1.48 times the median of its size.
    usual = float(f"{1.48 * np.median(moved):.1e}") if len(moved) else 1e-3
    return network_config(
        model,
        base,
        tf=sources[0].bars.tf,
        open_hours=open_hours(np.concatenate([bars.time for bars in seen])),
        usual_volatility=usual,
    )


def _cut(source: Source, days: FoldDays, model: ModelRecipe) -> Splits:
    context, horizon = model.context, model.horizon
    split = split_by_time(
        source.bars.time,
        days.train_until,
        days.validate_until,
        days.test_until,
        context=context,
        horizon=horizon,
    )
    for what, part, fewest in (
        (f"train on up to {days.train_until}", split.train, _FEWEST_TRAINING_WINDOWS),
        (f"validate on up to {days.validate_until}", split.validate, 1),
        (f"test on up to {days.test_until}", split.test, 1),
    ):
        need = context + horizon + fewest - 1
        if len(part) < need:
            raise ComparisonError(
                f"{source.path.name} has {len(part):,} bars to {what} and at least {need:,} are "
                "needed: give more history"
            )
    return split


def require_one_timeframe(sources: Sequence[Source]) -> None:
    """Raise ComparisonError where files have bars of several lengths."""
    first = sources[0]
    for source in sources[1:]:
        if source.bars.tf != first.bars.tf:
            raise ComparisonError(
                f"{source.path.name} has {timeframe_name(source.bars.tf)} bars and "
                f"{first.path.name} {timeframe_name(first.bars.tf)}: compare on one timeframe"
            )


def _hash(days: FoldDays, stride: int, sources: Sequence[Source], kept: Sequence[Source]) -> str:
    content = [asdict(days), stride, [each.sha256 for each in sources], [k.sha256 for k in kept]]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()


def _day(time: int) -> date:
    return date(1970, 1, 1) + timedelta(days=int(time) // 86_400)
