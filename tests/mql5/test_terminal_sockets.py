"""The terminal's sockets: what each call returns, and when it is refused."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mql5.expectations import PROGRAMS
from tests.mql5.history import HEADER
from tests.mql5.host import Result, build
from tests.mql5.terminal import Terminal

NOT_ALLOWED, INVALID_HANDLE, TOO_MANY, CANNOT_CONNECT, IO_ERROR = 4014, 5270, 5271, 5272, 5273


@contextmanager
def peer(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Something that listens for one connection and talks on it; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(30)
                talk(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def until_closed(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def echo(connection: socket.socket) -> None:
    while data := connection.recv(4096):
        connection.sendall(data)


def says(*words: bytes) -> Callable[[socket.socket], None]:
    """Sends one word for each byte that comes."""

    def talk(connection: socket.socket) -> None:
        for word in words:
            connection.recv(1)
            connection.sendall(word)
        until_closed(connection)

    return talk


def steps(result: Result) -> list[tuple[str, int, bool]]:
    """Each step's outcome, last error, and whether the socket was connected then."""
    assert result.code == 0, result.journal
    parts = [line.split("|") for line in result.journal]
    return [(outcome, int(error), state == "connected") for _, outcome, error, state in parts]


@pytest.fixture(params=["linux", "windows"])
def platform(request: pytest.FixtureRequest) -> str:
    return request.param


def run(
    terminal: Terminal, what: str, port: int = 1, platform: str = "linux", **settings: object
) -> list[tuple[str, int, bool]]:
    program = build(PROGRAMS / "Sockets.mq5", platform=platform)
    return steps(program.script(terminal, inputs={"Steps": what, "Port": port}, **settings))


def test_bytes_go_there_and_back(terminal: Terminal, platform: str) -> None:
    with peer(echo) as port:
        done = run(
            terminal, "create;connect 5000;writable;send hello;read 5 5000;close", port, platform
        )
    assert done == [
        ("created", 0, False),
        ("true", 0, True),
        ("true", 0, True),
        ("5", 0, True),
        ("5 hello", 0, True),
        ("true", 0, False),
    ]


def test_reading_waits_for_all_that_was_asked_for_and_then_gives_what_there_is(
    terminal: Terminal, platform: str
) -> None:
    with peer(says(b"abc")) as port:
        what = "create;connect 5000;send 1;read 5 300;close"
        assert run(terminal, what, port, platform)[3] == ("3 abc waited", 0, True)


def test_reading_may_also_stop_at_what_there_is(terminal: Terminal) -> None:
    with peer(says(b"abc")) as port:
        done = run(
            terminal, "create;connect 5000;send 1;read 5 30000;close", port, socket_read_waits=0
        )
    assert done[3] == ("3 abc", 0, True)


def test_reading_nothing_is_an_error_that_leaves_the_connection(
    terminal: Terminal, platform: str
) -> None:
    with peer(says(b"late")) as port:
        what = "create;connect 5000;read 5 100;send 1;read 4 5000;close"
        done = run(terminal, what, port, platform)
    assert done[2] == ("-1  waited", IO_ERROR, True)
    assert done[4] == ("4 late", 0, True)


def test_what_does_not_fit_is_left_for_the_next_read(terminal: Terminal) -> None:
    with peer(says(b"abcdef")) as port:
        done = run(terminal, "create;connect 5000;send 1;read 4 5000;readable;read 2 5000", port)
    assert [outcome for outcome, _, _ in done[3:]] == ["4 abcd", "2", "2 ef"]


def test_a_peer_that_ends_is_noticed_after_its_last_byte(terminal: Terminal, platform: str) -> None:
    def bye(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"bye")

    with peer(bye) as port:
        what = "create;connect 5000;send 1;sleep 200;readable;read 9 5000;read 1 5000;send more"
        done = run(terminal, what, port, platform)
    assert done[4:] == [
        ("3", 0, True),
        ("3 bye", 0, False),
        ("-1 ", IO_ERROR, False),
        ("-1", IO_ERROR, False),
    ]


def test_an_empty_socket_has_nothing_to_read(terminal: Terminal) -> None:
    with peer(until_closed) as port:
        done = run(terminal, "create;connect 5000;readable;readable;close", port)
    assert done[2:4] == [("0", 0, True), ("0", 0, True)]


def test_an_empty_socket_may_say_once_that_there_is_a_byte(terminal: Terminal) -> None:
    with peer(until_closed) as port:
        done = run(
            terminal, "create;connect 5000;readable;readable;close", port, socket_speculates=1
        )
    assert done[2:4] == [("1", 0, True), ("0", 0, True)]


def test_nobody_there_is_5272(terminal: Terminal, platform: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert run(terminal, "create;connect 5000", port, platform)[1] == (
        "false",
        CANNOT_CONNECT,
        False,
    )


def test_an_address_that_is_not_in_the_list_is_4014(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, allowed_addresses=("localhost", "example.com"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = run(terminal, "create;connect 5000", listener.getsockname()[1])
    assert done[1] == ("false", NOT_ALLOWED, False)


def test_a_handle_that_is_none_is_5270(terminal: Terminal) -> None:
    done = run(terminal, "connect 100;send x;read 1 100;readable;close;create;close;close")
    assert [error for _, error, _ in done] == [
        *[INVALID_HANDLE] * 5,
        0,
        0,
        INVALID_HANDLE,
    ]


def test_a_program_has_128_sockets(terminal: Terminal) -> None:
    assert run(terminal, "all;create;all;close") == [
        ("128", TOO_MANY, False),
        ("created", 0, False),
        ("127", TOO_MANY, False),
        ("true", 0, False),
    ]


def test_the_report_counts_sockets_that_are_left(terminal: Terminal) -> None:
    program = build(PROGRAMS / "Sockets.mq5")
    left = program.script(terminal, inputs={"Steps": "create"}).report["sockets_left"]
    closed = program.script(terminal, inputs={"Steps": "create;close"}).report["sockets_left"]
    assert (left, closed) == (1, 0)


def test_the_tester_has_none(terminal: Terminal, tmp_path: Path) -> None:
    bars = tmp_path / "EURUSD_H1.csv"
    bars.write_text(HEADER + "2020.01.02\t10:00:00\t1.1\t1.1\t1.1\t1.1\t1\t0\t10\n")
    program = build(PROGRAMS / "SocketsInExpert.mq5")
    done = program.test(terminal, bars=bars, inputs={"Steps": "create;connect 100"})
    assert steps(done) == [("invalid", NOT_ALLOWED, False), ("false", INVALID_HANDLE, False)]
