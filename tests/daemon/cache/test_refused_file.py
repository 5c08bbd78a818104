"""A cache file that cannot be used, for now or at all: it is told, and the daemon serves."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from bridge.daemon.cache import file as cache_file
from bridge.daemon.cache.rows import CacheRows, Entry
from tests.daemon.cache.kept import (
    UP,
    Daemon,
    damaged,
    key,
    only_message,
    reads,
    serve_without,
)
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.usefixtures("hurried")


# What cannot be used, for now or at all.


def _refused(path: Path, caplog: pytest.LogCaptureFixture) -> str:
    """What is told of a file that cannot be used; the daemon serves all the while."""
    serve_without(path)
    message = only_message(caplog)
    assert message.startswith(f"{path}: ")
    assert message.endswith("; forecasts are kept in memory alone")
    return message


def test_a_folder_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert "it is a folder: give --cache-file the name of a file" in _refused(tmp_path, caplog)


def test_a_missing_folder_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    message = _refused(tmp_path / "missing" / "forecasts.db", caplog)
    assert f"there is no folder {tmp_path / 'missing'}: make it first" in message


def test_a_file_where_a_folder_should_be_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    assert "there is no folder" in _refused(tmp_path / "file" / "forecasts.db", caplog)


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="permissions bind neither root nor Windows so"
)
def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "it cannot be written" in _refused(tmp_path / "forecasts.db", caplog)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that takes no files")
def test_a_place_that_takes_no_files_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert "it cannot be written" in _refused(Path("/proc/forecasts.db"), caplog)


def test_a_file_that_another_daemon_has_is_told(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = Daemon(path)
    first.compute(1)
    until(lambda: path.exists() and not first.file._waiting)
    assert "another program has it, perhaps another eabridge serve" in _refused(path, caplog)
    first.compute(2)
    first.stop()
    assert reads(path, 1, 2)


def test_a_file_that_the_daemon_before_lets_go_of_is_taken_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_file, "_UNLOCKED_S", PATIENCE_S)
    before = Daemon(path)
    before.compute(1)
    until(lambda: path.exists() and not before.file._waiting)
    after = Daemon(path)
    before.stop()
    until(lambda: after.has(1))
    after.stop()


def test_a_stop_does_not_wait_for_a_file_that_another_daemon_has(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_file, "_UNLOCKED_S", 1000.0)
    monkeypatch.setattr(cache_file, "_CLOSE_S", 1000.0)
    first = Daemon(path)
    until(lambda: path.exists() and path.stat().st_size > 0)
    second = Daemon(path)
    second.stop()
    assert not second.file.is_open
    first.stop()


def test_a_full_disk_is_told_once_and_written_again_when_it_is_not(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_file, "_PAUSE_S", 0.0)
    real = CacheRows.add

    def on_a_small_disk(self: CacheRows, entries: Iterable[Entry]) -> None:
        self._database.execute("PRAGMA max_page_count = 50")
        too_large = (key(5000), (bytes(1_000_000), UP, 0))
        try:
            real(self, [*entries, too_large])
        finally:
            self._database.execute("PRAGMA max_page_count = 1000000")

    monkeypatch.setattr(CacheRows, "add", on_a_small_disk)
    daemon = Daemon(path)
    for number in range(300):
        daemon.compute(number)
        time.sleep(0.002)
    assert f"{path}: the disk is full; forecasts are kept in memory alone" == only_message(caplog)
    assert all(daemon.has(number) for number in range(300))
    monkeypatch.setattr(CacheRows, "add", real)
    until(lambda: (daemon.compute(1000), "it is written again" in caplog.text)[1])
    daemon.stop()
    assert reads(path, 1000)
    assert not damaged(path)


def test_a_disk_that_fails_when_it_is_asked_how_full_it_is_is_tried_again(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_file, "_PAUSE_S", 0.0)
    monkeypatch.setattr(cache_file, "_RENEW_S", 0.0)

    def failing(self: CacheRows) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    daemon = Daemon(path)
    daemon.compute(1)
    until(lambda: path.exists() and not daemon.file._waiting)
    with monkeypatch.context() as failed:
        failed.setattr(CacheRows, "used_bytes", property(failing))
        assert daemon.has(1)  # there is something to renew
        until(lambda: "disk I/O error" in caplog.text)
    until(lambda: (daemon.compute(2), "it is written again" in caplog.text)[1])
    assert "disk I/O error; forecasts are kept in memory alone" in only_message(caplog)
    daemon.stop()
    assert reads(path, 2)


def test_a_defect_is_logged_and_the_daemon_serves(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(CacheRows, "add", defective)
    assert "internal error" in _refused(path, caplog)
    assert "ZeroDivisionError: a bug" in caplog.text
