"""HTTP for whoever looks at the daemon: the page in a browser, Prometheus.

`server` serves a few paths on loopback, in threads of its own and within bounds, as it shares a
process with the daemon; `messages` reads a request strictly and writes an answer. Nothing here
knows what is served, and nothing is needed beyond the standard library.
"""

from bridge.http.messages import Answer, Request
from bridge.http.server import ListenError, LocalServer, Page, serve

__all__ = ["Answer", "ListenError", "LocalServer", "Page", "Request", "serve"]
