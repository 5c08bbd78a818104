"""Peers, a bystander, and daemons that serve small models."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import zmq

from bridge.bars import Bars
from tests.backends import graphs
from tests.conftest import Daemon
from tests.daemon.bystander import Bystander
from tests.daemon.peer import Connect, Peer, bits, forecast, ohlc_item


@pytest.fixture(scope="session")
def zmq_context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    with zmq.Context() as context:
        yield context


@pytest.fixture
def connect(zmq_context: zmq.Context[zmq.Socket[bytes]]) -> Iterator[Connect]:
    """Connects peers, and closes them after the test."""
    with contextlib.ExitStack() as peers:

        def connect(endpoint: str) -> Peer:
            return peers.enter_context(contextlib.closing(Peer(zmq_context, endpoint)))

        yield connect


@pytest.fixture
def peer(daemon: Daemon, connect: Connect) -> Peer:
    """A peer of the shared daemon."""
    return connect(daemon.endpoint)


@pytest.fixture(scope="session")
def undisturbed(
    daemon: Daemon, bars: Bars, zmq_context: zmq.Context[zmq.Socket[bytes]]
) -> list[tuple[bytes, bytes]]:
    """The shared daemon's answers to a lone client: bits for windows that end 1 to 8 bars back."""
    with contextlib.closing(Peer(zmq_context, daemon.endpoint)) as peer:
        return [bits(peer.ask(forecast(ohlc_item(bars, end=-back)))) for back in range(1, 9)]


@pytest.fixture
def bystander(
    daemon: Daemon, connect: Connect, bars: Bars, undisturbed: list[tuple[bytes, bytes]]
) -> Iterator[None]:
    """A second client of the shared daemon whose requests are in flight throughout the test."""
    items = [ohlc_item(bars, end=-back) for back in range(1, 9)]
    second = Bystander(connect(daemon.endpoint), items, undisturbed)
    second.start()
    yield
    second.finish()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An empty store."""
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def steps_per_second(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How many steps the slow model takes in a second here; a window's last close is its steps."""
    graph = tmp_path_factory.mktemp("slow") / "model.onnx"
    graph.write_bytes(graphs.slow().SerializeToString())
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    steps = 20_000.0
    started = time.perf_counter()
    session.run(None, {"bars": graphs.window(steps)[np.newaxis], "time": np.zeros(1)})
    return steps / (time.perf_counter() - started)
