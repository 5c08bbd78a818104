"""Why a daemon does not answer: looked into once time has run out, never before.

ZeroMQ keeps trying in silence. What a peer says in its greeting, and what becomes of a handshake,
tells whether nobody is there, whether the keys are wrong, or whether the daemon is there and hangs.
"""

from __future__ import annotations

import re
import secrets
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import zmq

from bridge.keys import ClientKeys, use_keys

_ENDPOINT = re.compile(r"tcp://(?P<host>\[[^\]]+\]|[^:/]+):(?P<port>\d{1,5})")
_SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
_TO_VERSION = _SIGNATURE + b"\x03"  # enough of a greeting for the peer to send all of its own
_GREETING_BYTES = 64
_MECHANISM = slice(12, 32)
_EVENT = struct.Struct("=HI")
_ENDS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_DISCONNECTED
)
_SHORTEST_S, _LONGEST_S = 0.2, 1.0  # of each step, however long was waited


@dataclass(frozen=True)
class Silence:
    """Why nothing was heard.

    Attributes:
        why: what is wrong and what to do, as the rest of a sentence.
        for_keys: the daemon is there, and the keys are what it refuses.
    """

    why: str
    for_keys: bool = False


def why_silent(endpoint: str, keys: ClientKeys | None, wait_s: float) -> Silence:
    """Find out why nobody answered at `endpoint`; takes some seconds at most.

    Args:
        endpoint: as it was connected to.
        keys: those that were used.
        wait_s: how long an answer was waited for: no step of this (to connect, to be greeted, to
            shake hands) waits longer, nor longer than a second.
    """
    match = _ENDPOINT.fullmatch(endpoint)
    if match is None:
        return Silence("is the daemon running? Start it with: eabridge serve")
    wait_s = min(_LONGEST_S, max(_SHORTEST_S, wait_s))
    try:
        mechanism = _mechanism_of(match["host"].strip("[]"), int(match["port"]), wait_s)
    except (OSError, OverflowError, UnicodeError):
        return Silence("is the daemon running? Start it with: eabridge serve")
    if mechanism is None:
        return Silence(
            "what listens there does not greet as a daemon does, or takes no more connections: "
            "eabridge doctor tells more"
        )
    if mechanism == "CURVE" and keys is None:
        return Silence(
            "the daemon there asks for keys: give --keys and --server-key (keys and server_key "
            "of a Client)",
            for_keys=True,
        )
    if mechanism != "CURVE" and keys is not None:
        return Silence(
            "the daemon there has no keys: leave out --keys and --server-key, or start it with "
            "eabridge serve --keys",
            for_keys=True,
        )
    if keys is not None:
        return _handshake(endpoint, keys, wait_s)
    return Silence("the daemon is there, and is busy or hangs: eabridge doctor tells more")


def _mechanism_of(host: str, port: int, wait_s: float) -> str | None:
    """The security mechanism that a peer greets with; None where it is no ZeroMQ 3 peer."""
    greeting = b""
    with socket.create_connection((host, port), wait_s) as connection:
        end = monotonic() + wait_s
        with suppress(OSError):  # what came until then counts
            connection.sendall(_TO_VERSION)
            while len(greeting) < _GREETING_BYTES and (left := end - monotonic()) > 0:
                connection.settimeout(left)
                more = connection.recv(_GREETING_BYTES - len(greeting))
                if not more:
                    break
                greeting += more
    if len(greeting) < _MECHANISM.stop or greeting[:1] != b"\xff" or greeting[9:10] != b"\x7f":
        return None
    return greeting[_MECHANISM].rstrip(b"\0").decode("ascii", "replace")


def _handshake(endpoint: str, keys: ClientKeys, wait_s: float) -> Silence:
    """What comes of a handshake with these keys."""
    event = None
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.LINGER, 0)
        use_keys(dealer, keys)
        with context.socket(zmq.PAIR) as events:
            place = f"inproc://silence-{secrets.token_hex(8)}"
            dealer.monitor(place, _ENDS)
            events.connect(place)
            dealer.connect(endpoint)
            if events.poll(int(wait_s * 1000)):
                event, _ = _EVENT.unpack(events.recv_multipart()[0])
            dealer.monitor(None, 0)
    if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
        return Silence("the daemon is there, and is busy or hangs: eabridge doctor tells more")
    if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        return Silence(
            "the daemon there does not know this client's key: give there eabridge keys allow "
            f'NAME "{keys.own.public}"',
            for_keys=True,
        )
    if event is None:
        return Silence("the daemon there is too busy to shake hands")
    return Silence(
        f"the daemon there is not the one whose public key is {keys.server}: give --server-key "
        "what eabridge keys list shows there as the daemon's",
        for_keys=True,
    )
