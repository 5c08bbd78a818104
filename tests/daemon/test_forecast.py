"""What `forecast` answers: shapes, echoes, both forms of numbers, closes from either input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import zmq

from bridge.bars import Bars
from tests.backends import graphs
from tests.conftest import Daemon, StartDaemon, shipped_model
from tests.daemon.peer import Connect, Peer, bits, close_item, forecast, ohlc_item


@pytest.fixture(scope="module")
def shipped() -> Any:
    """The manifest of the model that the shared daemon asks for these bars by default."""
    return shipped_model("EURUSD").manifest


@pytest.fixture
def reply(peer: Peer, bars: Bars) -> dict[str, Any]:
    return peer.ask(forecast(ohlc_item(bars)))


def test_a_reply_has_the_fields_of_the_protocol(reply: dict[str, Any]) -> None:
    envelope = {"v", "id", "ok"}
    answer = {"model", "time", "tf", "horizon", "levels", "quantiles", "up", "cached"}
    assert set(reply) == envelope | answer | {"infer_us", "server_us"}


def test_a_reply_names_the_model_and_its_version(reply: dict[str, Any], shipped: Any) -> None:
    assert reply["model"] == shipped.label


def test_a_reply_echoes_time_and_timeframe(reply: dict[str, Any], bars: Bars) -> None:
    assert (reply["time"], reply["tf"]) == (int(bars.time[-1]), 3600)


def test_a_reply_gives_horizon_and_levels(reply: dict[str, Any], shipped: Any) -> None:
    assert (reply["horizon"], reply["levels"]) == (shipped.horizon, list(shipped.levels))


def test_quantiles_are_rows_of_ascending_prices(reply: dict[str, Any], shipped: Any) -> None:
    quantiles = np.frombuffer(reply["quantiles"], "<f8").reshape(shipped.horizon, -1)
    assert quantiles.shape == (shipped.horizon, len(shipped.levels))
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles > 0).all()


def test_up_is_a_probability_for_each_bar_ahead(reply: dict[str, Any], shipped: Any) -> None:
    up = np.frombuffer(reply["up"], "<f8")
    assert up.shape == (shipped.horizon,)
    assert ((up >= 0) & (up <= 1)).all()


def test_a_first_answer_is_not_cached(reply: dict[str, Any]) -> None:
    assert reply["cached"] is False


def test_the_time_inside_the_daemon_holds_the_time_inside_the_model(
    reply: dict[str, Any],
) -> None:
    assert 0 <= reply["infer_us"] <= reply["server_us"]


def test_arrays_are_answered_where_they_are_asked(peer: Peer, bars: Bars) -> None:
    item = ohlc_item(bars)
    plain, arrays = peer.ask(forecast(item)), peer.ask(forecast(item, arrays=True))
    assert np.array(arrays["quantiles"], "<f8").tobytes() == plain["quantiles"]
    assert np.array(arrays["up"], "<f8").tobytes() == plain["up"]


def test_bin_is_answered_where_arrays_is_false(peer: Peer, bars: Bars) -> None:
    assert isinstance(peer.ask(forecast(ohlc_item(bars), arrays=False))["up"], bytes)


def test_a_window_may_come_as_an_array_of_numbers(peer: Peer, bars: Bars) -> None:
    item = ohlc_item(bars)
    numbers = bars.ohlc[-128:].ravel().tolist()
    assert bits(peer.ask(forecast(item, ohlc=numbers))) == bits(peer.ask(forecast(item)))


def test_integers_among_the_prices_are_prices(peer: Peer, bars: Bars) -> None:
    item = ohlc_item(bars)
    rows = np.tile([2.0, 3.0, 1.0, 2.0], (128, 1))
    integers = rows.astype(int).ravel().tolist()
    assert bits(peer.ask(forecast(item, ohlc=integers))) == bits(
        peer.ask(forecast(item, ohlc=rows.tobytes()))
    )


@pytest.mark.parametrize("count", [129, 200, 4096])
def test_bars_older_than_the_context_change_no_bit(peer: Peer, bars: Bars, count: int) -> None:
    exact, longer = ohlc_item(bars), ohlc_item(bars, count=count)
    assert bits(peer.ask(forecast(longer))) == bits(peer.ask(forecast(exact)))


def test_a_symbol_may_be_left_out(peer: Peer, bars: Bars) -> None:
    item = ohlc_item(bars)
    without = {name: value for name, value in item.items() if name != "symbol"}
    assert bits(peer.ask(forecast(without))) == bits(peer.ask(forecast(item)))


@pytest.mark.parametrize("symbol", ["", "EURUSD.m", "#AAPL", "S" * 32, "ÖL"])
def test_any_brokers_symbol_is_taken(peer: Peer, bars: Bars, symbol: str) -> None:
    assert peer.ask(forecast(ohlc_item(bars), symbol=symbol))["ok"]


@pytest.mark.parametrize("time", [-(1 << 63), -1, 0, (1 << 63) - 1])
def test_any_time_is_echoed(peer: Peer, bars: Bars, time: int) -> None:
    assert peer.ask(forecast(ohlc_item(bars), time=time))["time"] == time


def test_a_model_is_asked_by_name_or_by_name_and_version(
    peer: Peer, bars: Bars, shipped: Any
) -> None:
    item = ohlc_item(bars)
    default = bits(peer.ask(forecast(item)))
    assert bits(peer.ask(forecast(item, model=shipped.name))) == default
    assert bits(peer.ask(forecast(item, model=shipped.label))) == default


@pytest.fixture
def closes(start_daemon: StartDaemon, store: Path, connect: Connect) -> Peer:
    """A peer of a daemon whose one model reads closes."""
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    return connect(start_daemon("--models", store).endpoint)


def test_a_model_of_closes_takes_closes(closes: Peer) -> None:
    reply = closes.ask(forecast(close_item(graphs.window(1.25))))
    assert reply["quantiles"] == graphs.expected_quantiles(1.25).tobytes()


def test_a_model_of_closes_given_rows_reads_their_closes(closes: Peer) -> None:
    rows = np.column_stack([np.full((4, 3), 9.0), graphs.window(1.25)])
    item = {"tf": 3600, "time": 0, "ohlc": rows.tobytes()}
    reply = closes.ask(forecast(item))
    assert reply["quantiles"] == graphs.expected_quantiles(1.25).tobytes()


def test_an_ea_that_speaks_req_is_answered(daemon: Daemon, bars: Bars) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.connect(daemon.endpoint)
        socket.send(msgpack.packb(forecast(ohlc_item(bars))))
        assert socket.poll(60_000)
        assert msgpack.unpackb(socket.recv())["ok"]


def test_several_models_answer_each_under_its_name(
    start_daemon: StartDaemon, store: Path, connect: Connect
) -> None:
    first = graphs.put(store, graphs.steady(), graphs.manifest("a"))
    second = graphs.put(store, graphs.steady("ohlc"), graphs.manifest("b", inputs="ohlc", tf=0))
    peer = connect(start_daemon("--models", store).endpoint)
    item = {"tf": 3600, "time": 0, "ohlc": np.ones((4, 4)).tobytes()}
    for bundle in (first, second):
        for model in (bundle.manifest.name, bundle.manifest.label):
            assert peer.ask(forecast(item, model=model))["model"] == bundle.manifest.label


def test_the_first_model_answers_where_none_is_named(
    start_daemon: StartDaemon, store: Path, connect: Connect
) -> None:
    for name in ("b", "a"):
        graphs.put(store, graphs.steady(), graphs.manifest(name))
    peer = connect(start_daemon("--models", store).endpoint)
    assert peer.ask(forecast(close_item(np.ones(4))))["model"].startswith("a@")


def test_the_model_given_as_default_answers_where_none_is_named(
    start_daemon: StartDaemon, store: Path, connect: Connect
) -> None:
    for name in ("b", "a"):
        graphs.put(store, graphs.steady(), graphs.manifest(name))
    peer = connect(start_daemon("--models", store, "--default", "b").endpoint)
    assert peer.ask(forecast(close_item(np.ones(4))))["model"].startswith("b@")


def test_two_versions_of_a_name_are_served_and_the_first_stores_has_the_name(
    start_daemon: StartDaemon, store: Path, tmp_path: Path, connect: Connect
) -> None:
    first = graphs.put(store, graphs.steady(), graphs.manifest("m"))
    second = graphs.put(tmp_path / "second", graphs.nan_above(), graphs.manifest("m"))
    peer = connect(start_daemon("--models", store, "--models", tmp_path / "second").endpoint)
    item = close_item(np.ones(4))
    assert peer.ask(forecast(item, model="m"))["model"] == first.manifest.label
    label = second.manifest.label
    assert peer.ask(forecast(item, model=label))["model"] == label


@pytest.mark.parametrize("tf", [60, 3600, 2_592_000, (1 << 32) - 1])
def test_a_model_of_any_timeframe_takes_any(
    start_daemon: StartDaemon, store: Path, connect: Connect, tf: int
) -> None:
    graphs.put(store, graphs.steady(), graphs.manifest("any", tf=0))
    peer = connect(start_daemon("--models", store).endpoint)
    assert peer.ask(forecast(close_item(np.ones(4)), tf=tf))["tf"] == tf
