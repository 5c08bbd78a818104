"""The log: what its lines tell, and what becomes of what strangers write into them."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.telemetry.conftest import Start, lines_of

log = logging.getLogger("bridge.test")
_PATIENCE_S = 60


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _event(stream: io.StringIO) -> dict[str, Any]:
    (line,) = lines_of(stream)
    event: dict[str, Any] = json.loads(line)
    return event


def test_a_line_tells_when_in_utc_how_bad_where_and_what(
    started: Start, stream: io.StringIO
) -> None:
    started()
    log.warning("%d windows wait", 7)
    (line,) = lines_of(stream)
    moment, rest = line.split(" ", 1)
    assert rest == "WARNING bridge.test: 7 windows wait"
    assert moment.endswith("Z")
    told = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - told).total_seconds()) < _PATIENCE_S


def test_a_line_is_there_when_the_call_returns(started: Start, stream: io.StringIO) -> None:
    started()
    for number in range(100):
        log.info("line %d", number)
        assert lines_of(stream)[-1].endswith(f"line {number}")


def test_a_line_tells_whose_request_it_is(started: Start, stream: io.StringIO) -> None:
    started()
    extra = {"request": 7, "client": b"\x00\xab", "model": "fx@1", "code": "busy"}
    log.info("refused", extra=extra)
    assert lines_of(stream)[0].endswith("refused [request=7 client=00ab model=fx@1 code=busy]")


def test_a_traceback_follows_its_line(started: Start, stream: io.StringIO) -> None:
    started()
    try:
        raise ZeroDivisionError("why")
    except ZeroDivisionError:
        log.exception("it failed")
    lines = lines_of(stream)
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
    started: Start, stream: io.StringIO, hostile: str, told: str
) -> None:
    started()
    log.warning("no model '%s'", hostile, extra={"model": hostile})
    (line,) = lines_of(stream)
    assert line.count(told) == 2
    assert line.isprintable()


def test_what_a_client_wrote_stays_text_in_a_traceback(started: Start, stream: io.StringIO) -> None:
    started()
    try:
        raise ValueError("\x1b[2J\u202e")
    except ValueError:
        log.exception("it failed")
    assert lines_of(stream)[-1] == "ValueError: \\x1b[2J\\u202e"


def test_debug_is_silent_unless_asked_for(started: Start, stream: io.StringIO) -> None:
    begun = started()
    log.debug("refused")
    begun.close()
    assert lines_of(stream) == []


def test_debug_is_told_where_asked_for(started: Start, stream: io.StringIO) -> None:
    begun = started(level="debug")
    log.debug("refused")
    begun.close()
    assert lines_of(stream)[0].endswith("DEBUG bridge.test: refused")


def test_as_json_an_event_is_one_object_on_one_line(started: Start, stream: io.StringIO) -> None:
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


def test_as_json_a_traceback_is_a_field(started: Start, stream: io.StringIO) -> None:
    started(as_json=True)
    try:
        raise ZeroDivisionError("why")
    except ZeroDivisionError:
        log.exception("it failed")
    assert _event(stream)["exception"].endswith("ZeroDivisionError: why")


def test_on_a_terminal_lines_stay_readable_though_json_is_asked_for(
    started: Start, tmp_path: Path
) -> None:
    terminal = Terminal()
    started(stream=terminal, as_json=True, file=tmp_path / "log")
    log.info("ready")
    assert lines_of(terminal)[0].endswith("INFO bridge.test: ready")
    assert json.loads((tmp_path / "log").read_text(encoding="utf-8"))["message"] == "ready"


def test_without_a_console_nothing_stops(
    started: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    started(stream=None, file=tmp_path / "log")
    log.info("ready")
    assert "ready" in (tmp_path / "log").read_text(encoding="utf-8")


def test_threads_that_end_by_a_defect_are_logged(started: Start, stream: io.StringIO) -> None:
    started()

    def defective() -> None:
        raise ZeroDivisionError("why")

    thread = threading.Thread(target=defective, name="watch")
    thread.start()
    thread.join()
    text = stream.getvalue()
    assert "the thread 'watch' ended by a defect" in text
    assert "ZeroDivisionError: why" in text


def test_an_end_leaves_logging_as_it_was(started: Start) -> None:
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
