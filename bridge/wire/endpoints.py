"""Where one listens, as a person writes it: `tcp://HOST:PORT`, or without the scheme.

>>> split("tcp://[::1]:5655")
('[::1]', 5655)
>>> is_loopback("[::1]")
True
"""

from __future__ import annotations

import ipaddress

ANY_PORT = "*"

MOST_PORT = 65_535


class EndpointError(ValueError):
    """It is no endpoint. The message says in a few words what is wrong with it."""


def split(endpoint: str) -> tuple[str, int]:
    """Host, as it is written, and port; 0 for `*`, any that is free.

    Raises:
        EndpointError: it has no host, or no port from 0 to 65535.
    """
    host, colon, port = endpoint.rpartition("://")[2].rpartition(":")
    if not colon and not port.isdecimal():
        raise EndpointError("it names no port")
    # ZeroMQ would listen on port 34463 where it is told 99999, and on 5655 where 5655x.
    if port != ANY_PORT and not (port.isdecimal() and port.isascii() and int(port) <= MOST_PORT):
        raise EndpointError(f"its port is no number from 0 to {MOST_PORT}")
    if not host:
        raise EndpointError("it names no host")
    return host, 0 if port == ANY_PORT else int(port)


def is_loopback(host: str) -> bool:
    """Whether this machine alone reaches a host: an address, in brackets or not, or `localhost`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False  # the name of an interface, or `*`
