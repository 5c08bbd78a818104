"""How a small HTTP server is asked in tests, byte by byte."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from bridge.http import LocalServer

PATIENCE_S = 30


@dataclass(frozen=True)
class Got:
    """What came back: the code, the header fields in lower case, the body."""

    code: int
    fields: dict[str, str]
    body: bytes


def port(served: LocalServer) -> int:
    return int(served.url.rpartition(":")[2].rstrip("/"))


def connect(served: LocalServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port(served)), PATIENCE_S)


def send(served: LocalServer, request: bytes) -> bytes:
    """Everything that comes back for these bytes."""
    with connect(served) as connection:
        connection.sendall(request)
        received = b""
        while more := connection.recv(65_536):
            received += more
        return received


def ask(
    served: LocalServer, path: str = "/", method: str = "GET", host: str = "", more: str = ""
) -> Got:
    named = host or f"127.0.0.1:{port(served)}"
    head, _, body = send(
        served, f"{method} {path} HTTP/1.1\r\nHost: {named}\r\n{more}\r\n".encode()
    ).partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    fields = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
    return Got(int(line.split()[1]), fields, body)
