"""The log: its lines, its file, and what it costs those who log when nobody reads it."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

import bridge.daemon.telemetry.log_writer
from bridge.daemon.telemetry.logs import Logging, configure_logging

log = logging.getLogger("bridge.test")
_PATIENCE_S = 60


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def started(stream: io.StringIO) -> Iterator[Callable[..., Logging]]:
    """Begins logs to `stream`, and ends them after the test."""
    begun: list[Logging] = []

    def start(**options: Any) -> Logging:
        begun.append(configure_logging(**{"stream": stream, **options}))
        return begun[-1]

    yield start
    for each in begun:
        each.close()


def _lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def _event(stream: io.StringIO) -> dict[str, Any]:
    (line,) = _lines(stream)
    event: dict[str, Any] = json.loads(line)
    return event


def test_a_line_tells_when_in_utc_how_bad_where_and_what(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    started()
    log.warning("%d windows wait", 7)
    (line,) = _lines(stream)
    moment, rest = line.split(" ", 1)
    assert rest == "WARNING bridge.test: 7 windows wait"
    assert moment.endswith("Z")
    told = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - told).total_seconds()) < _PATIENCE_S


def test_a_line_is_there_when_the_call_returns(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    started()
    for number in range(100):
        log.info("line %d", number)
        assert _lines(stream)[-1].endswith(f"line {number}")


def test_a_line_tells_whose_request_it_is(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    started()
    extra = {"request": 7, "client": b"\x00\xab", "model": "fx@1", "code": "busy"}
    log.info("refused", extra=extra)
    assert _lines(stream)[0].endswith("refused [request=7 client=00ab model=fx@1 code=busy]")


def test_a_traceback_follows_its_line(started: Callable[..., Logging], stream: io.StringIO) -> None:
    started()
    try:
        raise ZeroDivisionError("why")
    except ZeroDivisionError:
        log.exception("it failed")
    lines = _lines(stream)
    assert lines[0].endswith("ERROR bridge.test: it failed")
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "ZeroDivisionError: why"


@pytest.mark.parametrize(
    ("hostile", "told"),
    [
        ("EURUSD\n2030-01-01T00:00:00.000Z ERROR x: forged", "EURUSD\\x0a2030-01-01T"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("\r\x00\x7f\x9b", "\\x0d\\x00\\x7f\\x9b"),
        ("right\u202eleft\u2066\u2028", "right\\u202eleft\\u2066\\u2028"),
    ],
    ids=["a line", "a terminal's commands", "controls", "directions"],
)
def test_what_a_client_wrote_stays_text_in_its_line(
    started: Callable[..., Logging], stream: io.StringIO, hostile: str, told: str
) -> None:
    started()
    log.warning("no model '%s'", hostile, extra={"model": hostile})
    (line,) = _lines(stream)
    assert line.count(told) == 2
    assert line.isprintable()


def test_what_a_client_wrote_stays_text_in_a_traceback(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    started()
    try:
        raise ValueError("\x1b[2J\u202e")
    except ValueError:
        log.exception("it failed")
    assert _lines(stream)[-1] == "ValueError: \\x1b[2J\\u202e"


def test_debug_is_silent_unless_asked_for(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    begun = started()
    log.debug("refused")
    begun.close()
    assert _lines(stream) == []


def test_debug_is_told_where_asked_for(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    begun = started(level="debug")
    log.debug("refused")
    begun.close()
    assert _lines(stream)[0].endswith("DEBUG bridge.test: refused")


def test_as_json_an_event_is_one_object_on_one_line(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    started(as_json=True)
    log.error("it\nfailed \u2028 \x1b", extra={"request": 1 << 63, "model": "fx@1"})
    assert stream.getvalue().isascii()
    event = _event(stream)
    assert event.pop("time").endswith("Z")
    assert event == {
        "level": "error",
        "logger": "bridge.test",
        "message": "it\nfailed \u2028 \x1b",
        "request": 1 << 63,
        "model": "fx@1",
    }


def test_as_json_a_traceback_is_a_field(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    started(as_json=True)
    try:
        raise ZeroDivisionError("why")
    except ZeroDivisionError:
        log.exception("it failed")
    assert _event(stream)["exception"].endswith("ZeroDivisionError: why")


def test_on_a_terminal_lines_stay_readable_though_json_is_asked_for(
    started: Callable[..., Logging], tmp_path: Path
) -> None:
    terminal = Terminal()
    started(stream=terminal, as_json=True, file=tmp_path / "log")
    log.info("ready")
    assert _lines(terminal)[0].endswith("INFO bridge.test: ready")
    assert json.loads((tmp_path / "log").read_text(encoding="utf-8"))["message"] == "ready"


def test_a_file_takes_the_log_too(
    started: Callable[..., Logging], stream: io.StringIO, tmp_path: Path
) -> None:
    started(file=tmp_path / "log")
    log.info("größer")
    assert (tmp_path / "log").read_text(encoding="utf-8") == stream.getvalue()


def test_a_file_is_continued(started: Callable[..., Logging], tmp_path: Path) -> None:
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
    started: Callable[..., Logging], tmp_path: Path
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
    started: Callable[..., Logging], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(file=tmp_path / "log", max_bytes=1000, backups=3)
    with monkeypatch.context() as held:
        held.setattr(Path, "replace", _refuse)  # as Windows does where another program reads it
        for number in range(100):
            log.info("line %02d", number)
    assert [file.name for file in tmp_path.iterdir()] == ["log"]
    assert len(_all(tmp_path / "log", 3)) == 100


def test_a_file_is_renamed_again_when_it_can_be(
    started: Callable[..., Logging], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.daemon.telemetry.log_writer, "_ROTATE_AGAIN_S", 0.0)
    started(file=tmp_path / "log", max_bytes=1000, backups=9)
    with monkeypatch.context() as held:
        held.setattr(Path, "replace", _refuse)
        for number in range(50):
            log.info("line %02d", number)
    for number in range(50, 100):
        log.info("line %02d", number)
    assert [int(line[-2:]) for line in _all(tmp_path / "log", 9)] == list(range(100))
    assert (tmp_path / "log.1").exists()


def _refuse(*_: object) -> None:
    raise PermissionError(13, "it is used by another process")


@pytest.mark.parametrize("name", [".", "missing/log"])
def test_a_file_that_cannot_be_written_is_told_and_nothing_stops(
    started: Callable[..., Logging], stream: io.StringIO, tmp_path: Path, name: str
) -> None:
    started(file=tmp_path / name)
    log.info("ready")
    first, second = _lines(stream)
    assert f"--log-file {tmp_path / name}: it cannot be written (" in first
    assert second.endswith("ready")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_once_and_nothing_stops(
    started: Callable[..., Logging], stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = started(file=Path("/dev/full"))
    for number in range(20):
        log.info("line %d", number)
    begun.close()
    assert len(_lines(stream)) == 20
    assert capsys.readouterr().err.count("/dev/full cannot be written: [Errno 28]") == 1


def test_without_a_console_nothing_stops(
    started: Callable[..., Logging], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    started(stream=None, file=tmp_path / "log")
    log.info("ready")
    assert "ready" in (tmp_path / "log").read_text(encoding="utf-8")


class Marked(io.StringIO):
    """A console that is being marked with the mouse: whoever writes to it waits."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def write(self, text: str) -> int:
        self.released.wait(_PATIENCE_S)
        return super().write(text)


