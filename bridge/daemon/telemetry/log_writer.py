"""A log that is written behind whoever logs: in order, by a thread, and never a thousand times.

`Behind` is the one handler of the root logger; the handlers that write are its targets.
"""

from __future__ import annotations

import logging
import queue
import re
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from logging.handlers import RotatingFileHandler
from pathlib import Path
from time import monotonic

_WAIT_S = 0.1
_CLOSE_S = 2.0
_MOST_WAITING = 10_000
_ROTATE_AGAIN_S = 60.0
_OF_A_KIND = 10
_KINDS = 1000
_WINDOW_S = 60.0
_DIGITS = re.compile(r"\d+")

Written = tuple[logging.LogRecord, "threading.Event | None"]
"""A record, and what tells whoever logged it that it is written, where they wait for it."""


class Behind(logging.Handler):
    """Hands records to a thread that writes them.

    A console that is being marked with the mouse stops whoever writes to it, and a disk may be
    slow. So the one that logs waits a tenth of a second at most until its record is written, and
    not at all while an earlier wait was in vain, or for a record of `debug`.

    Args:
        targets: the handlers that write, each in the thread.
        of_a_kind: from `warning` upwards, how many records that differ in nothing but numbers are
            written in a minute; the others are counted, and their number is written.
    """

    def __init__(self, targets: Sequence[logging.Handler], of_a_kind: int = _OF_A_KIND) -> None:
        super().__init__()
        self._targets = targets
        self._queue: queue.SimpleQueue[Written | None] = queue.SimpleQueue()
        self._flood = Flood(of_a_kind)
        self._stuck = False
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            return  # what writes the log cannot log, and what has ended writes no more
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - a defect of whoever logs: told on stderr
            self.handleError(record)
            return
        if record.levelno >= logging.WARNING and not self._flood.admits(record, message):
            return
        if self._queue.qsize() >= _MOST_WAITING:
            self._lost += 1
            return
        waits = record.levelno > logging.DEBUG and not self._stuck
        written = threading.Event() if waits else None
        self._queue.put((_settled(record, message), written))
        if written is not None and not written.wait(_WAIT_S):
            self._stuck = True

    def close(self) -> None:
        """Write what waits, for some seconds at most."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(_CLOSE_S)
        super().close()

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=self._flood.due_in_s)
            except queue.Empty:
                pass
            else:
                if item is None:
                    break
                self._write(item[0])
                if item[1] is not None:
                    item[1].set()
                self._stuck = False
                self._tell_lost()
            self._tell_repeated(at_once=False)
        self._tell_lost()
        self._tell_repeated(at_once=True)
        for target in self._targets:
            with suppress(OSError, ValueError):  # a full disk, a stream that is closed
                target.close()

    def _write(self, record: logging.LogRecord) -> None:
        for target in self._targets:
            target.handle(record)  # its errors are its own: see `handleError`

    def _tell_lost(self) -> None:
        if self._lost and self._queue.empty():
            lost, self._lost = self._lost, 0
            self._write(_record(logging.WARNING, __name__, f"{lost:,} lines of the log were lost"))

    def _tell_repeated(self, *, at_once: bool) -> None:
        for record in self._flood.repeated(at_once=at_once):
            self._write(record)


class Flood:
    """Counts records of a kind: those that differ in nothing but numbers. From any thread."""

    def __init__(self, of_a_kind: int) -> None:
        self._of_a_kind = of_a_kind
        self._lock = threading.Lock()
        self._until = 0.0
        self._kinds: dict[tuple[int, str, str], int] = {}

    def admits(self, record: logging.LogRecord, message: str) -> bool:
        """Whether this one is to be written."""
        kind = (record.levelno, record.name, _DIGITS.sub("#", message))
        with self._lock:
            if not self._kinds:
                self._until = monotonic() + _WINDOW_S
            if kind not in self._kinds and len(self._kinds) >= _KINDS:
                kind = (record.levelno, record.name, "other messages")
            count = self._kinds[kind] = self._kinds.get(kind, 0) + 1
        return count <= self._of_a_kind

    @property
    def due_in_s(self) -> float | None:
        """Seconds until `repeated` has something to say; None where nothing was counted."""
        with self._lock:
            return max(0.01, self._until - monotonic()) if self._kinds else None

    def repeated(self, *, at_once: bool) -> list[logging.LogRecord]:
        """What there is to say of records that were not written, once their minute is over."""
        with self._lock:
            if not self._kinds or (monotonic() < self._until and not at_once):
                return []
            kinds, self._kinds = self._kinds, {}
        return [
            _record(level, name, f"{count - self._of_a_kind:,} more like this: {text}")
            for (level, name, text), count in kinds.items()
            if count > self._of_a_kind
        ]


class RotatingFile(RotatingFileHandler):
    """A log file that is renamed when it is full, and never a reason to stop.

    Args:
        path: `NAME`; older ones are `NAME.1` (the latest), `NAME.2` and so on.
        max_bytes: of each. backups: how many older ones are kept.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        super().__init__(
            path,
            maxBytes=max_bytes,
            backupCount=max(1, backups),
            encoding="utf-8",
            errors="backslashreplace",  # the name of a file may be no Unicode
        )
        self._rotate_from = 0.0
        self._failed = self._has_told = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        super().emit(record)
        self._has_told = self._failed

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - logging's name
        return monotonic() >= self._rotate_from and bool(super().shouldRollover(record))

    def doRollover(self) -> None:  # noqa: N802 - logging's name
        """Rename; where another program holds the file, write on and try again in a minute."""
        full = Path(self.baseFilename)
        names = [full.with_name(f"{full.name}.{n}") for n in range(self.backupCount + 1)]
        stream, self.stream = self.stream, None  # opened again with the next record
        if stream is not None:
            stream.close()
        try:
            if not names[0].exists():  # left over where an older one could not be moved
                full.replace(names[0])  # first: where this one fails, nothing else has moved
            for newer, older in zip(names[-2::-1], names[:0:-1], strict=True):
                if newer.exists():
                    newer.replace(older)
        except OSError:
            self._rotate_from = monotonic() + _ROTATE_AGAIN_S

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say once that the file cannot be written; the next record tries again."""
        self._failed = True
        if not self._has_told and sys.stderr is not None:
            reason = sys.exc_info()[1]
            with suppress(OSError, ValueError):
                sys.stderr.write(f"the log file {self.baseFilename} cannot be written: {reason}\n")
                sys.stderr.flush()


def _settled(record: logging.LogRecord, message: str) -> logging.LogRecord:
    """The record with its text fixed, so that what it was made from may change or go."""
    record = copy(record)
    record.msg, record.args = message, None
    if record.exc_info:
        record.exc_text = record.exc_text or logging.Formatter().formatException(record.exc_info)
        record.exc_info = None
    return record


def _record(level: int, name: str, message: str) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 0, message, None, None)
