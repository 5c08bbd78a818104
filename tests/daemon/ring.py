"""Keys for a test's daemon and its clients, and a peer that has some."""

from __future__ import annotations

from pathlib import Path

import zmq

from bridge import keys
from bridge.keys import ClientKeys, KeyPair
from tests.daemon.peer import Peer


class Ring:
    """A folder of keys as a daemon has it, and clients' keys.

    Attributes:
        folder: what `--keys` is given.
        daemon: the daemon's own pair.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keys.new_pair(folder)
        self.daemon = keys.read_pair(folder)

    def client(self, name: str = "laptop", *, allowed: bool = True) -> ClientKeys:
        """A new client's keys."""
        own = new_pair()
        if allowed:
            keys.allow(self.folder, name, own.public)
        return ClientKeys(own, self.daemon.public)


def new_pair() -> KeyPair:
    """A pair that nobody knows."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


class KeyedPeer(Peer):
    """A peer that speaks CURVE."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str, client_keys: ClientKeys
    ) -> None:
        self._socket = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 2000)
        keys.use_keys(self._socket, client_keys)
        self._socket.connect(endpoint)
