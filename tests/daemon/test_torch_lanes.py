"""A base with many adapters on it, served by PyTorch over real sockets."""

from __future__ import annotations

import threading
from pathlib import Path

import psutil
import pytest

from bridge.backends import open_backend
from bridge.bundles import Bundle
from bridge.daemon import Lane, Server, Service
from bridge.daemon.changes import Changes
from bridge.runtimes import Runtimes
from tests.backends import networks
from tests.conftest import StartDaemon
from tests.daemon.peer import Connect, Peer, bits, close_item, forecast, request

ADAPTERS = 20
WINDOW, TIME = networks.window()


def asked(peer: Peer, model: str) -> tuple[bytes, bytes]:
    """The bits that a model answers to the window."""
    reply = peer.ask(forecast(close_item(WINDOW[0], time=int(TIME[0])), model=model))
    assert reply["model"].startswith(f"{model}@"), reply
    return bits(reply)


def expected(bundle: Bundle, runtimes: Runtimes) -> tuple[bytes, bytes]:
    answer = open_backend(bundle, runtimes).forecast(WINDOW, TIME)
    return answer.quantiles.tobytes(), answer.up.tobytes()


@pytest.fixture
def base(store: Path) -> Bundle:
    return networks.put_base(store)


def test_each_adapter_is_asked_by_its_name_and_one_without_its_base_is_refused(
    start_daemon: StartDaemon, connect: Connect, store: Path, base: Bundle, tmp_path: Path
) -> None:
    """One test, for torch takes its time to start."""
    bundles = [
        base,
        networks.put_adapter(store, base, "lora"),
        networks.put_adapter(store, base, "bottleneck", "bottleneck"),
    ]
    elsewhere = networks.put_base(tmp_path / "elsewhere", seed=2)
    networks.put_adapter(tmp_path / "elsewhere", elsewhere, "orphan")
    (tmp_path / "elsewhere" / "orphan").rename(store / "orphan")
    daemon = start_daemon("--models", store)
    peer = connect(daemon.endpoint)
    runtimes = Runtimes([store])
    answers = [asked(peer, bundle.manifest.name) for bundle in bundles]
    assert answers == [expected(bundle, runtimes) for bundle in bundles]
    assert len(set(answers)) == 3
    served = {each["name"] for each in peer.ask(request("hello"))["models"]}
    assert served == {"base", "lora", "bottleneck"}
    assert f"it stands on {elsewhere.manifest.label}, which is not to be had" in daemon.log()


def test_adapters_come_and_go_under_load(store: Path, base: Bundle, connect: Connect) -> None:
    runtimes = Runtimes([store])
    bundles = [
        networks.put_adapter(store, base, f"a{number}", seed=number) for number in range(ADAPTERS)
    ]
    alone = Runtimes([store])
    answers = {each.manifest.name: expected(each, alone) for each in [base, *bundles]}
    service = Service([Lane(base, open_backend(base, runtimes))])
    server = Server(service, "tcp://127.0.0.1:*")
    changes = Changes(server, service, runtimes)
    serving = threading.Thread(target=server.run)
    serving.start()
    stop = threading.Event()
    wrong: list[object] = []
    served = 0

    def load() -> None:
        nonlocal served
        peer = connect(server.endpoint)
        while not stop.is_set():
            if asked(peer, "base") != answers["base"]:
                wrong.append("base")
            served += 1

    loading = threading.Thread(target=load)
    loading.start()
    try:
        peer = connect(server.endpoint)
        for bundle in bundles:
            changes.add(bundle)
        for bundle in bundles:
            assert asked(peer, bundle.manifest.name) == answers[bundle.manifest.name]
        assert _bases(runtimes) == 1
        before = psutil.Process().memory_info().rss
        for _ in range(1):
            for bundle in bundles[1:]:
                changes.remove(bundle.manifest.label)
            assert asked(peer, "a0") == answers["a0"]
            for bundle in bundles[1:]:
                changes.add(bundle)
        assert asked(peer, "a7") == answers["a7"]
        assert psutil.Process().memory_info().rss - before < 10e6
        for bundle in bundles:
            changes.remove(bundle.manifest.label)
        assert _bases(runtimes) == 0
    finally:
        stop.set()
        loading.join()
        server.stop()
        serving.join()
        server.close()
    assert wrong == []
    assert served > 100


def _bases(runtimes: Runtimes) -> int:
    assert runtimes._pytorch is not None
    return runtimes._pytorch.bases
