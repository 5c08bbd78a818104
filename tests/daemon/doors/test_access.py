"""Who may connect: what a socket refuses to listen on, and whom it lets in once it listens."""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from bridge import keys
from bridge.daemon.doors import access as access_module
from bridge.daemon.doors.access import (
    MAX_LOCAL_FRAME_BYTES,
    MAX_REMOTE_FRAME_BYTES,
    Access,
    AccessError,
)
from bridge.daemon.doors.gate import Gate
from bridge.keys import ClientKeys
from bridge.wire.codec import MAX_BODY_BYTES
from tests.client.fake import FakeDaemon, Send, reply
from tests.daemon.ring import Ring

PATIENCE_S = 60.0  # a hang fails the test; a slow machine does not
GREETING = (b"\xff" + bytes(8) + b"\x7f\x03\x00NULL").ljust(64, b"\0")
CURVE_GREETING = GREETING.replace(b"NULL\0", b"CURVE")
READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ"
posix = pytest.mark.skipif(os.name != "posix", reason="Windows keeps rights otherwise")


def until(condition: Callable[[], object]) -> None:
    """Wait for something that nothing tells of."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def _echo(_: int, request: dict[str, Any], send: Send) -> None:
    send(reply(request, size=len(request.get("load", b""))))


class Asker:
    """A client, as a socket and its monitor know it."""

    def __init__(self, endpoint: str, client_keys: ClientKeys | None = None) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        if client_keys is not None:
            keys.use_keys(self._socket, client_keys)
        self._socket.connect(endpoint)

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._context.term()

    def ask(self, **fields: Any) -> dict[str, Any]:
        """The reply to a request."""
        self.send(**fields)
        assert self._socket.poll(PATIENCE_S * 1000), "no answer"
        answer: dict[str, Any] = msgpack.unpackb(self._socket.recv_multipart()[-1])
        return answer

    def send(self, **fields: Any) -> None:
        self._socket.send_multipart([b"", msgpack.packb({"id": 1, **fields})])

    def has_answer(self) -> bool:
        return bool(self._socket.poll(0))


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path / "keys")


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[str], int]]:
    """How many lines of the log have this in them."""
    caplog.set_level(logging.INFO)
    yield lambda text: sum(text in record.getMessage() for record in caplog.records)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


Logged = Callable[[str], int]


@contextmanager
def guarded(access: Access | None = None) -> Iterator[FakeDaemon]:
    """Something that answers, behind the daemon's own gate."""
    with FakeDaemon(_echo, access=access or Access()) as daemon:
        yield daemon


def _gate(daemon: FakeDaemon) -> Gate:
    assert daemon.gate is not None
    return daemon.gate


def _address(endpoint: str) -> tuple[str, int]:
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    return host, int(port)


def _ended(connection: socket.socket) -> bool:
    """Whether the other side has ended a connection; waits for it."""
    connection.settimeout(PATIENCE_S)
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


# Where it listens


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://0.0.0.0:0", "tcp://*:0", "tcp://192.168.0.10:5655", "tcp://[::]:0", "tcp://eth0:5655"],
)
def test_without_keys_it_listens_on_loopback_alone_and_says_what_makes_it_right(
    endpoint: str,
) -> None:
    with pytest.raises(AccessError) as refusal:
        FakeDaemon(_echo, endpoint, access=Access())
    message = str(refusal.value)
    assert "without keys the daemon listens on loopback only" in message
    assert "eabridge keys new, then" in message
    assert f"eabridge serve --bind {endpoint} --keys" in message


@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:0", "tcp://*:0"])
def test_with_keys_it_listens_on_any_interface(ring: Ring, endpoint: str) -> None:
    with FakeDaemon(_echo, endpoint, access=Access(ring.folder)) as daemon:
        port = _address(daemon.endpoint)[1]
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
        FakeDaemon(_echo, access=Access(max_connections=connections))


@posix
def test_keys_that_others_can_read_are_refused(ring: Ring) -> None:
    keys.secret_file(ring.folder).chmod(0o640)
    with pytest.raises(AccessError, match=r"others can read .*chmod 600"):
        FakeDaemon(_echo, access=Access(ring.folder))


def test_keys_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="eabridge keys new"):
        FakeDaemon(_echo, access=Access(tmp_path))


