"""The doorbell: other threads wake the loop, which waits in one place for clients and for them."""

from __future__ import annotations

import secrets
from threading import RLock
from typing import Any

import zmq

ENDPOINT = "inproc://doorbell"
"""Where the loop's socket listens beside the network; seen by sockets of its own context alone."""

_LINGER_MS = 0


class Doorbell:
    """A DEALER socket, by which any thread sends the loop's ROUTER an empty message.

    The loop knows the message by its sender: a routing id that nobody can guess. A bell that rang
    and was not answered yet need not ring again.

    Args:
        context: that of the loop's socket, which is bound to `ENDPOINT`.
    """

    def __init__(self, context: zmq.Context[Any]) -> None:
        # ZeroMQ keeps the ids that begin with a zero byte to itself.
        self.token = b"\x01" + secrets.token_bytes(31)
        self._lock = RLock()  # a signal's handler may ring while its thread does
        self._rang = False
        self._socket = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, _LINGER_MS)
        self._socket.setsockopt(zmq.ROUTING_ID, self.token)
        self._socket.connect(ENDPOINT)

    def ring(self) -> None:
        """Wake the loop. What it is to find must be in its place before."""
        if self._rang:
            return
        with self._lock:
            if self._rang or self._socket.closed:
                return
            self._rang = True
            self._socket.send(b"", zmq.NOBLOCK)

    def answered(self) -> None:
        """The loop has heard it, and looks for what there is to do after this."""
        self._rang = False

    def close(self) -> None:
        """Ring no more."""
        with self._lock:
            self._socket.close()
