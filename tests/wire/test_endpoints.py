"""Endpoints: parted into host and port, and whether others can reach them."""

from __future__ import annotations

import pytest

from bridge.wire.endpoints import EndpointError, is_loopback, split


@pytest.mark.parametrize(
    ("endpoint", "host", "port"),
    [
        ("tcp://127.0.0.1:5655", "127.0.0.1", 5655),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("tcp://*:*", "*", 0),
        ("tcp://[::1]:65535", "[::1]", 65_535),
        ("tcp://eth0:1", "eth0", 1),
    ],
)
def test_an_endpoint_is_a_host_and_a_port(endpoint: str, host: str, port: int) -> None:
    assert split(endpoint) == (host, port)


@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        ("tcp://127.0.0.1:65536", "no number from 0 to 65535"),
        ("tcp://127.0.0.1:5655x", "no number"),
        ("tcp://127.0.0.1:-1", "no number"),
        ("tcp://127.0.0.1:\u0665\u0666\u0665\u0665", "no number"),
        ("tcp://127.0.0.1", "names no port"),
        ("", "names no port"),
        ("tcp://5655", "names no host"),
        ("tcp://:5655", "names no host"),
    ],
)
def test_what_is_none_is_told_why(endpoint: str, problem: str) -> None:
    with pytest.raises(EndpointError, match=problem):
        split(endpoint)


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("*", False),
        ("[::]", False),
        ("192.168.0.10", False),
        ("eth0", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_what_this_machine_alone_reaches(host: str, is_one: bool) -> None:
    assert is_loopback(host) is is_one