def test_that_nobody_is_allowed_is_said_at_the_start(ring: Ring, logged: Logged) -> None:
    with guarded(Access(ring.folder)):
        assert logged("nobody may connect yet: eabridge keys allow NAME FILE") == 1


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
        with socket.create_connection(_address(daemon.endpoint)) as connection:
            connection.sendall(GREETING)
            assert _ended(connection)
        until(lambda: logged("it came without keys, and this daemon asks for them"))


def test_a_client_with_keys_is_refused_where_the_daemon_has_none(
    ring: Ring, logged: Logged
) -> None:
    with guarded() as daemon:
        with Asker(daemon.endpoint, ring.client()) as asker:
            asker.send()
            until(lambda: logged("it came with keys") or logged("left before"))
            assert not asker.has_answer()
        with socket.create_connection(_address(daemon.endpoint)) as connection:
            connection.sendall(CURVE_GREETING)
            assert _ended(connection)
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


# The daemon's own threads


def test_a_thread_of_the_daemon_needs_no_key_and_no_place(ring: Ring) -> None:
    for access in (Access(max_connections=1), Access(ring.folder, max_connections=1)):
        with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
            gate = access.secure(router, context, "tcp://127.0.0.1:0")
            router.bind("tcp://127.0.0.1:0")
            router.bind("inproc://doorbell")
            bells = [context.socket(zmq.DEALER) for _ in range(3)]
            for number, bell in enumerate(bells):
                bell.setsockopt(zmq.ROUTING_ID, b"bell %d" % number)
                bell.connect("inproc://doorbell")
                bell.send(b"ring")
                assert router.poll(PATIENCE_S * 1000)
                assert router.recv_multipart() == [b"bell %d" % number, b"ring"]
                bell.close()
            assert gate.connections == 0
            gate.close()


# How many


def test_more_connections_than_may_be_are_turned_away_until_one_leaves(logged: Logged) -> None:
    with guarded(Access(max_connections=3)) as daemon, ExitStack() as stack:
        first = Asker(daemon.endpoint)
        askers = [first, *(stack.enter_context(Asker(daemon.endpoint)) for _ in range(2))]
        for asker in askers:
            assert asker.ask()["ok"]
        late = stack.enter_context(Asker(daemon.endpoint))
        late.send()
        until(lambda: logged("there are 3 connections, as many as may be at a time"))
        assert not late.has_answer()
        assert [asker.ask()["ok"] for asker in askers] == [True] * 3
        first.__exit__()
        assert late.ask()["ok"]  # it kept trying: libzmq does
    assert logged("refused") <= 2  # and once with their number, at the end


@pytest.mark.skipif(sys.platform == "darwin", reason="has one loopback address alone")
def test_strangers_without_end_from_elsewhere_keep_no_client_out(
    ring: Ring, logged: Logged
) -> None:
    with FakeDaemon(_echo, "tcp://0.0.0.0:0", access=Access(ring.folder)) as daemon:
        port = _address(daemon.endpoint)[1]
        strangers = [
            socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0))
            for _ in range(300)
        ]
        until(lambda: _gate(daemon).connections <= 64)
        with Asker(f"tcp://127.0.0.1:{port}", ring.client()) as asker:
            assert asker.ask()["ok"]
            for stranger in strangers:
                stranger.close()
            strangers = [
                socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0))
                for _ in range(300)
            ]
            until(lambda: _gate(daemon).connections <= 65)
            assert asker.ask()["ok"]
        for stranger in strangers:
            stranger.close()
        assert logged("refused 127.0.0.2: there are 64 connections that have yet to say") == 1


def test_open_connections_are_counted() -> None:
    with guarded() as daemon:
        gate = _gate(daemon)
        assert gate.connections == 0
        with Asker(daemon.endpoint) as asker:
            asker.ask()
            assert gate.connections == 1
            with socket.create_connection(_address(daemon.endpoint)):
                until(lambda: gate.connections == 2)
            until(lambda: gate.connections == 1)
        until(lambda: gate.connections == 0)


