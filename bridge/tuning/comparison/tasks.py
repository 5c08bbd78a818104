"""The comparison's tasks laid out: windows to learn from, to validate on and to be scored on, and
the forecasters that need no training, on the same windows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.bars import (
    Bars,
    FoldDays,
    Part,
    Splits,
    open_hours,
    split_by_time,
    timeframe_name,
    window_ends,
)
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.comparison.plan import (
    OWN,
    POINT_CONTEXT,
    POINT_HORIZON,
    POINT_PATCH,
    QUANTILE,
    TEXT,
    Plan,
    RunKey,
)
from bridge.tuning.comparison.results import FoldFacts, TaskFacts
from bridge.tuning.material import usual_volatility
from bridge.tuning.methods.bases import Base, BaseError, network_config
from bridge.tuning.recipes.defaults import recipe_for, training_for
from bridge.tuning.recipes.recipe import ModelRecipe, Recipe
from bridge.tuning.scoring.asking import true_moves
from bridge.tuning.scoring.scores import BLOCK_SECONDS
from bridge.tuning.training.samples import Samples

Array = NDArray[np.float64]
_VALIDATION_STRIDE = 7
_TEXT_VALIDATION_STRIDE = 113  # text is slow to validate; no whole part of a day or week
_FEWEST_TRAINING_WINDOWS = 1000


class ComparisonError(ValueError):
    """These files, this base or this plan cannot be compared. The message says what could."""


@dataclass(frozen=True)
class Source:
    """A file of bars. `path` names it in messages; `sha256` is of its bytes and, where broken rows
    were dropped, of what was left: a last bar that was forming once is whole the next time."""

    path: Path
    bars: Bars
    sha256: str


def read_source(path: Path, bars: Bars, *, repaired: bool = False) -> Source:
    """A source of bars that were read from `path`, and whether repair was asked for."""
    digest = hashlib.sha256(path.read_bytes())
    if repaired:
        digest.update(bars.time.tobytes())
    return Source(path, bars, digest.hexdigest())


@dataclass(frozen=True)
class Scored:
    """Windows of one file that a test scores: bars, and the index of each window's last one."""

    bars: Bars
    ends: NDArray[np.int64]

    def moves(self, horizon: int) -> Array:
        """[W, H] log-returns from the last close that came."""
        return true_moves(self.bars, self.ends, horizon)


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
        return TEXT if self.name == TEXT else QUANTILE

    def facts(self) -> TaskFacts:
        """What the report says of this task's windows, in this fold."""
        config = self.config
        return TaskFacts(
            task=self.name,
            context=config.context,
            horizon=config.horizon,
            levels=config.levels,
            tf=config.tf,
            stride=self.stride,
            block_seconds=max(BLOCK_SECONDS, 2 * (config.context + config.horizon) * config.tf),
            width=config.width,
            batch=training_for("full", head=self.head).batch,
            folds=(self._fold_facts(),),
        )

    def _fold_facts(self) -> FoldFacts:
        cuts = [(each.bars.time, split) for each, split in zip(self.test, self.splits, strict=True)]
        first, last = _ends_between(self.test)
        kept_first, kept_last = _ends_between(self.kept) if self.kept else (None, None)
        return FoldFacts(
            train_windows=len(self.samples),
            validation_windows=len(self.validation),
            test_windows=sum(len(each.ends) for each in self.test),
            train_first=min(int(time[split.train.start]) for time, split in cuts),
            train_last=max(int(time[split.train.stop - 1]) for time, split in cuts),
            validation_last=max(int(time[split.validate.stop - 1]) for time, split in cuts),
            first=first,
            last=last,
            kept_first=kept_first,
            kept_last=kept_last,
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


def model_of(
    name: str, sources: Sequence[Source], base: Base | None, recipe: Recipe | None = None
) -> ModelRecipe:
    """The shape of a task's network and windows.

    Args:
        name: of `TASKS`. sources: the files.
        base: the one there is. recipe: of the one that is to be trained, where it has one.
    """
    if base is None and recipe is not None:
        model = recipe.model
    else:
        model = recipe_for([sources[0].bars.time], "comparison", base=base).model
    if name == OWN:
        return model
    return replace(
        model, context=POINT_CONTEXT, horizon=POINT_HORIZON, patch=POINT_PATCH, head=name
    )


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
        ComparisonError: too few bars in a part, or a network that cannot be.
        BaseError: the base does not fit these bars.
    """
    model = model_of(name, sources, base)
    stride = plan.stride if name == OWN else plan.point_stride
    validation_stride = _TEXT_VALIDATION_STRIDE if name == TEXT else _VALIDATION_STRIDE
    splits = [cut(source, days, model) for source in sources]
    config = _config(model, sources, splits, base)
    shape = {"context": config.context, "horizon": config.horizon}
    bars = [source.bars for source in sources]

    def windows_of(files: Sequence[Source], parts: Sequence[Part], step: int) -> tuple[Scored, ...]:
        return tuple(
            Scored(source.bars, window_ends(part, stride=step, **shape))
            for source, part in zip(files, parts, strict=True)
        )

    kept = kept if name == OWN else ()
    validated = [split.validate for split in splits]
    return Task(
        name=name,
        fold=fold,
        days=days,
        config=config,
        samples=Samples(bars, [split.train for split in splits], **shape),
        validation=Samples(bars, validated, stride=validation_stride, **shape),
        test=windows_of(sources, [split.test for split in splits], stride),
        kept=windows_of(kept, [cut_kept(each, days, model) for each in kept], stride),
        validated=windows_of(sources, validated, validation_stride),
        splits=tuple(splits),
        stride=stride,
        data_hash=_hash(days, stride, sources, kept),
    )


def _config(
    model: ModelRecipe, sources: Sequence[Source], splits: Sequence[Splits], base: Base
) -> ForecasterConfig:
    seen = [source.bars[: split.train.stop] for source, split in zip(sources, splits, strict=True)]
    try:
        return network_config(
            model,
            base,
            tf=sources[0].bars.tf,
            open_hours=open_hours(np.concatenate([bars.time for bars in seen])),
            usual_volatility=usual_volatility(seen),
        )
    except BaseError:
        raise
    except ValueError as error:
        raise ComparisonError(f"no network over {base.name} can be made: {error}") from error


def cut(source: Source, days: FoldDays, model: ModelRecipe) -> Splits:
    """The parts of a file that is tuned to.

    Raises:
        ComparisonError: too few bars in one of them.
    """
    split = _split(source, days, model)
    _require(
        source, f"train on up to {days.train_until}", split.train, model, _FEWEST_TRAINING_WINDOWS
    )
    _require(source, f"validate on up to {days.validate_until}", split.validate, model)
    _require_test(source, split.test, days, model)
    return split


def cut_kept(source: Source, days: FoldDays, model: ModelRecipe) -> Part:
    """The test part of a file of the base's own, of which tuning sees nothing.

    Raises:
        ComparisonError: too few bars in it.
    """
    test = _split(source, days, model).test
    _require_test(source, test, days, model)
    return test


def _split(source: Source, days: FoldDays, model: ModelRecipe) -> Splits:
    return split_by_time(
        source.bars.time,
        days.train_until,
        days.validate_until,
        days.test_until,
        context=model.context,
        horizon=model.horizon,
    )


def _require_test(source: Source, part: Part, days: FoldDays, model: ModelRecipe) -> None:
    what = f"test on after {days.validate_until}, up to {days.test_until}"
    _require(source, what, part, model)


def _require(source: Source, what: str, part: Part, model: ModelRecipe, windows: int = 1) -> None:
    need = model.context + model.horizon + windows - 1
    if len(part) < need:
        raise ComparisonError(
            f"{source.path.name} has {len(part):,} bars to {what}, and at least {need:,} are "
            "needed: give more history, or leave the file out"
        )


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


def _ends_between(scored: Sequence[Scored]) -> tuple[int, int]:
    """When the first and the last of these windows end."""
    times = [each.bars.time[each.ends] for each in scored]
    return min(int(each[0]) for each in times), max(int(each[-1]) for each in times)
