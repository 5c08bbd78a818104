"""The live page: what a trader looks at in a browser, on the daemon's own machine.

`serve_page` hands out two things, the page and the status as JSON; `status` turns a snapshot into
those bytes, at most once a second whoever asks; `document` joins the page's parts (`page.html`,
`page.css`, `scripts/`) into one that needs nothing from elsewhere. It can only look: it knows the
daemon as a function that returns a dictionary, and imports nothing of it. `grafana-dashboard.json`
draws the daemon's Prometheus metrics.
"""

from bridge.page.serving import serve_page

__all__ = ["serve_page"]
