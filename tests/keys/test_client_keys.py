"""What a client gives: both keys, or neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge import keys
from bridge.keys import KeyPair, KeysError


def test_a_client_gives_both_keys_or_neither(tmp_path: Path, pair: KeyPair) -> None:
    secret, _ = keys.new_pair(tmp_path)
    assert keys.client_keys(None, None) is None
    given = keys.client_keys(secret, pair.public)
    assert given == keys.ClientKeys(keys.read_pair(secret), pair.public)
    with pytest.raises(KeysError, match="asks for the client's too: give keys"):
        keys.client_keys(None, pair.public)
    with pytest.raises(KeysError, match="must know the daemon's: give server_key"):
        keys.client_keys(secret, None)


def test_a_client_that_is_given_its_own_key_as_the_daemons_is_told(pair: KeyPair) -> None:
    with pytest.raises(KeysError, match="this client's own public key"):
        keys.client_keys(pair, pair.public)
