"""Strangers by the thousand, or with much to say: bounded, and nobody notices.

How many come is told by EABRIDGE_STRANGERS: some thousands where it is not set.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import zmq

from bridge.bars import Bars
from bridge.daemon.doors.access import MAX_LOCAL_FRAME_BYTES, MAX_REMOTE_FRAME_BYTES
from bridge.wire.codec import MAX_BODY_BYTES
from tests.conftest import Daemon, StartDaemon
from tests.daemon.doors.guarded import GREETING, shaken
from tests.daemon.doors.siege import Besieged, Bits, ended, siege
from tests.daemon.peer import forecast, ohlc_item, refused
from tests.daemon.ring import KeyedPeer, Ring
from tests.waiting import until

STRANGERS = int(os.environ.get("EABRIDGE_STRANGERS", "3000"))
MIB = 1 << 20
_LINGER_ZERO = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


# Those that stay


def test_thousands_of_idle_connections_are_bounded_and_said_once(besieged: Besieged) -> None:
    count = min(STRANGERS, _own_descriptors() - 500)
    before = besieged.descriptors()
    most = 0
    with contextlib.ExitStack() as stack:
        crowd = []
        for number in range(count):
            crowd.append(stack.enter_context(besieged.connect()))
            if number % 250 == 0:
                most = max(most, besieged.descriptors() - before)
        assert most < 2 * 1024 + 2 * 1100  # the gate's duplicates, and those it had not heard of
        assert ended(crowd) == count
    if count > 1100:
        assert besieged.said("there are 1,024 connections, as many as may be at a time") == 1
    assert besieged.said("refused") <= 2  # that, and those that kept silent
    until(lambda: besieged.descriptors() <= before + 5)


@pytest.mark.skipif(sys.platform != "linux", reason="sets another process's limit")
def test_without_descriptors_left_it_serves_on(
    tmp_path: Path,
    zmq_context: zmq.Context[zmq.Socket[bytes]],
    bars: Bars,
    undisturbed: Sequence[Bits],
) -> None:
    log = tmp_path / "log.txt"
    command = f'ulimit -n 256 && exec "{sys.executable}" -m bridge serve --bind tcp://127.0.0.1:0'
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            endpoint = process.stdout.readline().removeprefix("ready ").strip()
            daemon = Daemon(endpoint, process, log)
            with siege(daemon, None, zmq_context, bars, undisturbed) as besieged:
                assert besieged.said("this process may open 256 files: at most 64 connections") == 1
                crowd = [besieged.connect() for _ in range(1000)]
                with contextlib.ExitStack() as stack:
                    for connection in crowd:
                        stack.enter_context(connection)
                    until(lambda: besieged.descriptors() < 256)
                    assert ended(crowd) == 1000
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()


# Those that announce much


@pytest.mark.parametrize("besieged", ["loopback"], indirect=True)
@pytest.mark.parametrize("size", [1 << 30, (1 << 63) - 1], ids=["1 GiB", "2^63"])
def test_a_frame_of_a_gibibyte_is_cut_off_and_said_once(besieged: Besieged, size: int) -> None:
    for _ in range(64):
        with shaken(besieged.daemon.endpoint) as connection:
            connection.sendall(b"\x01\x00\x02" + struct.pack(">Q", size))
            assert ended([connection]) == 1
    until(lambda: besieged.said(f"a message of more than {MAX_LOCAL_FRAME_BYTES:,} bytes") == 1)
    assert besieged.said("refused") == 1


def test_beyond_this_machine_a_message_above_the_limit_is_told_so_and_a_larger_one_cut_off(
    tmp_path: Path, start_daemon: StartDaemon, zmq_context: zmq.Context[zmq.Socket[bytes]]
) -> None:
    ring = Ring(tmp_path / "keys")
    daemon = start_daemon("--keys", ring.folder, "--bind", "tcp://0.0.0.0:0")
    endpoint = daemon.endpoint.replace("0.0.0.0", "127.0.0.1")
    with contextlib.closing(KeyedPeer(zmq_context, endpoint, ring.client())) as peer:
        body = bytes(MAX_BODY_BYTES + 1)
        refused(peer.ask_bytes(body), "too_large", "16,777,216")
        peer.send(b"", bytes(MAX_REMOTE_FRAME_BYTES + 1))
        until(lambda: f"a message of more than {MAX_REMOTE_FRAME_BYTES:,} bytes" in daemon.log())


def test_what_is_announced_and_not_sent_takes_no_memory(besieged: Besieged) -> None:
    """Before it is known who announces it, and, on loopback, after."""
    bound = MAX_LOCAL_FRAME_BYTES
    before = besieged.memory()
    with contextlib.ExitStack() as stack:
        for _ in range(64):
            connection = stack.enter_context(besieged.connect())
            connection.sendall(besieged.greeting + b"\x06" + struct.pack(">Q", bound) + b"x")
            if besieged.ring is None:
                connection = stack.enter_context(shaken(besieged.daemon.endpoint))
                connection.sendall(b"\x01\x00\x02" + struct.pack(">Q", bound) + b"x")
        time.sleep(1)
        with besieged.newcomer() as peer:
            assert peer.ask({"v": 1, "op": "health", "id": 1})["ok"]
        assert besieged.memory() - before < 64 * MIB


# Those that come and go


def test_thousands_that_come_and_go_leave_nothing_behind(besieged: Besieged, bars: Bars) -> None:
    request = zmq_request(ohlc_item(bars)) if besieged.ring is None else b""

    def come_and_go(times: int) -> None:
        for number in range(times):
            with besieged.connect() as connection:
                if number % 2:
                    how_far = (number // 2) % (len(besieged.greeting) + len(request))
                    connection.sendall((besieged.greeting + request)[: how_far + 1])
                if number % 3 == 0:  # RST in the place of FIN
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)

    come_and_go(500)
    until(lambda: besieged.descriptors() < 500)
    descriptors, memory = besieged.descriptors(), besieged.memory()
    come_and_go(STRANGERS)
    until(lambda: besieged.descriptors() <= descriptors + 5)
    assert besieged.memory() < 1.05 * memory + 16 * MIB
    assert besieged.said("refused") <= 4  # a line for each way of leaving


@pytest.mark.parametrize("besieged", ["loopback"], indirect=True)
def test_clients_that_leave_mid_request_leave_nothing_behind(
    besieged: Besieged, bars: Bars
) -> None:
    request = READY_AND_DELIMITER + zmq_request(ohlc_item(bars))

    def ask_and_leave(times: int) -> None:
        for number in range(times):
            with besieged.connect() as connection:
                whole = GREETING + request
                part = len(whole) if number % 2 else 100 + (number * 37) % (len(whole) - 100)
                connection.sendall(whole[:part])

    ask_and_leave(500)
    until(lambda: besieged.descriptors() < 500)
    descriptors, memory = besieged.descriptors(), besieged.memory()
    ask_and_leave(STRANGERS)
    until(lambda: besieged.descriptors() <= descriptors + 5)
    assert besieged.memory() < 1.05 * memory + 16 * MIB


READY_AND_DELIMITER = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ"


def zmq_request(item: dict[str, object]) -> bytes:
    """A forecast's request as frames: the delimiter and the body."""
    import msgpack

    body = msgpack.packb(forecast(item))
    return b"\x01\x00\x02" + struct.pack(">Q", len(body)) + body


def _own_descriptors() -> int:
    """How many sockets this process may open, as far as it can be raised."""
    if sys.platform == "win32":
        return 1 << 20
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 16), hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft
