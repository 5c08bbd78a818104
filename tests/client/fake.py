"""A server on a ROUTER socket that answers as a test tells it to: late, wrongly, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgpack
import zmq

from bridge.daemon.doors.access import Access

Send = Callable[..., None]
Behaviour = Callable[[int, dict[str, Any], Send], None]
"""Called with a request's number (from 1), the request, and what sends frames back to its asker,
now or during a later call."""


class FakeDaemon:
    """Runs `behave` in a thread of its own for every request, between `with` and its end.

    Args:
        access: who may connect, as the real daemon has it; anybody where None.

    Attributes:
        endpoint: where it listens.
        gate: what watches its connections; None where anybody may connect.
        requests: all that it was asked, in order.
    """

    def __init__(
        self,
        behave: Behaviour,
        endpoint: str = "tcp://127.0.0.1:0",
        access: Access | None = None,
    ) -> None:
        self.requests: list[dict[str, Any]] = []
        self._behave = behave
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self.gate = None
        try:
            if access is not None:
                self.gate = access.secure(self._socket, self._context, endpoint)
            self._socket.bind(endpoint)
        except BaseException:
            self._close()
            raise
        self.endpoint: str = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake daemon")

    def __enter__(self) -> FakeDaemon:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._close()

    def _close(self) -> None:
        if self.gate is not None:
            self.gate.close()
        self._socket.close()
        self._context.term()

    def _run(self) -> None:
        while not self._end.is_set():
            if not self._socket.poll(20):
                continue
            peer, delimiter, body = self._socket.recv_multipart()
            self.requests.append(msgpack.unpackb(body))

            def send(*frames: bytes, peer: bytes = peer, delimiter: bytes = delimiter) -> None:
                self._socket.send_multipart([peer, delimiter, *frames])

            self._behave(len(self.requests), self.requests[-1], send)


def hello_alone(number: int, request: dict[str, Any], send: Send) -> None:
    """Introduces itself and then answers nothing."""
    if request["op"] == "hello":
        send(hello(request, context=128))


def health(request: dict[str, Any], uptime_s: int = 0) -> bytes:
    """A good answer to `health`; `uptime_s` tells one from another."""
    fields = {"status": "ready", "requests": 1, "errors": 0, "queued": 0, "p50_us": 1, "p99_us": 2}
    return reply(request, uptime_s=uptime_s, **fields)


def hello(request: dict[str, Any], context: object = 4) -> bytes:
    """A good answer to `hello`: one model, `m@1`, of `context` bars."""
    model = {
        "name": "m",
        "version": "1",
        "task": "forecast",
        "inputs": "ohlc",
        "context": context,
        "horizon": 1,
        "levels": [0.5],
        "tf": 3600,
        "symbols": [],
        "default": True,
    }
    return reply(request, server="fake 1", protocols=[1], models=[model])


def reply(request: dict[str, Any], **fields: Any) -> bytes:
    """An answer to `request`, of any fields."""
    packed: bytes = msgpack.packb({"v": 1, "id": request["id"], "ok": True, **fields})
    return packed
