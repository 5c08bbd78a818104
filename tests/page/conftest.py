"""A page to look at, and a browser to look with."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.http import LocalServer
from bridge.page import serve_page
from tests.page import statuses
from tests.page.browser import Browser, Tab, chromium


@dataclass
class Daemon:
    """Stands for the daemon: says what it is told to say."""

    status: dict[str, Any] = field(default_factory=statuses.quiet)
    asked: int = 0

    def snapshot(self) -> dict[str, Any]:
        self.asked += 1
        return deepcopy(self.status)


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def page(daemon: Daemon) -> Iterator[LocalServer]:
    with serve_page("127.0.0.1:0", daemon.snapshot) as server:
        yield server


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    with browser.tab() as tab:
        yield tab
