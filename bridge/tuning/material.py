"""What a model is made from: files of bars, cut into what trains, what validates, and the test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bridge.bars import Bars, Part, Splits, open_hours, split_by_time, timeframe_name
from bridge.bundles import Bundle
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.methods.bases import Base, BaseError, network_config
from bridge.tuning.recipes.recipe import DataRecipe, ModelRecipe, Recipe
from bridge.tuning.scoring.evaluation import Source
from bridge.tuning.scoring.leakage import require_distinct, require_named_right, require_unseen
from bridge.tuning.training.samples import Samples

VALIDATION_STRIDE = 7
_LEAST_WINDOWS = 1000


class BuildError(ValueError):
    """These bars and this recipe make no model. The message says what would."""


@dataclass(frozen=True)
class TrainingFile:
    """A file of bars with the hash of its bytes, as the manifest records it.

    `repaired`: whether broken rows were dropped when it was read.
    """

    path: Path
    bars: Bars
    repaired: bool = False

    @cached_property
    def sha256(self) -> str:
        """The hash of the file's bytes."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def record(self, source: str, license_name: str) -> dict[str, Any]:
        """The file's entry in the manifest."""
        return {
            "file": self.path.name,
            "sha256": self.sha256,
            "symbol": self.bars.symbol,
            "bars": len(self.bars),
            "first": int(self.bars.time[0]),
            "last": int(self.bars.time[-1]),
            "source": source,
            "license": license_name,
        }


@dataclass(frozen=True)
class Material:
    """Files of one timeframe and where each is cut; the windows that follow from that."""

    files: tuple[TrainingFile, ...]
    splits: tuple[Splits, ...]
    context: int
    horizon: int

    @property
    def bars(self) -> list[Bars]:
        """The bars of each file."""
        return [file.bars for file in self.files]

    @property
    def seen(self) -> list[Part]:
        """Of each file, the bars that training or validation sees."""
        return [Part(0, split.validate.stop) for split in self.splits]

    @property
    def sources(self) -> list[Source]:
        """The files as `evaluate` takes them."""
        return [Source(file.path.name, file.bars) for file in self.files]

    @property
    def has_test(self) -> bool:
        """Whether every file has bars left that neither training nor validation sees."""
        return all(len(split.test) >= self.context + self.horizon for split in self.splits)

    @cached_property
    def training(self) -> Samples:
        """Every training window."""
        return self._samples([split.train for split in self.splits], stride=1)

    @cached_property
    def validation(self) -> Samples:
        """The windows that validate."""
        return self._samples([split.validate for split in self.splits], stride=VALIDATION_STRIDE)

    def records(self, data: DataRecipe) -> list[dict[str, Any]]:
        """The files' entries in the manifest."""
        return [file.record(data.source, data.license) for file in self.files]

    def _samples(self, parts: Sequence[Part], *, stride: int) -> Samples:
        return Samples(self.bars, parts, context=self.context, horizon=self.horizon, stride=stride)


def material_for(files: Sequence[TrainingFile], recipe: Recipe, base: Base | None) -> Material:
    """Cut the files as a recipe says, and see that nothing of the test was ever seen.

    Raises:
        BuildError: the files do not go together, or one is too short.
        LeakageError: the same bars come twice, or under another symbol's name, or the test holds
            bars that the base was trained on.
    """
    require_distinct(files)
    tuned: Bundle | None = base.bundle if base else None
    require_named_right(files, tuned)
    context, horizon = recipe.model.context, recipe.model.horizon
    made = _cut(files, recipe.data.train_until, recipe.data.validate_until, context, horizon)
    for file, split in zip(made.files, made.splits, strict=True):
        for name, part, until in (
            ("train on", split.train, recipe.data.train_until),
            ("validate on", split.validate, recipe.data.validate_until),
        ):
            need = context + horizon + (_LEAST_WINDOWS if part is split.train else 0)
            if len(part) < need:
                raise BuildError(
                    f"{file.path.name} has {len(part):,} bars to {name} up to {until}, and at "
                    f"least {need:,} are needed: give more history, or move train_until and "
                    "validate_until in the recipe"
                )
    require_unseen(files, [split.test for split in made.splits], tuned)
    return made


def material_of(files: Sequence[TrainingFile], bundle: Bundle) -> Material:
    """Cut the files at the days at which a bundle's training ended and its validation did.

    Raises:
        BuildError: the bundle has no such days, or the files no windows before them.
    """
    manifest = bundle.manifest
    try:
        train_until, validate_until = (
            date.fromisoformat(manifest.data[key]) for key in ("train_until", "validate_until")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BuildError(
            f"{manifest.label} does not say until when it was trained and validated: it was not "
            "made by eabridge train"
        ) from error
    for file in files:
        if manifest.tf not in (0, file.bars.tf):
            raise BuildError(
                f"{manifest.label} was trained on {timeframe_name(manifest.tf)} bars and "
                f"{file.path.name} has {timeframe_name(file.bars.tf)}"
            )
    made = _cut(files, train_until, validate_until, manifest.context, manifest.horizon)
    for samples, until, wanted in (
        (made.training, train_until, "calibrate on"),
        (made.validation, validate_until, "validate on"),
    ):
        if not len(samples):
            names = ", ".join(file.path.name for file in files)
            raise BuildError(
                f"{names}: no window of {manifest.context + manifest.horizon} bars to {wanted} up "
                f"to {until}: give the files that {manifest.name} was trained on"
            )
    return made


def configure(recipe: Recipe, material: Material, base: Base | None) -> ForecasterConfig:
    """The network that the recipe asks for; what the bars decide is learned from training alone.

    Raises:
        BuildError: its shape cannot be, or is not the base's.
    """
    seen = [
        file.bars[: split.train.stop]
        for file, split in zip(material.files, material.splits, strict=True)
    ]
    model: ModelRecipe = recipe.model
    try:
        return network_config(
            model,
            base,
            tf=material.files[0].bars.tf,
            open_hours=open_hours(np.concatenate([bars.time for bars in seen])),
            usual_volatility=model.usual_volatility or usual_volatility(seen),
        )
    except BaseError:
        raise
    except ValueError as error:
        raise BuildError(f"the recipe's model: {error}") from error


def _cut(
    files: Sequence[TrainingFile],
    train_until: date,
    validate_until: date,
    context: int,
    horizon: int,
) -> Material:
    first = files[0]
    for file in files:
        if file.bars.tf != first.bars.tf:
            raise BuildError(
                f"{file.path.name} has {timeframe_name(file.bars.tf)} bars and {first.path.name} "
                f"{timeframe_name(first.bars.tf)}: train on one timeframe at a time"
            )
    splits = tuple(
        split_by_time(file.bars.time, train_until, validate_until, context=context, horizon=horizon)
        for file in files
    )
    return Material(tuple(files), splits, context, horizon)


def usual_volatility(seen: Sequence[Bars]) -> float:
    """How far a usual bar's log-return deviates, told by those bars that moved; two digits.

    Args:
        seen: the training bars of each file.
    """
    moves = np.concatenate([np.abs(np.diff(np.log(bars.close))) for bars in seen])
    moved = moves[moves > 0]
    # A normal move's deviation is 1.48 times the median of its size.
    return (
        float(f"{1.48 * np.median(moved):.1e}") if len(moved) else ForecasterConfig.usual_volatility
    )
