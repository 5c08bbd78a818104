"""The control socket's client: what a daemon serves, how it is, and orders to change it.

>>> from bridge.control import Control
>>> with Control() as control:  # doctest: +SKIP
...     for label in control.reload().added:
...         print(label)
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from bridge.answers import Model, read_model
from bridge.wire import DEFAULT_ENDPOINT, PROTOCOL_VERSION
from bridge.wire.codec import pack, unpack
from bridge.wire.control import control_endpoint
from bridge.wire.endpoints import EndpointError, split
from bridge.wire.errors import Code, WireError

DEFAULT_CONTROL_ENDPOINT = control_endpoint(DEFAULT_ENDPOINT) or ""

_ALIVE_S = 5.0  # a daemon that loads still answers `models` in this time
_RELOAD_S = 3600.0  # PyTorch and a large model on a small machine
_NEVER = -1
_REACHED = zmq.EVENT_HANDSHAKE_SUCCEEDED
_CONNECTING = _REACHED | zmq.EVENT_CONNECT_RETRIED | zmq.EVENT_CLOSED
_MAX_ANSWER_BYTES = 64 * 1024 * 1024


class ControlError(Exception):
    """The daemon refused, or what answers is no daemon. The message says what would be right."""


class NoDaemon(ControlError):
    """Nobody answers on the control endpoint."""


@dataclass(frozen=True)
class ServedModel:
    """A model that is served.

    Attributes:
        model: as `hello` describes it.
        folder: the bundle's.
        answers_for: the symbols for which it answers in the place of its base.
    """

    model: Model
    folder: str
    answers_for: tuple[str, ...]


@dataclass(frozen=True)
class Besides:
    """What a daemon knows of and does not serve: `model` its label or folder, `why` a sentence."""

    model: str
    why: str


@dataclass(frozen=True)
class Models:
    """What a daemon serves, and what its stores hold besides."""

    served: tuple[ServedModel, ...]
    besides: tuple[Besides, ...]


@dataclass(frozen=True)
class Reloaded:
    """What came of a look at the stores.

    Attributes:
        added: labels that are served now and were not before.
        replaced: pairs of labels: the one that left, the one that took its place.
        refused: a sentence for each bundle that cannot be used.
        missing: labels that are served though no store holds them any more.
    """

    added: tuple[str, ...]
    replaced: tuple[tuple[str, str], ...]
    refused: tuple[str, ...]
    missing: tuple[str, ...]


class Control:
    """A connection to one daemon's control socket. For one thread at a time.

    Args:
        endpoint: where the daemon takes orders: the port after the one that it serves, unless it
            was started with another `--control`.
        timeout_s: how long a daemon may be silent before it counts as gone.
    """

    def __init__(
        self, endpoint: str = DEFAULT_CONTROL_ENDPOINT, *, timeout_s: float = _ALIVE_S
    ) -> None:
        self.endpoint = endpoint
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._context = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._disconnect()
        self._context.term()

    def models(self) -> Models:
        """What the daemon serves, and what its stores hold besides.

        Raises:
            NoDaemon: nobody answers. ControlError: what answers does not speak this protocol.
        """
        reply = self._ask("models")
        with self._reading():
            served = tuple(
                ServedModel(read_model(entry), str(entry["folder"]), tuple(entry["answers_for"]))
                for entry in reply["models"]
            )
            besides = tuple(Besides(str(e["model"]), str(e["why"])) for e in reply["besides"])
            return Models(served, besides)

    def status(self) -> dict[str, Any]:
        """The daemon's figures, as the live page shows them.

        Raises:
            NoDaemon: nobody answers. ControlError: it refused.
        """
        reply = self._ask("status")
        return {key: value for key, value in reply.items() if key not in ("v", "id", "ok")}

    def reload(self) -> Reloaded:
        """Have the daemon look at its stores now, and try again what it refused before.

        Returns when all of it is loaded and served, or refused.

        Raises:
            NoDaemon: nobody answers, or no longer. ControlError: it refused.
        """
        reply = self._ask("reload", patience_s=_RELOAD_S)
        with self._reading():
            pairs = tuple((str(old), str(new)) for old, new in reply["replaced"])
            added, refused, missing = (
                tuple(map(str, reply[name])) for name in ("added", "refused", "missing")
            )
            return Reloaded(added, pairs, refused, missing)

    def default(self, model: str) -> str:
        """Let `model` (`name` or `name@version`) answer requests that name none; the label.

        Raises:
            NoDaemon: nobody answers. ControlError: there is no such model.
        """
        return self._model(self._ask("default", patience_s=_RELOAD_S, model=model))

    def remove(self, model: str) -> str:
        """Have a model served no more; the label that is gone.

        Raises:
            NoDaemon: nobody answers. ControlError: there is no such model, or it is the default.
        """
        return self._model(self._ask("remove", patience_s=_RELOAD_S, model=model))

    def _model(self, reply: Mapping[str, Any]) -> str:
        with self._reading():
            return str(reply["model"])

    def _ask(self, op: str, *, patience_s: float = 0.0, **fields: Any) -> dict[str, Any]:
        """The reply to one request.

        With `patience_s` it may take that long to come, as long as the daemon answers others.
        """
        over = time.monotonic() + patience_s
        try:
            try:
                request = self._send(op, fields)
            except zmq.Again:  # the daemon that it was connected to has ended
                self._disconnect()
                request = self._send(op, fields)
            reply = self._await(request, over)
        except BaseException:  # a late answer is not to be taken for the next one's
            self._disconnect()
            raise
        if reply.get("code") == Code.UNKNOWN_OP.value:
            raise ControlError(
                f"{self.endpoint} is no control socket of this version: a daemon has it on the "
                f"port after the one where EAs ask, unless its log names another ({_said(reply)})"
            )
        if not reply.get("ok"):
            raise ControlError(_said(reply))
        return reply

    def _await(self, request: int, over: float) -> dict[str, Any]:
        awaited = {request}
        while (reply := self._receive(awaited)) is None or reply["id"] != request:
            if reply is not None:  # it is alive, and still at it
                awaited = {request}
            elif time.monotonic() > over or len(awaited) > 1:
                raise self._nobody()
            else:
                try:
                    awaited.add(self._send("models", {}))
                except zmq.Again as error:
                    raise NoDaemon(
                        f"the daemon on {self.endpoint} ended before it answered: ask again"
                    ) from error
        return reply

    def _send(self, op: str, fields: Mapping[str, Any]) -> int:
        """Send a request; its id. Raises zmq.Again where the connection has ended."""
        request = next(self._ids)
        body = pack({"v": PROTOCOL_VERSION, "op": op, "id": request, **fields})
        socket = self._socket or self._connect()
        socket.send_multipart([b"", body], zmq.NOBLOCK)
        return request

    def _receive(self, awaited: set[int]) -> dict[str, Any] | None:
        """The reply to one of these requests, or None where none came in time."""
        assert self._socket is not None
        deadline = time.monotonic() + self._timeout_s
        while (left_ms := (deadline - time.monotonic()) * 1000) > 0:
            if not self._socket.poll(math.ceil(left_ms)):
                break
            with self._reading():
                _, body = self._socket.recv_multipart()
                reply = unpack(body)
            if reply.get("id") in awaited:
                return reply
        return None

    def _nobody(self) -> NoDaemon:
        return NoDaemon(
            f"no daemon answers on {self.endpoint}: start one with eabridge serve, or give "
            "--control the endpoint that its log names"
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Tells of an answer that is not this protocol's, whatever is the matter with it."""
        try:
            yield
        except (WireError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ControlError(
                f"{self.endpoint} is no control socket of an eabridge daemon of this version "
                f"({type(error).__name__}: {error})"
            ) from error

    def _connect(self) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, _MAX_ANSWER_BYTES)
        socket.setsockopt(zmq.RECONNECT_IVL, _NEVER)  # another daemon knows of no order given here
        try:
            self._reach(socket)
        except BaseException:
            socket.close()
            raise
        self._socket = socket
        return socket

    def _reach(self, socket: zmq.Socket[bytes]) -> None:
        """Connect. A port that nobody listens on is told of at once, and not when time is over."""
        monitor = socket.get_monitor_socket(_CONNECTING)
        try:
            if self.endpoint.startswith("tcp://"):
                split(self.endpoint)
            socket.connect(self.endpoint)
            is_told = monitor.poll(math.ceil(self._timeout_s * 1000)) > 0
            if not is_told or recv_monitor_message(monitor)["event"] != _REACHED:
                raise self._nobody()
        except (EndpointError, zmq.ZMQError) as error:
            refused = isinstance(error, zmq.ZMQError) and error.errno
            why = zmq.strerror(refused) if refused else error
            raise ControlError(
                f"{self.endpoint} is no endpoint ({why}): give one such as "
                f"{DEFAULT_CONTROL_ENDPOINT}"
            ) from error
        finally:
            socket.disable_monitor()
            monitor.close()

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _said(reply: Mapping[str, Any]) -> str:
    return str(reply.get("message", "the daemon gave no reason"))
