"""A daemon in the test's own process whose models can be exchanged, and versions to do it with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from bridge.backends import TorchRuntime
from bridge.backends.trial import Trial, try_bundles
from bridge.bundles import Bundle, list_bundles, open_bundle, write_bundle
from bridge.bundles.manifest import Manifest
from bridge.daemon.server import Server
from bridge.daemon.service import Service
from bridge.daemon.start import ServeOptions, lane_opener
from bridge.daemon.swaps.loading import Loader, OpenLane
from bridge.daemon.swaps.swap import Known, Swap
from tests.backends import graphs
from tests.daemon.peer import Peer, close_item, forecast, request

REALLY_TRIED = try_bundles
WINDOW = close_item(np.ones(graphs.CONTEXT))


@dataclass
class Renewable:
    """Where it listens, what it is made of, and what it told of exchanges."""

    endpoint: str
    server: Server
    service: Service
    swap: Swap
    recorded: list[tuple[str, bool]] = field(default_factory=list)
    defaults: list[str] = field(default_factory=list)


@contextmanager
def renewable(
    *stores: Path,
    default: str | None = None,
    try_out: Callable[[Sequence[Path]], Mapping[Path, Trial]] | None = None,
    runtime: TorchRuntime | None = None,
    open_lane: OpenLane | None = None,
    known: Known | None = None,
) -> Iterator[Renewable]:
    """Serve what the stores hold until the block ends.

    Bundles are not tried in a process of their own, which takes its time, unless `try_out` does.
    """
    options = ServeOptions(stores, "tcp://127.0.0.1:*", default)
    load = Loader(open_lane or lane_opener(options, runtime), try_out or _untried)
    loaded = load(list_bundles(stores)[0])
    assert not loaded.refused
    service = Service(loaded.lanes, default or loaded.lanes[0].manifest.name)
    del loaded  # nothing but the service holds them
    server = Server(service, options.endpoint)
    recorded: list[tuple[str, bool]] = []
    defaults: list[str] = []
    swap = Swap(
        *(server, service, stores, load),
        known=known,
        record=lambda text, refused: recorded.append((text, refused)),
        on_default=defaults.append,
    )
    thread = threading.Thread(target=server.run, name="loop")
    thread.start()
    try:
        yield Renewable(server.endpoint, server, service, swap, recorded, defaults)
    finally:
        server.stop()
        thread.join()
        server.close()
        service.close()


def put(
    store: Path,
    number: int,
    promised: Manifest | None = None,
    model: onnx.ModelProto | bytes | None = None,
    *,
    folder: str | None = None,
) -> Bundle:
    """Write a version of a bundle, in the place of the one that stands in its folder.

    Args:
        number: makes the version another one.
        promised: a manifest; `base`, where none is given.
    """
    manifest = promised or graphs.manifest("base")
    manifest = replace(manifest, recipe={"number": number})
    content = model or graphs.steady()
    store.mkdir(exist_ok=True)
    graph = store / ".graph"
    graph.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    return write_bundle(
        store / (folder or manifest.name), manifest, {"model.onnx": graph}, replace_existing=True
    )


def scaled(number: int) -> onnx.ModelProto:
    """A graph that answers `graphs.expected_quantiles(last_close) * number`, bit for bit."""
    model = graphs.steady()
    for constant in model.graph.initializer:
        if constant.name == "factors":
            factors = number * numpy_helper.to_array(constant)
            constant.CopyFrom(numpy_helper.from_array(factors, constant.name))
    return model


def answered_by(peer: Peer, **fields: Any) -> str:
    """The label of the model that answers."""
    label: str = peer.ask(forecast({**WINDOW, **fields}))["model"]
    return label


def served(peer: Peer) -> list[str]:
    """The labels of those that are served."""
    return [f"{each['name']}@{each['version']}" for each in peer.ask(request("hello"))["models"]]


def _untried(folders: Sequence[Path]) -> dict[Path, Trial]:
    return {folder: Trial(open_bundle(folder).manifest.version, None, 0.0, 0) for folder in folders}
