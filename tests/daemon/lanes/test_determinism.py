"""The same version, timeframe, time and window: the same bits, however it is asked."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.backends import open_backend
from bridge.bars import Bars
from tests.conftest import Daemon, StartDaemon, shipped_model
from tests.daemon.peer import Connect, Peer, batch, bits, forecast, ohlc_item

Bits = tuple[bytes, bytes]


@pytest.fixture
def alone(peer: Peer, bars: Bars) -> Bits:
    """The window that ends with the last bar, asked by itself."""
    return bits(peer.ask(forecast(ohlc_item(bars))))


def test_asked_again_the_window_has_the_same_bits(peer: Peer, bars: Bars, alone: Bits) -> None:
    for _ in range(10):
        assert bits(peer.ask(forecast(ohlc_item(bars)))) == alone


@pytest.mark.parametrize("place", [0, 1, 31, 62, 63])
def test_at_any_place_in_a_batch_of_64_the_window_has_the_same_bits(
    peer: Peer, bars: Bars, alone: Bits, place: int
) -> None:
    items = [ohlc_item(bars, end=-back) for back in range(1, 64)]
    items.insert(place, ohlc_item(bars))
    assert bits(peer.ask(batch(items))["items"][place]) == alone


@pytest.mark.parametrize("size", [1, 2, 3, 7, 65, 200])
def test_in_a_batch_of_any_size_the_window_has_the_same_bits(
    peer: Peer, bars: Bars, alone: Bits, size: int
) -> None:
    items = [ohlc_item(bars, end=-back) for back in range(1, size)]
    assert bits(peer.ask(batch([*items, ohlc_item(bars)]))["items"][-1]) == alone


def test_a_batch_has_the_bits_of_its_windows_asked_one_by_one(peer: Peer, bars: Bars) -> None:
    items = [ohlc_item(bars, end=-back) for back in range(1, 65)]
    together = [bits(item) for item in peer.ask(batch(items))["items"]]
    assert together == [bits(peer.ask(forecast(item))) for item in items]


def test_among_the_requests_of_many_clients_the_window_has_the_same_bits(
    daemon: Daemon, connect: Connect, bars: Bars, alone: Bits
) -> None:
    peers = [connect(daemon.endpoint) for _ in range(8)]
    for round_ in range(10):
        for number, peer in enumerate(peers, start=1):
            peer.send_message(forecast(ohlc_item(bars, end=-(number + round_))))
            peer.send_message(forecast(ohlc_item(bars)))
    for peer in peers:
        for _ in range(10):
            peer.receive_message()
            assert bits(peer.receive_message()) == alone


def test_after_a_restart_the_window_has_the_same_bits(
    start_daemon: StartDaemon, connect: Connect, bars: Bars, alone: Bits
) -> None:
    assert bits(connect(start_daemon().endpoint).ask(forecast(ohlc_item(bars)))) == alone


def test_the_wire_carries_the_backends_bits(bars: Bars, alone: Bits) -> None:
    backend = open_backend(shipped_model("EURUSD"))
    answer = backend.forecast(bars.ohlc[-128:][np.newaxis], bars.time[-1:].astype(np.float64))
    assert (answer.quantiles.tobytes(), answer.up.tobytes()) == alone


def test_the_symbol_changes_no_bit(peer: Peer, bars: Bars, alone: Bits) -> None:
    label = shipped_model("EURUSD").manifest.label
    assert bits(peer.ask(forecast(ohlc_item(bars), model=label, symbol="USDJPY"))) == alone
