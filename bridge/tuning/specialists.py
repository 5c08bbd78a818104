"""One adapter for each symbol, kept only where it beats its base on bars it was not trained on.

A specialist answers in its base's place on its own symbol. It is written where the 95% interval
of its gain on the validation windows leaves no room for "no gain": tuned and base are scored on
the same windows, and blocks of weeks are drawn again and again (a paired block bootstrap), which
keeps what neighbouring windows share. The same windows said when training was best, which tells a
little in the adapter's favour. The test chooses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.bundles import Bundle
from bridge.bundles.bundle import seal_folder
from bridge.tuning.build import recipe_base, train_run
from bridge.tuning.material import BuildError, TrainingFile
from bridge.tuning.methods.bases import Base
from bridge.tuning.methods.networks import Network, load_network
from bridge.tuning.publishing import Listener, Target, publish
from bridge.tuning.recipes.recipe import Recipe, check_name
from bridge.tuning.recipes.recipe_file import to_toml
from bridge.tuning.scoring.baselines import gaussian_quantiles, window_walk
from bridge.tuning.scoring.scores import BLOCK_SECONDS, pinball, ratio, resamples
from bridge.tuning.training.objectives import model_input
from bridge.tuning.training.samples import Samples

_AT_ONCE = 512
_SAME = ("inputs", "context", "horizon", "levels", "head")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Tuned against base on the same windows.

    Attributes:
        base, tuned: their pinball ratios.
        gain: tuned less base: below zero is better.
        interval: the gain's 95% interval; None where there are too few weeks for one.
        windows: how many were compared.
    """

    base: float
    tuned: float
    gain: float
    interval: tuple[float, float] | None
    windows: int

    @property
    def is_better(self) -> bool:
        """Whether the interval excludes no gain."""
        return self.interval is not None and self.interval[1] < 0


@dataclass(frozen=True)
class Specialist:
    """What came of one symbol's adapter: `bundle` where it was written, None where it was not."""

    symbol: str
    name: str
    comparison: Comparison
    bundle: Bundle | None


def build_specialists(
    files: Sequence[TrainingFile],
    recipe: Recipe,
    base: Base,
    *,
    runs: Path,
    out: Path,
    runtime: str = "onnx",
    replace_existing: bool = False,
    listener: Listener | None = None,
) -> list[Specialist]:
    """Tune one adapter for each file and write those that beat the base.

    Args:
        files: one for each symbol.
        recipe: how each is tuned; its name is replaced by BASE-SYMBOL.
        base: one of ours (`tuned_base`).
        runs: the folder of the runs' folders. out, runtime, replace_existing: as in `build`.
        listener: is told of progress.

    Raises:
        BuildError: a file names no symbol, or two name the same; the recipe's windows are not
            the base's; the files are too short.
        Otherwise as `build`.
    """
    listener = listener or Listener()
    _require_symbols(files)
    _require_windows_of(base, recipe)
    targets = [
        Target(
            out,
            specialist_name(base, file.bars.symbol),
            runtime,
            replace_existing=replace_existing,
        )
        for file in files
    ]
    for target in targets:
        target.require_room()
    made = []
    for file, target in zip(files, targets, strict=True):
        name = target.name
        own = replace(recipe, name=name)
        listener.stage(f"{file.bars.symbol}: tuning {base.name}")
        sealed, network, material = train_run(
            [file],
            own,
            to_toml(own),
            base,
            run=runs / name,
            runtime=runtime,
            specialist=True,
            listener=listener,
        )
        found = compare(_base_network(base), network, material.validation, file.bars.tf)
        listener.stage(f"{file.bars.symbol}: {describe(found)}")
        bundle = None
        if found.is_better:
            bundle = publish(_with_scores(sealed, found), network, material, target, listener)
        elif (standing := out / name).exists():
            listener.stage(
                f"{standing} is of an earlier run and stays: remove it, or it may go on answering "
                f"for {file.bars.symbol}"
            )
        made.append(Specialist(file.bars.symbol, name, found, bundle))
    return made


def tuned_base(recipe: Recipe, stores: Sequence[Path]) -> Base:
    """The base that specialists answer for.

    Raises:
        BaseError: there is none such.
        BuildError: the recipe names none, or one that is no model of ours.
    """
    base = recipe_base(recipe, stores)
    if base is None:
        raise BuildError(
            "specialists tune a model that is served, and the method full without a base trains "
            "from scratch: give another --method, or --base fx-h1"
        )
    if base.bundle is None:
        raise BuildError(
            f"{base.name} cannot have specialists: they answer for a model that is served, so "
            "--base takes one of yours, or fx-h1"
        )
    return base