def test_a_crowd_leaves_no_descriptor_behind() -> None:
    psutil = pytest.importorskip("psutil")
    process = psutil.Process()
    count = process.num_handles if os.name == "nt" else process.num_fds
    with guarded(Access(max_connections=20)) as daemon, Asker(daemon.endpoint) as asker:
        asker.ask()
        before = count()
        for _ in range(5):
            crowd = [socket.create_connection(_address(daemon.endpoint)) for _ in range(100)]
            for connection in crowd:
                connection.close()
        until(lambda: _gate(daemon).connections == 1)
        until(lambda: count() <= before + 2)
        assert asker.ask()["ok"]


def test_a_limit_of_descriptors_lowers_that_of_connections(
    monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    monkeypatch.setattr(access_module, "_descriptors", lambda wanted: 256)
    with guarded() as daemon:
        assert _gate(daemon).most == 64
    assert logged("this process may open 256 files: at most 64 connections at a time") == 1


# How large


@contextmanager
def shaken(endpoint: str) -> Iterator[socket.socket]:
    """A connection whose handshake is done, byte by byte."""
    with socket.create_connection(_address(endpoint), PATIENCE_S) as connection:
        connection.sendall(GREETING + READY)
        received = b""
        while b"READY" not in received:
            more = connection.recv(4096)
            assert more, "it hung up"
            received += more
        yield connection


def test_a_message_above_the_wires_limit_still_reaches_the_daemon() -> None:
    with guarded() as daemon, Asker(daemon.endpoint) as asker:
        assert asker.ask(load=bytes(2 * MAX_BODY_BYTES))["size"] == 2 * MAX_BODY_BYTES


@pytest.mark.parametrize("size", [MAX_LOCAL_FRAME_BYTES + 1, 1 << 30, (1 << 63) + 5])
def test_a_frame_that_announces_too_much_is_cut_off_and_said(size: int, logged: Logged) -> None:
    with guarded() as daemon, Asker(daemon.endpoint) as asker:
        with shaken(daemon.endpoint) as connection:
            connection.sendall(b"\x01\x00\x02" + struct.pack(">Q", size))
            assert _ended(connection)
        until(lambda: logged(f"a message of more than {MAX_LOCAL_FRAME_BYTES:,} bytes") == 1)
        assert asker.ask()["ok"]


def test_beyond_this_machine_less_may_be_announced(ring: Ring) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        gate = Access(ring.folder).secure(router, context, "tcp://0.0.0.0:0")
        gate.close()
        assert MAX_BODY_BYTES < router.getsockopt(zmq.MAXMSGSIZE) == MAX_REMOTE_FRAME_BYTES


# What is no handshake


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x01" + bytes(100),
    ],
    ids=["HTTP", "TLS", "ZeroMQ 2"],
)
@pytest.mark.parametrize("with_keys", [False, True], ids=["loopback", "CURVE"])
def test_what_is_not_zeromq_3_is_cut_off_and_said_once(
    ring: Ring, logged: Logged, stream: bytes, with_keys: bool
) -> None:
    with guarded(Access(ring.folder) if with_keys else Access()) as daemon:
        for _ in range(20):
            with socket.create_connection(_address(daemon.endpoint)) as connection:
                connection.sendall(stream)
                assert _ended(connection)
        until(lambda: logged("refused 127.0.0.1: what it sent is not ZeroMQ 3") == 1)
        until(lambda: _gate(daemon).connections == 0)
    assert logged("refused") == 2
    assert logged("and 19 times more") == 1


def test_a_peer_that_says_nothing_is_cut_off_and_said(
    logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "HANDSHAKE_MS", 300)
    with guarded() as daemon:
        for start in (b"", b"\xff", GREETING[:20], GREETING, GREETING + READY[:5]):
            with socket.create_connection(_address(daemon.endpoint)) as connection:
                connection.sendall(start)
                assert _ended(connection)
        until(lambda: logged("it had not said within 0.3 seconds who it is") == 1)
    assert logged("refused") == 2


def test_a_peer_that_leaves_at_once_is_no_warning(
    logged: Logged, caplog: pytest.LogCaptureFixture
) -> None:
    with guarded() as daemon:
        socket.create_connection(_address(daemon.endpoint)).close()
        until(lambda: logged("127.0.0.1 left before it had said who it is"))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_clients_that_come_and_go_are_not_said(logged: Logged) -> None:
    with guarded() as daemon:
        for _ in range(50):
            with Asker(daemon.endpoint) as asker:
                asker.ask()
        until(lambda: _gate(daemon).connections == 0)
    assert logged("refused") == 0
