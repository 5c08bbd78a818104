"""The socket: frames in, frames out, and a stop that leaves nobody without an answer."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from time import perf_counter_ns
from typing import Any

import zmq

from bridge.daemon import doorbell
from bridge.daemon.doorbell import Doorbell
from bridge.daemon.doors.access import Access, AccessError
from bridge.daemon.doors.gate import Gate
from bridge.daemon.intake import Intake, Message
from bridge.daemon.service import Reply, Service
from bridge.daemon.telemetry.throttle import Throttled
from bridge.daemon.unsent import LARGE_BYTES, Unsent
from bridge.wire.codec import MAX_BODY_BYTES
from bridge.wire.errors import WireError

log = logging.getLogger(__name__)

_WAIT_MS = 200  # how soon a stop is noticed where a signal does not interrupt the wait
_RECEIVED = 64  # requests taken off the socket at a time,
_RECEIVE_NS = 300_000  # or as many as can be in this time,
_SERVED = 8  # and so many of them read before a batch is computed,
_SERVE_NS = 300_000  # or as many as can be in this time
_TICK_NS = 50_000_000  # how often deadlines and what hangs are looked for, unless nobody asks
_ARRIVED_NS = 500_000_000  # how long it may take to read what had arrived before a stop
_DRAIN_WORK_NS = 2_000_000_000  # a stop computes what is queued for this long, no longer;
_DRAIN_QUIET_NS = 500_000_000  # it ends when nobody has asked for this long,
_DRAIN_MOST_NS = 2_500_000_000  # and in any case this long after it began
_WAITED_NS = 15_000  # a request that took longer to come was not there before
_LINGER_MS = 1000
_MORE = int(zmq.SNDMORE | zmq.NOBLOCK)
_LAST = int(zmq.NOBLOCK)


class BindError(RuntimeError):
    """The daemon cannot listen where it was told to. The message says why."""


class Server:
    """A ROUTER socket in front of a `Service`. One thread; `stop` may be called from a signal.

    Requests are taken off the socket as they arrive, and read in an order that is fair between
    clients, a few at a time; a batch is computed, and the socket looked at again.

    Args:
        service: answers.
        endpoint: where to listen.
        access: who may connect.

    Attributes:
        endpoint: where it listens, the port a number.
        context: of all sockets of this process that speak to this one.
    """

    def __init__(self, service: Service, endpoint: str, access: Access | None = None) -> None:
        self._service = service
        self._intake = Intake()
        self._unsent = Unsent()
        self._throttled = Throttled(log)
        self._stopping = self._has_ended = False
        self._changes: deque[tuple[Callable[[], object], Future[object]]] = deque()
        self._tick_at_ns = 0
        self._gate: Gate | None = None
        self._bell: Doorbell | None = None
        self.context: zmq.Context[Any] = zmq.Context()
        self._socket = self.context.socket(zmq.ROUTER)
        self._receive_frame = self._socket.recv
        self._get_option: Callable[[int], Any] = self._socket.get
        self._send_frame = super(zmq.Socket, self._socket).send  # what it does beside is not for us
        self._socket.setsockopt(zmq.LINGER, _LINGER_MS)
        self._socket.setsockopt(zmq.RCVTIMEO, _WAIT_MS)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)  # what cannot be sent is told
        try:
            self._gate = (access or Access()).secure(self._socket, self.context, endpoint)
            self._socket.bind(endpoint)
            self.endpoint: str = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
            self._socket.bind(doorbell.ENDPOINT)
            self._bell = Doorbell(self.context)
        except (AccessError, zmq.ZMQError) as error:
            self.close()
            raise BindError(_bind_problem(endpoint, error)) from error
        self._bell_token = self._bell.token
        service.wake_with(self._bell.ring)
        service.unread = self._intake.__len__
        gate = self._gate
        service.connections = lambda: gate.connections

    @property
    def connections(self) -> int:
        """How many are open now."""
        return 0 if self._gate is None else self._gate.connections

    @property
    def ended(self) -> bool:
        """Whether `run` has returned."""
        return self._has_ended

    def stop(self) -> None:
        """Ask `run` to answer what is queued and return."""
        self._stopping = True
        if self._bell is not None:
            self._bell.ring()

    def change(self, work: Callable[[], object]) -> Future[object]:
        """Have the loop do `work`, between two batches: lanes are exchanged so.

        May be called from any thread. The work should be short: nobody is answered meanwhile. A
        loop that stops before leaves it cancelled.
        """
        future: Future[object] = Future()
        self._changes.append((work, future))
        if self._has_ended:
            future.cancel()
        elif self._bell is not None:
            self._bell.ring()
        return future

    def run(self) -> None:
        """Serve until `stop`; then drain, refusing forecasts with `draining`, and return."""
        self._service.watchdog.start()
        try:
            busy = False
            while not self._stopping:
                busy = self._turn(wait=not busy)
                if self._changes:
                    self._change()
                    busy = busy or bool(self._changes)
            log.info("stopping: answering what is queued")
            self._drain()
        finally:
            self._has_ended = True
            self._throttled.flush(all_of_it=True)
            self._service.watchdog.close()
            while self._changes:
                self._changes.popleft()[1].cancel()

    def close(self) -> None:
        """Close the socket; replies already sent still leave, for up to a second."""
        if self._bell is not None:
            self._bell.close()
        if self._gate is not None:
            self._gate.close()
        self._socket.close()
        self.context.term()

    def _change(self) -> None:
        work, future = self._changes.popleft()
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except Exception as error:  # raised where the result is asked for; the loop goes on
                log.exception("a change of the lanes failed")
                future.set_exception(error)

    def _turn(self, *, wait: bool) -> bool:
        """Once around: receive, read, compute. Whether there is more to do at once."""
        self._receive(wait=wait)
        if self._intake:
            self._serve()
        busy = self._service.run_waiting()
        now_ns = perf_counter_ns()
        if now_ns >= self._tick_at_ns:
            self._tick_at_ns = now_ns + _TICK_NS
            self._service.tick(now_ns)
            self._throttled.flush()
        return busy or len(self._intake) > 0

    def _drain(self) -> None:
        started_ns = perf_counter_ns()
        while self._receive(wait=False):  # what had arrived before the stop is still answered
            if perf_counter_ns() - started_ns > _ARRIVED_NS:
                break
        while self._intake and perf_counter_ns() - started_ns < _ARRIVED_NS:
            self._serve()
        self._service.start_draining()
        busy = True
        while self._service.is_working and perf_counter_ns() - started_ns < _DRAIN_WORK_NS:
            busy = self._turn(wait=not busy)
        self._service.refuse_waiting()
        quiet_since_ns = now_ns = perf_counter_ns()
        while now_ns - started_ns < _DRAIN_MOST_NS and (
            now_ns - quiet_since_ns < _DRAIN_QUIET_NS or self._service.is_working
        ):
            if self._receive(wait=True):
                quiet_since_ns = now_ns
            while self._intake:
                self._serve()
            self._service.run_waiting()
            now_ns = perf_counter_ns()
        self._service.refuse_flying()

    def _receive(self, *, wait: bool) -> bool:
        """Take in what has arrived, up to `_RECEIVED` requests; whether anything had.

        With `wait`, the first of them is waited for, `_WAIT_MS` at most. One that comes alone to
        an idle daemon is answered without a detour.
        """
        if not wait and not self._has_arrived():
            return False
        waits_since_ns = perf_counter_ns()
        try:
            frames = self._next_frames(0 if wait else zmq.NOBLOCK)
        except zmq.Again:
            return False
        now_ns = perf_counter_ns()
        # One that was waited for came alone; else ask, for a batch is formed of what has come.
        waited = wait and now_ns - waits_since_ns > _WAITED_NS
        if not self._intake and (waited or not self._has_arrived()):
            self._take_in(frames, now_ns, alone=True)
            return True
        until_ns = now_ns + _RECEIVE_NS
        self._take_in(frames, now_ns)
        for _ in range(_RECEIVED - 1):
            if now_ns > until_ns:
                break
            try:
                frames = self._next_frames(zmq.NOBLOCK)
            except zmq.Again:
                break
            now_ns = perf_counter_ns()
            self._take_in(frames, now_ns)
        return True

    def _next_frames(self, flags: int) -> list[bytes]:
        """`recv_multipart`, which asks once less whether there is more: a sender comes first."""
        receive, get = self._receive_frame, self._get_option
        frames = [receive(flags), receive()]
        while get(zmq.RCVMORE):
            frames.append(receive())
        return frames

    def _has_arrived(self) -> bool:
        # An exception for "nothing there" would cost twice as much.
        return bool(self._get_option(zmq.EVENTS) & zmq.POLLIN)

    def _take_in(self, frames: list[bytes], now_ns: int, *, alone: bool = False) -> None:
        """Let a request wait for its turn, or answer it where it need not or must not wait."""
        peer = frames[0]
        if len(frames) == 3 and not frames[1]:
            body = frames[2]
            if alone or len(body) > MAX_BODY_BYTES:  # which is refused unread
                self._handle(peer, body, now_ns, alone=True)
                return
            try:
                self._intake.put(Message(peer, body, now_ns))
            except WireError as error:
                self._service.refuse_unread(body, error, self._reply_to(peer), now_ns)
        elif peer == self._bell_token and self._bell is not None:
            self._bell.answered()
        else:  # answered in the shape it came: with a delimiter where it had one
            has_delimiter = len(frames) > 1 and not frames[1]
            reply = self._reply_to(peer, has_delimiter=has_delimiter)
            self._service.refuse_envelope(reply, peer, now_ns)

    def _serve(self) -> None:
        """Have some of what waits read and answered, or queued in its lane."""
        until_ns = perf_counter_ns() + _SERVE_NS
        for _ in range(_SERVED):
            peer, body, received_ns = self._intake.pop()
            self._handle(peer, body, received_ns)
            if not self._intake or perf_counter_ns() > until_ns:
                break

    def _handle(self, peer: bytes, body: bytes, received_ns: int, *, alone: bool = False) -> None:
        if peer in self._unsent.by_client:
            try:
                self._unsent.require_read(peer)
            except WireError as error:
                self._service.refuse_unread(body, error, self._reply_to(peer), received_ns)
                return
        self._service.handle(body, self._reply_to(peer), peer, received_ns, alone=alone)

    def _reply_to(self, peer: bytes, *, has_delimiter: bool = True) -> Reply:
        send = self._send_frame

        def reply(body: bytes) -> None:
            frame: bytes | zmq.Frame = body
            if len(body) >= LARGE_BYTES:
                # Before anything is sent: what fails amid a reply would spoil the next one, too.
                frame = zmq.Frame(body, track=True, copy=False)
            try:
                send(peer, _MORE)
                if has_delimiter:
                    send(b"", _MORE)
                send(frame, _LAST)
                if isinstance(frame, zmq.Frame):
                    self._unsent.note(peer, frame.tracker, len(body))
            except zmq.Again:
                self._throttled.log("unread", "", "a client does not read: a reply to it is lost")
            except zmq.ZMQError as error:
                if error.errno != zmq.EHOSTUNREACH:  # it has left
                    log.warning("a reply could not be sent: %s", error)

        return reply


def _bind_problem(endpoint: str, error: Exception) -> str:
    if isinstance(error, AccessError):
        return str(error)
    if isinstance(error, zmq.ZMQError) and error.errno == zmq.EADDRINUSE:
        return (
            f"{endpoint} is in use, perhaps by another eabridge serve: stop that one, or give "
            "--bind another port"
        )
    return f"cannot listen on {endpoint} ({error}): give an address such as tcp://127.0.0.1:5655"
