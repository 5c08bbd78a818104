"""A daemon that introduces itself and then answers nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import zmq

from bridge.wire.codec import pack, unpack
from bridge.wire.messages import ok_reply

HELLO = {
    "server": "silent",
    "protocols": [1],
    "models": [
        {
            "name": "mute",
            "version": "0",
            "task": "forecast",
            "inputs": "ohlc",
            "context": 128,
            "horizon": 16,
            "levels": [0.1, 0.5, 0.9],
            "tf": 3600,
            "symbols": [],
            "default": True,
        }
    ],
}


@contextmanager
def silent_after_hello() -> Iterator[str]:
    """Its endpoint."""
    context = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.LINGER, 0)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    over = threading.Event()

    def answer() -> None:
        while not over.is_set():
            if socket.poll(50):
                peer, delimiter, body = socket.recv_multipart()
                message = unpack(body)
                if message["op"] == "hello":
                    socket.send_multipart([peer, delimiter, pack(ok_reply(message["id"], HELLO))])

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{port}"
    finally:
        over.set()
        thread.join()
        socket.close()
        context.term()
