"""The socket: frames in, frames out, and a stop that leaves nobody without an answer."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic

import zmq

from bridge.daemon.service import Reply, Service

log = logging.getLogger(__name__)

MAX_FRAME_BYTES = 512 * 1024 * 1024
"""A peer that announces more is cut off by the transport; up to it, it is told `too_large`."""

_WAIT_MS = 200  # how soon a stop is noticed where a signal does not interrupt the wait
_INTAKE = 256  # requests taken off the socket before the lanes run,
_INTAKE_S = 0.1  # or as many as can be read in this time
_DRAIN_WORK_S = 2.0  # a stop computes what is queued for this long, and refuses what is left;
_DRAIN_QUIET_S = 0.5  # it ends when nobody has asked for this long,
_DRAIN_MOST_S = 2.5  # and in any case this long after it began
_LINGER_MS = 1000
_MOST_PORT = 65_535
_LOOPBACK = ("127.", "localhost:", "[::1]:")


class BindError(RuntimeError):
    """The daemon cannot listen where it was told to. The message says why."""


class Server:
    """A ROUTER socket in front of a `Service`. One thread; `stop` may be called from a signal."""

    def __init__(self, service: Service, endpoint: str) -> None:
        self._service = service
        self._stopping = self._has_ended = False
        self._changes: deque[tuple[Callable[[], object], Future[object]]] = deque()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
        self._socket.setsockopt(zmq.LINGER, _LINGER_MS)
        self._socket.setsockopt(zmq.RCVTIMEO, _WAIT_MS)
        self._socket.setsockopt(zmq.IPV6, "[" in endpoint)
        try:
            _require_loopback_port(endpoint)
            self._socket.bind(endpoint)
        except (BindError, zmq.ZMQError) as error:
            self.close()
            raise BindError(_bind_problem(endpoint, error)) from error
        self.endpoint: str = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def stop(self) -> None:
        """Ask `run` to answer what is queued and return."""
        self._stopping = True

    def change(self, work: Callable[[], object]) -> Future[object]:
        """Have the loop do `work`, between two batches: lanes are added and removed so.

        May be called from any thread. The work should be short: nobody is answered meanwhile. An
        idle loop gets to it within a fifth of a second, one that stops before leaves it cancelled.
        """
        future: Future[object] = Future()
        self._changes.append((work, future))
        if self._has_ended:
            future.cancel()
        return future

    def run(self) -> None:
        """Serve until `stop`; then drain, refusing forecasts with `draining`, and return."""
        busy = False
        while not self._stopping:
            self._take(wait=not busy)
            busy = self._service.run_waiting()
            if self._changes:
                self._change()
                busy = busy or bool(self._changes)
        log.info("stopping: answering what is queued")
        self._drain()
        self._has_ended = True
        while self._changes:
            self._changes.popleft()[1].cancel()

    def close(self) -> None:
        """Close the socket; replies already sent still leave, for up to a second."""
        self._socket.close()
        self._context.term()

    def _change(self) -> None:
        work, future = self._changes.popleft()
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except Exception as error:  # raised where the result is asked for; the loop goes on
                log.exception("a change of the lanes failed")
                future.set_exception(error)

    def _drain(self) -> None:
        started = monotonic()
        self._take(wait=False)  # what had arrived before the stop is still answered
        while self._service.run_waiting() and monotonic() - started < _DRAIN_WORK_S:
            pass
        self._service.start_draining()
        quiet_since = monotonic()
        while (now := monotonic()) - started < _DRAIN_MOST_S and now - quiet_since < _DRAIN_QUIET_S:
            if self._take(wait=True):
                quiet_since = now

    def _take(self, *, wait: bool) -> bool:
        """Hand what has arrived to the service, up to `_INTAKE` requests; whether any had.

        With `wait`, the first of them is waited for, `_WAIT_MS` at most.
        """
        try:
            self._dispatch(self._socket.recv_multipart(0 if wait else zmq.NOBLOCK))
        except zmq.Again:
            return False
        until = monotonic() + _INTAKE_S
        for _ in range(_INTAKE - 1):
            # Asked first: an exception for "nothing there" would cost more than the question.
            if not int(self._socket.get(zmq.EVENTS)) & zmq.POLLIN or monotonic() > until:
                break
            self._dispatch(self._socket.recv_multipart(zmq.NOBLOCK))
        return True

    def _dispatch(self, frames: list[bytes]) -> None:
        if len(frames) == 3 and not frames[1]:
            self._service.handle(frames[2], self._reply_to(frames[0], [b""]))
        else:  # answered in the shape it came: with a delimiter where it had one
            delimiter = [b""] if len(frames) > 1 and not frames[1] else []
            self._service.refuse_envelope(self._reply_to(frames[0], delimiter))

    def _reply_to(self, peer: bytes, delimiter: list[bytes]) -> Reply:
        def reply(body: bytes) -> None:
            try:
                for frame in (peer, *delimiter):
                    self._socket.send(frame, zmq.SNDMORE | zmq.NOBLOCK)
                self._socket.send(body, zmq.NOBLOCK)
            except zmq.ZMQError as error:  # a peer whose queue is full; one that left is silent
                log.warning("a reply could not be sent: %s", error)

        return reply


def _require_loopback_port(endpoint: str) -> None:
    address = endpoint.removeprefix("tcp://")
    if address == endpoint:
        raise BindError("only tcp:// endpoints are served")
    if not address.startswith(_LOOPBACK):
        raise BindError("without CURVE keys the daemon listens on loopback only")
    port = address.rpartition(":")[2]
    # ZeroMQ would listen on port 34463 where it is told 99999, and on 5655 where 5655x.
    if port != "*" and not (port.isdecimal() and port.isascii() and int(port) <= _MOST_PORT):
        raise BindError(f"its port is no number from 0 to {_MOST_PORT}")


def _bind_problem(endpoint: str, error: Exception) -> str:
    if isinstance(error, zmq.ZMQError) and error.errno == zmq.EADDRINUSE:
        return (
            f"{endpoint} is in use, perhaps by another eabridge serve: stop that one, or give "
            "--bind another port"
        )
    return f"cannot listen on {endpoint} ({error}): give an address such as tcp://127.0.0.1:5655"
