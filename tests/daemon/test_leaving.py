"""Clients that leave before their answer, and those that stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.bars import Bars
from tests.backends import graphs
from tests.conftest import Daemon, StartDaemon
from tests.daemon.peer import Connect, Peer, batch, close_item, forecast, ohlc_item, request


@pytest.fixture
def slow(start_daemon: StartDaemon, store: Path) -> Daemon:
    graphs.put(store, graphs.slow(), graphs.manifest("slow"))
    return start_daemon("--models", store)


def _wait_for(requests: int, peer: Peer) -> None:
    """Until the daemon has counted so many, those of this wait aside."""
    asked = 1
    while peer.ask(request("health"))["requests"] - asked < requests:
        asked += 1


def test_a_client_that_leaves_while_its_window_is_computed_disturbs_nobody(
    slow: Daemon, connect: Connect, steps_per_second: float
) -> None:
    leaver, second = connect(slow.endpoint), connect(slow.endpoint)
    tenth = close_item(graphs.window(steps_per_second / 10))
    for _ in range(3):
        leaver.send_message(forecast(tenth))
    for close in (1.0, 2.0, 3.0):
        second.send_message(forecast(close_item(graphs.window(close))))
    leaver.close()
    for close in (1.0, 2.0, 3.0):
        reply = second.receive_message()
        assert reply["quantiles"] == graphs.expected_quantiles(close).tobytes()
    _wait_for(6, second)  # the leaver's were taken all the same
    assert second.ask(forecast(close_item(np.ones(4))))["ok"]
    assert "Traceback" not in slow.log()


def test_a_client_that_leaves_with_a_batch_queued_disturbs_nobody(
    slow: Daemon, connect: Connect, steps_per_second: float
) -> None:
    leaver, second = connect(slow.endpoint), connect(slow.endpoint)
    leaver.send_message(batch([close_item(graphs.window(steps_per_second / 50))] * 20))
    leaver.close()
    _wait_for(1, second)
    reply = second.ask(forecast(close_item(graphs.window(7.0))))
    assert reply["quantiles"] == graphs.expected_quantiles(7.0).tobytes()


@pytest.mark.usefixtures("bystander")
def test_many_clients_that_leave_disturb_nobody(
    daemon: Daemon, connect: Connect, peer: Peer, bars: Bars
) -> None:
    for _ in range(30):
        leaver = connect(daemon.endpoint)
        for back in range(1, 6):
            leaver.send_message(forecast(ohlc_item(bars, end=-back)))
        leaver.close()
    assert peer.ask(forecast(ohlc_item(bars)))["ok"]


def test_a_client_that_comes_back_gets_no_answer_meant_for_its_former_self(
    slow: Daemon, connect: Connect, steps_per_second: float
) -> None:
    former = connect(slow.endpoint)
    former.send_message(forecast(close_item(graphs.window(steps_per_second / 10))))
    former.close()
    message = forecast(close_item(graphs.window(5.0)))
    reply = connect(slow.endpoint).ask(message)
    assert reply["id"] == message["id"]
    assert reply["quantiles"] == graphs.expected_quantiles(5.0).tobytes()
