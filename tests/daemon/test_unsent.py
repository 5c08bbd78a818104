"""A client that asks for large replies and does not read them: it is asked to, and bounded."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import msgpack
import pytest
import zmq
from zmq import MessageTracker
from zmq.utils import garbage

import bridge.daemon.server
from bridge.daemon.cache.memory import ForecastCache
from bridge.daemon.unsent import LARGE_BYTES, Unsent
from bridge.wire.errors import Code, WireError
from tests.backends import graphs
from tests.daemon.backends import Steady, lane_of
from tests.daemon.peer import Connect, batch, close_item, forecast
from tests.daemon.serving import Serving, serving

BATCH = batch([close_item(graphs.window(5.0))] * 1024, arrays=True)


class Tracker:
    """Stands for a reply that has left as soon as the test says so."""

    done = False


def note(unsent: Unsent, client: bytes, size: int) -> Tracker:
    tracker = Tracker()
    unsent.note(client, tracker, size)  # type: ignore[arg-type]
    return tracker


def is_refused(unsent: Unsent, client: bytes) -> bool:
    try:
        unsent.require_read(client)
    except WireError as error:
        return error.code is Code.BUSY
    return False


def test_one_client_alone_may_leave_half_of_the_room_unread() -> None:
    unsent = Unsent(100)
    note(unsent, b"a", 50)
    assert not is_refused(unsent, b"a")
    note(unsent, b"a", 1)
    assert is_refused(unsent, b"a")


def test_who_has_read_may_ask_whatever_the_others_leave() -> None:
    unsent = Unsent(100)
    for client in (b"a", b"b"):
        note(unsent, client, 100)
    mine = note(unsent, b"c", 100)
    assert is_refused(unsent, b"c")
    mine.done = True
    assert not is_refused(unsent, b"c")


def test_what_has_left_makes_room() -> None:
    unsent = Unsent(100)
    first = note(unsent, b"a", 60)
    assert is_refused(unsent, b"a")
    first.done = True
    note(unsent, b"a", 40)
    assert not is_refused(unsent, b"a")


def test_clients_that_come_and_go_without_end_are_forgotten() -> None:
    unsent = Unsent(100)
    for number in range(10_000):
        note(unsent, number.to_bytes(4, "big"), 10).done = True
    assert len(unsent.by_client) < 200


@pytest.fixture
def daemon(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    """A daemon with little room for what is not read."""
    small = 8 << 20
    monkeypatch.setattr(bridge.daemon.server, "Unsent", lambda: Unsent(small))
    with serving(lane_of(store, Steady()), cache=ForecastCache(1 << 20)) as daemon:
        yield daemon


def test_a_client_that_never_reads_is_refused_while_others_are_answered(
    daemon: Serving, connect: Connect, zmq_context: zmq.Context[zmq.Socket[bytes]]
) -> None:
    other = connect(daemon.endpoint)
    with zmq_context.socket(zmq.DEALER) as deaf:
        deaf.setsockopt(zmq.LINGER, 0)
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.setsockopt(zmq.RCVBUF, 4096)
        deaf.connect(daemon.endpoint)
        errors = daemon.service.telemetry.errors
        while errors[Code.BUSY] < 50:
            if deaf.poll(0, zmq.POLLOUT):
                deaf.send_multipart([b"", msgpack.packb(BATCH)])
            assert other.ask(forecast(BATCH["items"][0]))["ok"]
        assert len(other.ask(BATCH)["items"]) == 1024
        told: Counter[str | None] = Counter()
        while deaf.poll(2000):
            reply = msgpack.unpackb(deaf.recv_multipart()[1])
            told[reply.get("code")] += 1
        assert set(told) == {None, "busy"}
        deaf.send_multipart([b"", msgpack.packb(BATCH)])
        assert deaf.poll(60_000)
        assert msgpack.unpackb(deaf.recv_multipart()[1])["ok"]  # it may ask again


def test_that_a_reply_is_lost_to_a_client_that_never_reads_is_said_once(
    daemon: Serving,
    zmq_context: zmq.Context[zmq.Socket[bytes]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with zmq_context.socket(zmq.DEALER) as deaf:
        deaf.setsockopt(zmq.LINGER, 0)
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.setsockopt(zmq.RCVBUF, 4096)
        deaf.connect(daemon.endpoint)
        small = msgpack.packb(batch(BATCH["items"][:200]))
        until = monotonic() + 60
        while "a reply to it is lost" not in caplog.text:
            assert monotonic() < until
            if deaf.poll(10, zmq.POLLOUT):
                deaf.send_multipart([b"", small])
        for _ in range(100):
            deaf.send_multipart([b"", small])
    assert caplog.text.count("a reply to it is lost") == 1


def test_what_may_wait_uncounted_is_little(
    daemon: Serving, zmq_context: zmq.Context[zmq.Socket[bytes]]
) -> None:
    with zmq_context.socket(zmq.DEALER) as deaf:
        deaf.setsockopt(zmq.LINGER, 0)
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.setsockopt(zmq.RCVBUF, 4096)
        deaf.connect(daemon.endpoint)
        body = msgpack.packb(batch(BATCH["items"][:150]))
        for _ in range(900):  # fewer than libzmq keeps for one client
            deaf.send_multipart([b"", body])
        errors, until = daemon.service.telemetry.errors, monotonic() + 60
        while not errors[Code.BUSY]:
            assert monotonic() < until
            sleep(0.01)


def test_a_reply_that_fails_does_not_spoil_the_next_one(
    daemon: Serving,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> int:
        raise MemoryError("secret")

    with monkeypatch.context() as without_memory:
        without_memory.setattr(garbage.gc, "store", fail)
        unlucky, other = connect(daemon.endpoint), connect(daemon.endpoint)
        unlucky.send_message(batch([{}] * 300))
        while "MemoryError: secret" not in caplog.text:
            sleep(0.01)
    assert other.ask(forecast(BATCH["items"][0]))["ok"]
    assert unlucky.ask(forecast(BATCH["items"][0]))["ok"]


def test_a_client_that_reads_is_never_refused(daemon: Serving, connect: Connect) -> None:
    peer = connect(daemon.endpoint)
    for _ in range(20):
        items = peer.ask(BATCH)["items"]
        assert [item["quantiles"] for item in items] == [items[0]["quantiles"]] * 1024


def test_a_large_reply_is_sent_whole(daemon: Serving, connect: Connect) -> None:
    peers = [connect(daemon.endpoint) for _ in range(4)]
    threads = [threading.Thread(target=peer.ask, args=(BATCH,)) for peer in peers[1:]]
    for thread in threads:
        thread.start()
    reply = peers[0].ask(BATCH)
    for thread in threads:
        thread.join()
    assert len(msgpack.packb(reply)) > LARGE_BYTES
    first = reply["items"][0]
    assert first["quantiles"] == graphs.expected_quantiles(5.0).ravel().tolist()


def test_nothing_is_remembered_of_a_client_that_left(daemon: Serving, connect: Connect) -> None:
    for _ in range(200):
        peer = connect(daemon.endpoint)
        peer.ask(batch([close_item(graphs.window(5.0))] * 512))
        peer.close()
    assert len(daemon.server._unsent.by_client) < 200


def test_pyzmq_tells_when_a_message_has_left(
    zmq_context: zmq.Context[zmq.Socket[bytes]],
) -> None:
    with zmq_context.socket(zmq.PUSH) as push, zmq_context.socket(zmq.PULL) as pull:
        port = push.bind_to_random_port("tcp://127.0.0.1")
        pull.connect(f"tcp://127.0.0.1:{port}")
        tracker = push.send(bytes(LARGE_BYTES), copy=False, track=True)
        assert isinstance(tracker, MessageTracker)
        assert len(pull.recv()) == LARGE_BYTES
        tracker.wait(60)
        assert tracker.done
