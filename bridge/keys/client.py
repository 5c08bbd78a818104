"""What a client needs to be let in: its own pair, and the daemon's public key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import zmq

from bridge.keys.files import KeyPair, KeysError, read_pair, read_public


@dataclass(frozen=True)
class ClientKeys:
    """What a client needs where the daemon asks for keys.

    Attributes:
        own: its own pair.
        server: the daemon's public key: it speaks with no other.
    """

    own: KeyPair
    server: str


def client_keys(own: KeyPair | str | Path | None, server: str | Path | None) -> ClientKeys | None:
    """A client's keys, given as `Client` takes them: both, or neither.

    Args:
        own: its pair, or the file with it.
        server: the daemon's public key, or a file with it.

    Raises:
        KeysError: one without the other, or they cannot be used.
    """
    if own is None and server is None:
        return None
    if own is None:
        raise KeysError(
            "a daemon that has a key asks for the client's too: give keys (--keys), which "
            "eabridge keys new makes"
        )
    if server is None:
        raise KeysError(
            "with keys of its own a client must know the daemon's: give server_key "
            "(--server-key), which eabridge keys list shows on the daemon's machine"
        )
    pair = own if isinstance(own, KeyPair) else read_pair(Path(own))
    public = read_public(server)
    if public == pair.public:
        raise KeysError(
            "server_key (--server-key) is this client's own public key: give the daemon's"
        )
    return ClientKeys(pair, public)


def use_keys(socket: zmq.Socket[bytes], keys: ClientKeys) -> None:
    """Have a socket that has yet to connect speak CURVE, to that daemon alone."""
    socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.own.public.encode())
    socket.setsockopt(zmq.CURVE_SECRETKEY, keys.own.secret.encode())
    socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server.encode())
