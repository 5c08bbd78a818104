"""Models that come and go while the daemon serves, over real sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bridge.backends import open_backend
from bridge.bundles import Bundle
from bridge.daemon import Lane, Server, Service
from bridge.daemon.changes import Changes
from tests.backends import graphs
from tests.daemon.peer import Connect, batch, close_item, forecast, refused, request


@dataclass(frozen=True)
class Serving:
    """A daemon in this process."""

    endpoint: str
    changes: Changes


@pytest.fixture
def base(store: Path) -> Bundle:
    return graphs.put(store, graphs.steady(), graphs.manifest("base"))


@pytest.fixture
def serving(base: Bundle) -> Iterator[Serving]:
    service = Service([Lane(base, open_backend(base))])
    server = Server(service, "tcp://127.0.0.1:*")
    thread = threading.Thread(target=server.run)
    thread.start()
    yield Serving(server.endpoint, Changes(server, service))
    server.stop()
    thread.join()
    server.close()


WINDOW = close_item(np.ones(4))


def test_a_model_that_was_added_answers(serving: Serving, store: Path, connect: Connect) -> None:
    peer = connect(serving.endpoint)
    refused(peer.ask(forecast(WINDOW, model="more")), "unknown_model")
    more = graphs.put(store, graphs.steady(), graphs.manifest("more"))
    serving.changes.add(more)
    assert peer.ask(forecast(WINDOW, model="more"))["model"] == more.manifest.label
    assert [each["name"] for each in peer.ask(request("hello"))["models"]] == ["base", "more"]


def test_a_specialist_that_was_added_answers_for_its_symbol_until_it_goes(
    serving: Serving, base: Bundle, store: Path, connect: Connect
) -> None:
    peer = connect(serving.endpoint)
    item = {**WINDOW, "symbol": "EURGBP"}
    labels = [peer.ask(forecast(item))["model"]]
    promised = graphs.specialist("gbp", base.manifest, ["EURGBP"])
    gbp = graphs.put(store, graphs.steady(), promised)
    serving.changes.add(gbp)
    labels.append(peer.ask(forecast(item))["model"])
    serving.changes.remove(gbp.manifest.label)
    labels.append(peer.ask(forecast(item))["model"])
    assert labels == [base.manifest.label, gbp.manifest.label, base.manifest.label]


def test_what_waits_for_a_model_that_goes_is_still_answered(
    serving: Serving, store: Path, connect: Connect, steps_per_second: float
) -> None:
    slow = graphs.put(store, graphs.slow(), graphs.manifest("slow"))
    serving.changes.add(slow)
    peer = connect(serving.endpoint)
    item = close_item(graphs.window(0.05 * steps_per_second))
    peer.send_message(batch([{**item, "model": "slow"}] * 10))
    while peer_queue(connect, serving) == 0:
        pass
    serving.changes.remove(slow.manifest.label)
    assert [each["ok"] for each in peer.receive_message()["items"]] == [True] * 10
    refused(peer.ask(forecast(item, model="slow")), "unknown_model")


def peer_queue(connect: Connect, serving: Serving) -> int:
    queued: int = connect(serving.endpoint).ask(request("health"))["queued"]
    return queued


def test_a_newer_version_takes_over_the_name_when_the_older_goes(
    serving: Serving, base: Bundle, store: Path, connect: Connect
) -> None:
    newer = graphs.put(
        store, graphs.steady("ohlc"), graphs.manifest("base", inputs="ohlc"), folder="b"
    )
    serving.changes.add(newer)
    peer = connect(serving.endpoint)
    assert peer.ask(forecast(WINDOW))["model"] == base.manifest.label
    serving.changes.remove(base.manifest.label)
    refused(peer.ask(forecast(WINDOW)), "bad_field", "expected `ohlc`")
    (model,) = peer.ask(request("hello"))["models"]
    assert (model["version"], model["default"]) == (newer.manifest.version, True)


def test_the_model_that_unnamed_requests_mean_cannot_go(
    serving: Serving, base: Bundle, store: Path, connect: Connect
) -> None:
    serving.changes.add(graphs.put(store, graphs.steady(), graphs.manifest("more")))
    with pytest.raises(ValueError, match="'base' is to answer requests that name no model"):
        serving.changes.remove(base.manifest.label)
    assert connect(serving.endpoint).ask(forecast(WINDOW))["model"] == base.manifest.label


def test_a_version_is_served_once(serving: Serving, base: Bundle) -> None:
    with pytest.raises(ValueError, match=f"{base.manifest.label} is served already"):
        serving.changes.add(base)


def test_a_model_that_is_not_there_cannot_go(serving: Serving, base: Bundle) -> None:
    with pytest.raises(ValueError, match=f"no gold@1: this daemon has {base.manifest.label}"):
        serving.changes.remove("gold@1")


def test_a_change_that_fails_leaves_the_daemon_serving(serving: Serving, connect: Connect) -> None:
    with pytest.raises(ZeroDivisionError):
        serving.changes._server.change(lambda: 1 // 0).result()
    assert connect(serving.endpoint).ask(forecast(WINDOW))["ok"]


def test_a_change_that_comes_after_the_end_is_cancelled(base: Bundle) -> None:
    server = Server(Service([Lane(base, open_backend(base))]), "tcp://127.0.0.1:*")
    server.stop()
    server.run()
    with pytest.raises(CancelledError):
        server.change(lambda: None).result()
    server.close()
