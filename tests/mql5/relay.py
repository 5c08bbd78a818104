"""A relay between a program and a real daemon, which does to forecasts what a test wants.

with relay_to(daemon.endpoint) as relay:
    ... a program that asks relay.endpoint ...
    relay.spoil = late(2.0)
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgpack
import zmq

from tests.mql5.peers import Left, Listener, Talk, enveloped
from tests.wire.mutation import damaged_bytes

Spoil = Callable[[Talk, bytes], None]
"""Sends the program what becomes of a reply's body, or leaves."""


def whole(talk: Talk, reply: bytes) -> None:
    """Passes the reply on as it is."""
    talk.reply(reply)


def late(seconds: float) -> Spoil:
    """Passes every reply on, but only after a while."""

    def spoil(talk: Talk, reply: bytes) -> None:
        time.sleep(seconds)
        talk.reply(reply)

    return spoil


def cut_off(count: int) -> Spoil:
    """Passes on so many bytes, or all but so many where it is negative, and ends the connection."""

    def spoil(talk: Talk, reply: bytes) -> None:
        talk.send(enveloped(reply)[:count])
        raise Left

    return spoil


def until(forecasts: int) -> Spoil:
    """Passes so many forecasts on, and from then on ends the connection in the place of each."""
    left = itertools.chain([True] * forecasts, itertools.repeat(False))

    def spoil(talk: Talk, reply: bytes) -> None:
        if not next(left):
            raise Left
        talk.reply(reply)

    return spoil


def shortened(count: int) -> Spoil:
    """Passes on sound messages of which only so many bytes of the body are left."""
    return lambda talk, reply: talk.reply(reply[:count])


def damaged(random: Random) -> Spoil:
    """Passes on sound messages whose bodies are damaged, each in another way."""
    return lambda talk, reply: talk.reply(damaged_bytes([reply], random))


@dataclass
class Relay:
    """Where it listens, and what was asked.

    Attributes:
        endpoint: of the relay, as an EA's input has it.
        spoil: what happens to forecasts on their way from now on.
        forecasts: every request for a forecast so far, decoded.
        answered: `time` of those whose answer was passed on whole.
    """

    endpoint: str
    spoil: Spoil = whole
    forecasts: list[dict[str, Any]] = field(default_factory=list)
    answered: set[int] = field(default_factory=set)


@contextmanager
def relay_to(daemon_endpoint: str) -> Iterator[Relay]:
    """A relay to a daemon, on a port of its own."""

    def behave(talk: Talk) -> None:
        with context.socket(zmq.REQ) as daemon:
            daemon.setsockopt(zmq.LINGER, 0)
            daemon.setsockopt(zmq.RCVTIMEO, 30_000)
            daemon.connect(daemon_endpoint)
            talk.greet()
            while True:
                request = talk.request()
                daemon.send(request)
                reply = daemon.recv()
                asked = msgpack.unpackb(request)
                if asked["op"] != "forecast":
                    talk.reply(reply)
                    continue
                spoil = relay.spoil  # the test may change it at any moment
                relay.forecasts.append(asked)
                if spoil is whole:
                    relay.answered.add(asked["time"])
                spoil(talk, reply)

    with zmq.Context() as context, Listener(behave) as listener:
        relay = Relay(listener.endpoint)
        yield relay
