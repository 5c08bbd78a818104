"""The small HTTP server: what it hands out, to whom, and what it bears."""

from __future__ import annotations

import logging
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from bridge.http import Answer, ListenError, LocalServer, Request, serve, server
from tests.http.asking import PATIENCE_S, ask, connect, port, send

EXAMPLE = "127.0.0.1:8655"


class Shown:
    """What is served: a text, or an error."""

    def __init__(self) -> None:
        self.text = "all is well"
        self.error: Exception | None = None

    def __call__(self, request: Request) -> Answer:
        if self.error is not None:
            raise self.error
        return Answer.text(200, f"{self.text} {request.accept}")

    def serve(self, endpoint: str = "127.0.0.1:0") -> LocalServer:
        return serve("page", endpoint, EXAMPLE, {"/": self, "/more": self})


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def served(shown: Shown) -> Iterator[LocalServer]:
    with shown.serve() as running:
        yield running


def threads_at_work() -> int:
    return sum("process_request" in each.name for each in threading.enumerate())


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_query_changes_nothing(served: LocalServer) -> None:
    assert ask(served, "/?x=1").code == 200
    assert ask(served, "/more?now").code == 200


def test_head_tells_what_get_would_bring(served: LocalServer) -> None:
    got, head = ask(served), ask(served, method="HEAD")

    assert head.code == 200
    assert head.body == b""
    assert head.fields == got.fields
    assert int(head.fields["content-length"]) == len(got.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"])
@pytest.mark.parametrize("path", ["/", "/more"])
def test_it_can_only_look(served: LocalServer, method: str, path: str) -> None:
    found = ask(served, path, method, more="Content-Length: 5\r\n")

    assert found.code == 405
    assert found.fields["allow"] == "GET, HEAD"


def test_a_refused_body_does_not_hide_the_answer(served: LocalServer) -> None:
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port(served)}\r\nContent-Length: 40000\r\n\r\n"
    assert send(served, head.encode() + b"x" * 40_000).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize(
    "path", ["/page.html", "/../page.html", "//", "/%2e%2e/server.py", "/more/", "*", "x"]
)
def test_there_is_nothing_else(served: LocalServer, path: str) -> None:
    found = ask(served, path)

    assert found.code == 404
    assert found.body == b"There is nothing here but / and /more.\n"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:9999", "127.0.0.1", "127.0.0.1:1", "127.9.9.9", "[::1]:8655"],
)
def test_this_machine_may_be_named_in_any_way(served: LocalServer, host: str) -> None:
    assert ask(served, host=host).code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "example.com:8655", "127.0.0.1.example.com", "localhost.example.com"),
        *("192.168.1.5", "0.0.0.0", "[::2]", "127.0.0.1:", "127.0.0.1:8655:1", "2130706433", " "),
        *("user@127.0.0.1", "127.0.0.1/", "[127.0.0.1", "\u00e9"),
    ],
)
def test_a_foreign_name_is_refused_and_logged_once(
    served: LocalServer, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            found = ask(served, host=host)
            assert found.code in (400, 403)
            assert b"all is well" not in found.body

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
def test_what_no_browser_sends_is_refused(served: LocalServer, request_bytes: bytes) -> None:
    assert send(served, request_bytes).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert ask(served).code == 200


@pytest.mark.parametrize(
    "line", [b"GET /" + b"x" * 100_000, b"GET / HTTP/1.1\r\nA: " + b"x" * 100_000]
)
def test_an_endless_request_is_cut_short(served: LocalServer, line: bytes) -> None:
    assert send(served, line).startswith(b"HTTP/1.1 431 ")


def test_tls_is_told_what_this_is(served: LocalServer) -> None:
    context = ssl.create_default_context()
    with connect(served) as connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_hostname="localhost")
    assert ask(served).code == 200


