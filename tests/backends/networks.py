"""Small bundles that PyTorch runs: a base, and adapters on it that differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.bundles import Bundle
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.methods.bases import open_base
from bridge.tuning.methods.networks import tuned_network
from bridge.tuning.recipes.recipe import MethodRecipe
from tests.tuning import folders

CONFIG = ForecasterConfig(
    inputs="close", context=16, horizon=2, patch=4, levels=(0.1, 0.5, 0.9), layers=2, width=16
)


def put_base(store: Path, name: str = "base", seed: int = 1) -> Bundle:
    """A base that nobody trained."""
    return folders.put_base(store, name, CONFIG, seed)


def put_adapter(
    store: Path, base: Bundle | Path, name: str, method: str = "lora", *, seed: int = 1
) -> Bundle:
    """An adapter of a method on a base: a bundle, or a folder in Hugging Face format."""
    opened = open_base(str(base if isinstance(base, Path) else base.path), [store])
    recipe = MethodRecipe(name=method, rank=2)
    network = tuned_network(
        opened.config or folders.over(opened, CONFIG), recipe, opened, seed=seed
    )
    return folders.put(store, folders.shaken(network, seed=seed), name, recipe, opened.name)


def window(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One window of closes [1, context] and its time [1]."""
    moves = np.random.default_rng(seed).normal(0.0, 0.001, (1, CONFIG.context))
    return np.exp(np.cumsum(moves, axis=1)), np.array([1.5e9 + 3600.0 * seed])
