"""Who may connect: what a socket is told before it listens, and what it refuses to listen on.

Programs on this machine need no keys, as long as the daemon listens to this machine alone. Anybody
else needs CURVE: a key of their own that the daemon was told to allow. What libzmq bounds by itself
(the size of a message, the time of a handshake, peers that are gone) is set here; what it does not
(the number of connections, who is allowed, what is said of those refused) `gate` does.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import zmq

from bridge.daemon.doors.gate import Gate
from bridge.keys import KeyPair, KeysError, read_pair
from bridge.wire import DEFAULT_ENDPOINT
from bridge.wire.codec import MAX_BODY_BYTES
from bridge.wire.endpoints import EndpointError, is_loopback, split

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 1024
MAX_LOCAL_FRAME_BYTES = 128 * 1024 * 1024
"""On loopback. Up to it a peer is told `too_large`, ten million bars among them; one that announces
more is cut off by the transport."""
MAX_REMOTE_FRAME_BYTES = MAX_BODY_BYTES + 4 * 1024 * 1024
"""On other interfaces. libzmq makes room for a frame when it is announced, before it knows who
announces it: 64 strangers at a time can make it take this much each, and no more."""
HANDSHAKE_MS = 5_000

_MOST_STRANGERS = 64  # connections that have yet to say who they are, beyond this machine
_RECEIVE_QUEUE = 64  # messages of one client that wait unread, each as large as a frame may be
_BACKLOG = 1024  # all of a machine's EAs come back at once when the daemon was restarted
_KEEPALIVE_IDLE_S, _KEEPALIVE_EVERY_S, _KEEPALIVE_TIMES = 60, 10, 6  # a dead peer: two minutes
_OWN_FILES = 256  # descriptors for everything but connections
_MORE_FILES = 1_024  # connections that come faster than they can be turned away


class AccessError(RuntimeError):
    """The daemon may not listen so. The message is for the person who starts it."""


@dataclass(frozen=True)
class Access:
    """Who may connect, and how many at a time.

    Attributes:
        keys: file of the daemon's own pair, or the folder that holds it; in `allowed` beside it
            are the keys of those who may connect. None: no keys, and loopback alone.
        max_connections: more are turned away.
    """

    keys: Path | None = None
    max_connections: int = MAX_CONNECTIONS

    def secure(
        self,
        socket: zmq.Socket[bytes],
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
    ) -> Gate:
        """Make a socket safe to bind to `endpoint`; to be called before it is bound.

        Connections over inproc, those of this process itself, need no keys and are not counted.

        Returns:
            What watches its connections, in a thread of its own: close it before the socket.

        Raises:
            AccessError: it must not listen there, or the keys cannot be used.
        """
        host = _checked_host(endpoint)
        local = is_loopback(host)
        if not local and self.keys is None:
            raise AccessError(
                f"cannot listen on {endpoint} (without keys the daemon listens on loopback only): "
                f"make them with eabridge keys new, then give eabridge serve --bind {endpoint} "
                f"--keys; or give an address such as {DEFAULT_ENDPOINT}"
            )
        if self.max_connections < 1:
            raise AccessError(f"--max-connections {self.max_connections}: at least 1")
        pair, folder = _keys(self.keys)
        largest = MAX_LOCAL_FRAME_BYTES if local else MAX_REMOTE_FRAME_BYTES
        socket.setsockopt(zmq.MAXMSGSIZE, largest)
        socket.setsockopt(zmq.RCVHWM, _RECEIVE_QUEUE)
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        socket.setsockopt(zmq.BACKLOG, _BACKLOG)
        socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, _KEEPALIVE_IDLE_S)
        socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, _KEEPALIVE_EVERY_S)
        socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, _KEEPALIVE_TIMES)
        socket.setsockopt(zmq.IPV6, "[" in endpoint)
        if pair is not None:
            socket.setsockopt(zmq.CURVE_SERVER, 1)
            socket.setsockopt(zmq.CURVE_SECRETKEY, pair.secret.encode())
            log.info("CURVE: the daemon's public key is %s", pair.public)
        return Gate(
            socket,
            context,
            keys_folder=folder,
            most=_room_for(self.max_connections),
            most_waiting=None if local else _MOST_STRANGERS,
            largest_bytes=largest,
            handshake_s=HANDSHAKE_MS / 1000,
        )


def _keys(path: Path | None) -> tuple[KeyPair | None, Path | None]:
    """The daemon's pair, and the folder with those who may connect."""
    if path is None:
        return None, None
    try:
        return read_pair(path), path if path.is_dir() else path.parent
    except (KeysError, OSError) as error:
        why = str(error).removeprefix(f"{path}: ")
        raise AccessError(f"--keys {path}: {why}") from error


def _checked_host(endpoint: str) -> str:
    """The host of an endpoint.

    Raises:
        AccessError: it is no endpoint to listen on.
    """
    try:
        if not endpoint.startswith("tcp://"):
            raise EndpointError("only tcp:// endpoints are served")
        return split(endpoint)[0]
    except EndpointError as error:
        raise AccessError(
            f"cannot listen on {endpoint} ({error}): give an address such as {DEFAULT_ENDPOINT}"
        ) from error


def _room_for(connections: int) -> int:
    """As many connections as are wanted, or as there are file descriptors for.

    Where there are none left, libzmq tries to accept again and again, as fast as it can.
    """
    limit = _descriptors(2 * connections + _OWN_FILES + _MORE_FILES)
    if limit is None:
        return connections
    room = max(1, (limit - min(_OWN_FILES, limit // 2)) // 2)  # the gate holds each a second time
    if room < connections:
        log.warning(
            "this process may open %d files: at most %d connections at a time; a higher limit "
            "(ulimit -n, LimitNOFILE=) lets in more",
            *(limit, room),
        )
    return min(room, connections)


def _descriptors(wanted: int) -> int | None:
    """How many files this process may open; None where nothing limits them, as on Windows.

    Where it may raise the limit itself, as far as is wanted, it does.
    """
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    may = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < may:
        with suppress(OSError, ValueError):  # macOS may allow less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (may, hard))
            soft = may
    return None if soft == resource.RLIM_INFINITY else soft
