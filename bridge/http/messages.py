"""HTTP as it is spoken here: a request's head, read strictly, and an answer that ends the talk."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

_MOST_BYTES = 16_384  # a browser's head with a generous cookie of some other local page
_REQUEST_LINE = re.compile(rb"([A-Z]{1,16}) ([\x21-\x7e]{1,2048}) HTTP/1\.[01]")
_FIELD = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_ALWAYS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        path: without its query.
        host: as the peer wrote it, its port included.
        accept: the kinds of answer that the peer prefers, as it wrote them; may be empty.
    """

    method: str
    path: str
    host: str
    accept: str


@dataclass(frozen=True)
class Answer:
    """What is answered. `policy` is the Content-Security-Policy."""

    code: int
    kind: str
    body: bytes
    policy: str = _NOTHING
    fields: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def text(cls, code: int, message: str, **fields: str) -> Answer:
        """A sentence for a person."""
        return cls(code, "text/plain; charset=utf-8", f"{message}\n".encode(), fields=fields)

    def head(self) -> bytes:
        """The status line and the header fields, up to the blank line."""
        fields = {
            "Content-Type": self.kind,
            "Content-Length": str(len(self.body)),
            "Content-Security-Policy": self.policy,
            **_ALWAYS,
            **self.fields,
        }
        lines = [f"HTTP/1.1 {self.code} {HTTPStatus(self.code).phrase}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("ascii")


class BadRequest(Exception):
    """What came is no request that is read here; `answer` says so."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = Answer.text(code, message)


def read_request(connection: socket.socket, seconds: float) -> Request | None:
    """The request that a connection makes within `seconds`, or None where it makes none.

    A body is not read: nothing that is served here takes one.

    Raises:
        BadRequest: it is malformed, too long, or did not come in time.
        OSError: the connection is gone.
    """
    until = time.monotonic() + seconds
    head = b""
    while b"\r\n\r\n" not in head:
        left = until - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
            received = connection.recv(4096)
        except TimeoutError:
            if not head:  # a browser's spare connection
                return None
            raise BadRequest(408, "The request did not come in time.") from None
        if not received:
            return None
        head += received
        if not head[:1].isupper():
            raise BadRequest(400, "This is an HTTP server: open it in a browser, as http://...")
        if len(head) > _MOST_BYTES:
            raise BadRequest(431, "The request is too long.")
    return _parsed(head[: head.index(b"\r\n\r\n")])


def _parsed(head: bytes) -> Request:
    line, *rest = head.split(b"\r\n")
    asked = _REQUEST_LINE.fullmatch(line)
    if asked is None:
        raise BadRequest(400, "The request line is malformed.")
    fields: dict[bytes, list[str]] = {}
    for each in rest:
        named = _FIELD.fullmatch(each)
        if named is None:
            raise BadRequest(400, "A header field is malformed.")
        fields.setdefault(named[1].lower(), []).append(named[2].strip().decode("latin-1"))
    hosts = fields.get(b"host", [])
    if len(hosts) != 1:
        raise BadRequest(400, "Exactly one Host field is needed.")
    path = asked[2].decode("ascii").partition("?")[0]
    accept = ",".join(fields.get(b"accept", []))
    return Request(asked[1].decode("ascii"), path, hosts[0], accept)
