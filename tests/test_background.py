"""A daemon in the background: up while it is needed, gone after."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from bridge.background import StartFailed, background_daemon
from bridge.client import Client


def test_it_answers_while_the_block_lasts_and_is_gone_after() -> None:
    with background_daemon() as daemon, Client(daemon.endpoint) as client:
        assert client.health().status == "ready"
        assert daemon.start_seconds > 0

    assert not psutil.pid_exists(daemon.pid)


def test_a_reason_with_letters_beyond_ascii_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")

    with (
        pytest.raises(StartFailed, match="Jürgen"),
        background_daemon(["--models", str(tmp_path / "Jürgen")]),
    ):
        pass


def test_a_daemon_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(StartFailed, match="there is no such folder of models"),
        background_daemon(["--models", str(tmp_path / "none")]),
    ):
        pass
