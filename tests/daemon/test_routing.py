"""A bare name is answered by the specialist of the symbol, on the wire as in this process."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

from bridge.backends import open_backend
from bridge.bundles import Bundle
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.service import Service
from tests.backends import graphs
from tests.conftest import StartDaemon
from tests.daemon.peer import Connect, Peer, batch, close_item, forecast, request


@pytest.fixture
def base(store: Path) -> Bundle:
    return graphs.put(store, graphs.steady(), graphs.manifest("fx"))


@pytest.fixture
def gbp(store: Path, base: Bundle) -> Bundle:
    promised = graphs.specialist("a-eurgbp", base.manifest, ["EURGBP"])  # found before its base
    return graphs.put(store, graphs.steady(), promised)


@pytest.fixture
def routed(start_daemon: StartDaemon, connect: Connect, store: Path, gbp: Bundle) -> Peer:
    """A peer of a daemon that serves a base and its specialist."""
    return connect(start_daemon("--models", store).endpoint)


def answered_by(peer: Peer, **fields: Any) -> str:
    label: str = peer.ask(forecast(close_item(np.ones(4)), **fields))["model"]
    return label


def test_the_specialist_answers_for_its_symbol_and_says_so(
    routed: Peer, base: Bundle, gbp: Bundle
) -> None:
    assert answered_by(routed, model="fx", symbol="EURGBP.r") == gbp.manifest.label
    assert answered_by(routed, symbol="EURGBP") == gbp.manifest.label  # the default is meant
    assert answered_by(routed, model="fx", symbol="EURUSD") == base.manifest.label
    assert answered_by(routed, model="fx") == base.manifest.label


def test_a_specialist_whose_base_is_not_served_is_told_of(
    start_daemon: StartDaemon, store: Path, gbp: Bundle, base: Bundle
) -> None:
    shutil.rmtree(base.path)

    daemon = start_daemon("--models", store)

    assert f"{gbp.manifest.label} was tuned to answer for {base.manifest.label}" in daemon.log()


def test_a_version_means_exactly_that_model(routed: Peer, base: Bundle, gbp: Bundle) -> None:
    assert answered_by(routed, model=base.manifest.label, symbol="EURGBP") == base.manifest.label
    assert answered_by(routed, model=gbp.manifest.label, symbol="EURUSD") == gbp.manifest.label


def test_each_item_of_a_batch_goes_its_own_way(routed: Peer, base: Bundle, gbp: Bundle) -> None:
    items = [close_item(np.ones(4), symbol=symbol) for symbol in ("EURGBP", "EURUSD", "mEURGBP")]
    answers = routed.ask(batch(items))["items"]
    labels = [gbp.manifest.label, base.manifest.label, gbp.manifest.label]
    assert [answer["model"] for answer in answers] == labels


def test_a_specialist_is_not_the_default_because_it_is_found_first(
    routed: Peer, base: Bundle
) -> None:
    models = routed.ask(request("hello"))["models"]
    assert [model["name"] for model in models if model["default"]] == ["fx"]


def test_a_default_that_names_a_version_is_exactly_that_model(
    start_daemon: StartDaemon, connect: Connect, store: Path, base: Bundle, gbp: Bundle
) -> None:
    daemon = start_daemon("--models", store, "--default", base.manifest.label)
    assert answered_by(connect(daemon.endpoint), symbol="EURGBP") == base.manifest.label


def test_the_log_says_who_answers_for_what(
    start_daemon: StartDaemon, store: Path, gbp: Bundle
) -> None:
    log = start_daemon("--models", store).log()
    assert f"serving {gbp.manifest.label} (answers for {gbp.manifest.base} on EURGBP)" in log


def test_symbols_made_up_without_end_are_not_all_remembered(base: Bundle, gbp: Bundle) -> None:
    service = Service([Lane(bundle, open_backend(bundle)) for bundle in (base, gbp)])
    replies: list[bytes] = []
    for number in range(10_000):
        message = forecast(close_item(np.ones(4)), symbol=f"S{number}", ttl_ms=0)
        service.handle(msgpack.packb(message), replies.append)
    assert len(replies) == 10_000
    assert len(service._roster._by_model[None]) < 10_000
