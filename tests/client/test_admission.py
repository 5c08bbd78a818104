"""A client and a daemon that asks for keys: let in, or told what is wrong with which key."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from bridge import Client, Unreachable, keys
from bridge.client import NotAdmitted
from bridge.daemon.doors.access import Access
from bridge.keys import KeyPair, KeysError
from tests.client.fake import FakeDaemon, Send, health

SWIFT = {"timeout_ms": 300, "retries": 0}
PATIENT = {"timeout_ms": 60_000, "retries": 0}


def _answer(_: int, request: dict[str, Any], send: Send) -> None:
    send(health(request))


def _pair() -> KeyPair:
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A daemon's folder of keys."""
    keys.new_pair(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def curve(folder: Path) -> Iterator[FakeDaemon]:
    """A daemon that asks for keys."""
    with FakeDaemon(_answer, access=Access(folder)) as daemon:
        yield daemon


def _server_key(folder: Path) -> Path:
    return folder / "daemon.public"


def test_an_allowed_client_is_answered(curve: FakeDaemon, folder: Path, tmp_path: Path) -> None:
    secret, public = keys.new_pair(tmp_path / "laptop", "laptop")
    keys.allow(folder, "laptop", public)
    server_key = keys.read_public(_server_key(folder))
    for own in (secret, str(secret), keys.read_pair(secret)):
        for server in (_server_key(folder), server_key):
            with Client(curve.endpoint, keys=own, server_key=server, **PATIENT) as client:
                assert client.health().status == "ready"


def test_a_client_whose_key_is_not_allowed_is_told_what_to_give_there(
    curve: FakeDaemon, folder: Path
) -> None:
    own = _pair()
    with (
        Client(curve.endpoint, keys=own, server_key=_server_key(folder), **SWIFT) as client,
        pytest.raises(NotAdmitted) as refusal,
    ):
        client.health()
    assert f'eabridge keys allow NAME "{own.public}"' in str(refusal.value)
    assert curve.endpoint in str(refusal.value)


def test_a_client_that_is_allowed_later_is_answered_on_its_next_try(
    curve: FakeDaemon, folder: Path
) -> None:
    own = _pair()
    with Client(curve.endpoint, keys=own, server_key=_server_key(folder), **SWIFT) as client:
        with pytest.raises(NotAdmitted):
            client.health()
        keys.allow(folder, "laptop", own.public)
        client.timeout_ms = PATIENT["timeout_ms"]
        assert client.health().status == "ready"


def test_a_wrong_server_key_is_told(curve: FakeDaemon, folder: Path) -> None:
    own, other = _pair(), _pair().public
    keys.allow(folder, "laptop", own.public)
    with (
        Client(curve.endpoint, keys=own, server_key=other, **SWIFT) as client,
        pytest.raises(NotAdmitted, match=re.escape(f"whose public key is {other}")),
    ):
        client.health()


def test_a_client_without_keys_is_told_to_give_them(curve: FakeDaemon) -> None:
    with (
        Client(curve.endpoint, **SWIFT) as client,
        pytest.raises(NotAdmitted, match="asks for keys: give --keys and --server-key"),
    ):
        client.health()


def test_keys_for_a_daemon_that_has_none_are_told() -> None:
    with (
        FakeDaemon(_answer, access=Access()) as daemon,
        Client(daemon.endpoint, keys=_pair(), server_key=_pair().public, **SWIFT) as client,
        pytest.raises(NotAdmitted, match="has no keys: leave out --keys"),
    ):
        client.health()


@pytest.mark.parametrize("with_keys", [False, True], ids=["NULL", "CURVE"])
def test_nobody_there_is_no_question_of_keys(with_keys: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
    given = {"keys": _pair(), "server_key": _pair().public} if with_keys else {}
    with Client(endpoint, **SWIFT, **given) as client, pytest.raises(Unreachable) as absence:
        client.health()
    assert type(absence.value) is Unreachable
    assert "is the daemon running? Start it with: eabridge serve" in str(absence.value)


def test_a_daemon_that_hangs_is_told_from_one_that_is_not_there(folder: Path) -> None:
    own = _pair()
    keys.allow(folder, "laptop", own.public)
    for access, given in (
        (Access(), {}),
        (Access(folder), {"keys": own, "server_key": _server_key(folder)}),
    ):
        with (
            FakeDaemon(lambda *_: None, access=access) as daemon,
            Client(daemon.endpoint, **SWIFT, **given) as client,
            pytest.raises(Unreachable, match="is busy or hangs") as silence,
        ):
            client.health()
        assert not isinstance(silence.value, NotAdmitted)


@contextmanager
def _other_program(says: bytes) -> Iterator[str]:
    """Something else that listens, and the endpoint."""
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            connection, _ = server.accept()
            with connection:
                connection.sendall(says)
                over.wait(0 if says else 2)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        over.set()
        socket.create_connection(server.getsockname()).close()
        thread.join()


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""], ids=["HTTP", "silent"])
def test_another_program_is_told_from_a_daemon(says: bytes) -> None:
    with (
        _other_program(says) as endpoint,
        Client(endpoint, **SWIFT) as client,
        pytest.raises(Unreachable, match="does not greet as a daemon does"),
    ):
        client.health()


def test_why_nothing_answers_is_asked_only_when_time_has_run_out(
    curve: FakeDaemon, folder: Path
) -> None:
    own = _pair()
    keys.allow(folder, "laptop", own.public)
    with Client(curve.endpoint, keys=own, server_key=_server_key(folder), **PATIENT) as client:
        for _ in range(3):
            client.health()
        assert curve.gate is not None
        assert curve.gate.connections == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"keys": "nowhere.secret"}, "give server_key"),
        ({"server_key": "x" * 40}, "give keys"),
        ({"keys": "nowhere.secret", "server_key": "x" * 40}, "no such file of keys"),
        ({"keys": _pair(), "server_key": "x" * 39}, "40 letters and this has 39"),
    ],
)
def test_keys_that_cannot_be_used_are_told_before_anything_is_tried(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(KeysError, match=message):
        Client(**given)


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps rights otherwise")
def test_a_secret_that_others_can_read_is_not_used(folder: Path, tmp_path: Path) -> None:
    secret, _ = keys.new_pair(tmp_path / "laptop", "laptop")
    secret.chmod(0o644)
    with pytest.raises(KeysError, match="chmod 600"):
        Client(keys=secret, server_key=_server_key(folder))
