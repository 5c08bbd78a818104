"""The control socket: who is on this machine changes what is served, and asks how the daemon is.

Loopback alone, bounded like the main socket, in threads of its own: one that answers, one in which
models are loaded, so that `status` is answered meanwhile.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Event, Thread
from time import monotonic, sleep
from typing import Any

import zmq

from bridge.daemon.doors.gate import Gate
from bridge.daemon.service import Service
from bridge.daemon.swaps.swap import Swap, SwapError
from bridge.wire.codec import pack, peek_id, unpack
from bridge.wire.control import MAX_CONTROL_BYTES, control_endpoint, parse_model
from bridge.wire.endpoints import EndpointError, is_loopback, split
from bridge.wire.errors import Code, WireError
from bridge.wire.messages import error_reply, ok_reply, parse_envelope, request_id

log = logging.getLogger(__name__)

OFF = "off"

_WAKE = "inproc://done"
_STOP = b"stop"
_SEND_MS = 1000
_MOST_CONNECTIONS = 64
_HIGH_WATER = 64  # messages that wait for or from one peer; what is more waits in its socket
_HANDSHAKE_MS = 5000
_LINGER_MS = 500
_MOST_ORDERS = 16
_BURST, _A_SECOND = 50, 200  # requests: more are answered later, for the models' sake
_STATUS_S = 0.2  # how old a status may be
_STOP_S = 5.0
_DESCRIBED = (
    *("name", "version", "task", "inputs", "context"),
    *("horizon", "levels", "tf", "symbols"),
)

Origin = tuple[bytes, bool, int]
"""Whom a reply goes to: the peer, whether its envelope had a delimiter, the request's id."""


class ControlRefused(ValueError):
    """An endpoint that a control socket is not opened on. The message says why."""


def choose_endpoint(served: str, given: str | None) -> str | None:
    """Where to take orders; None for nowhere.

    Args:
        served: where the daemon serves, with its port.
        given: what the user gave: an endpoint, `off`, or None for the port after the one served.

    Raises:
        ControlRefused: what was given is no endpoint on loopback.
    """
    if given == OFF:
        return None
    if given is None:
        follows = control_endpoint(served)
        if follows is None:
            log.warning("no control socket: no port follows %s; give --control one", served)
        return follows
    try:
        is_safe = given.startswith("tcp://") and is_loopback(split(given)[0])
    except EndpointError:
        is_safe = False
    if not is_safe:
        raise ControlRefused(
            f"--control {given}: whoever reaches it changes what is served, so it takes an "
            f"endpoint on loopback alone, such as tcp://127.0.0.1:5656, or {OFF}"
        )
    return given


@dataclass
class _Order:
    """A change that was asked for, and by whom."""

    op: str
    model: str
    origins: list[Origin] = field(default_factory=list)


