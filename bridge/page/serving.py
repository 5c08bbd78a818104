"""What is served under which path: the page, and its status."""

from __future__ import annotations

import logging

from bridge.http import Answer, LocalServer, Request, serve
from bridge.page.document import document
from bridge.page.status import Snapshot, Status, StatusError

log = logging.getLogger(__name__)

_EXAMPLE = "127.0.0.1:8655"


def serve_page(endpoint: str, snapshot: Snapshot) -> LocalServer:
    """Serve the page of what `snapshot` returns.

    Args:
        endpoint: `HOST:PORT`, on loopback; port 0 takes any free one.
        snapshot: the daemon's status as a JSON-able dictionary; called at most once a second, from
            a thread of the server's, and only while somebody looks.

    Raises:
        ListenError: the endpoint is none, is not this machine's loopback, or is taken.
    """
    status = Status(snapshot)

    def page(request: Request) -> Answer:
        whole = document()
        return Answer(200, "text/html; charset=utf-8", whole.body, whole.policy)

    def status_json(request: Request) -> Answer:
        try:
            return Answer(200, "application/json", status.body())
        except StatusError as error:
            return Answer.text(503, str(error))

    server = serve("page", endpoint, _EXAMPLE, {"/": page, "/status.json": status_json})
    log.info("the page is at %s", server.url)
    return server
