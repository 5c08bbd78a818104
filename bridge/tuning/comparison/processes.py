"""What is measured in processes of their own: a short training, and adapters held on one base.

Both are functions of plain values at the top level of a module, as `bridge.tuning.costs.memory`
starts them. Their bars are random: neither time nor memory depends on what the numbers are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from bridge.bars import Bars, Part
from bridge.bundles import Bundle, Manifest, open_bundle, write_bundle
from bridge.forecaster.model import Forecaster, ForecasterConfig
from bridge.tuning.methods.bases import Base, open_base
from bridge.tuning.methods.networks import (
    save_network,
    shared_network,
    shared_weights,
    tuned_network,
)
from bridge.tuning.recipes.recipe import MethodRecipe, TrainingRecipe
from bridge.tuning.training.samples import Samples
from bridge.tuning.training.trainer import train

IMPORTS = tuple(
    name
    for name in ("bridge.tuning.comparison.processes", "bitsandbytes")
    if find_spec(name.split(".")[0]) is not None
)
"""What these functions import, and a measurement leaves out."""

GPT2_SMALL = {"layers": 12, "heads": 12, "width": 768}
_BARS = 4000


def train_briefly(
    base: str, config: Mapping[str, Any], method: Mapping[str, Any], training: Mapping[str, Any]
) -> float:
    """Train for `training["steps"]` steps, validate once, and return milliseconds per step.

    Args:
        base: folder of a bundle or checkpoint; empty draws one of the config's shape at random.
        config, method, training: `ForecasterConfig`, `MethodRecipe`, `TrainingRecipe` as dicts.
    """
    shape = _config(config)
    tuned = random_base(shape) if not base else open_base(base, [])
    network = tuned_network(shape, MethodRecipe(**method), tuned, seed=0)
    del tuned  # the trainer needs it no more
    windows = {"context": shape.context, "horizon": shape.horizon}
    bars = random_bars(shape.tf)
    samples = Samples([bars], [Part(0, _BARS // 2)], **windows)
    # A whole batch of validation, for it may be what takes most; of the large one a tenth.
    stride = 1 if base and shape.head == "quantile" else 16
    validation = Samples([bars], [Part(_BARS // 2, _BARS)], stride=stride, **windows)
    recipe = TrainingRecipe(**{**training, "validate_every": training["steps"]})
    with tempfile.TemporaryDirectory() as folder:
        trained = train(
            network,
            recipe,
            samples,
            validation,
            Path(folder),
            fingerprint="",
            on_progress=lambda progress: None,
        )
    first, last = trained.curve[0], trained.curve[-1]
    if last.step == first.step:
        return 1e3 * last.seconds
    return 1e3 * (last.seconds - first.seconds) / (last.step - first.step)


def hold_adapters(base: str, bundle: str, count: int) -> int:
    """Hold so many copies of an adapter on one base, each asked once; the process's own bytes.

    Args:
        base: as for `train_briefly`. bundle: the adapter's folder.
    """
    opened = open_bundle(Path(bundle))
    shape = ForecasterConfig.from_record(opened.manifest.network)
    tuned = random_base(shape) if not base else open_base(base, [])
    weights = shared_weights(tuned, opened.manifest.method)
    del tuned
    bars = random_bars(shape.tf)
    columns = bars.ohlc if shape.inputs == "ohlc" else bars.close
    window = torch.from_numpy(columns[None, : shape.context].copy())
    time = torch.tensor([float(bars.time[shape.context])], dtype=torch.float64)
    held = []
    with torch.no_grad():
        for _ in range(count):
            held.append(shared_network(opened, weights))
            held[-1](window, time)
    info = psutil.Process().memory_info()
    return int(info.rss) - int(getattr(info, "shared", 0))


def adapter_bundle(
    config: ForecasterConfig, method: MethodRecipe, base: Base, network: Any, folder: Path
) -> Bundle:
    """A network's adapter as a bundle that `hold_adapters` opens."""
    with tempfile.TemporaryDirectory() as scratch:
        files = save_network(network, method, Path(scratch))
        manifest = Manifest(
            name="held",
            task="forecast",
            inputs=config.inputs,
            context=config.context,
            horizon=config.horizon,
            levels=config.levels,
            tf=config.tf,
            symbols=(),
            files={},
            network=asdict(config),
            runtime="torch",
            method=method.name,
            base=base.name,
            head=config.head,
        )
        return write_bundle(
            folder, manifest, {name: Path(scratch) / name for name in files}, replace_existing=True
        )


def random_base(config: ForecasterConfig) -> Base:
    """A base of the config's shape with weights drawn at random."""
    torch.manual_seed(0)
    weights = {name: value.detach() for name, value in Forecaster(config).state_dict().items()}
    return Base(
        name="random",
        bundle=None,
        config=config,
        layers=config.layers,
        heads=config.heads,
        width=config.width,
        inner=config.inner,
        activation=config.activation,
        epsilon=config.epsilon,
        weights=weights,
    )


def random_bars(tf: int) -> Bars:
    """A random walk of some thousand bars."""
    draw = np.random.default_rng(0)
    close = np.exp(np.cumsum(draw.normal(0.0, 1e-3, _BARS)))
    opened = np.concatenate([[1.0], close[:-1]])
    high, low = np.maximum(opened, close) * 1.0002, np.minimum(opened, close) / 1.0002
    time = 1_600_000_000 // tf * tf + np.arange(_BARS, dtype=np.int64) * tf
    return Bars("", tf, time, np.stack([opened, high, low, close], axis=1), np.zeros(_BARS))


def _config(content: Mapping[str, Any]) -> ForecasterConfig:
    return ForecasterConfig.from_record(dict(content))
