"""A base with many adapters on it, served by PyTorch over real sockets, in a process of its own."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge.backends import open_backend
from bridge.backends.process import ProcessRuntime
from bridge.bundles import Bundle
from bridge.runtimes import Runtimes, torch_process
from tests.backends import graphs, networks
from tests.conftest import StartDaemon
from tests.daemon.peer import Connect, Peer, bits, close_item, forecast, request
from tests.daemon.renewable import Renewable, renewable

ADAPTERS = 20
WINDOW, TIME = networks.window()
PATIENCE_S = 120.0


def ask(peer: Peer, model: str) -> dict[str, Any]:
    return peer.ask(forecast(close_item(WINDOW[0], time=int(TIME[0])), model=model))


def asked(peer: Peer, model: str) -> tuple[bytes, bytes]:
    """The bits that a model answers to the window."""
    reply = ask(peer, model)
    assert reply.get("model", "").startswith(f"{model}@"), reply
    return bits(reply)


def expected(bundle: Bundle, runtimes: Runtimes) -> tuple[bytes, bytes]:
    answer = open_backend(bundle, runtimes).forecast(WINDOW, TIME)
    return answer.quantiles.tobytes(), answer.up.tobytes()


@pytest.fixture
def base(store: Path) -> Bundle:
    return networks.put_base(store)


@pytest.fixture
def runtime(store: Path) -> Iterator[ProcessRuntime]:
    runtime = torch_process([store])
    yield runtime
    runtime.close()


@contextmanager
def load(
    endpoint: str, connect: Connect, model: str, right: Callable[[dict[str, Any]], bool]
) -> Iterator[None]:
    """A client that asks for a model without pause; at the end each answer must have been right."""
    stop, served, wrong = threading.Event(), [0], []

    def client() -> None:
        peer = connect(endpoint)
        while not stop.is_set():
            reply = ask(peer, model)
            if not right(reply):
                wrong.append(reply)
            served[0] += 1

    thread = threading.Thread(target=client)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert wrong == []
    assert served[0] > 20


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


def test_adapters_come_and_go_under_load(
    store: Path, base: Bundle, runtime: ProcessRuntime, connect: Connect, tmp_path: Path
) -> None:
    alone = Runtimes([store])
    bundles = [
        networks.put_adapter(store, base, f"a{number}", seed=number) for number in range(ADAPTERS)
    ]
    answers = {each.manifest.name: expected(each, alone) for each in [base, *bundles]}
    aside = tmp_path / "aside"
    aside.mkdir()
    _move(bundles, aside)

    def is_bases(reply: dict[str, Any]) -> bool:
        return bool(reply["ok"]) and bits(reply) == answers["base"]

    with (
        renewable(store, default="base", runtime=runtime) as daemon,
        load(daemon.endpoint, connect, "base", is_bases),
    ):
        peer = connect(daemon.endpoint)
        _come(daemon, bundles, aside)
        for bundle in bundles:
            assert asked(peer, bundle.manifest.name) == answers[bundle.manifest.name]
        before = _memory(runtime)
        for _ in range(2):
            _go(daemon, bundles[1:], aside)
            assert asked(peer, "a0") == answers["a0"]
            _come(daemon, bundles[1:], aside)
        assert asked(peer, "a7") == answers["a7"]
        assert _memory(runtime) - before < 20e6
        _go(daemon, bundles, aside)
        assert asked(peer, "base") == answers["base"]
    assert runtime.pid is None  # with the last of them the process ended too


def test_a_killed_process_costs_its_models_a_moment_and_the_others_nothing(
    store: Path, base: Bundle, runtime: ProcessRuntime, connect: Connect
) -> None:
    adapter = networks.put_adapter(store, base, "a")
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    right = expected(adapter, Runtimes([store]))

    def is_right_or_failed(reply: dict[str, Any]) -> bool:
        return bits(reply) == right if reply["ok"] else bool(reply["code"] == "model_failed")

    with (
        renewable(store, default="steady", runtime=runtime) as daemon,
        load(daemon.endpoint, connect, "steady", lambda reply: bool(reply["ok"])),
        load(daemon.endpoint, connect, "a", is_right_or_failed),
    ):
        peer = connect(daemon.endpoint)
        first = runtime.pid
        assert asked(peer, "a") == right
        psutil.Process(first).kill()
        until = time.monotonic() + PATIENCE_S
        while not (ask(peer, "a")["ok"] and ask(peer, "base")["ok"]):
            assert time.monotonic() < until, "they never came back"
            time.sleep(0.05)
        assert asked(peer, "a") == right
        assert runtime.pid not in (first, None)


def _move(bundles: list[Bundle], to: Path) -> None:
    for bundle in bundles:
        shutil.move(bundle.path, to / bundle.path.name)


def _come(daemon: Renewable, bundles: list[Bundle], aside: Path) -> None:
    for bundle in bundles:
        shutil.move(aside / bundle.path.name, bundle.path)
    daemon.swap.rescan(again=True)  # and what was removed before
    served = {lane.label for lane in daemon.service.lanes}
    assert {bundle.manifest.label for bundle in bundles} <= served


def _go(daemon: Renewable, bundles: list[Bundle], aside: Path) -> None:
    _move(bundles, aside)
    for bundle in bundles:
        daemon.swap.remove(bundle.manifest.label)


def _memory(runtime: ProcessRuntime) -> int:
    assert runtime.pid is not None
    return int(psutil.Process(runtime.pid).memory_info().rss)