def specialist_name(base: Base, symbol: str) -> str:
    """BASE-SYMBOL, in the characters that a bundle's name may have."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", symbol.lower()).strip("-._")
    name = f"{base.name.partition('@')[0]}-{plain}"
    check_name(name)
    return name


def compare(base: Network, tuned: Network, samples: Samples, tf: int) -> Comparison:
    """Score two networks on the same windows.

    Args:
        base, tuned: in evaluation mode, of the same windows and levels.
        samples: the windows. tf: seconds per bar.
    """
    config = base.config
    span = max(BLOCK_SECONDS, 2 * (config.context + config.horizon) * tf)
    losses, blocks = _losses([base, tuned], samples, span)
    _, place = np.unique(blocks, return_inverse=True)
    count = int(place.max()) + 1
    by_block = []
    for loss in losses:  # each [W, H]: summed over the windows of a block
        total = np.zeros((count, loss.shape[1]))
        np.add.at(total, place, loss)
        by_block.append(total)
    draws = resamples(count, seed=0)  # [1 + R, N], the first row every block once
    theirs, ours, walk = (draws @ each for each in by_block)
    ratios = [ratio(each, walk).mean(axis=1) for each in (theirs, ours)]
    gain = ratios[1] - ratios[0]
    interval = None
    if len(gain) > 1:
        low, high = np.percentile(gain[1:], [2.5, 97.5])
        interval = (float(low), float(high))
    return Comparison(
        float(ratios[0][0]), float(ratios[1][0]), float(gain[0]), interval, len(samples)
    )


def describe(found: Comparison) -> str:
    """A comparison in one line."""
    gain = f"{found.gain:+.5f}"
    if found.interval is None:
        return (
            f"{found.base:.5f} to {found.tuned:.5f} ({gain}): too few weeks to tell, not kept; "
            "give more years of bars, or a recipe with an earlier train_until"
        )
    low, high = found.interval
    verdict = "kept" if found.is_better else "no gain beyond chance, not kept"
    return (
        f"{found.base:.5f} to {found.tuned:.5f} ({gain}, 95% {low:+.5f} to {high:+.5f}): {verdict}"
    )


def _losses(
    networks: Sequence[Network], samples: Samples, span: int
) -> tuple[list[Array], NDArray[np.int64]]:
    """[W, H] pinball losses of each network and of the random walk, and each window's block."""
    config = networks[0].config
    levels = np.array(config.levels)
    parts: list[list[Array]] = [[] for _ in range(len(networks) + 1)]
    blocks = []
    for start in range(0, len(samples), _AT_ONCE):
        stop = min(start + _AT_ONCE, len(samples))
        batch = samples.batch(np.arange(start, stop, dtype=np.int64))
        close = np.log(batch.bars[..., 3].numpy())
        moves = batch.moves.numpy()
        for network, part in zip(networks, parts, strict=False):
            with torch.no_grad():
                prices = network(model_input(config, batch.bars), batch.time)[0].numpy()
            part.append(pinball(np.log(prices) - close[:, -1, None, None], moves, levels))
        walk = gaussian_quantiles(
            window_walk(np.diff(close, axis=1), config.horizon), config.levels
        )
        parts[-1].append(pinball(walk, moves, levels))
        blocks.append(batch.time.numpy().astype(np.int64) // span)
    return [np.concatenate(part) for part in parts], np.concatenate(blocks)


def _base_network(base: Base) -> Network:
    return load_network(cast(Bundle, base.bundle), lambda label: base)


def _with_scores(sealed: Bundle, found: Comparison) -> Bundle:
    """The run again, its manifest saying what it gained over its base."""
    manifest = sealed.manifest
    gained = {
        "base_wql_ratio": round(found.base, 5),
        "gain": round(found.gain, 5),
        "gain_ci": [round(each, 5) for each in found.interval or ()],
    }
    scores = {**manifest.scores, "validation": {**manifest.scores["validation"], **gained}}
    return seal_folder(sealed.path, replace(manifest, scores=scores), manifest.files)


def _require_symbols(files: Sequence[TrainingFile]) -> None:
    seen: dict[str, TrainingFile] = {}
    for file in files:
        symbol = file.bars.symbol
        if not symbol:
            raise BuildError(
                f"{file.path.name} names no symbol: name it SYMBOL_H1.csv, so that its adapter "
                "knows whom to answer for"
            )
        if symbol in seen:
            raise BuildError(
                f"{seen[symbol].path.name} and {file.path.name} are both of {symbol}: one adapter "
                "answers for a symbol, give one file for each"
            )
        seen[symbol] = file


def _require_windows_of(base: Base, recipe: Recipe) -> None:
    for name in _SAME:
        ours, theirs = getattr(recipe.model, name), getattr(base.config, name)
        if ours != theirs:
            raise BuildError(
                f"the recipe says {name} = {ours} and {base.name} has {theirs}: a specialist "
                "answers in its base's place and takes and gives the same"
            )
