"""PyTorch in a process of its own: the bits of this one, and torch never imported here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from bridge.backends import BackendDied, BackendError, open_backend
from bridge.backends.process import ProcessRuntime
from bridge.bundles import Bundle
from bridge.runtimes import Runtimes, torch_process
from tests.backends import networks

METHODS = ("lora", "qlora", "ia3", "bottleneck", "prefix")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def bundles(store: Path) -> list[Bundle]:
    """A base, and an adapter of each method on it."""
    base = networks.put_base(store)
    return [base, *(networks.put_adapter(store, base, method, method) for method in METHODS)]


@pytest.fixture(scope="module")
def runtime(store: Path) -> Iterator[ProcessRuntime]:
    runtime = torch_process([store])
    yield runtime
    runtime.close()


def test_every_method_answers_with_the_bits_that_it_has_here(
    bundles: list[Bundle], store: Path, runtime: ProcessRuntime
) -> None:
    here = Runtimes([store])
    bars, times = (
        np.concatenate(each) for each in zip(*map(networks.window, range(5)), strict=True)
    )
    for bundle in bundles:
        expected = open_backend(bundle, here).forecast(bars, times)
        answer = open_backend(bundle, runtime).forecast(bars, times)
        assert answer.quantiles.tobytes() == expected.quantiles.tobytes()
        assert answer.up.tobytes() == expected.up.tobytes()


def test_a_reason_to_refuse_is_told_as_it_is_here(
    tmp_path: Path, store: Path, bundles: list[Bundle], runtime: ProcessRuntime
) -> None:
    elsewhere = networks.put_base(tmp_path, seed=2)
    orphan = networks.put_adapter(tmp_path, elsewhere, "orphan")
    told = []
    for each in (Runtimes([store]), runtime):
        with pytest.raises(BackendError) as refusal:
            open_backend(orphan, each)
        told.append(str(refusal.value))
    assert told[0] == told[1]
    assert f"it stands on {elsewhere.manifest.label}, which is not to be had" in told[0]


def test_a_killed_process_is_replaced_by_one_that_answers_the_same(
    bundles: list[Bundle], runtime: ProcessRuntime
) -> None:
    backend = open_backend(bundles[1], runtime)
    before = backend.forecast(*networks.window()).quantiles.tobytes()
    assert runtime.pid is not None
    assert runtime.pid != os.getpid()
    psutil.Process(runtime.pid).kill()
    with pytest.raises(BackendDied):
        backend.forecast(*networks.window())
    backend.close()
    again = open_backend(bundles[1], runtime)
    assert again.forecast(*networks.window()).quantiles.tobytes() == before


_PARENT = """
import sys
from pathlib import Path
import numpy as np
from bridge.backends import open_backend
from bridge.bundles import open_bundle
from bridge.runtimes import torch_process

store = Path(sys.argv[1])
runtime = torch_process([store])
backend = open_backend(open_bundle(store / "lora"), runtime)
assert backend.forecast(np.ones((1, 16)), np.zeros(1)).up.shape == (1, 2)
runtime.close()
print(sorted({"torch", "transformers", "peft", "safetensors"} & set(sys.modules)))
"""


def test_the_one_that_asks_never_imports_torch(bundles: list[Bundle], store: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PARENT, str(store)], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
