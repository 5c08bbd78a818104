"""`hello` and `health`: who answers, with which models, and how it is."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from bridge.bundles import list_bundles, shipped_store
from tests.backends import graphs
from tests.conftest import StartDaemon
from tests.daemon.peer import Connect, Peer, batch, close_item, forecast, request


def test_hello_names_the_server_and_its_version(peer: Peer) -> None:
    assert peer.ask(request("hello"))["server"] == f"eabridge {version('eabridge')}"


def test_hello_lists_the_protocols(peer: Peer) -> None:
    assert peer.ask(request("hello"))["protocols"] == [1]


def test_hello_describes_the_shipped_models(peer: Peer) -> None:
    described = peer.ask(request("hello"))["models"]
    manifests = [bundle.manifest for bundle in list_bundles([shipped_store()])[0]]
    assert described == [
        {
            "name": manifest.name,
            "version": manifest.version,
            "task": "forecast",
            "inputs": manifest.inputs,
            "context": manifest.context,
            "horizon": manifest.horizon,
            "levels": list(manifest.levels),
            "tf": manifest.tf,
            "symbols": list(manifest.symbols),
            "default": index == 0,
        }
        for index, manifest in enumerate(manifests)
    ]


def test_hello_marks_the_default_among_several(
    start_daemon: StartDaemon, store: Path, connect: Connect
) -> None:
    for name in ("a", "b", "c"):
        graphs.put(store, graphs.steady(), graphs.manifest(name))
    peer = connect(start_daemon("--models", store, "--default", "b").endpoint)
    models = peer.ask(request("hello"))["models"]
    assert {model["name"]: model["default"] for model in models} == {
        "a": False,
        "b": True,
        "c": False,
    }


def test_hello_tells_what_a_model_takes(
    start_daemon: StartDaemon, store: Path, connect: Connect
) -> None:
    promised = graphs.manifest("any", inputs="ohlc", context=9, tf=0, symbols=["EURUSD", "ÖL"])
    graphs.put(store, graphs.steady("ohlc"), promised)
    peer = connect(start_daemon("--models", store).endpoint)
    (model,) = peer.ask(request("hello"))["models"]
    assert (model["inputs"], model["context"], model["tf"]) == ("ohlc", 9, 0)
    assert model["symbols"] == ["EURUSD", "ÖL"]


@pytest.fixture
def fresh(start_daemon: StartDaemon, store: Path, connect: Connect) -> Peer:
    """A peer of a daemon that nobody has asked yet."""
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    return connect(start_daemon("--models", store).endpoint)


def test_health_of_a_fresh_daemon_is_ready_with_nothing_counted(fresh: Peer) -> None:
    health = fresh.ask(request("health"))
    assert set(health) == {
        *("v", "id", "ok", "status", "uptime_s"),
        *("requests", "errors", "queued", "p50_us", "p99_us"),
    }
    assert health["status"] == "ready"
    assert (health["errors"], health["queued"]) == (0, 0)
    assert (health["p50_us"], health["p99_us"]) == (0, 0)


def test_health_counts_requests_its_own_among_them(fresh: Peer) -> None:
    before = fresh.ask(request("health"))["requests"]
    for _ in range(5):
        fresh.ask(forecast(close_item(np.ones(4))))
    assert fresh.ask(request("health"))["requests"] == before + 6


def test_health_counts_a_batch_as_one_request(fresh: Peer) -> None:
    before = fresh.ask(request("health"))["requests"]
    fresh.ask(batch([close_item(np.ones(4))] * 10))
    assert fresh.ask(request("health"))["requests"] == before + 2


def test_health_counts_errors_of_every_kind(fresh: Peer) -> None:
    fresh.ask_bytes(b"\xc1")
    fresh.ask(request("unknown"))
    fresh.ask(forecast(close_item(np.ones(3))))
    fresh.send(b"no delimiter")
    fresh.receive()
    assert fresh.ask(request("health"))["errors"] == 4


def test_health_counts_each_bad_item_of_a_batch_as_an_error(fresh: Peer) -> None:
    fresh.ask(batch([close_item(np.ones(4)), {}, {}]))
    assert fresh.ask(request("health"))["errors"] == 2


def test_health_has_latencies_after_a_forecast(fresh: Peer) -> None:
    reply = fresh.ask(forecast(close_item(np.ones(4))))
    health = fresh.ask(request("health"))
    assert health["p50_us"] == health["p99_us"] == reply["server_us"]


def test_uptime_counts_whole_seconds_from_the_start(fresh: Peer) -> None:
    first = fresh.ask(request("health"))["uptime_s"]
    time.sleep(1.1)
    assert 1 <= fresh.ask(request("health"))["uptime_s"] - first <= 60
