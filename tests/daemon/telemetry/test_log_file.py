"""The log's file: rotated, and never a reason to stop."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path

import pytest

from bridge.daemon.telemetry import log_writer
from tests.daemon.telemetry.conftest import Start, lines_of

log = logging.getLogger("bridge.test")
_PATIENCE_S = 60


def test_a_file_takes_the_log_too(started: Start, stream: io.StringIO, tmp_path: Path) -> None:
    started(file=tmp_path / "log")
    log.info("größer")
    assert (tmp_path / "log").read_text(encoding="utf-8") == stream.getvalue()


def test_a_file_is_continued(started: Start, tmp_path: Path) -> None:
    for text in ("first", "second"):
        begun = started(file=tmp_path / "log")
        log.info(text)
        begun.close()
    assert len((tmp_path / "log").read_text(encoding="utf-8").splitlines()) == 2


def _all(path: Path, backups: int) -> list[str]:
    """The lines of a log and the older files beside it, oldest first."""
    files = [path.with_name(f"{path.name}.{n}") for n in range(backups, 0, -1)] + [path]
    return [
        line
        for file in files
        if file.exists()
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def test_a_full_file_is_renamed_and_so_many_older_ones_are_kept(
    started: Start, tmp_path: Path
) -> None:
    started(file=tmp_path / "log", max_bytes=1000, backups=3)
    for number in range(100):
        log.info("line %02d", number)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log", "log.1", "log.2", "log.3"]
    assert all(file.stat().st_size <= 1000 for file in tmp_path.iterdir())
    told = [int(line[-2:]) for line in _all(tmp_path / "log", 3)]
    assert told == list(range(100 - len(told), 100))
    assert len(told) > 40


def test_a_file_that_cannot_be_renamed_is_written_on(
    started: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(file=tmp_path / "log", max_bytes=1000, backups=3)
    with monkeypatch.context() as held:
        held.setattr(Path, "replace", _refuse)  # as Windows does where another program reads it
        for number in range(100):
            log.info("line %02d", number)
    assert [file.name for file in tmp_path.iterdir()] == ["log"]
    assert len(_all(tmp_path / "log", 3)) == 100


def test_a_file_is_renamed_again_when_it_can_be(
    started: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "_ROTATE_AGAIN_S", 0.0)
    started(file=tmp_path / "log", max_bytes=1000, backups=9)
    with monkeypatch.context() as held:
        held.setattr(Path, "replace", _refuse)
        for number in range(50):
            log.info("line %02d", number)
    for number in range(50, 100):
        log.info("line %02d", number)
    assert [int(line[-2:]) for line in _all(tmp_path / "log", 9)] == list(range(100))
    assert (tmp_path / "log.1").exists()


def _refuse(*_: object) -> Path:
    raise PermissionError(13, "it is used by another process")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (".", "it is a folder: give the name of a file"),
        ("missing/log", "there is no folder {}/missing: make it first"),
        ("plain/log", "there is no folder {}/plain: make it first"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_and_nothing_stops(
    started: Start, stream: io.StringIO, tmp_path: Path, name: str, why: str
) -> None:
    (tmp_path / "plain").write_text("")
    started(file=tmp_path / name)
    log.info("ready")
    first, second = lines_of(stream)
    said = why.replace("{}/", f"{tmp_path}{os.sep}")
    assert f"--log-file {tmp_path / name}: {said}; no file keeps this log" in first
    assert second.endswith("ready")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_once_and_nothing_stops(
    started: Start, stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = started(file=Path("/dev/full"))
    for number in range(20):
        log.info("line %d", number)
    begun.close()
    assert len(lines_of(stream)) == 20
    assert capsys.readouterr().err.count("/dev/full cannot be written: [Errno 28]") == 1


def test_after_a_file_could_not_be_opened_again_it_is_written_on(
    started: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(file=tmp_path / "log", max_bytes=1000, backups=9)
    with monkeypatch.context() as held:
        held.setattr(log_writer.RotatingFile, "_open", _refuse)  # no file descriptor is left
        for number in range(40):
            log.info("line %02d", number)
    for number in range(40, 50):
        log.info("line %02d", number)
    assert [int(line[-2:]) for line in _all(tmp_path / "log", 9)][-10:] == list(range(40, 50))


def test_no_line_is_lost_where_an_older_file_cannot_be_renamed(
    started: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "_ROTATE_AGAIN_S", 0.0)
    replace = Path.replace

    def hold(self: Path, target: Path) -> Path:
        return _refuse() if self.name == "log.1" else replace(self, target)

    started(file=tmp_path / "log", max_bytes=1000, backups=9)
    for number in range(30):
        log.info("line %02d", number)
    with monkeypatch.context() as held:
        held.setattr(Path, "replace", hold)  # a viewer has it open
        for number in range(30, 70):
            log.info("line %02d", number)
    for number in range(70, 99):
        log.info("line %02d", number)
    assert [int(line[-2:]) for line in _all(tmp_path / "log", 9)] == list(range(99))
    assert not (tmp_path / "log.0").exists()


def test_a_name_that_is_no_unicode_is_written_with_escapes(tmp_path: Path) -> None:
    file = log_writer.RotatingFile(tmp_path / "log", max_bytes=1000, backups=3)
    name = b"f\xfcr".decode("utf-8", "surrogateescape")
    # Past the handlers of pytest, whose reports take no such name.
    file.handle(logging.LogRecord("bridge.test", logging.INFO, "", 0, f"refused: {name}", (), None))
    file.close()
    assert (tmp_path / "log").read_text(encoding="utf-8") == "refused: f\\udcfcr\n"
