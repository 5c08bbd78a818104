"""The gate: how many it lets in, how large a message may be, and what is no client at all."""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from contextlib import ExitStack

import pytest
import zmq

from bridge.daemon.doors import access as access_module
from bridge.daemon.doors.access import (
    MAX_LOCAL_FRAME_BYTES,
    MAX_REMOTE_FRAME_BYTES,
    Access,
)
from bridge.wire.codec import MAX_BODY_BYTES
from tests.client.fake import FakeDaemon
from tests.daemon.doors.guarded import (
    GREETING,
    READY,
    Asker,
    Logged,
    address_of,
    echo,
    ended,
    gate_of,
    guarded,
    shaken,
)
from tests.daemon.ring import Ring
from tests.waiting import PATIENCE_S, until

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such limits")


# Who is counted


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
    with FakeDaemon(echo, "tcp://0.0.0.0:0", access=Access(ring.folder)) as daemon:
        port = address_of(daemon.endpoint)[1]
        strangers = [
            socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0))
            for _ in range(300)
        ]
        until(lambda: gate_of(daemon).connections <= 64)
        with Asker(f"tcp://127.0.0.1:{port}", ring.client()) as asker:
            assert asker.ask()["ok"]
            for stranger in strangers:
                stranger.close()
            strangers = [
                socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0))
                for _ in range(300)
            ]
            until(lambda: gate_of(daemon).connections <= 65)
            assert asker.ask()["ok"]
        for stranger in strangers:
            stranger.close()
        assert logged("refused 127.0.0.2: there are 64 connections that have yet to say") == 1


def test_open_connections_are_counted() -> None:
    with guarded() as daemon:
        gate = gate_of(daemon)
        assert gate.connections == 0
        with Asker(daemon.endpoint) as asker:
            asker.ask()
            assert gate.connections == 1
            with socket.create_connection(address_of(daemon.endpoint)):
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
            crowd = [socket.create_connection(address_of(daemon.endpoint)) for _ in range(100)]
            for connection in crowd:
                connection.close()
        until(lambda: gate_of(daemon).connections == 1)
        until(lambda: count() <= before + 2)
        assert asker.ask()["ok"]


def test_a_limit_of_descriptors_lowers_that_of_connections(
    monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    monkeypatch.setattr(access_module, "_descriptors", lambda wanted: 256)
    with guarded() as daemon:
        assert gate_of(daemon).most == 64
    assert logged("this process may open 256 files: at most 64 connections at a time") == 1


@posix
@pytest.mark.parametrize(("is_refused", "room"), [(False, 3000), (True, 256)])
def test_a_limit_of_descriptors_is_raised_where_the_system_lets_it_be(
    monkeypatch: pytest.MonkeyPatch, is_refused: bool, room: int
) -> None:
    import resource

    asked = []

    def setrlimit(which: int, limits: tuple[int, int]) -> None:
        asked.append(limits)
        if is_refused:
            raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    assert access_module._descriptors(3000) == room
    assert asked == [(3000, resource.RLIM_INFINITY)]


# How large


def test_a_message_above_the_wires_limit_still_reaches_the_daemon() -> None:
    with guarded() as daemon, Asker(daemon.endpoint) as asker:
        assert asker.ask(load=bytes(2 * MAX_BODY_BYTES))["size"] == 2 * MAX_BODY_BYTES


@pytest.mark.parametrize("size", [MAX_LOCAL_FRAME_BYTES + 1, 1 << 30, (1 << 63) + 5])
def test_a_frame_that_announces_too_much_is_cut_off_and_said(size: int, logged: Logged) -> None:
    with guarded() as daemon, Asker(daemon.endpoint) as asker:
        with shaken(daemon.endpoint) as connection:
            connection.sendall(b"\x01\x00\x02" + struct.pack(">Q", size))
            assert ended(connection)
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
            with socket.create_connection(address_of(daemon.endpoint)) as connection:
                connection.sendall(stream)
                assert ended(connection)
        until(lambda: logged("refused 127.0.0.1: what it sent is not ZeroMQ 3") == 1)
        until(lambda: gate_of(daemon).connections == 0)
    assert logged("refused") == 2
    assert logged("and 19 times more") == 1


def test_a_peer_that_says_nothing_is_cut_off_and_said(
    logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "HANDSHAKE_MS", 300)
    with guarded() as daemon:
        for start in (b"", b"\xff", GREETING[:20], GREETING, GREETING + READY[:5]):
            with socket.create_connection(address_of(daemon.endpoint)) as connection:
                connection.sendall(start)
                assert ended(connection)
        until(lambda: logged("it had not said within 0.3 seconds who it is") == 1)
    assert logged("refused") == 2


def test_a_peer_that_leaves_at_once_is_no_warning(
    logged: Logged, caplog: pytest.LogCaptureFixture
) -> None:
    with guarded() as daemon:
        socket.create_connection(address_of(daemon.endpoint)).close()
        until(lambda: logged("127.0.0.1 left before it had said who it is"))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_clients_that_come_and_go_are_not_said(logged: Logged) -> None:
    with guarded() as daemon:
        for _ in range(50):
            with Asker(daemon.endpoint) as asker:
                asker.ask()
        until(lambda: gate_of(daemon).connections == 0)
    assert logged("refused") == 0
