"""Who may connect: what a socket refuses to listen on, and whom it lets in once it listens."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import zmq
from zmq.utils import z85

from bridge import keys
from bridge.daemon.doors.access import (
    Access,
    AccessError,
)
from bridge.daemon.doors.gate import Gate
from bridge.keys import ClientKeys
from tests.client.fake import FakeDaemon
from tests.daemon.doors.guarded import (
    CURVE_GREETING,
    GREETING,
    Asker,
    Logged,
    address_of,
    echo,
    ended,
    gate_of,
    guarded,
)
from tests.daemon.ring import Ring
from tests.waiting import until

posix = pytest.mark.skipif(os.name != "posix", reason="Windows keeps rights otherwise")


# Where it listens


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://0.0.0.0:0", "tcp://*:0", "tcp://192.168.0.10:5655", "tcp://[::]:0", "tcp://eth0:5655"],
)
def test_without_keys_it_listens_on_loopback_alone_and_says_what_makes_it_right(
    endpoint: str,
) -> None:
    with pytest.raises(AccessError) as refusal:
        FakeDaemon(echo, endpoint, access=Access())
    message = str(refusal.value)
    assert "without keys the daemon listens on loopback only" in message
    assert "eabridge keys new, then" in message
    assert f"eabridge serve --bind {endpoint} --keys" in message


@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:0", "tcp://*:0"])
def test_with_keys_it_listens_on_any_interface(ring: Ring, endpoint: str) -> None:
    with FakeDaemon(echo, endpoint, access=Access(ring.folder)) as daemon:
        port = address_of(daemon.endpoint)[1]
        with Asker(f"tcp://127.0.0.1:{port}", ring.client()) as asker:
            assert asker.ask()["ok"]


def test_with_keys_it_may_listen_on_loopback_too(ring: Ring, logged: Logged) -> None:
    with guarded(Access(ring.folder)) as daemon, Asker(daemon.endpoint, ring.client()) as asker:
        assert asker.ask()["ok"]
    assert logged(f"the daemon's public key is {ring.daemon.public}")
    assert logged("laptop connected from 127.0.0.1") == 1


@pytest.mark.parametrize("connections", [0, -1])
def test_fewer_connections_than_one_are_refused(connections: int) -> None:
    with pytest.raises(AccessError, match=f"--max-connections {connections}: at least 1"):
        FakeDaemon(echo, access=Access(max_connections=connections))


@posix
def test_keys_that_others_can_read_are_refused(ring: Ring) -> None:
    keys.secret_file(ring.folder).chmod(0o640)
    with pytest.raises(AccessError, match=r"others can read .*chmod 600"):
        FakeDaemon(echo, access=Access(ring.folder))


def test_keys_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="eabridge keys new"):
        FakeDaemon(echo, access=Access(tmp_path))


def test_that_nobody_is_allowed_is_said_at_the_start(ring: Ring, logged: Logged) -> None:
    with guarded(Access(ring.folder)):
        assert logged("nobody may connect yet: eabridge keys allow NAME FILE") == 1


def test_who_is_allowed_and_what_is_wrong_with_the_list_is_said_at_the_start(
    ring: Ring, logged: Logged
) -> None:
    ring.client("laptop")
    ring.client("tower")
    (keys.allowed_folder(ring.folder) / "x.public").write_text("?", encoding="utf-8")
    with guarded(Access(ring.folder)):
        assert logged("may connect: laptop, tower") == 1
        assert logged("x.public holds no public key") == 1


# Who gets in


def test_without_keys_a_program_of_this_machine_is_answered() -> None:
    with guarded() as daemon, Asker(daemon.endpoint) as asker:
        assert asker.ask()["ok"]


def test_a_key_that_is_not_allowed_is_refused_and_named(ring: Ring, logged: Logged) -> None:
    stranger = ring.client(allowed=False)
    with guarded(Access(ring.folder)) as daemon, Asker(daemon.endpoint, stranger) as asker:
        asker.send()
        until(lambda: logged(f"refused 127.0.0.1: its key {stranger.own.public} is not allowed"))
        assert not asker.has_answer()
        assert daemon.requests == []
    assert logged("refused") == 1


def test_a_client_with_another_daemons_key_is_refused(ring: Ring, logged: Logged) -> None:
    own = ring.client().own
    other = zmq.curve_keypair()[0].decode()
    with (
        guarded(Access(ring.folder)) as daemon,
        Asker(daemon.endpoint, ClientKeys(own, other)) as asker,
    ):
        asker.send()
        until(lambda: logged("the server key it has is not this daemon's public key"))
        assert not asker.has_answer()


def test_a_client_without_keys_is_refused(ring: Ring, logged: Logged) -> None:
    with guarded(Access(ring.folder)) as daemon:
        with Asker(daemon.endpoint) as asker:
            asker.send()
            # Either side may be the first to see that they do not speak the same.
            until(
                lambda: logged("it came without keys") or logged("perhaps because it has no keys")
            )
            assert not asker.has_answer()
        with socket.create_connection(address_of(daemon.endpoint)) as connection:
            connection.sendall(GREETING)
            assert ended(connection)
        until(lambda: logged("it came without keys, and this daemon asks for them"))


def test_a_client_with_keys_is_refused_where_the_daemon_has_none(
    ring: Ring, logged: Logged
) -> None:
    with guarded() as daemon:
        with Asker(daemon.endpoint, ring.client()) as asker:
            asker.send()
            until(lambda: logged("it came with keys") or logged("left before"))
            assert not asker.has_answer()
        with socket.create_connection(address_of(daemon.endpoint)) as connection:
            connection.sendall(CURVE_GREETING)
            assert ended(connection)
        until(lambda: logged("it came with keys, and this daemon has none"))


def test_a_client_is_allowed_while_the_daemon_runs(ring: Ring, logged: Logged) -> None:
    client = ring.client(allowed=False)
    with guarded(Access(ring.folder)) as daemon:
        with Asker(daemon.endpoint, client) as asker:
            asker.send()
            until(lambda: logged("is not allowed here"))
        keys.allow(ring.folder, "late", client.own.public)
        with Asker(daemon.endpoint, client) as asker:
            assert asker.ask()["ok"]
    assert logged("may connect now: late") == 1


def test_a_revoked_clients_next_connection_is_refused_and_its_open_one_stays(
    ring: Ring, logged: Logged
) -> None:
    client = ring.client("laptop")
    other = ring.client("desk")
    with guarded(Access(ring.folder)) as daemon, Asker(daemon.endpoint, client) as before:
        assert before.ask()["ok"]
        keys.revoke(ring.folder, "laptop")
        with Asker(daemon.endpoint, client) as after:
            after.send()
            until(lambda: logged("is not allowed here"))
            assert not after.has_answer()
        assert before.ask()["ok"]
        with Asker(daemon.endpoint, other) as asker:
            assert asker.ask()["ok"]


def test_a_damaged_file_in_the_list_is_said_once_and_harms_no_other(
    ring: Ring, logged: Logged
) -> None:
    client = ring.client()
    (keys.allowed_folder(ring.folder) / "x.public").write_text("?", encoding="utf-8")
    with guarded(Access(ring.folder)) as daemon:
        for _ in range(5):
            with Asker(daemon.endpoint, client) as asker:
                assert asker.ask()["ok"]
    assert logged("x.public holds no public key") == 1


def test_letters_that_are_no_key_lock_nobody_else_out(ring: Ring, logged: Logged) -> None:
    client = ring.client()
    (keys.allowed_folder(ring.folder) / "x.public").write_text(f'public = "{"#" * 40}"\n')
    with guarded(Access(ring.folder)) as daemon, Asker(daemon.endpoint, client) as asker:
        assert asker.ask()["ok"]
    assert logged("x.public has letters in an order that no key has") == 1


def test_a_defect_lets_nobody_in_and_is_told_once(
    ring: Ring, logged: Logged, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(gate: Gate, request: list[bytes]) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(Gate, "_judge", fail)
    client = ring.client()
    with guarded(Access(ring.folder)) as daemon:
        for _ in range(10):
            with Asker(daemon.endpoint, client) as asker:
                asker.send()
                assert not asker.has_answer(within_s=0.05)
        assert logged("a client could not be judged") == 1
        assert "ZeroDivisionError: a defect" in caplog.text
    caplog.clear()


def test_a_client_is_known_by_its_address_without_its_scope(ring: Ring, logged: Logged) -> None:
    key = z85.decode(ring.client().own.public)
    with guarded(Access(ring.folder)) as daemon:
        request = [b"1.0", b"1", b"eabridge", b"fe80::1%eth0", b"", b"CURVE", key]
        assert gate_of(daemon)._judge(request)[0] == b"200"
    assert logged("laptop connected from fe80::1") == 1
    assert logged("eth0") == 0
