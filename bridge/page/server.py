"""The page's HTTP server: two things to look at, for browsers on this machine.

It shares a process with the daemon, so it is kept small and bounded: a connection is one request of
a few kilobytes, has seconds to make it and seconds to take the answer, and there are few at once (a
new one ends the oldest, so that those who only hold connections keep nobody out). A web page from
elsewhere learns nothing: the name in `Host` must be this machine's, which stops a foreign name that
was pointed at 127.0.0.1 (DNS rebinding), and no header lets another origin read an answer.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import socketserver
import threading
import time
from types import TracebackType
from typing import Any

from bridge.page.messages import Answer, BadRequest, Request, read_request
from bridge.page.site import Address, Site
from bridge.page.status import Snapshot

log = logging.getLogger(__name__)

_MOST_CONNECTIONS = 32
_ASK_S = 5.0  # for the whole request to arrive
_TAKE_S = 10.0  # for the whole answer to be taken
_DRAIN_S, _DRAIN_BYTES = 0.5, 1_048_576  # read of what a refused peer still sends, so it sees why
_STOP_S = 5.0
_POLL_S = 0.2
_QUIET_S = 60.0  # between two warnings of one kind
_MOST_PORT = 65_535


class PageError(RuntimeError):
    """The page cannot be served where it was told to be. The message says why."""


class PageServer:
    """The page on one address, served from a thread until `close`.

    Attributes:
        url: where a browser finds it.
    """

    def __init__(self, server: _Server, url: str) -> None:
        self.url = url
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(_POLL_S,), name="page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving; connections are cut. May be called again."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_STOP_S)

    def __enter__(self) -> PageServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def serve_page(endpoint: str, snapshot: Snapshot, *, beyond_loopback: bool = False) -> PageServer:
    """Serve the page of what `snapshot` returns.

    Args:
        endpoint: `HOST:PORT`, an address of this machine; port 0 takes any free one.
        snapshot: the daemon's status as a JSON-able dictionary; called at most once a second, from
            a thread of the server's, and only while somebody looks.
        beyond_loopback: allow an address that other machines reach. There is no password: whoever
            reaches it sees every forecast.

    Raises:
        PageError: the endpoint is none, is not this machine's loopback, or is taken.
    """
    host, port = _parsed(endpoint)
    address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    if not address.is_loopback and not beyond_loopback:
        raise PageError(
            f"--page {endpoint}: the page has no password, so it is served on loopback only: give "
            f"127.0.0.1:{port}, and reach it from elsewhere through ssh -L or a VPN's proxy"
        )
    try:
        server = _Server(address, port, Site(snapshot, address))
    except OSError as error:
        raise PageError(_bind_problem(endpoint, error)) from error
    shown = f"[{address}]" if address.version == 6 else str(address)
    page = PageServer(server, f"http://{shown}:{server.server_address[1]}/")
    log.info("the page is at %s", page.url)
    return page


class _Server(socketserver.ThreadingTCPServer):
    """Accepts; keeps count of the connections there are."""

    daemon_threads = True
    request_queue_size = 64
    # Elsewhere it lets a port be taken again at once; on Windows it would let two servers share it.
    allow_reuse_address = os.name == "posix"

    def __init__(self, address: Address, port: int, site: Site) -> None:
        self.site = site
        self.address_family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        self._lock = threading.Lock()
        self._open: dict[socket.socket, None] = {}  # oldest first
        self._warned: dict[str, float] = {}
        super().__init__((str(address), port), _Connection)

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
        log.debug("a connection to the page broke", exc_info=True)

    def warn(self, kind: str, message: str, *, trace: bool = False) -> None:
        """Log a warning, unless one of its kind was just logged."""
        now = time.monotonic()
        if now - self._warned.get(kind, -_QUIET_S) >= _QUIET_S:
            self._warned[kind] = now
            log.warning(message, exc_info=trace)


class _Connection(socketserver.BaseRequestHandler):
    """One connection: one request, one answer."""

    server: _Server

    def handle(self) -> None:
        connection: socket.socket = self.request
        head_only = False
        try:
            request = read_request(connection, _ASK_S)
            if request is None:
                return
            head_only = request.method == "HEAD"
            answer = self._answer(request)
        except BadRequest as error:
            answer = error.answer
        except OSError:  # gone, or cut
            return
        try:
            connection.settimeout(_TAKE_S)
            connection.sendall(answer.head())
            if not head_only:
                connection.sendall(answer.body)
            if answer.code >= 400:
                _drain(connection)
        except OSError:
            return

    def _answer(self, request: Request) -> Answer:
        site = self.server.site
        if not site.is_asked_by_its_name(request):
            self.server.warn(
                "host",
                f"the page was asked for under the name {request.host[:80]!r}, which is not this "
                "machine's: refused",
            )
        try:
            return site.answer(request)
        except Exception:  # noqa: BLE001 - logged; whatever the status is made of, the page goes on
            self.server.warn("status", "the status for the page could not be made", trace=True)
            return Answer.text(503, "The status could not be made: the daemon's log says why.")


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is gone already


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


def _parsed(endpoint: str) -> tuple[str, int]:
    """Host, as an address or `localhost`, and port."""
    text = endpoint.removeprefix("http://").rstrip("/")
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not (colon and port.isascii() and port.isdecimal() and int(port) <= _MOST_PORT):
        raise PageError(f"--page {endpoint}: give an address and a port, such as 127.0.0.1:8655")
    if host.lower() == "localhost":
        return "localhost", int(port)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise PageError(
            f"--page {endpoint}: {host or 'nothing'} is no address: give one such as "
            f"127.0.0.1:{port}"
        ) from None
    return host, int(port)


def _bind_problem(endpoint: str, error: OSError) -> str:
    taken = "address already in use", "only one usage of each socket address"
    reason = error.strerror or str(error)
    if any(words in reason.lower() for words in taken):
        return (
            f"--page {endpoint}: the port is in use, perhaps by another eabridge serve: stop that "
            "one, or give another port"
        )
    return f"--page {endpoint}: cannot listen there ({reason})"
