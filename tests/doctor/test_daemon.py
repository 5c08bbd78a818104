"""The doctor looks at daemons: real ones, other programs on their port, and none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import zmq

from bridge.bundles import Bundle, find_bundle, shipped_store
from bridge.doctor import Finding, Mark
from bridge.doctor.daemon import examine_daemon
from bridge.synthetic import random_walk_bars
from tests.backends import graphs
from tests.client.fake import FakeDaemon, hello_alone
from tests.conftest import Daemon, StartDaemon


@pytest.fixture
def shipped() -> Bundle:
    return find_bundle("fx-h1", [shipped_store()])


@contextmanager
def listening(says: bytes) -> Iterator[str]:
    """A program that greets with these bytes, and its endpoint."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(says)
                over.wait(30)

        over = threading.Event()
        thread = threading.Thread(target=greet)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def broken(findings: Iterator[Finding]) -> Finding:
    """The one finding, which must be a broken thing."""
    (finding,) = findings
    assert finding.mark is Mark.BROKEN
    return finding


def test_a_daemon_in_order_has_nothing_broken(daemon: Daemon, shipped: Bundle) -> None:
    findings = list(examine_daemon(daemon.endpoint, [shipped]))

    assert not any(each.is_broken for each in findings)
    said = "\n".join(each.what for each in findings)
    assert "ready" in said
    assert f"serves {shipped.manifest.label} for H1 bars, the default" in said
    assert "round trip of a forecast: p50 " in said
    assert " ms, slowest of " in said


@pytest.mark.parametrize("form", ["tcp://{}", "{}"])
def test_an_endpoint_is_taken_as_the_daemon_and_as_the_ea_write_it(
    daemon: Daemon, form: str
) -> None:
    endpoint = form.format(daemon.endpoint.removeprefix("tcp://"))

    assert not any(each.is_broken for each in examine_daemon(endpoint, []))


@pytest.mark.parametrize("endpoint", ["", "here", "tcp://127.0.0.1", "ipc:///tmp/x", "a:b"])
def test_what_is_no_endpoint_is_refused_with_one_that_is(endpoint: str) -> None:
    finding = broken(examine_daemon(endpoint, []))

    assert f"'{endpoint}' is no endpoint" in finding.what
    assert "tcp://127.0.0.1:5655" in finding.remedy


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:9", "127.0.0.1:99999", "a..b:1"])
def test_nobody_listening_is_said_with_what_to_start(endpoint: str) -> None:
    finding = broken(examine_daemon(endpoint, []))

    assert "no daemon on" in finding.what
    assert "Errno" not in finding.what
    assert "eabridge serve" in finding.remedy


@pytest.mark.parametrize("says", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\xff123"])
def test_another_program_on_the_port_is_told_by_what_it_says(
    says: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.doctor.daemon._CONNECT_S", 0.2)
    with listening(says) as endpoint:
        finding = broken(examine_daemon(endpoint, []))

    assert "does not speak ZeroMQ" in finding.what
    assert repr(says[:10]) in finding.what
    assert "eabridge serve --bind" in finding.remedy


def test_a_silent_program_on_the_port_is_waited_for_in_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.doctor.daemon._CONNECT_S", 0.2)
    with listening(b"") as endpoint:
        assert "is taken by" in broken(examine_daemon(endpoint, [])).what


def test_a_zeromq_program_that_is_no_daemon_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.doctor.daemon._ANSWER_MS", 200)
    with zmq.Context() as context, context.socket(zmq.REP) as other:
        other.setsockopt(zmq.LINGER, 0)
        port = other.bind_to_random_port("tcp://127.0.0.1")

        finding = broken(examine_daemon(f"tcp://127.0.0.1:{port}", []))

    assert "is no eabridge daemon, or hangs" in finding.what


def test_a_control_socket_is_told_from_another_program(start_daemon: StartDaemon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        control = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    start_daemon("--control", control)

    finding = broken(examine_daemon(control, []))

    assert finding.what == f"on {control} is a daemon's control socket, which answers no EA"
    assert "prints as ready" in finding.remedy


def test_a_daemon_that_falls_silent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.doctor.daemon._ANSWER_MS", 200)
    with FakeDaemon(hello_alone) as silent:
        assert "or hangs" in broken(examine_daemon(silent.endpoint, [])).what


def test_a_model_renewed_on_disk_since_the_daemon_started_is_noticed(
    daemon: Daemon, shipped: Bundle
) -> None:
    renewed = replace(shipped, manifest=replace(shipped.manifest, recipe={"new": True}))

    findings = list(examine_daemon(daemon.endpoint, [renewed]))

    (finding,) = [each for each in findings if each.mark is Mark.CARE]
    assert f"on disk is {renewed.manifest.label}: restart eabridge serve" in finding.remedy


def test_a_daemon_of_another_version_is_noticed(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.doctor.daemon.version", lambda name: "9.9")

    findings = list(examine_daemon(daemon.endpoint, []))

    assert any("another version than this one" in each.remedy for each in findings)


def test_a_model_too_slow_for_an_ea_is_broken(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.doctor.daemon._SWIFT_MS", 0.0)
    slow = list(examine_daemon(daemon.endpoint, []))[-1]
    monkeypatch.setattr("bridge.doctor.daemon._LIMIT_MS", 0.0)
    too_slow = list(examine_daemon(daemon.endpoint, []))[-1]

    assert slow.mark is Mark.NOTE
    assert too_slow.mark is Mark.BROKEN
    assert "raise its time limit" in too_slow.remedy


def test_a_model_that_fails_is_told_with_its_code(
    tmp_path: Path, start_daemon: StartDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs.put(tmp_path / "store", graphs.raising_above(), graphs.manifest("failing"))
    serving = start_daemon("--models", tmp_path / "store")
    walk = random_walk_bars(4, 3600, seed=0)
    walk.ohlc[:] = graphs.FAILS_ABOVE + 1
    monkeypatch.setattr("bridge.doctor.daemon.random_walk_bars", lambda *_, **__: walk)

    last = list(examine_daemon(serving.endpoint, []))[-1]

    assert last.mark is Mark.BROKEN
    assert "no forecast by failing@" in last.what
    assert "model_failed" in last.what
