"""Clients without a library: many connections in one process of its own, timed one by one."""

from __future__ import annotations

import multiprocessing
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from tests.bench.framing import Framing
from tests.bench.requests import requests

_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Asking:
    """How a swarm asks.

    Attributes:
        port: of the server. framing: how it is spoken to.
        clients: connections; each has one request on its way at most, unless there is a rate.
        seconds: how long.
        pause_s: between a reply and the client's next request.
        rate: requests a second of all clients, which leave on schedule whether or not answers
            came, and are timed from when they were due. None: who was answered asks again.
        fresh: whether every request asks about a time of its own.
        seed: sets one swarm's requests apart from another's.
    """

    port: int
    framing: Framing
    clients: int = 8
    seconds: float = 3.0
    pause_s: float = 0.0
    rate: float | None = None
    fresh: bool = True
    seed: int = 0


@dataclass
class Answers:
    """What came: seconds of each answered request, the others by code, and the clients' own cost.

    What was never answered is `(unanswered)` or, where the connection was cut, `(cut)`. `late_s`
    is how far a request left behind its schedule at most.
    """

    latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    processor_seconds: float = 0.0
    late_s: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile_us(self, percent: float) -> float:
        return 1e6 * float(np.percentile(self.latencies, percent))

    def plus(self, other: Answers) -> Answers:
        """Both, one after the other."""
        return Answers(
            self.latencies + other.latencies,
            self.errors + other.errors,
            self.seconds + other.seconds,
            self.processor_seconds + other.processor_seconds,
        )


def ask(asking: Asking) -> Answers:
    """Run a swarm in a process of its own, and wait for what came of it."""
    with asked(asking) as going:
        return going()


@contextmanager
def asked(asking: Asking) -> Iterator[Any]:
    """A swarm beside the block; what is given waits for its answers."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_work, args=(asking, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        ours.recv()  # it is connected and has been answered once

        def answers() -> Answers:
            latencies, answers = ours.recv()
            return replace(answers, latencies=latencies.tolist())

        yield answers
    finally:
        process.terminate()
        process.join()
        ours.close()


def _work(asking: Asking, parent: Any) -> None:
    clients = [_Connection(asking, index) for index in range(asking.clients)]
    for client in clients:
        client.ask_once()
    parent.send("ready")
    answers = _loop(asking, clients) if asking.rate is None else _on_schedule(asking, clients)
    latencies: NDArray[np.float64] = np.array(answers.latencies)
    parent.send((latencies, replace(answers, latencies=[])))
    parent.recv()  # the parent is done with the connections too


class _Connection:
    """One client."""

    def __init__(self, asking: Asking, index: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", asking.port), _PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.framing = asking.framing
        self.framing.greet(self.socket)
        self._requests = requests(fresh=asking.fresh, seed=asking.seed * 1000 + index)
        self._buffer = bytearray()
        self.sent = 0.0
        self.due = 0.0
        self.is_cut = False

    def send(self) -> None:
        self.sent = time.perf_counter()
        self.socket.sendall(self.framing.request(self._requests.next()[1]))

    def receive(self) -> dict[str, Any] | None:
        """A whole reply, None where more has to come; raises ConnectionError where it is cut."""
        more = self.socket.recv(1 << 16)
        if not more:
            raise ConnectionResetError("the server closed the connection")
        self._buffer += more
        return self.next_reply()

    def next_reply(self) -> dict[str, Any] | None:
        """A whole reply of what has come already."""
        body = self.framing.take(self._buffer)
        if body is None:
            return None
        reply: dict[str, Any] = msgpack.unpackb(body)
        return reply

    def ask_once(self) -> None:
        self.send()
        while self.receive() is None:
            pass


def _loop(asking: Asking, clients: list[_Connection]) -> Answers:
    """Ask for so long, and then wait for what is still on its way: a lost answer is found."""
    answers = Answers()
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        started, processor = time.perf_counter(), time.process_time()
        end = started + asking.seconds
        resting = list(clients)
        for index, client in enumerate(clients):
            client.due = started + asking.pause_s * index / len(clients)
        waiting: set[_Connection] = set()
        while (now := time.perf_counter()) < end:
            for client in [each for each in resting if each.due <= now]:
                resting.remove(client)
                waiting.add(client)
                client.send()
            wake = min([end, *(each.due for each in resting)])
            for client in _answered(selector, max(0.0, wake - now), answers):
                if client.is_cut:
                    waiting.discard(client)
                    resting = [each for each in resting if each is not client]
                elif asking.pause_s:
                    waiting.remove(client)
                    client.due = time.perf_counter() + asking.pause_s
                    resting.append(client)
                else:
                    client.send()
        answers.seconds = time.perf_counter() - started
        answers.processor_seconds = time.process_time() - processor
        late = Answers()  # answered, and after the time that counts
        while waiting and time.perf_counter() < end + _PATIENCE_S:
            waiting -= set(_answered(selector, 1.0, late))
    answers.errors += late.errors
    if waiting:
        answers.errors["(unanswered)"] += len(waiting)
    return answers


def _on_schedule(asking: Asking, clients: list[_Connection]) -> Answers:
    """Ask in turn, each request at its time; then wait for what is still on its way."""
    assert asking.rate is not None
    answers = Answers()
    most = round(asking.rate * asking.seconds)
    dues: dict[_Connection, deque[float]] = {client: deque() for client in clients}
    with selectors.SelectSelector() as selector:  # others round what they wait up to milliseconds
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        started, processor = time.perf_counter(), time.process_time()
        given_up = started + asking.seconds + _PATIENCE_S
        sent = done = 0
        while done < most and (now := time.perf_counter()) < given_up:
            while sent < most and (due := started + sent / asking.rate) <= now:
                client = clients[sent % len(clients)]
                dues[client].append(due)
                client.send()
                answers.late_s = max(answers.late_s, client.sent - due)
                sent += 1
            next_due = started + sent / asking.rate if sent < most else given_up
            for key, _ in selector.select(max(0.0, next_due - time.perf_counter())):
                client = key.data
                reply = client.receive()
                while reply is not None:  # in the order they were asked: none is out of a cache
                    due = dues[client].popleft()
                    done += 1
                    if reply.get("ok", True):
                        answers.latencies.append(time.perf_counter() - due)
                    else:
                        answers.errors[reply["code"]] += 1
                    reply = client.next_reply()
        answers.seconds = time.perf_counter() - started
        answers.processor_seconds = time.process_time() - processor
    if done < most:
        answers.errors["(unanswered)"] += most - done
    return answers


def _answered(
    selector: selectors.BaseSelector, seconds: float, answers: Answers
) -> list[_Connection]:
    """Those whose reply came whole, or whose connection was cut; both are noted."""
    done = []
    for key, _ in selector.select(seconds):
        client: _Connection = key.data
        try:
            reply = client.receive()
        except OSError:
            client.is_cut = True
            selector.unregister(client.socket)
            reply = {"ok": False, "code": "(cut)"}
        if reply is None:
            continue
        if reply.get("ok", True):
            answers.latencies.append(time.perf_counter() - client.sent)
        else:
            answers.errors[reply["code"]] += 1
        done.append(client)
    return done
