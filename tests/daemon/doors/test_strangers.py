"""Strangers at the door of a real daemon, by the thousand: refused or bounded, and nobody notices.

A bystander's requests are in flight throughout each test, and each of its answers is compared. How
many strangers come is told by EABRIDGE_STRANGERS: some thousands where it is not set.
"""

from __future__ import annotations

import contextlib
import os
import random
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import zmq

from bridge.bars import Bars
from bridge.daemon.doors.access import MAX_LOCAL_FRAME_BYTES, MAX_REMOTE_FRAME_BYTES
from bridge.keys import ClientKeys
from bridge.wire.codec import MAX_BODY_BYTES
from tests.conftest import Daemon, StartDaemon
from tests.daemon.bystander import Bystander
from tests.daemon.doors.test_access import CURVE_GREETING, GREETING, shaken, until
from tests.daemon.peer import Peer, bits, forecast, ohlc_item, refused
from tests.daemon.ring import KeyedPeer, Ring, new_pair

STRANGERS = int(os.environ.get("EABRIDGE_STRANGERS", "3000"))
HANDSHAKE_S = 5
PATIENCE_S = 120.0
MIB = 1 << 20
_LINGER_ZERO = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)

Bits = tuple[bytes, bytes]


@dataclass(frozen=True)
class Besieged:
    """A daemon of the test's own, which a bystander asks all the while.

    Attributes:
        ring: its keys; None where it has none.
        newcomer: connects one more good client.
    """

    daemon: Daemon
    ring: Ring | None
    newcomer: Callable[[], contextlib.AbstractContextManager[Peer]]

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.daemon.endpoint.removeprefix("tcp://").rpartition(":")
        return host, int(port)

    @property
    def greeting(self) -> bytes:
        """A good greeting, as the daemon wants it."""
        return GREETING if self.ring is None else CURVE_GREETING

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, PATIENCE_S)

    def said(self, text: str) -> int:
        """How many lines of its log have this in them."""
        return sum(text in line for line in self.daemon.log().splitlines())

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.daemon.process.pid)

    def descriptors(self) -> int:
        return self.process.num_handles() if os.name == "nt" else self.process.num_fds()

    def memory(self) -> int:
        return int(self.process.memory_info().rss)


@contextlib.contextmanager
def siege(
    daemon: Daemon,
    ring: Ring | None,
    context: zmq.Context[zmq.Socket[bytes]],
    bars: Bars,
    undisturbed: Sequence[Bits],
) -> Iterator[Besieged]:
    """Lets a bystander ask throughout, and a newcomer at the end."""

    @contextlib.contextmanager
    def newcomer() -> Iterator[Peer]:
        peer = (
            Peer(context, daemon.endpoint)
            if client_keys is None
            else KeyedPeer(context, daemon.endpoint, client_keys)
        )
        with contextlib.closing(peer):
            yield peer

    client_keys = None if ring is None else ring.client("bystander")
    items = [ohlc_item(bars, end=-back) for back in range(1, 9)]
    with newcomer() as peer:
        bystander = Bystander(peer, items, undisturbed)
        bystander.start()
        try:
            yield Besieged(daemon, ring, newcomer)
        finally:
            bystander.finish()
    with newcomer() as peer:
        assert bits(peer.ask(forecast(items[0]))) == undisturbed[0]
    assert "Traceback" not in daemon.log()
    assert daemon.process.poll() is None


@pytest.fixture(params=["loopback", "CURVE"])
def besieged(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    start_daemon: StartDaemon,
    zmq_context: zmq.Context[zmq.Socket[bytes]],
    bars: Bars,
    undisturbed: Sequence[Bits],
) -> Iterator[Besieged]:
    """A daemon without keys, and one with."""
    ring = Ring(tmp_path / "keys") if request.param == "CURVE" else None
    daemon = start_daemon(*([] if ring is None else ["--keys", ring.folder]))
    with siege(daemon, ring, zmq_context, bars, undisturbed) as besieged:
        yield besieged


def ended(connections: Sequence[socket.socket], seconds: float = PATIENCE_S) -> int:
    """How many of these the other side ends within a time."""
    gone = 0
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ)
        end = time.monotonic() + seconds
        while selector.get_map() and time.monotonic() < end:
            for key, _ in selector.select(0.5):
                try:
                    over = not key.fileobj.recv(65_536)  # type: ignore[union-attr]
                except BlockingIOError:
                    over = False
                except OSError:
                    over = True
                if over:
                    selector.unregister(key.fileobj)
                    gone += 1
    return gone


