"""What was computed once is answered from the cache: the same bits, and told as such."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

from bridge.daemon.cache.memory import ForecastCache
from bridge.daemon.service import Service
from tests.backends import graphs
from tests.daemon.backends import Dying, Failing, Held, Steady, lane_of
from tests.daemon.peer import Connect, batch, bits, close_item, forecast, ohlc_item, refused
from tests.daemon.serving import serving

ITEM = close_item(graphs.window(5.0), time=1_700_000_000)


@pytest.fixture
def cache() -> ForecastCache:
    return ForecastCache(1 << 20)


def test_a_window_asked_again_is_answered_from_the_cache_with_the_same_bits(
    store: Path, connect: Connect, cache: ForecastCache
) -> None:
    backend = Steady()
    with serving(lane_of(store, backend), cache=cache) as daemon:
        peer = connect(daemon.endpoint)
        first, again = peer.ask(forecast(ITEM)), peer.ask(forecast(ITEM))
    assert (first["cached"], again["cached"]) == (False, True)
    assert bits(first) == bits(again)
    assert again["infer_us"] == 0
    same = {"v", "ok", "model", "time", "tf", "horizon", "levels"}
    assert {key: first[key] for key in same} == {key: again[key] for key in same}
    assert set(first) == set(again)
    assert len(backend.sizes) == 1


def test_it_is_the_same_for_every_client_and_symbol(
    store: Path, connect: Connect, cache: ForecastCache
) -> None:
    with serving(lane_of(store, Steady()), cache=cache) as daemon:
        first = connect(daemon.endpoint).ask(forecast(ITEM, symbol="EURUSD"))
        again = connect(daemon.endpoint).ask(forecast(ITEM, symbol="EURUSD.r"))
    assert again["cached"]
    assert bits(first) == bits(again)


@pytest.mark.parametrize(
    "other",
    [
        close_item(graphs.window(5.0), time=1_700_003_600),
        close_item(graphs.window(5.5), time=1_700_000_000),
        {**ITEM, "tf": 60},
    ],
    ids=["time", "window", "timeframe"],
)
def test_another_time_window_or_timeframe_is_computed(
    store: Path, connect: Connect, cache: ForecastCache, other: dict[str, Any]
) -> None:
    lane = lane_of(store, Steady())
    object.__setattr__(lane.manifest, "tf", 0)  # any
    with serving(lane, cache=cache) as daemon:
        peer = connect(daemon.endpoint)
        peer.ask(forecast(ITEM))
        assert peer.ask(forecast(other))["cached"] is False


def test_another_model_is_computed(store: Path, connect: Connect, cache: ForecastCache) -> None:
    lanes = lane_of(store, Steady(), "a"), lane_of(store, Steady(), "b")
    with serving(*lanes, cache=cache) as daemon:
        peer = connect(daemon.endpoint)
        replies = [peer.ask(forecast(ITEM, model=model)) for model in ("a", "b", "a", "b")]
    assert [reply["cached"] for reply in replies] == [False, False, True, True]
    assert [reply["model"][0] for reply in replies] == ["a", "b", "a", "b"]


def test_items_of_a_batch_come_from_the_cache_and_enter_it(
    store: Path, connect: Connect, cache: ForecastCache
) -> None:
    items = [close_item(graphs.window(close)) for close in (1.0, 2.0, 3.0)]
    with serving(lane_of(store, Steady()), cache=cache) as daemon:
        peer = connect(daemon.endpoint)
        alone = bits(peer.ask(forecast(items[1])))
        first, again = (peer.ask(batch(items))["items"] for _ in range(2))
    assert [item["cached"] for item in first] == [False, True, False]
    assert [item["cached"] for item in again] == [True, True, True]
    assert [bits(item) for item in first] == [bits(item) for item in again]
    assert bits(again[1]) == alone


def test_arrays_come_from_the_cache_as_arrays(
    store: Path, connect: Connect, cache: ForecastCache
) -> None:
    with serving(lane_of(store, Steady()), cache=cache) as daemon:
        peer = connect(daemon.endpoint)
        plain, arrays = peer.ask(forecast(ITEM)), peer.ask(forecast(ITEM, arrays=True))
    assert arrays["cached"]
    assert np.array(arrays["quantiles"], "<f8").tobytes() == plain["quantiles"]


def test_a_failure_is_not_kept(store: Path, connect: Connect, cache: ForecastCache) -> None:
    backend = Failing(limit=4.0)
    with serving(lane_of(store, backend), cache=cache) as daemon:
        peer = connect(daemon.endpoint)
        refused(peer.ask(forecast(ITEM)), "model_failed")
        backend.limit = 9.0
        assert peer.ask(forecast(ITEM))["cached"] is False
        assert peer.ask(forecast(ITEM))["cached"] is True


@pytest.mark.parametrize("bad", [float("nan"), -1.0, 0.0])
def test_a_window_that_would_be_refused_is_refused_however_often_it_is_asked(
    store: Path, connect: Connect, cache: ForecastCache, bad: float
) -> None:
    with serving(lane_of(store, Steady()), cache=cache) as daemon:
        peer = connect(daemon.endpoint)
        for _ in range(3):
            refused(peer.ask(forecast(close_item(graphs.window(bad)))), "bad_values")


def test_what_is_cached_is_answered_while_the_model_is_busy(
    store: Path, connect: Connect, cache: ForecastCache
) -> None:
    held = Held()
    held.let_go.set()
    with serving(lane_of(store, held, by_workers=True), cache=cache) as daemon:
        peer, other = connect(daemon.endpoint), connect(daemon.endpoint)
        first = peer.ask(forecast(ITEM))
        held.let_go.clear()
        held.asked.clear()
        other.send_message(forecast(close_item(np.ones(4))))
        assert held.asked.wait(60)
        assert bits(peer.ask(forecast(ITEM))) == bits(first)
        held.let_go.set()
        assert other.receive_message()["ok"]


def test_what_is_cached_is_answered_while_the_model_is_away(
    store: Path, connect: Connect, cache: ForecastCache
) -> None:
    may_come_back = threading.Event()
    backend = Steady()

    def reopen() -> Steady:
        assert may_come_back.wait(60)
        return backend

    lane = lane_of(store, backend, by_workers=True, reopen=reopen)
    with serving(lane, cache=cache) as daemon:
        peer = connect(daemon.endpoint)
        first = peer.ask(forecast(ITEM))
        backend.forecast = Dying().forecast  # type: ignore[method-assign]
        refused(peer.ask(forecast(close_item(np.ones(4)))), "model_failed")
        refused(peer.ask(forecast(close_item(np.ones(4)))), "model_failed", "stopped working")
        again = peer.ask(forecast(ITEM))
        assert again["cached"]
        assert bits(again) == bits(first)
        may_come_back.set()


def test_what_enters_the_cache_is_told_once_for_whoever_keeps_it(
    store: Path, cache: ForecastCache
) -> None:
    kept: list[tuple[bytes, bytes, bytes, int]] = []
    service = Service(
        [lane_of(store, Steady())], cache=cache, keep=lambda *entry: kept.append(entry)
    )
    replies: list[dict[str, Any]] = []
    for _ in range(3):
        service.handle(msgpack.packb(forecast(ITEM)), lambda b: replies.append(msgpack.unpackb(b)))
        service.run_waiting()
    ((_, quantiles, up, _),) = kept
    assert {bits(reply) for reply in replies} == {(quantiles, up)}


def test_the_shipped_model_answers_the_same_bits_from_the_cache(
    connect: Connect, bars: Any, cache: ForecastCache
) -> None:
    from bridge.backends import open_backend
    from bridge.daemon.lanes.lane import Lane
    from tests.conftest import shipped_model

    bundle = shipped_model("EURUSD")
    with serving(Lane(bundle, open_backend(bundle)), cache=cache) as daemon:
        peer = connect(daemon.endpoint)
        items = [ohlc_item(bars, end=-back) for back in range(1, 40)]
        computed = [bits(item) for item in peer.ask(batch(items))["items"]]
        cached = [peer.ask(forecast(item)) for item in items]
    assert all(reply["cached"] for reply in cached)
    assert [bits(reply) for reply in cached] == computed
