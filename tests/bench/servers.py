"""What answers: the daemon, its peers, and ONNX Runtime alone in a loop."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bridge.background import background_daemon
from bridge.bundles import Bundle
from tests.bench.framing import Framing, Http, Zmtp
from tests.bench.peers import model
from tests.bench.requests import CONTEXT, window

_START_S = 60.0
_CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Running:
    """A server: its port, how it is spoken to, and its process."""

    port: int
    framing: Framing
    pid: int

    @property
    def resident_bytes(self) -> int:
        """Of its process and all below it."""
        return sum(each.memory_info().rss for each in family(self.pid))

    @property
    def descriptors(self) -> int:
        """Open files and sockets, or handles where the system counts those."""
        count = "num_fds" if hasattr(psutil.Process, "num_fds") else "num_handles"
        return sum(int(getattr(each, count)()) for each in family(self.pid))


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


@contextmanager
def daemon(bundle: Bundle, *arguments: str) -> Iterator[Running]:
    """`eabridge serve` with its defaults, beside the given arguments."""
    store = ["--models", str(bundle.path.parent), "--default", bundle.manifest.name]
    with background_daemon([*store, "--log-level", "warning", *arguments]) as started:
        yield Running(int(started.endpoint.rpartition(":")[2]), Zmtp(), started.pid)


@contextmanager
def fastapi(bundle: Bundle) -> Iterator[Running]:
    """FastAPI behind uvicorn, a worker for each core."""
    port = _free_port()
    command = [
        *("uvicorn", "tests.bench.peers.fastapi_app:app", "--port", str(port)),
        *("--workers", str(_CORES), "--loop", "uvloop", "--http", "httptools"),
        *("--log-level", "warning", "--no-access-log"),
    ]
    with _peer([sys.executable, "-m", *command], port, bundle) as running:
        yield running


@contextmanager
def mosec(bundle: Bundle) -> Iterator[Running]:
    """mosec with dynamic batching, a worker for each core."""
    port = _free_port()
    command = ["tests.bench.peers.mosec_app", "--port", str(port), "--log-level", "warning"]
    with _peer([sys.executable, "-m", *command], port, bundle, path="/inference") as running:
        yield running


def onnxruntime_alone(bundle: Bundle, seconds: float, batch: int = 1) -> float:
    """Windows a second of ONNX Runtime in a loop, a process for each core, `batch` at a time."""
    spawn = multiprocessing.get_context("spawn")
    gate, results = spawn.Barrier(_CORES), spawn.Queue()
    loops = [
        spawn.Process(target=_loop, args=(str(bundle.graph), seconds, batch, gate, results))
        for _ in range(_CORES)
    ]
    for each in loops:
        each.start()
    done: list[float] = [results.get(timeout=_START_S + seconds) for _ in loops]
    for each in loops:
        each.join()
    return sum(done)


def _loop(graph: str, seconds: float, batch: int, gate: Any, results: Any) -> None:
    os.environ[model.GRAPH] = graph
    session = model.load()
    bars = np.stack([window(seed) for seed in range(batch)])
    asked = {"bars": bars.reshape(batch, CONTEXT, 4), "time": np.full(batch, 1.6e9)}
    session.run(None, asked)
    gate.wait(_START_S)
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        session.run(None, asked)
        count += batch
    results.put(count / (time.perf_counter() - started))


@contextmanager
def _peer(
    command: Sequence[str], port: int, bundle: Bundle, path: str = "/forecast"
) -> Iterator[Running]:
    environment = {**os.environ, model.GRAPH: str(bundle.graph)}
    process = subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2])
    try:
        _wait_for(port, process)
        yield Running(port, Http(path), process.pid)
    finally:
        below = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for each in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"it ended with exit code {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nobody listens on port {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
