"""What stands in for PyTorch in a process of its own: models that hang, die or take memory.

A bundle's name says what its model does. All answer `last close x FACTORS`, and an `up` that is the
id of the process that answered.
"""

from __future__ import annotations

import os
import sys
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.backends import Backend, BackendError, Forecasts, trial_child
from bridge.backends.onnx_runtime import OnnxRuntimeBackend
from bridge.backends.process import ProcessRuntime
from bridge.backends.worker import serve_backends
from bridge.bundles import Bundle, write_bundle
from tests.backends import graphs

WORK = "tests.backends.fake_runtime:work"
WITHOUT_TORCH = "tests.backends.fake_runtime:work_without_torch"
ABOVE = 2.0  # the last close above which a model does what it is named after


@dataclass
class Model:
    """A model of such a name."""

    name: str
    opened: list[str]

    def forecast(self, bars: NDArray[np.float64], time: NDArray[np.float64]) -> Forecasts:
        if self.name == "ever-hanging":
            clock.sleep(600.0)
        last = bars[:, -1]
        if last.max() > ABOVE:
            if self.name == "hanging":
                clock.sleep(600.0)
            elif self.name == "dying":
                os._exit(7)
            elif self.name == "raising":
                raise BackendError("the window is too high")
            elif self.name == "defective":
                raise ZeroDivisionError("a defect")
            elif self.name == "float32":
                return Forecasts(np.ones((1, 2, 3), np.float32), np.ones((1, 2)))  # type: ignore[arg-type]
            elif self.name == "talking":
                os.write(1, b"on stdout\n")
                os.write(2, b"on stderr\n")
            elif self.name == "slow":
                clock.sleep(0.5)
        quantiles = last[:, None, None] * graphs.FACTORS
        return Forecasts(quantiles, np.full((len(bars), graphs.HORIZON), float(os.getpid())))

    def abort(self) -> None:
        """Nothing ends a model of ours but the end of its process."""

    def close(self) -> None:
        self.opened.remove(self.name)


class FakeRuntime:
    """Opens such models, up to those that cannot be."""

    def __init__(self, stores: list[str]) -> None:
        self.opened: list[str] = []

    def open(self, bundle: Bundle) -> Backend:
        name = bundle.manifest.name
        if name == "hungry":
            self.memory = [np.ones(1 << 20) for _ in range(512)]  # 4 GiB
        if name == "late":
            clock.sleep(600.0)
        if name == "lethal":
            os._exit(9)
        if name == "unreadable":
            raise BackendError("it makes no network: for a reason")
        if name == "surprising":
            raise ZeroDivisionError("a defect")
        if name == "counting":
            raise BackendError(f"there are {sorted(self.opened)}")
        self.opened.append(name)
        return Model(name, self.opened)

    def drop(self, label: str) -> None:
        raise AssertionError("each connection closes its own")


def work() -> None:
    serve_backends(lambda stores: FakeRuntime(stores))


def work_without_torch() -> None:
    missing: Any = None
    sys.modules["torch"] = missing
    from bridge.runtimes import Runtimes

    serve_backends(lambda stores: Runtimes([Path(store) for store in stores]))


def try_with_noise() -> None:
    """Tries bundles where a library writes to stdout, and ends no line."""
    ask = OnnxRuntimeBackend.forecast

    def forecast(self: OnnxRuntimeBackend, *window: Any) -> Forecasts:
        os.write(1, b"a word")
        return ask(self, *window)

    _try_with(forecast)


def try_with_a_defect() -> None:
    """Tries bundles with a backend that is wrong."""

    def forecast(self: OnnxRuntimeBackend, *window: Any) -> Forecasts:
        raise ZeroDivisionError("division by zero")

    _try_with(forecast)


def _try_with(forecast: Callable[..., Forecasts]) -> None:
    OnnxRuntimeBackend.forecast = forecast  # type: ignore[method-assign]
    trial_child.try_all()


def put(store: Path, name: str) -> Bundle:
    """A bundle that such a process serves."""
    store.mkdir(exist_ok=True)
    weights = store / ".weights"
    weights.write_bytes(name.encode())
    promised = replace(graphs.manifest(name), runtime="torch")
    return write_bundle(store / name, promised, {"model.safetensors": weights})


def fake_process(store: Path, **limits: Any) -> ProcessRuntime:
    """A runtime over such a process."""
    return ProcessRuntime(WORK, [str(store)], **limits)
