"""DLLs: when a program that imports one starts, and what it finds in it."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from tests.mql5.expectations import PROGRAMS
from tests.mql5.host import build
from tests.mql5.terminal import Terminal

REFUSED_TO_START = 4
CRITICAL = 3


@pytest.fixture
def trusting(tmp_path: Path) -> Terminal:
    """A terminal whose user allows DLLs."""
    return Terminal(tmp_path / "trusting", allow_dll=True)


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_winsock_is_windows_own_or_just_like_it(trusting: Terminal, platform: str) -> None:
    def echo(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(4096):
                connection.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=echo, args=(listener,), daemon=True).start()
        result = build(PROGRAMS / "Winsock.mq5", platform=platform).script(
            trusting, inputs={"Port": listener.getsockname()[1], "DeadPort": nobody}
        )
    assert not [line for line in result.journal if line.startswith("FAILED")], result.journal
    assert result.journal[-1].endswith(", failed 0")
    assert result.code == 0


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_a_program_with_an_import_does_not_start_where_dlls_are_not_allowed(
    terminal: Terminal, platform: str
) -> None:
    result = build(PROGRAMS / "MissingFunction.mq5", platform=platform).script(terminal)
    assert result.code == REFUSED_TO_START
    assert result.journal == ["DLL loading is not allowed: ws2_32.dll"]


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_a_program_does_not_start_without_its_dll_even_if_it_never_calls_it(
    trusting: Terminal, platform: str
) -> None:
    result = build(PROGRAMS / "MissingDll.mq5", platform=platform).script(trusting)
    assert result.code == REFUSED_TO_START
    assert result.journal == ["cannot load 'nowhere.dll'"]


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_a_missing_function_ends_the_program_when_it_is_called(
    trusting: Terminal, platform: str
) -> None:
    result = build(PROGRAMS / "MissingFunction.mq5", platform=platform).script(trusting)
    assert result.code == CRITICAL
    assert result.journal == [
        "started",
        "critical error: cannot find 'NoSuchFunction' in 'ws2_32.dll'",
    ]
