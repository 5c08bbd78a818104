"""What Prometheus scrapes: the metrics over HTTP, on loopback, from threads of their own.

Small and bounded, as it shares a process with the daemon: a connection is one request, has seconds
to make it, and there are few at once. The name in `Host` must be this machine's own, so that no web
page learns anything under a foreign name that was pointed here (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import socket
import socketserver
import threading
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from bridge.daemon.telemetry.metrics import DaemonCollector
from bridge.daemon.telemetry.snapshot import Source

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

DEFAULT_ADDRESS = "127.0.0.1:9464"

_MOST_CONNECTIONS = 16
_PATIENCE_S = 5.0
_POLL_S = 0.2
_ENDPOINT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+)):([0-9]{1,5})", re.ASCII)
_MOST_PORT = 65_535

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class MetricsError(RuntimeError):
    """The metrics cannot be served where they were told to be. The message says why."""


class MetricsServer:
    """The metrics, served until `close`.

    Attributes:
        url: what Prometheus is to scrape.
    """

    def __init__(self, server: _Server, url: str) -> None:
        self.url = url
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(_POLL_S,), name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Serve no more. May be called again."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_PATIENCE_S)

    def __enter__(self) -> MetricsServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def serve_metrics(endpoint: str, source: Source) -> MetricsServer:
    """Serve the daemon's metrics to Prometheus.

    Args:
        endpoint: `HOST:PORT` of this machine's loopback; port 0 takes any free one.
        source: is read in the server's threads, whenever somebody scrapes.

    Raises:
        MetricsError: the endpoint is none, is not loopback, or is taken.
    """
    address, port = _parsed(endpoint)
    registry = CollectorRegistry()
    registry.register(DaemonCollector(source))
    try:
        server = _Server(address, port)
    except OSError as error:
        raise MetricsError(_bind_problem(endpoint, error)) from error
    server.set_app(_guarded(make_wsgi_app(registry)))
    shown = f"[{address}]" if address.version == 6 else str(address)
    return MetricsServer(server, f"http://{shown}:{server.server_port}/metrics")


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # Elsewhere it lets a port be taken again at once; on Windows it would let two servers share it.
    allow_reuse_address = os.name == "posix"

    def __init__(self, address: Address, port: int) -> None:
        self.address_family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        self._lock = threading.Lock()
        self._connections: dict[Any, None] = {}  # oldest first
        super().__init__((str(address), port), _Connection)

    def server_bind(self) -> None:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: nobody else may take it over
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        socketserver.TCPServer.server_bind(self)  # WSGIServer's would ask DNS for our name
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            if len(self._connections) >= _MOST_CONNECTIONS:  # who only holds on keeps nobody out
                oldest = next(iter(self._connections))
                del self._connections[oldest]
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
            self._connections[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:  # nobody cuts a descriptor that was just given to another
            self._connections.pop(request, None)
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a connection to the metrics broke", exc_info=True)


class _Connection(WSGIRequestHandler):
    timeout = _PATIENCE_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        log.debug("metrics: " + format, *args)


def _guarded(metrics: WSGIApplication) -> WSGIApplication:
    """The application for those who ask this machine by its own name, with its errors logged."""

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        plain = [("Content-Type", "text/plain; charset=utf-8")]
        if not _is_own_name(environ.get("HTTP_HOST", "")):
            start("403 Forbidden", plain)
            return [b"The metrics are served under this machine's own address only.\n"]
        if environ.get("PATH_INFO") not in ("/", "/metrics"):
            start("404 Not Found", plain)
            return [b"There is nothing here but /metrics.\n"]
        try:
            return metrics(environ, start)
        except Exception:  # the connection's thread goes on to answer it
            log.exception("the metrics could not be made")
            start("500 Internal Server Error", plain)
            return [b"The metrics could not be made: the daemon's log says why.\n"]

    return application


def _is_own_name(host: str) -> bool:
    name = re.sub(r":[0-9]{1,5}\Z", "", host)
    try:
        return name.lower() == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _parsed(endpoint: str) -> tuple[Address, int]:
    found = _ENDPOINT.fullmatch(endpoint)
    host, port = (found[1] or found[2], int(found[3])) if found else ("", 0)
    try:
        address = ipaddress.ip_address("127.0.0.1" if host.lower() == "localhost" else host)
    except ValueError as error:
        raise MetricsError(
            f"--metrics {endpoint}: it is no address and port: give one such as {DEFAULT_ADDRESS}"
        ) from error
    if port > _MOST_PORT:
        raise MetricsError(f"--metrics {endpoint}: its port is no number from 0 to {_MOST_PORT}")
    if not address.is_loopback:
        raise MetricsError(
            f"--metrics {endpoint}: the metrics have no password, so they are served on loopback "
            f"only: give 127.0.0.1:{port}, and let a Prometheus or an agent here scrape it"
        )
    return address, port


def _bind_problem(endpoint: str, error: OSError) -> str:
    reason = error.strerror or str(error)
    return (
        f"--metrics {endpoint}: it cannot be listened on ({reason}): give another port, such as "
        f"{DEFAULT_ADDRESS}"
    )
