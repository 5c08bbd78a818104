"""The thread behind the log: what it costs those who log, and what it tells once."""

from __future__ import annotations

import io
import logging
import threading
import time

import pytest

from bridge.daemon.telemetry import log_writer
from tests.daemon.telemetry.conftest import Start, lines_of

log = logging.getLogger("bridge.test")
_PATIENCE_S = 60


class Marked(io.StringIO):
    """A console that is being marked with the mouse: whoever writes to it waits."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def write(self, text: str) -> int:
        self.released.wait(_PATIENCE_S)
        return super().write(text)


def test_who_logs_does_not_wait_for_a_console_that_takes_nothing(
    started: Start,
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
    assert [int(line.split()[-1]) for line in lines_of(console)] == list(range(1000))


def test_what_is_lost_behind_such_a_console_is_counted(
    started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "_MOST_WAITING", 10)
    console = Marked()
    begun = started(stream=console)
    for number in range(100):
        log.info("line %d", number)
    console.released.set()
    begun.close()
    lines = lines_of(console)
    lost = 100 - sum("line" in line and "lost" not in line for line in lines)
    assert any(f"{lost} lines of the log were lost" in line for line in lines)
    assert lost >= 88


def test_an_end_does_not_wait_for_such_a_console(
    started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "_CLOSE_S", 0.05)
    console = Marked()
    begun = started(stream=console)
    log.info("ready")
    begun.close()
    assert console.getvalue() == ""
    console.released.set()


def test_warnings_of_a_kind_are_told_ten_times_and_then_counted(
    started: Start, stream: io.StringIO
) -> None:
    begun = started()
    for number in range(1000):
        log.error("fx@1 failed on a window that ends at %d", number)
    log.error("another")
    begun.close()
    lines = lines_of(stream)
    assert len(lines) == 12
    assert lines[10].endswith("another")
    assert lines[11].endswith("990 more like this: fx@# failed on a window that ends at #")


def test_messages_that_differ_in_more_than_numbers_are_all_told(
    started: Start, stream: io.StringIO
) -> None:
    started()
    names = [a + b for a in "abcdefgh" for b in "abcdefgh"]
    for name in names:
        log.error("refused: bundle %s", name)
    assert [line.split()[-1] for line in lines_of(stream)] == names


def test_when_the_minute_is_over_the_next_ten_are_told(
    started: Start, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "_WINDOW_S", 0.3)
    started()
    for _ in range(30):
        log.warning("full")
    until = time.monotonic() + _PATIENCE_S
    while "20 more like this: full" not in stream.getvalue():
        assert time.monotonic() < until
        time.sleep(0.01)
    log.warning("full")
    assert lines_of(stream)[-1].endswith("WARNING bridge.test: full")


def test_messages_without_end_take_no_memory_without_end(
    started: Start, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    monkeypatch.setattr(log_writer, "_KINDS", 5)
    begun = started()
    for number in range(100):
        log.warning("no model %s", "x" * number)
    begun.close()
    assert len(lines_of(stream)) == 5 + 10 + 1
    assert lines_of(stream)[-1].endswith("85 more like this: other messages")


class Defective:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("value", ["no", Defective()], ids=["not a number", "no text"])
def test_a_defect_of_who_logs_stops_nothing(
    started: Start,
    stream: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    value: object,
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    started()
    text = "%d windows" if isinstance(value, str) else "%s"
    record = logging.LogRecord("bridge.test", logging.INFO, "", 0, text, (value,), None)
    (behind,) = (h for h in logging.getLogger().handlers if isinstance(h, log_writer.Behind))
    behind.handle(record)  # past the handlers of pytest, which raise
    log.info("ready")
    (line,) = lines_of(stream)
    assert line.endswith("ready")


def test_lines_of_many_threads_are_all_told(started: Start, stream: io.StringIO) -> None:
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
    told = [line.split(": ")[1] for line in lines_of(stream)]
    assert sorted(told) == sorted(f"{name} {number}" for name in "abcd" for number in range(100))
    assert [line for line in told if line[0] == "a"] == [f"a {number}" for number in range(100)]
