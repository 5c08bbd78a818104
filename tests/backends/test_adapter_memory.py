"""Many adapters on one base take little more memory than one: measured in a fresh process."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bridge.backends import open_backend
from bridge.bundles import Bundle, open_bundle, write_bundle
from bridge.runtimes import Runtimes
from bridge.tuning.costs.memory import measure_memory
from bridge.tuning.methods.networks import tuned_network
from bridge.tuning.recipes.recipe import MethodRecipe
from tests.backends import networks
from tests.tuning import folders

ADAPTERS = 20
LARGE = replace(networks.CONFIG, layers=6, heads=6, width=384)  # 43 MB
IMPORTS = ("bridge.backends.pytorch", "bridge.tuning.methods.networks")


def hold_adapters(store: str) -> tuple[int, int]:
    """Bytes that this process has with one adapter of the store, and with all of them."""
    runtimes = Runtimes([Path(store)])
    held = []
    resident: list[int] = []
    for number in range(ADAPTERS):
        held.append(open_backend(open_bundle(Path(store) / f"a{number}"), runtimes))
        gc.collect()
        resident.append(int(psutil.Process().memory_info().rss))
    return resident[0], resident[-1]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    network = tuned_network(LARGE, MethodRecipe(), None, seed=1)
    return folders.put(tmp_path_factory.mktemp("store"), network, "base")


def test_twenty_adapters_take_little_more_than_one(base: Bundle) -> None:
    store = base.path.parent
    first = networks.put_adapter(store, base, "a0")
    files = {name: first.path / name for name in first.manifest.files}
    for number in range(1, ADAPTERS):
        name = f"a{number}"
        write_bundle(store / name, replace(first.manifest, name=name, files={}), files)

    measured = measure_memory(hold_adapters, str(store), imports=IMPORTS)

    one, all_of_them = measured.result
    assert all_of_them < 1.2 * one
    assert all_of_them - one < 0.5 * base.path.joinpath("model.safetensors").stat().st_size
