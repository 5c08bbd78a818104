"""An honest load test: many clients, latency from when each request was due, errors by code.

With a rate the loop is open: requests leave on schedule whether or not answers came, and each is
timed from its due moment, so a slow answer shows in all that waited behind it (what Gil Tene
calls coordinated omission is not committed here). Without a rate every client asks as soon as it
was answered. Only forecasts count as fast: errors stand beside them, and what was never answered
enters the latencies with the time that it had waited.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import zmq
from hdrh.histogram import HdrHistogram

from bridge.client import Client
from bridge.keys import KeyPair, client_keys, use_keys
from bridge.synthetic import SyntheticRequests, random_walk_bars
from bridge.wire.codec import unpack

_LOWEST_US, _HIGHEST_US, _DIGITS = 1, 60_000_000, 3
_PERCENTILES = {"p50_us": 50.0, "p90_us": 90.0, "p99_us": 99.0, "p99.9_us": 99.9}
_WINDOWS = 256  # different ones in turn
_LAST_ANSWERS_S = 2.0
_START_S = 60.0
_STOP_S = 30.0


class LoadError(RuntimeError):
    """The load test itself failed. The message says how."""


@dataclass(frozen=True)
class LoadPlan:
    """What to do: `clients` connections for `seconds`, in all `rate` requests a second, or as
    many as are answered where None. `keys` and `server_key` where the daemon asks for keys."""

    endpoint: str
    clients: int
    seconds: float
    rate: float | None
    model: str | None = None
    tf: int = 3600
    context: int = 128
    ttl_ms: int = 10_000
    keys: KeyPair | None = None
    server_key: str | None = None


@dataclass(frozen=True)
class LoadResult:
    """What came of it: counts, microseconds, and errors by the wire's code.

    Attributes:
        forecasts: answered, two seconds after the end at the latest; `in_time` of them before it.
        errors: by code. unanswered: without any reply. unsent: could not even leave.
        late_us: how far the sender itself fell behind its schedule at worst; a high value means
            this machine and not the daemon.
        histogram: of forecasts and, with the time they had waited, of the unanswered.
    """

    forecasts: int
    in_time: int
    seconds: float
    errors: dict[str, int]
    unanswered: int
    unsent: int
    late_us: int
    histogram: HdrHistogram

    def as_dict(self) -> dict[str, Any]:
        """The result as `eabridge load --json` prints it."""
        return {
            "requests": self.forecasts + sum(self.errors.values()) + self.unanswered + self.unsent,
            "forecasts": self.forecasts,
            "seconds": round(self.seconds, 3),
            "per_second": round(self.in_time / self.seconds, 1) if self.seconds else 0.0,
            **{
                name: int(self.histogram.get_value_at_percentile(value))
                for name, value in _PERCENTILES.items()
            },
            "max_us": int(self.histogram.get_max_value()),
            "errors": self.errors,
            "unanswered": self.unanswered,
            "unsent": self.unsent,
            "sender_late_us": self.late_us,
        }


def run_load(plan: LoadPlan, on_tick: Callable[[float], None] = lambda done: None) -> LoadResult:
    """Run a load test from a process for each core but one, which is the daemon's.

    Args:
        plan: what to do.
        on_tick: called about ten times a second with the seconds gone.

    Raises:
        ClientError: nobody answers at the endpoint, or it has no such model.
        LoadError: a process of the test died or hung.
    """
    plan = _fitted(plan)
    context = multiprocessing.get_context("spawn")
    count = min(plan.clients, max(1, (os.cpu_count() or 1) - 1))
    shares = [len(range(index, plan.clients, count)) for index in range(count)]
    results: Any = context.Queue()
    gate = context.Barrier(count + 1)
    workers = [
        context.Process(target=_work, args=(plan, share, index, gate, results), daemon=True)
        for index, share in enumerate(shares)
    ]
    for worker in workers:
        worker.start()
    try:
        gate.wait(_START_S)
    except threading.BrokenBarrierError:
        try:
            why = results.get(timeout=_LAST_ANSWERS_S)
        except queue.Empty:
            why = "the processes of the load test did not start"
        for worker in workers:
            worker.terminate()
        raise LoadError(why) from None
    started = time.perf_counter()
    done: list[_Tally] = []
    while len(done) < count:
        try:
            done.append(results.get(timeout=0.1))
        except queue.Empty:
            on_tick(min(time.perf_counter() - started, plan.seconds))
            over = time.perf_counter() - started > plan.seconds + _LAST_ANSWERS_S + _STOP_S
            if over or any(worker.exitcode not in (None, 0) for worker in workers):
                for worker in workers:
                    worker.terminate()
                raise LoadError("a process of the load test died or hung") from None
    for worker in workers:
        worker.join()
    return _merge(done)


@dataclass
class _Tally:
    """What one process counted."""

    histogram: HdrHistogram
    errors: Counter[str] = field(default_factory=Counter)
    forecasts: int = 0
    in_time: int = 0
    unanswered: int = 0
    unsent: int = 0
    late: float = 0.0
    seconds: float = 0.0

    def record(self, seconds: float) -> None:
        """Count a latency."""
        self.histogram.record_value(min(_HIGHEST_US, max(_LOWEST_US, int(seconds * 1e6))))


def _fitted(plan: LoadPlan) -> LoadPlan:
    """The plan with what the asked model wants; proves that somebody answers."""
    with Client(
        plan.endpoint, model=plan.model, keys=plan.keys, server_key=plan.server_key
    ) as client:
        for model in client.hello().models:
            if plan.model in (model.name, model.label) or (plan.model is None and model.default):
                return replace(plan, tf=model.tf or plan.tf, context=model.context)
        # There is no such model: the daemon says so best.
        client.forecast(random_walk_bars(plan.context, plan.tf, seed=0))
    return plan


def _work(plan: LoadPlan, clients: int, index: int, gate: Any, results: Any) -> None:
    """One process: its clients, one loop, one clock."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started it, and ends it too
    try:
        sender = _Sender(plan, clients, seed=index)
    except zmq.ZMQError as error:
        results.put(f"{plan.clients:,} clients are too many here: give fewer ({error.strerror})")
        gate.abort()
        return
    try:
        gate.wait(_START_S)
    except threading.BrokenBarrierError:  # the test is off: `run_load` tells why
        return
    if plan.rate is None:
        tally = sender.closed_loop()
    else:
        # Processes start their schedules one after the other: together they are evenly spaced.
        interval = plan.clients / plan.rate / clients
        tally = sender.open_loop(interval, interval * index / (gate.parties - 1))
    sender.close()
    results.put(replace(tally, histogram=tally.histogram.encode()))