class ControlSocket:
    """Takes orders from `with` to its end. Where its port is in use it warns, and takes none.

    Args:
        endpoint: on loopback.
        service: what is served. swap: changes it.
        status: the daemon's figures, as msgpack takes them; asked in this socket's own thread.
    """

    def __init__(
        self, endpoint: str, service: Service, swap: Swap, status: Callable[[], dict[str, Any]]
    ) -> None:
        self.endpoint: str | None = None
        self._asked_endpoint = endpoint
        self._service = service
        self._swap = swap
        self._status = status
        self._status_body: tuple[float, dict[str, Any]] = (float("-inf"), {})
        self._over = Event()
        self._context = zmq.Context()
        self._orders: deque[_Order] = deque()
        self._ordered = Condition()
        self._threads: list[Thread] = []

    def __enter__(self) -> ControlSocket:
        socket = self._context.socket(zmq.ROUTER)
        for option, value in (
            (zmq.MAXMSGSIZE, MAX_CONTROL_BYTES),
            (zmq.RCVHWM, _HIGH_WATER),
            (zmq.SNDHWM, _HIGH_WATER),
            (zmq.HANDSHAKE_IVL, _HANDSHAKE_MS),
            (zmq.LINGER, _LINGER_MS),
            (zmq.IPV6, "[" in self._asked_endpoint),
        ):
            socket.setsockopt(option, value)
        gate = Gate(
            socket,
            self._context,
            keys_folder=None,
            most=_MOST_CONNECTIONS,
            most_waiting=None,
            largest_bytes=MAX_CONTROL_BYTES,
            handshake_s=_HANDSHAKE_MS / 1000,
        )
        try:
            socket.bind(self._asked_endpoint)
        except zmq.ZMQError as error:
            gate.close()
            socket.close()
            log.warning(
                "no control socket on %s (%s): eabridge models reload, default and remove, and "
                "eabridge top, do not reach this daemon; give --control another endpoint",
                *(self._asked_endpoint, zmq.strerror(error.errno or 0)),
            )
            return self
        self.endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        done = self._context.socket(zmq.PULL)
        done.bind(_WAKE)
        for work, arguments in ((self._work, ()), (self._answer, (socket, gate, done))):
            thread = Thread(target=work, args=arguments, name="control", daemon=True)
            self._threads.append(thread)
            thread.start()
        log.info("taking orders on %s", self.endpoint)
        return self

    def __exit__(self, *_: object) -> None:
        with self._ordered:
            self._over.set()
            self._ordered.notify()
        if self._threads:
            working, answering = self._threads
            working.join(_STOP_S)  # what it has done is still told
            with self._context.socket(zmq.PUSH) as bell:
                bell.connect(_WAKE)
                bell.send(_STOP)
            answering.join(_STOP_S)
        if not any(thread.is_alive() for thread in self._threads):
            self._context.term()  # else it would wait for their sockets

    # The thread that answers.

    def _answer(self, socket: zmq.Socket[bytes], gate: Gate, done: zmq.Socket[bytes]) -> None:
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(done, zmq.POLLIN)
        allowance = _Allowance(_BURST, _A_SECOND)
        stopping = False
        while not stopping or done.poll(0):
            ready = dict(poller.poll())
            if done in ready:
                frames = done.recv_multipart()
                if frames == [_STOP]:
                    stopping = True
                else:
                    _send(socket, frames)
            elif socket in ready:
                sleep(allowance.wait_s())
                self._handle(socket, socket.recv_multipart())
        gate.close()
        socket.close()
        done.close()

    def _handle(self, socket: zmq.Socket[bytes], frames: list[bytes]) -> None:
        peer, body = frames[0], frames[-1]
        has_delimiter = len(frames) > 1 and not frames[1]
        request = 0
        try:
            if len(frames) != 3 or not has_delimiter:
                raise WireError(
                    Code.BAD_MESSAGE,
                    "the envelope is not REQ's: send one empty delimiter frame and one body frame, "
                    "as a REQ socket does by itself",
                )
            request = peek_id(body)
            message = unpack(body)
            request = request_id(message)
            op = parse_envelope(message).op
            answer = self._fields(op, message, (peer, has_delimiter, request))
        except WireError as error:
            _send(socket, [peer, *_framed(has_delimiter, error_reply(request, error))])
        except Exception:
            # Whoever asks for what cannot be told does not end it for the others.
            log.exception("the control socket could not answer")
            defect = WireError(Code.INTERNAL, "a defect of the daemon: its log says more")
            _send(socket, [peer, *_framed(has_delimiter, error_reply(request, defect))])
        else:
            if answer is not None:
                _send(socket, [peer, *_framed(has_delimiter, ok_reply(request, answer))])

    def _fields(self, op: str, message: dict[Any, Any], origin: Origin) -> dict[str, Any] | None:
        """The reply's fields, or None where it comes later."""
        if op == "models":
            return self._models()
        if op == "status":
            return self._fresh_status()
        if op == "reload":
            self._order(op, "", origin)
        elif op in ("default", "remove"):
            self._order(op, parse_model(message), origin)
        else:
            raise WireError(
                Code.UNKNOWN_OP,
                f"there is no op '{op[:32]}' on the control socket: it knows models, status, "
                "reload, default and remove; forecasts are asked on the port that eabridge serve "
                "prints as ready",
            )
        return None

    def _models(self) -> dict[str, Any]:
        models = [
            {
                **{name: getattr(lane.manifest, name) for name in _DESCRIBED},
                "default": lane.default,
                "answers_for": lane.answers_for,
                "folder": self._swap.folder_of(lane.manifest.label),
            }
            for lane in self._service.facts().lanes
        ]
        besides = [{"model": model, "why": why} for model, why in self._swap.besides()]
        return {"models": models, "besides": besides}

    def _fresh_status(self) -> dict[str, Any]:
        made, fields = self._status_body
        if monotonic() - made > _STATUS_S:
            fields = self._status()
            self._status_body = (monotonic(), fields)
        return fields

    def _order(self, op: str, model: str, origin: Origin) -> None:
        """Leave an order to the other thread. A reload that was not begun yet is begun once."""
        with self._ordered:
            for order in self._orders:
                if op == "reload" == order.op:
                    order.origins.append(origin)
                    return
            if len(self._orders) >= _MOST_ORDERS:
                raise WireError(
                    Code.BUSY, f"{len(self._orders)} orders wait to be carried out: try again"
                )
            self._orders.append(_Order(op, model, [origin]))
            self._ordered.notify()

    # The thread that carries orders out.

    def _work(self) -> None:
        with self._context.socket(zmq.PUSH) as done:
            done.setsockopt(zmq.LINGER, 0)
            done.setsockopt(zmq.SNDTIMEO, _SEND_MS)
            done.connect(_WAKE)
            while True:
                with self._ordered:
                    while not self._orders and not self._over.is_set():
                        self._ordered.wait()
                    if self._over.is_set():
                        return
                    order = self._orders.popleft()
                outcome = self._carry_out(order)
                for peer, has_delimiter, request in order.origins:
                    reply = (
                        error_reply(request, outcome)
                        if isinstance(outcome, WireError)
                        else ok_reply(request, outcome)
                    )
                    with suppress(zmq.Again):  # nobody answers any more
                        done.send_multipart([peer, *_framed(has_delimiter, reply)])

    def _carry_out(self, order: _Order) -> dict[str, Any] | WireError:
        try:
            if order.op == "default":
                return {"model": self._swap.set_default(order.model)}
            if order.op == "remove":
                return {"model": self._swap.remove(order.model)}
            report = self._swap.rescan(again=True)
        except SwapError as error:
            return WireError(error.code, str(error))
        except Exception:
            # The thread outlives any defect of ours: one is told, the log has the rest.
            log.exception("an order could not be carried out")
            return WireError(Code.INTERNAL, "a defect of the daemon: its log says more")
        return {
            "added": report.added,
            "replaced": list(report.replaced.items()),
            "refused": report.refused,
            "missing": report.missing,
        }


class _Allowance:
    """How long to wait before the next request, so that no more than so many are done a second."""

    def __init__(self, burst: int, a_second: int) -> None:
        self._burst = burst
        self._a_second = a_second
        self._left = float(burst)
        self._at = monotonic()

    def wait_s(self) -> float:
        now = monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._a_second) - 1
        self._at = now
        return max(0.0, -self._left / self._a_second)


def _framed(has_delimiter: bool, message: dict[str, Any]) -> list[bytes]:
    """A reply in the shape of its request."""
    return [b"", pack(message)] if has_delimiter else [pack(message)]


def _send(socket: zmq.Socket[bytes], frames: list[bytes]) -> None:
    try:
        socket.send_multipart(frames, zmq.NOBLOCK)
    except zmq.ZMQError as error:  # a peer that takes nothing
        log.debug("a reply on the control socket could not be sent: %s", error)
