"""Models that raise or answer nonsense: the client is told, the log knows why, the rest go on."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, sleep

import numpy as np
import onnx
import pytest

from bridge.daemon.telemetry import throttle
from tests.backends import graphs
from tests.conftest import Daemon, StartDaemon
from tests.daemon.backends import Failing, Steady, lane_of
from tests.daemon.peer import Connect, Peer, batch, close_item, forecast, refused, request
from tests.daemon.serving import serving

BAD, GOOD = 2 * graphs.FAILS_ABOVE, graphs.FAILS_ABOVE / 2


@pytest.fixture(
    params=[graphs.nan_above, graphs.raising_above, graphs.first_only_above],
    ids=["gives NaN", "raises", "answers another shape"],
)
def failing(request: pytest.FixtureRequest, start_daemon: StartDaemon, store: Path) -> Daemon:
    """A daemon of two models: `failing`, its default, and `steady`."""
    model: onnx.ModelProto = request.param()
    graphs.put(store, model, graphs.manifest("failing"))
    graphs.put(store, graphs.steady(), graphs.manifest("steady"))
    return start_daemon("--models", store)


@pytest.fixture
def peer(failing: Daemon, connect: Connect) -> Peer:
    return connect(failing.endpoint)


def _items(*last_closes: float, **fields: object) -> list[dict[str, object]]:
    return [close_item(graphs.window(close), **fields) for close in last_closes]


def test_items_beside_a_failing_one_are_answered(peer: Peer) -> None:
    first, bad, last = peer.ask(batch(_items(GOOD, BAD, GOOD + 1)))["items"]
    assert first["quantiles"] == graphs.expected_quantiles(GOOD).tobytes()
    assert last["quantiles"] == graphs.expected_quantiles(GOOD + 1).tobytes()
    assert bad.get("code", "model_failed") == "model_failed"


def test_of_64_windows_the_one_at_fault_alone_is_refused(peer: Peer) -> None:
    closes = [float(close) for close in range(1, 65)]
    closes[40] = BAD
    peer.ask(batch(_items(*[1.0] * 500)))  # so that large batches are formed
    replies = peer.ask(batch(_items(*closes)))["items"]
    answered = [reply["ok"] and reply["quantiles"] for reply in replies]
    expected = [graphs.expected_quantiles(close).tobytes() for close in closes]
    del answered[40], expected[40]
    assert answered == expected


def test_another_model_answers_while_one_fails(peer: Peer) -> None:
    bad, good = peer.ask(batch([*_items(BAD), *_items(BAD, model="steady")]))["items"]
    assert good["quantiles"] == graphs.expected_quantiles(BAD).tobytes()
    assert bad.get("code", "model_failed") == "model_failed"


def test_other_clients_requests_in_flight_are_answered(failing: Daemon, connect: Connect) -> None:
    hostile, second = connect(failing.endpoint), connect(failing.endpoint)
    for number in range(1, 51):
        hostile.send_message(forecast(close_item(graphs.window(BAD))))
        second.send_message(forecast(close_item(graphs.window(float(number)))))
    for number in range(1, 51):
        quantiles = second.receive_message()["quantiles"]
        assert quantiles == graphs.expected_quantiles(float(number)).tobytes()


def test_a_model_that_failed_answers_the_next_window(peer: Peer) -> None:
    peer.ask(forecast(close_item(graphs.window(BAD))))
    reply = peer.ask(forecast(close_item(graphs.window(GOOD))))
    assert reply["quantiles"] == graphs.expected_quantiles(GOOD).tobytes()


@pytest.fixture
def raising(start_daemon: StartDaemon, store: Path) -> Daemon:
    graphs.put(store, graphs.raising_above(), graphs.manifest("raising"))
    return start_daemon("--models", store)


@pytest.fixture
def giving_nan(start_daemon: StartDaemon, store: Path) -> Daemon:
    graphs.put(store, graphs.nan_above(), graphs.manifest("giving-nan"))
    return start_daemon("--models", store)


def test_a_model_that_raises_is_a_model_failure_by_name(raising: Daemon, connect: Connect) -> None:
    message = forecast(close_item(graphs.window(BAD)))
    reply = connect(raising.endpoint).ask(message)
    refused(reply, "model_failed", "raising@", "log")
    assert reply["id"] == message["id"]


def test_a_model_that_gives_nan_is_a_model_failure_by_name(
    giving_nan: Daemon, connect: Connect
) -> None:
    reply = connect(giving_nan.endpoint).ask(forecast(close_item(graphs.window(BAD))))
    refused(reply, "model_failed", "giving-nan@", "log")


def test_the_reason_is_not_sent_to_the_client(raising: Daemon, connect: Connect) -> None:
    reply = connect(raising.endpoint).ask(forecast(close_item(graphs.window(BAD))))
    assert set(reply) == {"v", "id", "ok", "code", "message"}
    for inner in ("Traceback", "ONNX", "Gather", "indices", ".py", "/", "\\"):
        assert inner not in reply["message"]


def test_the_log_holds_the_traceback_and_the_window(raising: Daemon, connect: Connect) -> None:
    connect(raising.endpoint).ask(forecast(close_item(graphs.window(BAD), time=1_700_000_000)))
    log = raising.log()
    assert "Traceback" in log
    assert "out of data bounds" in log
    assert "1700000000" in log


def test_the_log_names_a_window_whose_answer_is_not_finite(
    giving_nan: Daemon, connect: Connect
) -> None:
    connect(giving_nan.endpoint).ask(forecast(close_item(graphs.window(BAD), time=1_700_000_000)))
    assert "not finite for a window that ends at 1700000000" in giving_nan.log()


def test_a_failure_is_counted_as_an_error(raising: Daemon, connect: Connect) -> None:
    peer = connect(raising.endpoint)
    peer.ask(forecast(close_item(graphs.window(BAD))))
    assert peer.ask(request("health"))["errors"] == 1


def test_what_was_not_told_of_failures_is_told_though_nobody_asks_the_model_again(
    store: Path, connect: Connect, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle.Throttled.__init__, "__defaults__", (0.5, monotonic))
    with serving(lane_of(store, Failing())) as daemon:
        peer = connect(daemon.endpoint)
        for _ in range(9):
            refused(peer.ask(forecast(close_item(np.ones(4)))), "model_failed")
        until = monotonic() + 60
        while "times more" not in caplog.text:
            assert monotonic() < until
            sleep(0.05)


def test_a_refused_window_counts_for_its_model_whether_it_came_alone_or_in_a_batch(
    store: Path, connect: Connect
) -> None:
    lane = lane_of(store, Steady())
    short = close_item(np.ones(3))
    with serving(lane) as daemon:
        peer = connect(daemon.endpoint)
        refused(peer.ask(forecast(short)), "short_window")
        refused(peer.ask(batch([short]))["items"][0], "short_window")
        assert daemon.service.telemetry.lane(lane.label).failed == 2


def test_a_model_that_admits_one_window_at_a_time_answers_batches(
    start_daemon: StartDaemon, store: Path, connect: Connect
) -> None:
    graphs.put(store, graphs.one_at_a_time(), graphs.manifest("single"))
    peer = connect(start_daemon("--models", store).endpoint)
    replies = peer.ask(batch(_items(*map(float, range(1, 33)))))["items"]
    assert np.frombuffer(b"".join(reply["quantiles"] for reply in replies)).tobytes() == b"".join(
        graphs.expected_quantiles(float(close)).tobytes() for close in range(1, 33)
    )