# Wrong keys


@pytest.mark.parametrize("besieged", ["CURVE"], indirect=True)
@pytest.mark.parametrize(
    ("keys_of", "said"),
    [
        (lambda ring: None, "it came without keys"),
        (lambda ring: ring.client(allowed=False), "is not allowed here"),
        (
            lambda ring: ClientKeys(ring.client("x").own, new_pair().public),
            "the server key it has is not this daemon's",
        ),
    ],
    ids=["no key", "a key that is not allowed", "another daemon's key"],
)
def test_a_client_with_the_wrong_keys_is_refused_and_said_once(
    besieged: Besieged,
    zmq_context: zmq.Context[zmq.Socket[bytes]],
    bars: Bars,
    keys_of: Callable[[Ring], ClientKeys | None],
    said: str,
) -> None:
    assert besieged.ring is not None
    client_keys = keys_of(besieged.ring)
    for _ in range(20):
        peer = (
            Peer(zmq_context, besieged.daemon.endpoint)
            if client_keys is None
            else KeyedPeer(zmq_context, besieged.daemon.endpoint, client_keys)
        )
        with contextlib.closing(peer):
            peer._socket.setsockopt(zmq.LINGER, 0)
            peer.send_message(forecast(ohlc_item(bars)))
            assert not peer._socket.poll(50)
    if client_keys is None:  # ZeroMQ's own sees the difference too, and may be the first to leave
        with besieged.connect() as connection:
            connection.sendall(GREETING)
            assert ended([connection]) == 1
    until(lambda: besieged.said(said) == 1)
    assert besieged.said("refused") == 1


@pytest.mark.parametrize("besieged", ["loopback"], indirect=True)
def test_a_client_with_keys_where_there_are_none_is_refused_and_said_once(
    besieged: Besieged, zmq_context: zmq.Context[zmq.Socket[bytes]], bars: Bars
) -> None:
    given = ClientKeys(new_pair(), new_pair().public)
    for _ in range(20):
        with contextlib.closing(KeyedPeer(zmq_context, besieged.daemon.endpoint, given)) as peer:
            peer._socket.setsockopt(zmq.LINGER, 0)
            peer.send_message(forecast(ohlc_item(bars)))
            assert not peer._socket.poll(50)
    with besieged.connect() as connection:
        connection.sendall(CURVE_GREETING)
        assert ended([connection]) == 1
    until(lambda: besieged.said("it came with keys, and this daemon has none") == 1)
    assert besieged.said("refused") == 1


# Other languages than ZeroMQ's


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.Random(1).randbytes(500),
        b"\0" + random.Random(5).randbytes(8192),
    ],
    ids=["HTTP", "TLS", "noise"],
)
def test_another_protocol_is_cut_off_and_said_once(besieged: Besieged, stream: bytes) -> None:
    for _ in range(100):
        with besieged.connect() as connection:
            connection.sendall(stream)
            assert ended([connection]) == 1
    until(lambda: besieged.said("what it sent is not ZeroMQ 3") == 1)
    assert besieged.said("refused") == 1


def test_noise_behind_a_good_greeting_is_cut_off(besieged: Besieged) -> None:
    for seed in range(50):
        with besieged.connect() as connection:
            connection.sendall(besieged.greeting + b"\x04\x20" + random.Random(seed).randbytes(900))
            assert ended([connection]) == 1
    until(lambda: besieged.said("its handshake is not ZeroMQ's") == 1)


# Those that take their time


def test_the_silent_and_the_slow_are_cut_off_and_said_once(besieged: Besieged) -> None:
    starts = (b"", b"\xff", besieged.greeting[:11], besieged.greeting[:40], besieged.greeting)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(besieged.connect()) for _ in range(100)]
        for number, connection in enumerate(silent):
            connection.sendall(starts[number % len(starts)])
        slow = [stack.enter_context(besieged.connect()) for _ in range(20)]
        for byte in besieged.greeting[: HANDSHAKE_S + 3]:
            for connection in slow:  # a byte a second
                with contextlib.suppress(OSError):
                    connection.sendall(bytes([byte]))
            time.sleep(1)
        assert ended([*silent, *slow]) == 120
    until(lambda: besieged.said("it had not said within 5 seconds who it is") == 1)
    assert besieged.said("refused") == 1


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
