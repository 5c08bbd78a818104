"""What Prometheus scrapes: the metrics over HTTP, on loopback."""

from __future__ import annotations

import logging

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from bridge.daemon.telemetry.metrics import DaemonCollector
from bridge.daemon.telemetry.snapshot import Source
from bridge.http import Answer, LocalServer, Request, serve

log = logging.getLogger(__name__)

_EXAMPLE = "127.0.0.1:9464"
_PATH = "/metrics"


def serve_metrics(endpoint: str, source: Source) -> LocalServer:
    """Serve the daemon's metrics to Prometheus.

    Args:
        endpoint: `HOST:PORT` of this machine's loopback; port 0 takes any free one.
        source: is read in the server's threads, whenever somebody scrapes.

    Raises:
        ListenError: the endpoint is none, is not loopback, or is taken.
    """
    registry = CollectorRegistry()
    registry.register(DaemonCollector(source))

    def metrics(request: Request) -> Answer:
        try:
            write, kind = choose_encoder(request.accept)
        except (TypeError, ValueError):  # a version of the format that is no number
            write, kind = choose_encoder("")
        return Answer(200, kind, write(registry))

    server = serve("metrics", endpoint, _EXAMPLE, {_PATH: metrics, "/": metrics})
    log.info("metrics: %s", server.url.rstrip("/") + _PATH)
    return server
