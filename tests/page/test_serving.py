"""What the page's server hands out: the page, its status, and nothing that another may read."""

from __future__ import annotations

import json

import pytest

from bridge.http import ListenError, LocalServer
from bridge.page import serve_page
from tests.http.asking import ask
from tests.page import statuses
from tests.page.conftest import Daemon


def test_the_page_and_the_status_are_there(page: LocalServer, daemon: Daemon) -> None:
    found = ask(page)
    assert found.code == 200
    assert found.fields["content-type"] == "text/html; charset=utf-8"
    assert found.body.startswith(b"<!DOCTYPE html>")

    daemon.status = statuses.busy()
    found = ask(page, "/status.json")
    assert found.fields["content-type"] == "application/json"
    assert json.loads(found.body) == statuses.busy()


@pytest.mark.parametrize("path", ["/page.html", "/../page.html", "//", "/%2e%2e/serving.py"])
def test_there_is_nothing_else(page: LocalServer, path: str) -> None:
    found = ask(page, path)
    assert found.code == 404
    assert b"/status.json" in found.body


@pytest.mark.parametrize("path", ["/", "/status.json", "/nothing"])
def test_browsers_are_told_to_keep_to_themselves_what_they_get(
    page: LocalServer, path: str
) -> None:
    found = ask(page, path, more="Origin: https://example.com\r\n")

    assert not [name for name in found.fields if name.startswith("access-control")]
    assert found.fields["cache-control"] == "no-store"
    assert found.fields["x-content-type-options"] == "nosniff"
    assert found.fields["cross-origin-resource-policy"] == "same-origin"
    policy = found.fields["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert "unsafe" not in policy


def test_a_status_that_cannot_be_made_leaves_the_page() -> None:
    def broken() -> dict[str, object]:
        raise RuntimeError("the lanes are on fire")

    with serve_page("127.0.0.1:0", broken) as page:
        assert ask(page, "/status.json").code == 503
        assert ask(page).code == 200


def test_an_address_that_will_not_do_is_told(daemon: Daemon) -> None:
    with pytest.raises(ListenError, match=r"--page 8655: .*give one such as 127\.0\.0\.1:8655"):
        serve_page("8655", daemon.snapshot)
