"""The gate: every connection passes it, is counted, and is turned away where it must be.

libzmq asks a handler of its own protocol, ZAP (RFC 27), whether a client may connect, and tells by
a monitor what becomes of connections. Both are served here, by one thread that does nothing else.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import struct
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path

import zmq
from zmq.utils import z85

from bridge.daemon.doors.allowed import Allowed
from bridge.daemon.doors.crowd import Connection, Crowd
from bridge.daemon.telemetry.throttle import Throttled

log = logging.getLogger(__name__)

_ZAP = "inproc://zeromq.zap.01"
_DOMAIN = b"eabridge"
_EVENT = struct.Struct("=HI")
_HEARD = (
    zmq.EVENT_LISTENING
    | zmq.EVENT_ACCEPTED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_MONITOR_STOPPED
)
"""Not EVENT_ACCEPT_FAILED: without descriptors libzmq raises it as fast as it can."""
_UNHEARD = 24  # events that wait beside libzmq's own 1,000 before it waits for the gate,
_AT_ONCE = 1_100  # so that these are all that there were
_MOST_REFUSED = 256
_STOP_S = 10.0
_STUMBLED_S = 0.1


class Gate:
    """Watches a socket's connections from a thread of its own, from before it is bound.

    Args:
        socket, context: the socket, not bound yet.
        keys_folder: with the list of those allowed; None where no keys are asked for.
        most: connections at a time, and most_waiting: of them, such as have yet to say who they
            are; None where these are as welcome as all.
        largest_bytes: of a frame, and handshake_s: as the socket was told, for messages.
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        context: zmq.Context[zmq.Socket[bytes]],
        *,
        keys_folder: Path | None,
        most: int,
        most_waiting: int | None,
        largest_bytes: int,
        handshake_s: float,
    ) -> None:
        self._watched = socket
        self._largest_bytes = largest_bytes
        self._handshake_s = handshake_s
        self._throttled = Throttled(log)
        self._allowed = None if keys_folder is None else Allowed(keys_folder, self._throttled)
        self._crowd = Crowd(most, most_waiting, 2 * handshake_s, self._tell_full)
        self._refused: dict[str, float] = {}  # when a key of an address was last not allowed
        self._failure: tuple[int, int] | None = None  # of the handshake that ends next
        self._zap = context.socket(zmq.REP)
        self._monitor = context.socket(zmq.PAIR)
        try:
            self._zap.setsockopt(zmq.LINGER, 0)
            self._zap.bind(_ZAP)
            socket.setsockopt(zmq.ZAP_DOMAIN, _DOMAIN)
            socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)  # no handler, no connection
            self._monitor.setsockopt(zmq.LINGER, 0)
            self._monitor.setsockopt(zmq.RCVHWM, _UNHEARD)
            events = f"inproc://gate-{secrets.token_hex(8)}"
            socket.monitor(events, _HEARD)
            self._monitor.connect(events)
        except zmq.ZMQError:
            self._zap.close()
            self._monitor.close()
            raise
        self._thread = threading.Thread(target=self._run, name="gate", daemon=True)
        self._thread.start()

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._crowd)

    @property
    def most(self) -> int:
        """How many may be."""
        return self._crowd.most

    def close(self) -> None:
        """Stop watching. To be called before the socket is closed, by the thread that uses it."""
        if not self._watched.closed:
            with suppress(zmq.ZMQError):
                self._watched.monitor(None, 0)  # its last event ends the thread
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._zap, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        watching = True
        while watching:
            try:
                watching = self._watch(poller)
            except zmq.ContextTerminated:
                break
            except Exception:  # noqa: BLE001  (it is told of, not a thousand times)
                # libzmq waits for whoever does not hear it out: this thread must not end.
                self._tell_defect("the gate stumbled")
                time.sleep(_STUMBLED_S)
        self._throttled.flush(all_of_it=True)
        self._zap.close()
        self._monitor.close()
        self._crowd.close()

    def _watch(self, poller: zmq.Poller) -> bool:
        """Wait for what happens next; false when it was the last."""
        due_s = self._throttled.due_in_s
        ready = dict(poller.poll(None if due_s is None else int(due_s * 1000) + 1))
        # First: who asks to be let in has been heard of when it is.
        if not self._hear():
            return False
        if self._zap in ready:
            self._answer()
        self._throttled.flush()
        return True

    def _answer(self) -> None:
        """Let a client in, or not."""
        request = self._zap.recv_multipart()
        try:
            status, text = self._judge(request)
        except Exception:  # noqa: BLE001  (it is told of, not a thousand times)
            # Whatever is wrong here, the door stays shut for that one, and the gate goes on.
            self._tell_defect("a client could not be judged")
            status, text = b"500", b"internal error"
        number = request[1] if len(request) > 1 else b""
        self._zap.send_multipart([b"1.0", number, status, text, b"", b""])

    def _judge(self, request: list[bytes]) -> tuple[bytes, bytes]:
        if len(request) < 6 or request[0] != b"1.0" or request[2] != _DOMAIN:
            return b"500", b"not this daemon's"
        # Without the scope of an IPv6 address: a connection's own name has none.
        address = request[3].decode("ascii", "replace").partition("%")[0]
        mechanism = request[5]
        if self._allowed is None:  # on loopback, where the transport itself took NULL alone
            return (b"200", b"OK") if mechanism == b"NULL" else (b"400", b"no keys here")
        if mechanism != b"CURVE" or len(request) != 7 or len(request[6]) != 32:
            return b"400", b"CURVE is asked for"
        name = self._allowed.name_of(request[6])
        if name is not None:
            self._crowd.let_in(address)
            said = f"{name} connected from {address}"
            self._throttled.log("let in", said, said, logging.INFO)
            return b"200", b"OK"
        if len(self._refused) >= _MOST_REFUSED:
            self._refused.clear()
        self._refused[address] = time.monotonic()
        key = z85.encode(request[6]).decode()
        self._throttled.log(
            "not allowed",
            address,
            f"refused {address}: its key {key} is not allowed here; if it is one of yours: "
            f'eabridge keys allow NAME "{key}"',
        )
        return b"400", b"this key is not allowed"

    def _hear(self) -> bool:
        """Take what the monitor tells; false when it has told its last."""
        for _ in range(_AT_ONCE):
            if not int(self._monitor.get(zmq.EVENTS)) & zmq.POLLIN:
                break
            head, address = self._monitor.recv_multipart(zmq.NOBLOCK)
            event, value = _EVENT.unpack(head)
            if event == zmq.EVENT_MONITOR_STOPPED:
                return False
            self._take_event(event, value, address)
        return True

    def _take_event(self, event: int, value: int, address: bytes) -> None:
        if event == zmq.EVENT_ACCEPTED:
            self._crowd.enter(value)
        elif event == zmq.EVENT_DISCONNECTED:
            failure, self._failure = self._failure, None
            ended = self._crowd.leave(value)
            if ended is not None and not ended[0].turned_away:
                self._tell_end(*ended, failure)
        elif event == zmq.EVENT_LISTENING:
            host, _, port = address.decode().removeprefix("tcp://").rpartition(":")
            self._crowd.port = int(port)
            with suppress(ValueError):
                if ipaddress.ip_address(host.strip("[]")).is_loopback:
                    self._crowd.nobody = host.strip("[]")  # nobody else can connect
        else:  # the connection's end follows at once
            self._failure = event, value

    def _tell_defect(self, what: str) -> None:
        text = f"{what}:\n{traceback.format_exc()}"
        self._throttled.log("defect", what, text, logging.ERROR)

    def _tell_full(self, peer: str, why: str) -> None:
        self._throttled.log("full", why, f"refused {peer}: {why}")

    def _tell_end(
        self, connection: Connection, left: bool, failure: tuple[int, int] | None
    ) -> None:
        """Say why a connection ended, where that was not its client's leaving."""
        peer = connection.peer
        event, value = failure or (0, 0)
        if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
            kind, why = self._protocol_failure(value)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL and (left or connection.unseen):
            hint = "" if self._allowed is None else ", perhaps because it has no keys"
            said = f"{peer} left before it had said who it is{hint}"
            self._throttled.log("left", peer, said, logging.INFO)
            return
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            kind = "silent"
            why = f"it had not said within {self._handshake_s:g} seconds who it is"
        elif left or time.monotonic() - self._refused.get(peer, -1e9) < 2 * self._handshake_s:
            return
        else:
            kind = "stream"
            why = (
                "what it sent is not ZeroMQ 3, or is a message of more than "
                f"{self._largest_bytes:,} bytes"
            )
        self._throttled.log(kind, peer, f"refused {peer}: {why}")

    def _protocol_failure(self, value: int) -> tuple[str, str]:
        if value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            if self._allowed is not None:
                return "no keys", "it came without keys, and this daemon asks for them (CURVE)"
            return "keys", "it came with keys, and this daemon has none: leave them out there"
        if value == zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
            return "server key", "the server key it has is not this daemon's public key"
        return "handshake", "its handshake is not ZeroMQ's"
