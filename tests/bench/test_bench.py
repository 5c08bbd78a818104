"""The benchmarks measure what they say."""

from __future__ import annotations

import os
import socket

import msgpack
import numpy as np
import pytest

from bridge.bundles import Bundle, find_bundle, shipped_store
from tests.bench import endurance, servers, swarm
from tests.bench.figures import Figure
from tests.bench.framing import Http, Zmtp
from tests.bench.peers import model
from tests.bench.requests import requests, window
from tests.bench.swarm import Asking, ask
from tests.conftest import Daemon


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return find_bundle("fx-h1", [shipped_store()])


def port(daemon: Daemon) -> int:
    return int(daemon.endpoint.rpartition(":")[2])


def test_a_swarm_without_a_library_is_answered_as_a_req_socket_is(daemon: Daemon) -> None:
    answers = ask(Asking(port(daemon), Zmtp(), clients=3, seconds=0.5))

    assert len(answers.latencies) > 3
    assert not answers.errors
    assert 0 < answers.percentile_us(50) <= answers.percentile_us(99)


def test_a_swarm_that_pauses_asks_no_more_than_that(daemon: Daemon) -> None:
    answers = ask(Asking(port(daemon), Zmtp(), clients=2, seconds=0.6, pause_s=0.2))

    assert 2 <= len(answers.latencies) <= 8


@pytest.mark.parametrize(("cuts", "told"), [(True, "(cut)"), (False, "(unanswered)")])
def test_an_answer_that_never_comes_is_an_error(
    monkeypatch: pytest.MonkeyPatch, cuts: bool, told: str
) -> None:
    """Of two clients of a server that answers each of them once."""
    monkeypatch.setattr(swarm, "_PATIENCE_S", 0.3)
    reply = msgpack.packb({"ok": True})
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(reply) + reply
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asking = Asking(listener.getsockname()[1], Http("/"), clients=2, seconds=0.2)
        clients = [swarm._Connection(asking, index) for index in range(2)]
        served = [listener.accept()[0] for _ in clients]
        for client, connection in zip(clients, served, strict=True):
            connection.sendall(whole)
            client.ask_once()
            if cuts:
                connection.recv(1 << 16)  # or it would be reset, and not closed
                connection.close()
        answers = swarm._loop(asking, clients)
    assert answers.errors == {told: 2}
    assert answers.latencies == []


def test_a_client_that_is_cut_while_it_rests_is_an_error() -> None:
    reply = msgpack.packb({"ok": True})
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(reply) + reply
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asking = Asking(listener.getsockname()[1], Http("/"), 2, seconds=0.3, pause_s=60.0)
        clients = [swarm._Connection(asking, index) for index in range(2)]
        served = [listener.accept()[0] for _ in clients]
        for client, connection in zip(clients, served, strict=True):
            connection.sendall(whole)
            client.ask_once()
            connection.recv(1 << 16)
        served[0].sendall(whole)  # to its only request; the other one rests until it is cut
        served[1].close()
        answers = swarm._loop(asking, clients)
        served[0].close()
    assert (len(answers.latencies), answers.errors) == (1, {"(cut)": 1})


def test_fresh_requests_differ_and_others_come_again() -> None:
    fresh, again = requests(), requests(fresh=False)
    asked = [msgpack.unpackb(fresh.next()[1]) for _ in range(130)]
    repeated = [msgpack.unpackb(again.next()[1]) for _ in range(130)]

    assert len({(each["time"], each["ohlc"]) for each in asked}) == 130
    assert len({(each["time"], each["ohlc"]) for each in repeated}) == 64
    assert [each["id"] for each in asked] == list(range(1, 131))


def test_an_http_reply_is_taken_when_it_is_whole() -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nserver: x\r\n\r\nabc"
    buffer = bytearray(whole[:-1])
    framing = Http("/forecast")

    assert framing.take(buffer) is None
    buffer += whole[-1:] + whole
    assert framing.take(buffer) == b"abc"
    assert framing.take(buffer) == b"abc"
    assert not buffer


def test_a_peer_answers_what_the_daemon_answers(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, model.GRAPH, str(bundle.graph))
    asked = [msgpack.unpackb(requests().next()[1])]

    (reply,) = model.forecast(model.load(), asked)

    quantiles = np.frombuffer(reply["quantiles"]).reshape(16, 9)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert window(0).tobytes() == asked[0]["ohlc"]


def test_onnx_runtime_alone_counts_windows(bundle: Bundle) -> None:
    assert servers.onnxruntime_alone(bundle, seconds=0.2, batch=2) > 0


def test_mixed_requests_and_connections_leave_a_daemon_as_it_was(bundle: Bundle) -> None:
    figures = [
        *endurance.many_requests(bundle, count=400),
        *endurance.many_connections(bundle, count=60),
    ]

    left = next(each for each in figures if each.name.startswith("descriptors"))
    assert left.met, left.as_row()


def test_a_figure_that_missed_says_so() -> None:
    assert "missed" in Figure("a", 2.0, 1.0).as_row()
    assert "missed" in Figure("a", 1.0, 2.0, at_most=False).as_row()
    assert "missed" not in Figure("a", 1.0, 1.0).as_row()
