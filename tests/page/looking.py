"""How a page is looked at in tests."""

from __future__ import annotations

from typing import Any

from bridge.http import LocalServer
from tests.page.browser import Tab
from tests.page.conftest import Daemon

SHOWN = "document.body.dataset.health !== 'waiting'"
"""True in a page once it has shown its first status, or told that there is none."""


def show(tab: Tab, page: LocalServer, daemon: Daemon, status: dict[str, Any]) -> None:
    """Open the page of a daemon that says this."""
    daemon.status = status
    tab.open(page.url, SHOWN)


def words(tab: Tab, selector: str) -> dict[str, str]:
    """Names and values of a list of facts."""
    pairs: list[list[str]] = tab.run(
        f"[...document.querySelectorAll('{selector} > div')].map((e) => [...e.children].map("
        "(c) => c.innerText))"
    )
    return {name: "|".join(values) for name, *values in pairs}
