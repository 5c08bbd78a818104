"""A stop: what is queued is answered, the rest told `draining`, and the exit is 0 within 5 s."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests.backends import graphs
from tests.conftest import Daemon, StartDaemon
from tests.daemon.peer import Connect, Peer, batch, bits, close_item, forecast, refused, request

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="Windows ends another process without asking it"
)

MOST_S = 5.0
EITHER_SIGNAL = pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])


@pytest.fixture
def slow(start_daemon: StartDaemon, store: Path) -> Daemon:
    """A daemon of its own, with a slow model, that computes what is asked again anew."""
    graphs.put(store, graphs.slow(), graphs.manifest("slow"))
    return start_daemon("--models", store, "--cache", "0")


def _connected(daemon: Daemon, connect: Connect) -> Peer:
    peer = connect(daemon.endpoint)
    peer.ask(request("hello"))
    return peer


def _exit_in_time(daemon: Daemon, stopped: float) -> None:
    assert daemon.process.wait(60) == 0, daemon.log()
    assert time.monotonic() - stopped <= MOST_S
    assert "Traceback" not in daemon.log()


@EITHER_SIGNAL
def test_an_idle_daemon_exits_0(slow: Daemon, connect: Connect, name: signal.Signals) -> None:
    _connected(slow, connect)
    slow.process.send_signal(name)
    _exit_in_time(slow, time.monotonic())


@EITHER_SIGNAL
def test_what_several_clients_had_queued_is_answered(
    slow: Daemon, connect: Connect, name: signal.Signals, steps_per_second: float
) -> None:
    first, *others = (_connected(slow, connect) for _ in range(6))
    items = [close_item(graphs.window(steps_per_second / 10 + k)) for k in range(6)]
    first.send_message(forecast(items[0]))
    for peer, item in zip(others, items[1:], strict=True):
        peer.send_message(forecast(item))
    first.receive_message()  # the others' requests arrived while it was computed
    slow.process.send_signal(name)
    stopped = time.monotonic()
    for k, peer in enumerate(others, start=1):
        reply = peer.receive_message()
        expected = graphs.expected_quantiles(steps_per_second / 10 + k)
        assert bits(reply)[0] == expected.tobytes()
    _exit_in_time(slow, stopped)


def test_what_is_asked_after_the_stop_is_told_draining(slow: Daemon, connect: Connect) -> None:
    peer = _connected(slow, connect)
    slow.process.terminate()
    stopped = time.monotonic()
    while (reply := peer.ask(forecast(close_item(np.ones(4)))))["ok"]:
        pass  # until the daemon has noticed
    refused(reply, "draining", "the daemon is stopping", "ask again")
    _exit_in_time(slow, stopped)


def test_health_tells_that_the_daemon_is_draining(slow: Daemon, connect: Connect) -> None:
    peer = _connected(slow, connect)
    slow.process.terminate()
    stopped = time.monotonic()
    while (health := peer.ask(request("health")))["status"] == "ready":
        pass
    assert health["status"] == "draining"
    _exit_in_time(slow, stopped)


def test_work_that_would_take_too_long_is_told_draining(
    slow: Daemon, connect: Connect, steps_per_second: float
) -> None:
    peer = _connected(slow, connect)
    tenth = close_item(graphs.window(steps_per_second / 10))
    peer.ask(forecast(tenth))
    peer.send_message(batch([tenth] * 1000))
    time.sleep(0.5)
    slow.process.terminate()
    stopped = time.monotonic()
    codes = [item.get("code") for item in peer.receive_message()["items"]]
    answered = codes.count(None)
    assert 0 < answered < 1000
    assert codes == [None] * answered + ["draining"] * (1000 - answered)
    _exit_in_time(slow, stopped)


def test_clients_that_never_stop_asking_do_not_keep_it_from_exiting(
    slow: Daemon, connect: Connect
) -> None:
    peers = [_connected(slow, connect) for _ in range(3)]
    slow.process.terminate()
    stopped = time.monotonic()
    item = close_item(np.ones(4))
    while slow.process.poll() is None:
        for peer in peers:
            peer.try_to_send(forecast(item))
        assert time.monotonic() - stopped <= 2 * MOST_S
    _exit_in_time(slow, stopped)


def test_large_messages_that_never_stop_do_not_keep_it_from_exiting(
    slow: Daemon, connect: Connect
) -> None:
    peer = _connected(slow, connect)
    items = [close_item(np.ones(1000))] * 1024
    large = batch(items)
    slow.process.terminate()
    stopped = time.monotonic()
    while slow.process.poll() is None:
        peer.try_to_send(large)
        assert time.monotonic() - stopped <= 2 * MOST_S
    _exit_in_time(slow, stopped)


def test_a_second_signal_changes_nothing(
    slow: Daemon, connect: Connect, steps_per_second: float
) -> None:
    peer = _connected(slow, connect)
    tenth = close_item(graphs.window(steps_per_second / 10))
    peer.send_message(batch([tenth] * 5))
    time.sleep(0.2)
    slow.process.send_signal(signal.SIGINT)
    stopped = time.monotonic()
    slow.process.send_signal(signal.SIGINT)
    assert all(item["ok"] for item in peer.receive_message()["items"])
    _exit_in_time(slow, stopped)


def test_the_port_is_free_after_the_exit(
    slow: Daemon, connect: Connect, start_daemon: StartDaemon, store: Path
) -> None:
    _connected(slow, connect)
    slow.process.terminate()
    slow.process.wait(60)
    again = start_daemon("--models", store, "--bind", slow.endpoint)
    assert again.endpoint == slow.endpoint


def test_the_log_tells_the_stop(slow: Daemon) -> None:
    slow.process.terminate()
    slow.process.wait(60)
    log = slow.log()
    assert "stopping: answering what is queued" in log
    assert log.rstrip().endswith("stopped")