def test_who_logs_does_not_wait_for_a_console_that_takes_nothing(
    started: Callable[..., Logging],
) -> None:
    console = Marked()
    begun = started(stream=console)
    before = time.monotonic()
    for number in range(1000):
        log.info("line %d", number)
    assert time.monotonic() - before < _PATIENCE_S / 10
    assert console.getvalue() == ""
    console.released.set()
    begun.close()
    assert [int(line.split()[-1]) for line in _lines(console)] == list(range(1000))


def test_what_is_lost_behind_such_a_console_is_counted(
    started: Callable[..., Logging], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.daemon.telemetry.log_writer, "_MOST_WAITING", 10)
    console = Marked()
    begun = started(stream=console)
    for number in range(100):
        log.info("line %d", number)
    console.released.set()
    begun.close()
    lines = _lines(console)
    lost = 100 - sum("line" in line and "lost" not in line for line in lines)
    assert any(f"{lost} lines of the log were lost" in line for line in lines)
    assert lost >= 88


def test_an_end_does_not_wait_for_such_a_console(
    started: Callable[..., Logging], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.daemon.telemetry.log_writer, "_CLOSE_S", 0.05)
    console = Marked()
    begun = started(stream=console)
    log.info("ready")
    begun.close()
    assert console.getvalue() == ""
    console.released.set()


