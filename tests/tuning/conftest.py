"""Small networks and short histories, so that real training takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.bars import Bars, Part
from bridge.forecaster.model import ForecasterConfig
from bridge.synthetic import random_walk_bars
from bridge.tuning.exporting.export import export_onnx
from bridge.tuning.methods.networks import tuned_network
from bridge.tuning.recipes.recipe import MethodRecipe, TrainingRecipe
from bridge.tuning.training.samples import Samples
from tests.tuning import folders

CONTEXT, HORIZON = 32, 4


@pytest.fixture
def config() -> ForecasterConfig:
    return ForecasterConfig(
        context=CONTEXT, horizon=HORIZON, layers=1, heads=2, width=16, dropout=0.1
    )


@pytest.fixture
def recipe() -> TrainingRecipe:
    return TrainingRecipe(
        steps=12, batch=32, warmup_steps=2, validate_every=4, learning_rate=1e-2, ema_decay=0.9
    )


@pytest.fixture
def hourly() -> Bars:
    """3,000 hours whose moves are three times as large from noon to six as at other hours."""
    bars = random_walk_bars(3000, 3600, seed=3)
    draw = np.random.default_rng(5)
    busy = (bars.time // 3600 % 24 >= 12) & (bars.time // 3600 % 24 < 18)
    close = 1.1 * np.exp(np.cumsum(draw.normal(0, 1e-3, 3000) * np.where(busy, 3.0, 1.0)))
    opened = np.concatenate([[1.1], close[:-1]])
    high, low = np.maximum(opened, close) * 1.0002, np.minimum(opened, close) / 1.0002
    ohlc = np.stack([opened, high, low, close], axis=1)
    return Bars("BUSY", 3600, bars.time, ohlc, bars.volume)


@pytest.fixture
def samples(hourly: Bars) -> Samples:
    return Samples([hourly], [Part(0, 2400)], context=CONTEXT, horizon=HORIZON)


@pytest.fixture
def validation(hourly: Bars) -> Samples:
    return Samples([hourly], [Part(2440, 3000)], context=CONTEXT, horizon=HORIZON, stride=3)


EXPORTED = ForecasterConfig(context=CONTEXT, horizon=HORIZON, layers=1, heads=2, width=64)


@pytest.fixture(scope="session")
def real_windows(bars: Bars) -> Samples:
    return Samples([bars], [Part(2100, 4000)], context=CONTEXT, horizon=HORIZON, stride=7)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, real_windows: Samples) -> Path:
    """The float32 graph of an `EXPORTED` network. Tracing takes seconds: once for all tests."""
    network = folders.shaken(tuned_network(EXPORTED, MethodRecipe(), None, seed=1), 0.02).eval()
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export_onnx(network, real_windows, path)
    return path
