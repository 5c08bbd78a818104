"""The daemon's log: readable lines or one JSON object an event, on stderr and in a rotated file.

A record may carry `request` (its id), `client`, `model` and `code` by `extra=`: they become fields.
Whatever a client put into a message, a line stays one line, and a terminal is told only text.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO

from bridge.daemon.telemetry.log_writer import Behind, RotatingFile

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 10 * 1024 * 1024
BACKUPS = 5
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FIELDS = ("request", "client", "model", "code")

# What would move a terminal's cursor, colour it, or turn its text around.
_UNPRINTABLE = (
    *(range(0x20), range(0x7F, 0xA0)),
    *(range(0x2028, 0x202F), range(0x2066, 0x206A)),
)
_ESCAPES = {
    code: f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"
    for codes in _UNPRINTABLE
    for code in codes
}
_ESCAPES_IN_TRACEBACK = {code: text for code, text in _ESCAPES.items() if chr(code) not in "\n\t"}


class Logging:
    """A log that was begun by `configure_logging`. `close` ends it and writes what waits."""

    def __init__(self, behind: Behind, level: int) -> None:
        self._behind = behind
        self._level_before = logging.getLogger().level
        self._hook_before = threading.excepthook
        logging.getLogger().addHandler(behind)
        logging.getLogger().setLevel(level)
        threading.excepthook = _log_end_of_thread

    def close(self) -> None:
        """Write what waits, for some seconds at most, and log nothing any more."""
        root = logging.getLogger()
        if self._behind in root.handlers:
            root.removeHandler(self._behind)
            root.setLevel(self._level_before)
            threading.excepthook = self._hook_before
        self._behind.close()

    def __enter__(self) -> Logging:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def configure_logging(
    level: str = "info",
    file: Path | None = None,
    as_json: bool = False,
    *,
    max_bytes: int = MAX_FILE_BYTES,
    backups: int = BACKUPS,
    stream: TextIO | None = None,
) -> Logging:
    """Log everything of this process, from now on.

    Args:
        level: one of `LEVELS`. Refused requests are logged at `debug`.
        file: takes the log too, and is rotated: `NAME`, then `NAME.1` (the latest) and so on. Where
            it cannot be written, the log says so and goes on without.
        as_json: one JSON object a line, with `time` (UTC), `level`, `logger`, `message`, `FIELDS`
            where they are known, and `exception`; on a terminal the lines stay readable.
        max_bytes, backups: of the file, and how many older ones are kept beside it.
        stream: where readable lines go; by default stderr, where there is one.
    """
    stream = stream or sys.stderr
    targets: list[logging.Handler] = []
    if stream is not None:  # a program without a console has none
        on_terminal: logging.Handler = logging.StreamHandler(stream)
        on_terminal.setFormatter(
            JsonLines() if as_json and not stream.isatty() else ReadableLines()
        )
        targets.append(on_terminal)
    problem = ""
    if file is not None:
        try:
            in_file = RotatingFile(file, max_bytes, backups)
        except OSError as error:
            problem = f"--log-file {file}: {_unwritable(file, error)}; no file keeps this log"
        else:
            in_file.setFormatter(JsonLines() if as_json else ReadableLines())
            targets.append(in_file)
    logging_ = Logging(Behind(targets), LEVELS[level])
    if problem:
        log.warning("%s", problem)
    return logging_


def _unwritable(file: Path, error: OSError) -> str:
    """What is wrong with a log's file, and what would be right."""
    if file.is_dir():
        return "it is a folder: give the name of a file"
    if not file.parent.is_dir():
        return f"there is no folder {file.parent}: make it first"
    return f"it cannot be written ({error.strerror or error}): give one that you may write"


class ReadableLines(logging.Formatter):
    """`2031-05-06T07:08:09.123Z WARNING bridge.daemon.server: message [request=7 model=fx@1f]`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        message = record.getMessage() + (f" [{fields}]" if fields else "")
        line = f"{_time(record)} {record.levelname} {record.name}: {message.translate(_ESCAPES)}"
        if exception := _exception(record):
            line += "\n" + exception.translate(_ESCAPES_IN_TRACEBACK)
        return line


class JsonLines(logging.Formatter):
    """One JSON object, in ASCII, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        content = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if exception := _exception(record):
            content["exception"] = exception
        return json.dumps(content)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    found = {name: getattr(record, name, None) for name in FIELDS}
    return {
        name: value.hex()
        if isinstance(value, bytes)
        else value
        if type(value) is int
        else str(value)
        for name, value in found.items()
        if value is not None
    }


def _exception(record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    return record.exc_text or ""


def _log_end_of_thread(end: threading.ExceptHookArgs) -> None:
    if end.exc_type is not SystemExit and end.exc_value is not None:
        name = end.thread.name if end.thread else "?"
        error = (end.exc_type, end.exc_value, end.exc_traceback)
        log.error("the thread '%s' ended by a defect", name, exc_info=error)
