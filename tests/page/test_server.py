"""The page's server: what it hands out, to whom, and what it bears."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass

import pytest

from bridge.page import PageError, PageServer, serve_page, server
from tests.page import statuses
from tests.page.conftest import Daemon

_PATIENCE_S = 30


@dataclass(frozen=True)
class Answer:
    """What came back: the code, the header fields in lower case, the body."""

    code: int
    fields: dict[str, str]
    body: bytes


def port(page: PageServer) -> int:
    return int(page.url.rpartition(":")[2].rstrip("/"))


def connect(page: PageServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port(page)), _PATIENCE_S)


def send(page: PageServer, request: bytes) -> bytes:
    """Everything that comes back for these bytes."""
    with connect(page) as connection:
        connection.sendall(request)
        received = b""
        while more := connection.recv(65_536):
            received += more
        return received


def ask(
    page: PageServer, path: str = "/", method: str = "GET", host: str = "", more: str = ""
) -> Answer:
    named = host or f"127.0.0.1:{port(page)}"
    head, _, body = send(
        page, f"{method} {path} HTTP/1.1\r\nHost: {named}\r\n{more}\r\n".encode()
    ).partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    fields = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
    return Answer(int(line.split()[1]), fields, body)


def threads_at_work() -> int:
    return sum("process_request" in each.name for each in threading.enumerate())


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_page_and_the_status_are_there(page: PageServer, daemon: Daemon) -> None:
    found = ask(page)
    assert found.code == 200
    assert found.fields["content-type"] == "text/html; charset=utf-8"
    assert found.body.startswith(b"<!DOCTYPE html>")

    daemon.status = statuses.busy()
    found = ask(page, "/status.json")
    assert found.fields["content-type"] == "application/json"
    assert json.loads(found.body) == statuses.busy()


def test_a_query_changes_nothing(page: PageServer) -> None:
    assert ask(page, "/?x=1").code == 200
    assert ask(page, "/status.json?now").code == 200


def test_head_tells_what_get_would_bring(page: PageServer) -> None:
    got, head = ask(page), ask(page, method="HEAD")

    assert head.code == 200
    assert head.body == b""
    assert head.fields == got.fields
    assert int(head.fields["content-length"]) == len(got.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"])
@pytest.mark.parametrize("path", ["/", "/status.json"])
def test_it_can_only_look(page: PageServer, method: str, path: str) -> None:
    found = ask(page, path, method, more="Content-Length: 5\r\n")

    assert found.code == 405
    assert found.fields["allow"] == "GET, HEAD"


def test_a_refused_body_does_not_hide_the_answer(page: PageServer) -> None:
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port(page)}\r\nContent-Length: 40000\r\n\r\n"
    assert send(page, head.encode() + b"x" * 40_000).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize(
    "path", ["/page.html", "/../page.html", "//", "/%2e%2e/server.py", "/status.json/", "*", "x"]
)
def test_there_is_nothing_else(page: PageServer, path: str) -> None:
    found = ask(page, path)

    assert found.code == 404
    assert b"/status.json" in found.body


@pytest.mark.parametrize("path", ["/", "/status.json", "/nothing"])
def test_browsers_are_told_to_keep_to_themselves_what_they_get(page: PageServer, path: str) -> None:
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


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:9999", "127.0.0.1", "127.0.0.1:1", "127.9.9.9", "[::1]:8655"],
)
def test_this_machine_may_be_named_in_any_way(page: PageServer, host: str) -> None:
    assert ask(page, "/status.json", host=host).code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "example.com:8655", "127.0.0.1.example.com", "localhost.example.com"),
        *("192.168.1.5", "0.0.0.0", "[::2]", "127.0.0.1:", "127.0.0.1:8655:1", "2130706433", " "),
        *("user@127.0.0.1", "127.0.0.1/", "[127.0.0.1", "\u00e9"),
    ],
)
def test_a_foreign_name_is_refused_and_logged_once(
    page: PageServer, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            found = ask(page, "/status.json", host=host)
            assert found.code in (400, 403)
            assert b"uptime" not in found.body

    assert len(caplog.records) <= 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n folded: yes\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: local\x00host\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
        b"G\xc3\x89T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\r\n\r\n",
        b"\x00" * 100,
        bytes(range(256)) * 8,
    ],
)
def test_what_no_browser_sends_is_refused(page: PageServer, request_bytes: bytes) -> None:
    assert send(page, request_bytes).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert ask(page).code == 200


@pytest.mark.parametrize(
    "line", [b"GET /" + b"x" * 100_000, b"GET / HTTP/1.1\r\nA: " + b"x" * 100_000]
)
def test_an_endless_request_is_cut_short(page: PageServer, line: bytes) -> None:
    assert send(page, line).startswith(b"HTTP/1.1 431 ")


def test_tls_is_told_what_this_is(page: PageServer) -> None:
    context = ssl.create_default_context()
    with connect(page) as connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_hostname="localhost")
    assert ask(page).code == 200


def test_one_who_is_slow_to_ask_is_cut_off(
    page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_ASK_S", 0.3)
    with connect(page) as connection:
        connection.sendall(b"GET / HT")
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
    with connect(page) as connection:  # says nothing at all: a browser's spare connection
        assert connection.recv(100) == b""


def test_a_drop_at_a_time_does_not_make_the_time_longer(
    page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_ASK_S", 0.5)
    with connect(page) as connection:
        connection.settimeout(0.05)
        connection.sendall(b"GET / HTTP/1.1\r\n")
        until = time.monotonic() + _PATIENCE_S
        received = b""
        while not received:
            assert time.monotonic() < until
            try:
                connection.sendall(b"A")
                received = connection.recv(100)
            except TimeoutError:
                continue
    assert received.startswith(b"HTTP/1.1 408 ")


def test_those_who_only_hold_connections_keep_nobody_out(page: PageServer) -> None:
    with ExitStack() as held:
        for _ in range(200):
            connection = held.enter_context(connect(page))
            connection.sendall(b"GET / HTTP/1.1\r\n")
        assert ask(page, "/status.json").code == 200
        wait_for(lambda: threads_at_work() <= server._MOST_CONNECTIONS)


def test_one_who_takes_no_answer_holds_nobody_up(page: PageServer, daemon: Daemon) -> None:
    daemon.status = statuses.quiet() | {
        "swaps": {"done": 0, "refused": 0, "last": "x" * 30_000_000}
    }
    with connect(page) as connection:
        connection.sendall(b"GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(20)
        daemon.status = statuses.quiet()
        assert ask(page).code == 200
        page.close()


def test_whatever_goes_wrong_with_the_status_is_said_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> dict[str, object]:
        raise RuntimeError("the lanes are on fire")

    with serve_page("127.0.0.1:0", broken) as page, caplog.at_level(logging.WARNING):
        for _ in range(3):
            found = ask(page, "/status.json")
            assert found.code == 503
            assert b"on fire" not in found.body  # for the log, not for whoever looks
        assert ask(page).code == 200
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "on fire" in str(record.exc_info[1])


def test_it_stops_when_told_and_frees_its_port(daemon: Daemon) -> None:
    page = serve_page("127.0.0.1:0", daemon.snapshot)
    with connect(page) as connection:
        page.close()
        page.close()
        with suppress(ConnectionResetError):  # where it was not yet taken off the queue
            assert connection.recv(10) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(page)
    with serve_page(f"127.0.0.1:{port(page)}", daemon.snapshot) as again:
        assert ask(again).code == 200
    wait_for(lambda: not [each for each in threading.enumerate() if each.name == "page"])


def test_ipv6_loopback_is_served(daemon: Daemon) -> None:
    try:
        page = serve_page("[::1]:0", daemon.snapshot)
    except PageError:
        pytest.skip("this machine has no IPv6")
    with closing(page):
        assert page.url.startswith("http://[::1]:")
        with socket.create_connection(("::1", port(page)), _PATIENCE_S) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n")
            assert connection.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("endpoint", ["localhost:0", "http://127.0.0.1:0/", "127.0.0.1:0"])
def test_an_address_may_be_written_as_one_likes(endpoint: str, daemon: Daemon) -> None:
    with serve_page(endpoint, daemon.snapshot) as page:
        assert page.url.startswith("http://127.0.0.1:")
        assert ask(page).code == 200


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("127.0.0.1", "such as 127.0.0.1:8655"),
        ("8655", "such as 127.0.0.1:8655"),
        ("127.0.0.1:http", "such as 127.0.0.1:8655"),
        ("127.0.0.1:99999", "such as 127.0.0.1:8655"),
        (":8655", "nothing is no address"),
        ("example.com:8655", "example.com is no address"),
        ("0.0.0.0:8655", "no password"),
        ("192.168.1.5:8655", "give 127.0.0.1:8655"),
        ("[::]:8655", "no password"),
    ],
)
def test_an_address_that_will_not_do_is_told(endpoint: str, words: str, daemon: Daemon) -> None:
    with pytest.raises(PageError) as told:
        serve_page(endpoint, daemon.snapshot)
    assert f"--page {endpoint}: " in str(told.value)
    assert words in str(told.value)


def test_a_port_in_use_is_told(page: PageServer, daemon: Daemon) -> None:
    with pytest.raises(PageError, match="the port is in use, perhaps by another eabridge serve"):
        serve_page(f"127.0.0.1:{port(page)}", daemon.snapshot)


def test_beyond_loopback_only_addresses_name_it(daemon: Daemon) -> None:
    with serve_page("0.0.0.0:0", daemon.snapshot, beyond_loopback=True) as page:
        assert ask(page, host="192.168.1.5").code == 200
        assert ask(page, host="example.com").code == 403