def test_warnings_of_a_kind_are_told_ten_times_and_then_counted(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    begun = started()
    for number in range(1000):
        log.error("fx@1 failed on a window that ends at %d", number)
    log.error("another")
    begun.close()
    lines = _lines(stream)
    assert len(lines) == 12
    assert lines[10].endswith("another")
    assert lines[11].endswith("990 more like this: fx@# failed on a window that ends at #")


def test_messages_that_differ_in_more_than_numbers_are_all_told(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    started()
    names = [a + b for a in "abcdefgh" for b in "abcdefgh"]
    for name in names:
        log.error("refused: bundle %s", name)
    assert [line.split()[-1] for line in _lines(stream)] == names


def test_when_the_minute_is_over_the_next_ten_are_told(
    started: Callable[..., Logging], stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.daemon.telemetry.log_writer, "_WINDOW_S", 0.3)
    started()
    for _ in range(30):
        log.warning("full")
    until = time.monotonic() + _PATIENCE_S
    while "20 more like this: full" not in stream.getvalue():
        assert time.monotonic() < until
        time.sleep(0.01)
    log.warning("full")
    assert _lines(stream)[-1].endswith("WARNING bridge.test: full")


def test_messages_without_end_take_no_memory_without_end(
    started: Callable[..., Logging], monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    monkeypatch.setattr(bridge.daemon.telemetry.log_writer, "_KINDS", 5)
    begun = started()
    for number in range(100):
        log.warning("no model %s", "x" * number)
    begun.close()
    assert len(_lines(stream)) == 5 + 10 + 1
    assert _lines(stream)[-1].endswith("85 more like this: other messages")


def test_a_defect_of_who_logs_stops_nothing(
    started: Callable[..., Logging], stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    started()
    logging.getLogger("bridge.other").propagate = True
    record = logging.LogRecord("bridge.test", logging.INFO, "", 0, "%d windows", ("no",), None)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, bridge.daemon.telemetry.log_writer.Behind):
            handler.handle(record)
    log.info("ready")
    (line,) = _lines(stream)
    assert line.endswith("ready")


def test_threads_that_end_by_a_defect_are_logged(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    started()

    def defective() -> None:
        raise ZeroDivisionError("why")

    thread = threading.Thread(target=defective, name="watch")
    thread.start()
    thread.join()
    text = stream.getvalue()
    assert "the thread 'watch' ended by a defect" in text
    assert "ZeroDivisionError: why" in text


def test_lines_of_many_threads_are_all_told(
    started: Callable[..., Logging], stream: io.StringIO
) -> None:
    begun = started()

    def tell(name: str) -> None:
        for number in range(100):
            log.info("%s %d", name, number)

    threads = [threading.Thread(target=tell, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    begun.close()
    told = [line.split(": ")[1] for line in _lines(stream)]
    assert sorted(told) == sorted(f"{name} {number}" for name in "abcd" for number in range(100))
    assert [line for line in told if line[0] == "a"] == [f"a {number}" for number in range(100)]


def test_an_end_leaves_logging_as_it_was(started: Callable[..., Logging]) -> None:
    root = logging.getLogger()
    before = root.level, list(root.handlers), threading.excepthook
    started(level="debug").close()
    assert (root.level, list(root.handlers), threading.excepthook) == before


_PROGRAM = """
import logging
from bridge.daemon.telemetry.logs import configure_logging
configure_logging(as_json=True)
logging.getLogger("bridge.test").debug("no")
logging.getLogger("bridge.test").info("the last words")
"""


def test_the_last_words_of_a_program_that_ends_are_written() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=True,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert json.loads(ended.stderr)["message"] == "the last words"
    assert ended.stdout == ""
