"""A small HTTP server on loopback: a few things to look at, for programs on this machine.

It shares a process with the daemon, so it is kept small and bounded: a connection is one request of
a few kilobytes, has seconds to make it and seconds to take the answer, and there are few at once (a
new one ends the oldest, so that those who only hold connections keep nobody out). A web page from
elsewhere learns nothing: the name in `Host` must be this machine's, which stops a foreign name that
was pointed at 127.0.0.1 (DNS rebinding), and no header lets another origin read an answer.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from bridge.http.messages import Answer, BadRequest, Request, read_request
from bridge.wire.endpoints import EndpointError, is_loopback, split

log = logging.getLogger(__name__)

_MOST_CONNECTIONS = 32
_ASK_S = 5.0  # for the whole request to arrive
_TAKE_S = 10.0  # for the whole answer to be taken
_DRAIN_S, _DRAIN_BYTES = 0.5, 1_048_576  # read of what a refused peer still sends, so it sees why
_STOP_S = 5.0
_POLL_S = 0.2
_QUIET_S = 60.0  # between two warnings of one kind
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::\d{1,5})?", re.ASCII)

Page = Callable[[Request], Answer]
"""Makes what is served under a path. Called from any thread; it may raise."""


class ListenError(RuntimeError):
    """Nothing can be served where it was told to be. The message says why."""


class LocalServer:
    """Serves until `close`.

    Attributes:
        url: where it is found.
    """

    def __init__(self, server: _Server) -> None:
        self.url = server.url
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(_POLL_S,), name=server.name, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving; connections are cut. May be called again."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_STOP_S)

    def __enter__(self) -> LocalServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(name: str, endpoint: str, example: str, pages: Mapping[str, Page]) -> LocalServer:
    """Serve each of these pages under its path.

    Args:
        name: of what is served, as of the option that says where.
        endpoint: `HOST:PORT` of this machine's loopback; port 0 takes any free one.
        example: an endpoint that would do.

    Raises:
        ListenError: the endpoint is none, is not loopback, or is taken.
    """
    told = f"--{name} {endpoint}"
    try:
        host, port = split(endpoint.rstrip("/"))
    except EndpointError as error:
        raise ListenError(f"{told}: {error}: give one such as {example}") from error
    if not is_loopback(host):
        raise ListenError(
            f"{told}: there is no password, so it is served on loopback only: give "
            f"127.0.0.1:{port}, and reach it from elsewhere by ssh -L, a VPN's proxy or an agent"
        )
    try:
        server = _Server(name, host.strip("[]"), port, pages)
    except OSError as error:
        raise ListenError(f"{told}: {_bind_problem(error)}") from error
    return LocalServer(server)


class _Server(socketserver.ThreadingTCPServer):
    """Accepts; keeps count of the connections there are."""

    daemon_threads = True
    request_queue_size = 64
    # Elsewhere it lets a port be taken again at once; on Windows it would let two servers share it.
    allow_reuse_address = os.name == "posix"

    def __init__(self, name: str, host: str, port: int, pages: Mapping[str, Page]) -> None:
        self.name = name
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._pages = pages
        self._lock = threading.Lock()
        self._open: dict[socket.socket, None] = {}  # oldest first
        self._warned: dict[str, float] = {}
        super().__init__((host, port), _Connection)
        address, port = self.server_address[:2]
        shown = f"[{address!s}]" if ":" in host else address
        self.url = f"http://{shown!s}:{port}/"

    def answer(self, request: Request) -> Answer:
        """What is served for a request."""
        if not _is_own_name(request.host):
            asked = f"somebody asked for the {self.name} under the name {request.host[:80]!r}"
            self._warn("host", f"{asked}, which is not this machine's: refused")
            return Answer.text(403, "This is served under this machine's own address only.")
        page = self._pages.get(request.path)
        if page is None:
            return Answer.text(404, f"There is nothing here but {' and '.join(self._pages)}.")
        if request.method not in ("GET", "HEAD"):
            return Answer.text(405, "This can only be looked at.", Allow="GET, HEAD")
        try:
            return page(request)
        except Exception:  # noqa: BLE001 - logged; whatever it is made of, others are served
            self._warn("defect", f"the {self.name} could not be made", trace=True)
            return Answer.text(503, "It could not be made: the daemon's log says why.")

    def server_bind(self) -> None:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: nobody else may take it over
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        super().server_bind()

    def server_close(self) -> None:
        super().server_close()
        with self._lock:
            for connection in self._open:
                _cut(connection)

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError:  # no more file descriptors: the peer stays, and is asked for at once again
            time.sleep(_POLL_S)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            if len(self._open) >= _MOST_CONNECTIONS:  # who only holds on keeps nobody out
                oldest = next(iter(self._open))
                del self._open[oldest]
                _cut(oldest)
            self._open[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:  # nobody cuts a descriptor that was just given to another
            self._open.pop(request, None)
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a connection to the %s broke", self.name, exc_info=True)

    def _warn(self, kind: str, message: str, *, trace: bool = False) -> None:
        """Log a warning, unless one of its kind was just logged."""
        now = time.monotonic()
        if now - self._warned.get(kind, -_QUIET_S) >= _QUIET_S:
            self._warned[kind] = now
            log.warning("%s", message, exc_info=trace)


class _Connection(socketserver.BaseRequestHandler):
    """One connection: one request, one answer."""

    server: _Server

    def handle(self) -> None:
        connection: socket.socket = self.request
        head_only = False
        with suppress(OSError):  # gone, or cut
            try:
                request = read_request(connection, _ASK_S)
                if request is None:
                    return
                head_only = request.method == "HEAD"
                answer = self.server.answer(request)
            except BadRequest as error:
                answer = error.answer
            connection.settimeout(_TAKE_S)
            connection.sendall(answer.head())
            if not head_only:
                connection.sendall(answer.body)
            if answer.code >= 400:
                _drain(connection)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it is gone already
        connection.shutdown(socket.SHUT_RDWR)


def _drain(connection: socket.socket) -> None:
    """Close in a way that lets the peer read the answer, though it may still be sending."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(_DRAIN_S)
    left, until = _DRAIN_BYTES, time.monotonic() + _DRAIN_S
    while left > 0 and time.monotonic() < until:
        received = len(connection.recv(min(left, 8192)))
        if not received:
            return
        left -= received


def _is_own_name(host: str) -> bool:
    """Whether `Host` names this machine.

    An address or `localhost` cannot be pointed elsewhere by whoever owns a domain; the port is
    free, so that a tunnel may have another.
    """
    named = _HOST.fullmatch(host)
    return named is not None and is_loopback(named[1])


def _bind_problem(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            "the port is in use, perhaps by another eabridge serve: stop that one, or give "
            "another port"
        )
    return f"cannot listen there ({error.strerror or error})"