class _Sender:
    """Some clients: DEALER sockets in the REQ envelope, each request timed from when it was due."""

    def __init__(self, plan: LoadPlan, clients: int, seed: int) -> None:
        self._plan = plan
        self._context = zmq.Context()
        self._poller = zmq.Poller()
        self._sockets: list[zmq.Socket[bytes]] = []
        keys = client_keys(plan.keys, plan.server_key)
        for _ in range(clients):
            socket = self._context.socket(zmq.DEALER)
            socket.setsockopt(zmq.LINGER, 0)
            if keys is not None:
                use_keys(socket, keys)
            socket.connect(plan.endpoint)
            self._poller.register(socket, zmq.POLLIN)
            self._sockets.append(socket)
        asked: dict[str, Any] = {"ttl_ms": plan.ttl_ms}
        if plan.model is not None:
            asked["model"] = plan.model
        self._requests = SyntheticRequests(
            plan.context, plan.tf, windows=_WINDOWS, seed=seed, **asked
        )
        self._tally = _Tally(HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS))
        self._due_by_id: dict[int, float] = {}
        self._sent = 0

    def closed_loop(self) -> _Tally:
        """Every client asks as soon as it was answered."""
        started = time.perf_counter()
        end = started + self._plan.seconds
        for socket in self._sockets:
            self._send(socket, time.perf_counter())
        while self._goes_on(end):
            for socket in self._receive(end + _LAST_ANSWERS_S, end):
                now = time.perf_counter()
                if now < end:
                    self._send(socket, now)
        return self._counted(started, end)

    def open_loop(self, interval: float, offset: float) -> _Tally:
        """A request each `interval` seconds, whether or not answers came; clients take turns."""
        started = time.perf_counter()
        end = started + self._plan.seconds
        due = started + offset
        while self._goes_on(end) or due < end:
            while due <= time.perf_counter() and due < end:
                self._send(self._sockets[self._sent % len(self._sockets)], due)
                due += interval
            self._receive(due if due < end else end + _LAST_ANSWERS_S, end)
        return self._counted(started, end)

    def close(self) -> None:
        """Close the clients."""
        for socket in self._sockets:
            socket.close()
        self._context.term()

    def _goes_on(self, end: float) -> bool:
        now = time.perf_counter()
        return now < end or (bool(self._due_by_id) and now < end + _LAST_ANSWERS_S)

    def _send(self, socket: zmq.Socket[bytes], due: float) -> None:
        self._sent, body = self._requests.next()
        self._tally.late = max(self._tally.late, time.perf_counter() - due)
        try:
            socket.send_multipart([b"", body], zmq.NOBLOCK)
        except zmq.Again:  # the daemon takes no more: its queue, and this socket's, are full
            self._tally.unsent += 1
        else:
            self._due_by_id[self._sent] = due

    def _receive(self, wake: float, end: float) -> list[zmq.Socket[bytes]]:
        """Count the replies that come until `wake` at most; the clients that were answered."""
        answered = []
        wait_ms = int(max(0.0, wake - time.perf_counter()) * 1000)
        for socket, _ in self._poller.poll(wait_ms):
            reply = unpack(socket.recv_multipart()[-1])
            now = time.perf_counter()
            due = self._due_by_id.pop(reply["id"], None)
            if due is None:
                continue
            answered.append(socket)
            if reply["ok"]:
                self._tally.forecasts += 1
                self._tally.in_time += now <= end
                self._tally.record(now - due)
            else:
                self._tally.errors[reply["code"]] += 1
        return answered

    def _counted(self, started: float, end: float) -> _Tally:
        now = time.perf_counter()
        for due in self._due_by_id.values():
            self._tally.record(now - due)
        self._tally.unanswered = len(self._due_by_id)
        self._tally.seconds = min(now, end) - started
        return self._tally


def _merge(tallies: Sequence[_Tally]) -> LoadResult:
    histogram = HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)
    errors: Counter[str] = Counter()
    for tally in tallies:
        histogram.decode_and_add(tally.histogram)  # it travelled encoded
        errors += tally.errors
    return LoadResult(
        forecasts=sum(tally.forecasts for tally in tallies),
        in_time=sum(tally.in_time for tally in tallies),
        seconds=max(tally.seconds for tally in tallies),
        errors=dict(sorted(errors.items())),
        unanswered=sum(tally.unanswered for tally in tallies),
        unsent=sum(tally.unsent for tally in tallies),
        late_us=int(max(tally.late for tally in tallies) * 1e6),
        histogram=histogram,
    )
