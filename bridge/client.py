"""The Python client: ask a daemon for forecasts, as an EA does.

>>> from bridge import Client, read_bars
>>> bars, report = read_bars("EURUSD_H1.csv")  # doctest: +SKIP
>>> with Client() as client:  # doctest: +SKIP
...     forecast = client.forecast(bars)
...     print(forecast.model, forecast.median(1), forecast.prob_up(1))
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zmq

from bridge.answers import Forecast, Health, Hello, read_forecast, read_model
from bridge.bars import Bars
from bridge.keys import KeyPair, client_keys, use_keys
from bridge.silence import why_silent
from bridge.wire import DEFAULT_ENDPOINT, PROTOCOL_VERSION
from bridge.wire.codec import pack, unpack
from bridge.wire.endpoints import EndpointError, split
from bridge.wire.errors import Code, WireError

_OHLC_WHERE_UNKNOWN = 4096  # bars sent to a daemon that names no model's context


class ClientError(Exception):
    """A request brought no forecast."""


class Unreachable(ClientError):
    """No answer came in time, however often it was asked for."""


class NotAdmitted(Unreachable):
    """The daemon is there, and refuses this client for its keys: for none, or for wrong ones."""


class DaemonError(ClientError):
    """The daemon answered with an error: `code` is the wire's, `message` says what to do."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code.value}: {message}")
        self.code = code
        self.message = message


