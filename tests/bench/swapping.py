"""A model replaced every second under load."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bridge.bundles import Bundle, write_bundle
from bridge.bundles.bundle import GRAPH_FILE
from bridge.control import Control
from bridge.wire.control import control_endpoint
from tests.bench import servers
from tests.bench.figures import Figure
from tests.bench.swarm import Answers, Asking, ask

_CLIENTS = 4
_PAUSE_S = 0.005  # a load that leaves the machine room for loading a model
_TURN_S = 10.0
_DOC_STRING = 6 << 3 | 2  # of a ModelProto, and a string


def hot_swap(bundle: Bundle, seconds: float = 60.0) -> Iterator[Figure]:
    """p99 with a swap every second over that without; in turns of ten seconds."""
    still, swapped = Answers(), Answers()
    swaps = 0
    with tempfile.TemporaryDirectory() as name:
        store = Path(name)
        served = _copy(bundle, store, 0)
        with servers.daemon(served, "--no-watch") as running:
            turns = max(1, round(seconds / _TURN_S))
            for turn in range(turns):
                asking = Asking(
                    running.port, running.framing, _CLIENTS, seconds / turns, _PAUSE_S, seed=turn
                )
                still = still.plus(ask(asking))
                with _Swapping(bundle, store, running.port, turn) as count:
                    swapped = swapped.plus(ask(asking))
                swaps += count()
    failed = sum(swapped.errors.values())
    calm, under = still.percentile_us(99), swapped.percentile_us(99)
    yield Figure(
        f"p99 with a swap every second for {seconds:g} s, over that without",
        under / calm,
        2.0,
        detail=f"{under / 1e3:.2f} and {calm / 1e3:.2f} ms; {swaps} swaps",
    )
    yield Figure("requests that failed while models were swapped", failed, 0)


class _Swapping:
    """Puts another version into the store every second, and has the daemon look."""

    def __init__(self, bundle: Bundle, store: Path, port: int, turn: int) -> None:
        self._bundle, self._store = bundle, store
        self._endpoint = control_endpoint(f"tcp://127.0.0.1:{port}")
        self._number = 1000 * (turn + 1)
        self._count = 0
        self._end = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> object:
        self._thread.start()
        return lambda: self._count

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        if self._error is not None:
            raise RuntimeError("the models could not be swapped") from self._error

    def _run(self) -> None:
        try:
            with Control(self._endpoint, timeout_s=30) as control:
                while not self._end.wait(max(0.0, 1.0 - time.time() % 1.0)):
                    self._number += 1
                    version = _copy(self._bundle, self._store, self._number)
                    taken = [new for _, new in control.reload().replaced]
                    if taken != [version.manifest.label]:
                        raise RuntimeError(f"{version.manifest.label} did not take over: {taken}")
                    self._count += 1
        except Exception as error:  # noqa: BLE001  (told where the block ends)
            self._error = error


def _copy(bundle: Bundle, store: Path, number: int) -> Bundle:
    """The bundle as another version that answers alike, its graph another file."""
    with tempfile.TemporaryDirectory() as scratch:
        files = {name: bundle.path / name for name in bundle.manifest.files}
        graph = Path(scratch) / GRAPH_FILE
        # As protobuf merges it, one more description: so it is tried as any new graph is.
        text = f"copy {number}".encode()
        graph.write_bytes(bundle.read(GRAPH_FILE) + bytes([_DOC_STRING, len(text)]) + text)
        manifest = replace(bundle.manifest, files={})
        folder = store / bundle.manifest.name
        files = {**files, GRAPH_FILE: graph}
        return write_bundle(folder, manifest, files, replace_existing=True)
