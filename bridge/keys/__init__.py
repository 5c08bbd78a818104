"""CURVE keys: pairs in files that only their owner reads, and the list of those who may connect.

A folder of keys, on the daemon's machine:

    daemon.secret            the daemon's own pair: never leaves this machine
    daemon.public            its public key: goes to every client
    allowed/laptop.public    a client that may connect; one file each

A client has a pair of its own and the daemon's public key. All are text that a person can read;
keys are Z85, 40 letters.
"""

from bridge.keys.allowed import allow, allowed_folder, allowed_stamp, read_allowed, revoke
from bridge.keys.client import ClientKeys, client_keys, use_keys
from bridge.keys.files import (
    DAEMON,
    KeyPair,
    KeysError,
    default_folder,
    new_pair,
    pairs,
    read_pair,
    read_public,
    secret_file,
)

__all__ = [
    "DAEMON",
    "ClientKeys",
    "KeyPair",
    "KeysError",
    "allow",
    "allowed_folder",
    "allowed_stamp",
    "client_keys",
    "default_folder",
    "new_pair",
    "pairs",
    "read_allowed",
    "read_pair",
    "read_public",
    "revoke",
    "secret_file",
    "use_keys",
]