class Client:
    """A connection to one daemon, made on first use.

    Reliable in the way of the ZeroMQ guide's Lazy Pirate: a request that is not answered in
    `timeout_ms` closes the socket, so that its late answer cannot be taken for another's, and
    is asked again on a new one, up to `retries` times. May be shared between threads: requests
    then take turns.

    Args:
        endpoint: where the daemon listens.
        model: `name` or `name@version` to ask; the daemon's default where None.
        timeout_ms: how long to wait for each try. Sent along, so that the daemon computes
            nothing that comes too late.
        retries: how often to ask again after the first try.
        server_key: the daemon's public key, or a file with it, where it asks for keys (CURVE).
        keys: then also this client's own pair, or the file that `eabridge keys new` wrote; the
            daemon must have been told to allow it.

    Raises:
        KeysError: keys that cannot be used.
    """

    def __init__(
        self,
        endpoint: str = DEFAULT_ENDPOINT,
        *,
        model: str | None = None,
        timeout_ms: int = 1000,
        retries: int = 2,
        server_key: str | Path | None = None,
        keys: KeyPair | str | Path | None = None,
    ) -> None:
        if timeout_ms < 1 or retries < 0:
            raise ValueError(
                f"timeout_ms {timeout_ms} must be positive and retries {retries} not negative"
            )
        self._keys = client_keys(keys, server_key)
        self.endpoint = endpoint
        self.model = model
        self.timeout_ms = timeout_ms
        self.retries = retries
        self._lock = threading.Lock()
        self._context = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None
        self._ids = itertools.count(1)
        self._contexts: dict[str | None, int] = {}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. The client cannot be used after it."""
        with self._lock:
            self._disconnect()
            self._context.term()

    def forecast(self, bars: Bars) -> Forecast:
        """Forecast from the last bars of `bars`, all of them closed.

        Raises:
            DaemonError: the daemon refused: its code and message.
            Unreachable: no answer in time.
            ClientError: what answers does not speak this protocol.
        """
        try:
            reply = self._ask({"op": "forecast", **self._window(bars)})
        except DaemonError as error:
            if error.code is not Code.SHORT_WINDOW or not self._model_reads_otherwise_now():
                raise
            reply = self._ask({"op": "forecast", **self._window(bars)})
        with self._reading():
            return read_forecast(bars.symbol, reply)

    def forecast_batch(self, windows: Sequence[Bars]) -> list[Forecast | DaemonError]:
        """Forecasts of up to 1024 windows in one round trip; an error in the place of each refused.

        While a new version of the model takes over, one part may be answered by the old one and the
        other by the new one: each forecast names the version that made it.

        Raises:
            DaemonError: the batch as a whole was refused.
            Unreachable: no answer in time.
            ClientError: what answers does not speak this protocol.
        """
        reply = self._ask(
            {"op": "forecast_batch", "items": [self._window(bars) for bars in windows]}
        )
        with self._reading():
            return [
                read_forecast(bars.symbol, item) if item["ok"] else _daemon_error(item)
                for bars, item in zip(windows, reply["items"], strict=True)
            ]

    def hello(self) -> Hello:
        """Who answers, and what models it has.

        Raises:
            Unreachable: no answer in time.
            ClientError: what answers does not speak this protocol.
        """
        reply = self._ask({"op": "hello"})
        with self._reading():
            models = tuple(read_model(entry) for entry in reply["models"])
            return Hello(reply["server"], tuple(reply["protocols"]), models)

    def health(self) -> Health:
        """How the daemon is.

        Raises:
            Unreachable: no answer in time.
            ClientError: what answers does not speak this protocol.
        """
        reply = self._ask({"op": "health"})
        with self._reading():
            return Health(**{name: reply[name] for name in Health.__dataclass_fields__})

    def _window(self, bars: Bars) -> dict[str, Any]:
        """The request's fields for the bars that the asked model reads, and no more of them."""
        ohlc = bars.ohlc[-self._context_bars() :]
        window = {
            "symbol": bars.symbol,
            "tf": bars.tf,
            "time": int(bars.time[-1]) if len(bars) else 0,
            "ohlc": np.ascontiguousarray(ohlc, dtype="<f8").tobytes(),
        }
        return window if self.model is None else {"model": self.model, **window}

    def _context_bars(self) -> int:
        contexts = self._contexts  # another thread may put others in their place
        if self.model not in contexts:
            contexts = {None: _OHLC_WHERE_UNKNOWN, self.model: _OHLC_WHERE_UNKNOWN}
            for model in reversed(self.hello().models):  # the first of a name wins
                contexts[model.name] = contexts[model.label] = model.context
                if model.default:
                    contexts[None] = model.context
            self._contexts = contexts
        return contexts[self.model]

    def _model_reads_otherwise_now(self) -> bool:
        """Whether another daemon answers than when this was last asked; learns what it reads."""
        known = self._contexts.get(self.model)
        self._contexts = {}
        return self._context_bars() != known

    def _ask(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            for _ in range(1 + self.retries):
                request = next(self._ids)
                message = {
                    "v": PROTOCOL_VERSION,
                    "id": request,
                    "ttl_ms": self.timeout_ms,
                    **fields,
                }
                reply = self._round_trip(request, pack(message))
                if reply is not None:
                    if not reply.get("ok"):
                        raise _daemon_error(reply)
                    return reply
            raise self._unreachable()

    def _unreachable(self) -> Unreachable:
        silence = why_silent(self.endpoint, self._keys, self.timeout_ms / 1000)
        tries = f"{1 + self.retries} times " if self.retries else ""
        message = f"no answer from {self.endpoint} in {tries}{self.timeout_ms} ms: {silence.why}"
        return (NotAdmitted if silence.for_keys else Unreachable)(message)

    def _round_trip(self, request: int, body: bytes) -> dict[str, Any] | None:
        """The reply to one try, or None when its time ran out."""
        try:
            frames = self._exchange(body)
        except BaseException:  # a socket that still waits for its answer takes no request
            self._disconnect()
            raise
        if frames is not None:
            with self._reading():
                (only,) = frames
                reply = unpack(only)
            # 0 is a refusal of bytes in which the daemon found no id.
            if reply.get("id") in (request, 0):
                return reply
        self._disconnect()
        return None

    def _exchange(self, body: bytes) -> list[bytes] | None:
        """The frames that answer `body`, or None when the time ran out."""
        socket = self._socket or self._connect()
        socket.send(body)
        deadline = time.monotonic() + self.timeout_ms / 1000
        while (left_ms := (deadline - time.monotonic()) * 1000) > 0:
            if socket.poll(math.ceil(left_ms)):
                return socket.recv_multipart()
        return None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Tells of an answer that is not this protocol's, whatever is the matter with it."""
        try:
            yield
        except (WireError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ClientError(
                f"{self.endpoint} does not speak this protocol ({type(error).__name__}: {error}): "
                "is it an eabridge daemon of this version?"
            ) from error

    def _connect(self) -> zmq.Socket[bytes]:
        if self._context.closed:
            raise ClientError("this client is closed: make another one")
        socket = self._context.socket(zmq.REQ)
        socket.setsockopt(zmq.LINGER, 0)
        if self._keys is not None:
            use_keys(socket, self._keys)
        try:
            if self.endpoint.startswith("tcp://"):
                split(self.endpoint)  # ZeroMQ takes port 99999, and waits for it for ever
            socket.connect(self.endpoint)
        except (EndpointError, zmq.ZMQError) as error:
            socket.close()
            refused = isinstance(error, zmq.ZMQError) and error.errno
            why = zmq.strerror(refused) if refused else error
            raise ClientError(
                f"{self.endpoint} is no endpoint ({why}): give one such as {DEFAULT_ENDPOINT}"
            ) from error
        self._socket = socket
        return socket

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._contexts = {}  # another daemon, with other models, may answer next


def _daemon_error(reply: Mapping[str, Any]) -> DaemonError:
    try:
        code = Code(reply.get("code"))
    except ValueError:  # a later daemon may know more codes
        code = Code.INTERNAL
    return DaemonError(code, str(reply.get("message", "no message")))
