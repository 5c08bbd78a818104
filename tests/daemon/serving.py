"""A daemon in the test's own process, around lanes that a test made."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bridge.daemon.cache.memory import ForecastCache
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.rate import Rate
from bridge.daemon.server import Server
from bridge.daemon.service import Service


@dataclass(frozen=True)
class Serving:
    """Where it listens, and what it is made of."""

    endpoint: str
    server: Server
    service: Service


@contextmanager
def serving(
    *lanes: Lane, cache: ForecastCache | None = None, rate: Rate | None = None
) -> Iterator[Serving]:
    """Serve these lanes, the first by default, until the block ends."""
    service = Service(lanes, lanes[0].label, cache=cache, rate=rate)
    server = Server(service, "tcp://127.0.0.1:*")
    thread = threading.Thread(target=server.run, name="loop")
    thread.start()
    try:
        yield Serving(server.endpoint, server, service)
    finally:
        server.stop()
        thread.join()
        server.close()
        service.close()
