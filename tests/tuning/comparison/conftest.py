"""One small comparison, really trained, that all tests here read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bridge.bars import Bars
from bridge.bundles import Bundle, write_bundle
from bridge.forecaster.model import ForecasterConfig
from bridge.synthetic import random_walk_bars
from bridge.tuning.comparison.comparing import compare
from bridge.tuning.comparison.measures import Effort
from bridge.tuning.comparison.plan import Plan
from bridge.tuning.comparison.results import Comparison
from bridge.tuning.comparison.subject import Subject, choose_subject
from bridge.tuning.comparison.tables import Tables
from bridge.tuning.comparison.tasks import Source
from bridge.tuning.methods.bases import Base, open_base
from bridge.tuning.methods.networks import save_network, tuned_network
from bridge.tuning.recipes.recipe import MethodRecipe
from tests.tuning.folders import manifest, shaken

SHAPE = ForecasterConfig(context=32, horizon=4, layers=1, heads=2, width=16)
EFFORT = Effort(rounds=2, calls=2, memory=False, large=False)
NO_EFFORT = Effort(rounds=0, memory=False, large=False)
PLAN = Plan(methods=("full", "bottleneck"), seeds=2, steps=4, ablation=False, stride=24)


def hourly(symbol: str, seed: int, count: int = 9000) -> Bars:
    """Hours whose moves are three times as large from noon to six as at other hours."""
    bars = random_walk_bars(count, 3600, seed=seed)
    draw = np.random.default_rng(seed)
    busy = (bars.time // 3600 % 24 >= 12) & (bars.time // 3600 % 24 < 18)
    close = 1.1 * np.exp(np.cumsum(draw.normal(0, 1e-3, count) * np.where(busy, 3.0, 1.0)))
    opened = np.concatenate([[1.1], close[:-1]])
    high, low = np.maximum(opened, close) * 1.0002, np.minimum(opened, close) / 1.0002
    return Bars(symbol, 3600, bars.time, np.stack([opened, high, low, close], 1), bars.volume)


def source(symbol: str, seed: int) -> Source:
    bars = hourly(symbol, seed)
    digest = hashlib.sha256(bars.ohlc.tobytes()).hexdigest()
    return Source(Path(f"{symbol}_H1.csv"), bars, digest)


def day_at(bars: Bars, share: float) -> str:
    """The day that this share of the bars ends on."""
    return str(bars.time[int(share * len(bars))].astype("datetime64[s]").astype("datetime64[D]"))


def base_bundle(store: Path, bars: Bars, config: ForecasterConfig = SHAPE) -> Bundle:
    """An untrained network that says it was trained on the first half of these bars."""
    network = shaken(tuned_network(config, MethodRecipe(), None, seed=1), noise=0.02)
    drafts = store / ".drafts"
    drafts.mkdir(parents=True)
    files = {name: drafts / name for name in save_network(network, MethodRecipe(), drafts)}
    said = manifest(
        config,
        "base",
        data={"train_until": day_at(bars, 0.5), "validate_until": day_at(bars, 0.6)},
    )
    return write_bundle(store / "base", said, files)


@dataclass(frozen=True)
class Made:
    """A finished comparison, and all that it takes to go on with it."""

    folder: Path
    subject: Subject
    base: Base
    comparison: Comparison
    tables: Tables


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("comparison")
    tuned, kept = source("TUNED", 3), source("KEPT", 4)
    base = open_base(str(base_bundle(folder / "store", tuned.bars).path), [])
    subject = choose_subject([tuned], [kept], 1, base.bundle)
    comparison = compare(subject, base, PLAN, folder, command="eabridge compare", effort=EFFORT)
    return Made(folder, subject, base, comparison, Tables(comparison))


@pytest.fixture
def again(made: Made) -> Callable[[Plan], Comparison]:
    """Compares once more in the same folder."""
    return lambda plan: compare(made.subject, made.base, plan, made.folder, effort=EFFORT)