def test_one_who_is_slow_to_ask_is_cut_off(
    served: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_ASK_S", 0.3)
    with connect(served) as connection:
        connection.sendall(b"GET / HT")
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
    with connect(served) as connection:  # says nothing at all: a browser's spare connection
        assert connection.recv(100) == b""


def test_a_drop_at_a_time_does_not_make_the_time_longer(
    served: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_ASK_S", 0.5)
    with connect(served) as connection:
        connection.settimeout(0.05)
        connection.sendall(b"GET / HTTP/1.1\r\n")
        until = time.monotonic() + PATIENCE_S
        received = b""
        while not received:
            assert time.monotonic() < until
            try:
                connection.sendall(b"A")
                received = connection.recv(100)
            except TimeoutError:
                continue
    assert received.startswith(b"HTTP/1.1 408 ")


def test_those_who_only_hold_connections_keep_nobody_out(served: LocalServer) -> None:
    with ExitStack() as held:
        for _ in range(200):
            connection = held.enter_context(connect(served))
            connection.sendall(b"GET / HTTP/1.1\r\n")
        assert ask(served).code == 200
        wait_for(lambda: threads_at_work() <= server._MOST_CONNECTIONS)


def test_one_who_takes_no_answer_holds_nobody_up(served: LocalServer, shown: Shown) -> None:
    shown.text = "x" * 30_000_000
    with connect(served) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(20)
        shown.text = "all is well"
        assert ask(served).code == 200
        served.close()


def test_where_no_descriptor_is_left_it_waits_and_takes_no_processor(
    served: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted: list[float] = []

    def refuse(self: socketserver.TCPServer) -> None:
        accepted.append(time.monotonic())
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as starved:
        starved.setattr(socketserver.TCPServer, "get_request", refuse)
        connection = connect(served)
        wait_for(lambda: len(accepted) >= 3)
    assert accepted[2] - accepted[0] > 0.3
    with connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_what_is_preferred_is_told_to_who_makes_the_answer(served: LocalServer) -> None:
    more = "Accept: text/plain;q=0.5\r\naccept: application/json\r\n"
    assert ask(served, more=more).body == b"all is well text/plain;q=0.5,application/json\n"


def test_whatever_goes_wrong_is_said_and_logged_once(
    served: LocalServer, shown: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    shown.error = RuntimeError("the lanes are on fire")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            found = ask(served)
            assert found.code == 503
            assert b"on fire" not in found.body  # for the log, not for whoever looks
    shown.error = None
    assert ask(served).code == 200
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "on fire" in str(record.exc_info[1])


def test_it_stops_when_told_and_frees_its_port(shown: Shown) -> None:
    served = shown.serve()
    with connect(served) as connection:
        served.close()
        served.close()
        with suppress(ConnectionResetError):  # where it was not yet taken off the queue
            assert connection.recv(10) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(served)
    with shown.serve(f"127.0.0.1:{port(served)}") as again:
        assert ask(again).code == 200
    wait_for(lambda: not [each for each in threading.enumerate() if each.name == "page"])


def test_ipv6_loopback_is_served(shown: Shown) -> None:
    try:
        served = shown.serve("[::1]:0")
    except ListenError:
        pytest.skip("this machine has no IPv6")
    with closing(served):
        assert served.url.startswith("http://[::1]:")
        with socket.create_connection(("::1", port(served)), PATIENCE_S) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n")
            assert connection.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("endpoint", ["localhost:0", "http://127.0.0.1:0/", "127.0.0.1:0"])
def test_an_address_may_be_written_as_one_likes(endpoint: str, shown: Shown) -> None:
    with shown.serve(endpoint) as served:
        assert served.url.startswith("http://127.0.0.1:")
        assert ask(served).code == 200


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        *((bad, "give one such as 127.0.0.1:8655") for bad in ("", "127.0.0.1", "8655", ":8655")),
        ("127.0.0.1:http", "its port is no number from 0 to 65535"),
        ("127.0.0.1:65536", "its port is no number from 0 to 65535"),
        ("example.com:8655", "on loopback only"),
        ("0.0.0.0:8655", "there is no password"),
        ("192.168.1.5:8655", "give 127.0.0.1:8655"),
        ("[::]:8655", "there is no password"),
    ],
)
def test_an_address_that_will_not_do_is_told(endpoint: str, words: str, shown: Shown) -> None:
    with pytest.raises(ListenError) as told:
        shown.serve(endpoint)
    assert f"--page {endpoint}: " in str(told.value)
    assert words in str(told.value)


def test_a_port_in_use_is_told(served: LocalServer, shown: Shown) -> None:
    with pytest.raises(ListenError, match="the port is in use, perhaps by another eabridge serve"):
        shown.serve(f"127.0.0.1:{port(served)}")
