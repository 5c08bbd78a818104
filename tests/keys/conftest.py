"""A pair that is in no file."""

from __future__ import annotations

import pytest
import zmq

from bridge.keys import KeyPair


@pytest.fixture(scope="session")
def pair() -> KeyPair:
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())
