"""The bell that wakes the loop: heard at once, by nobody's leave but a thread's of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from bridge.daemon import doorbell
from bridge.daemon.doorbell import Doorbell

_PATIENCE_MS = 60_000


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    with zmq.Context() as context:
        yield context


@pytest.fixture
def door(context: zmq.Context[Any]) -> Iterator[zmq.Socket[bytes]]:
    with context.socket(zmq.ROUTER) as socket:
        socket.setsockopt(zmq.RCVTIMEO, _PATIENCE_MS)
        socket.bind(doorbell.ENDPOINT)
        yield socket


@pytest.fixture
def bell(context: zmq.Context[Any], door: zmq.Socket[bytes]) -> Iterator[Doorbell]:
    bell = Doorbell(context)
    yield bell
    bell.close()


def test_a_waiting_loop_hears_it(door: zmq.Socket[bytes], bell: Doorbell) -> None:
    threading.Timer(0.05, bell.ring).start()
    assert door.recv_multipart() == [bell.token, b""]


def test_it_rings_once_until_it_is_answered(door: zmq.Socket[bytes], bell: Doorbell) -> None:
    for _ in range(10_000):
        bell.ring()
    assert door.recv_multipart() == [bell.token, b""]
    assert not door.poll(50)
    bell.answered()
    bell.ring()
    assert door.recv_multipart() == [bell.token, b""]


def test_whatever_thread_rings_its_work_is_found(door: zmq.Socket[bytes], bell: Doorbell) -> None:
    work: list[int] = []

    def bring() -> None:
        for _ in range(500):
            work.append(1)
            bell.ring()

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    done = 0
    while done < 2000:
        door.recv_multipart()
        bell.answered()
        done += len(work)
        del work[: len(work)]
    for thread in threads:
        thread.join()


def test_its_token_is_another_each_time_and_none_of_zeromqs(context: zmq.Context[Any]) -> None:
    with context.socket(zmq.ROUTER) as door:
        door.bind(doorbell.ENDPOINT)
        bells = [Doorbell(context) for _ in range(5)]
        assert len({bell.token for bell in bells}) == 5
        assert {len(bell.token) for bell in bells} == {32}
        assert all(bell.token[0] for bell in bells)
        for bell in bells:
            bell.close()


def test_a_bell_that_is_gone_rings_no_more(door: zmq.Socket[bytes], bell: Doorbell) -> None:
    bell.close()
    bell.ring()
    assert not door.poll(50)
