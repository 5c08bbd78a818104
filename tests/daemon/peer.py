"""A client that says exactly what a test tells it to, well-formed or not."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgpack
import numpy as np
import zmq
from numpy.typing import NDArray

from bridge.bars import Bars

_PATIENCE_MS = 60_000  # a hang fails the test; a slow machine does not
_ids = itertools.count(1)


class Peer:
    """A DEALER socket: it may send any frames, and ask again before it is answered."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> None:
        self._socket = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 2000)  # what was sent leaves even after a close
        self._socket.connect(endpoint)

    def close(self) -> None:
        self._socket.close()

    def send(self, *frames: bytes) -> None:
        self._socket.send_multipart(frames)

    def send_message(self, message: Mapping[str, Any]) -> None:
        """One message in REQ's envelope."""
        self.send(b"", msgpack.packb(message))

    def try_to_send(self, message: Mapping[str, Any]) -> None:
        """Send where the daemon takes it, and read no answer."""
        with contextlib.suppress(zmq.Again):
            self._socket.send_multipart([b"", msgpack.packb(message)], zmq.NOBLOCK)

    def receive(self) -> list[bytes]:
        assert self._socket.poll(_PATIENCE_MS), "no answer"
        return self._socket.recv_multipart()

    def receive_message(self) -> dict[str, Any]:
        """One message out of REQ's envelope."""
        delimiter, body = self.receive()
        assert delimiter == b""
        reply: dict[str, Any] = msgpack.unpackb(body)
        return reply

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        self.send_message(message)
        return self.receive_message()

    def ask_bytes(self, body: bytes) -> dict[str, Any]:
        """The answer to a body that may be anything."""
        self.send(b"", body)
        return self.receive_message()


Connect = Callable[[str], Peer]


def request(op: str, **fields: Any) -> dict[str, Any]:
    """A request with an id of its own."""
    return {"v": 1, "op": op, "id": next(_ids), **fields}


def ohlc_item(bars: Bars, end: int | None = None, count: int = 128) -> dict[str, Any]:
    """`count` of the bars up to `end`, as an item of `forecast_batch`."""
    window = bars[: len(bars) if end is None else end][-count:]
    return {
        "symbol": window.symbol,
        "tf": window.tf,
        "time": int(window.time[-1]),
        "ohlc": window.ohlc.tobytes(),
    }


def close_item(closes: NDArray[np.float64], time: int = 0, **fields: Any) -> dict[str, Any]:
    """Closes on H1, as an item of `forecast_batch`."""
    return {"tf": 3600, "time": time, "close": closes.tobytes(), **fields}


def forecast(item: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A `forecast` request for one item's window."""
    return request("forecast", **{**item, **fields})


def batch(items: list[Any], **fields: Any) -> dict[str, Any]:
    """A `forecast_batch` request."""
    return request("forecast_batch", items=items, **fields)


def bits(reply: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """What must not differ between two answers to the same window."""
    assert reply["ok"], reply
    return reply["quantiles"], reply["up"]


def refused(reply: Mapping[str, Any], code: str, *phrases: str) -> None:
    """Assert an error reply of `code` whose one sentence holds each of `phrases`."""
    assert reply["ok"] is False, "it was answered"
    assert reply["code"] == code, reply
    for phrase in phrases:
        assert phrase in reply["message"]
    assert len(reply["message"]) < 600
    assert "Traceback" not in reply["message"]
    assert "\n" not in reply["message"]
