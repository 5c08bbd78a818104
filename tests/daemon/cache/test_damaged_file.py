"""A cache file that is damaged, foreign, or whose daemon was killed: really, each of them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from bridge.daemon.cache.rows import SCHEMA, CacheRows, DamagedFileError, Entry
from tests.daemon.cache.kept import (
    Daemon,
    damaged,
    only_message,
    quantiles,
    reads,
    serve_without,
    written,
)
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("hurried")


# Damage: the file is set aside, a new one is begun, and nothing wrong is ever answered.


def _flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


def _flip_the_magic(path: Path) -> None:
    _flip(path, 3)


def _fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _cut_in_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _cut_inside_the_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(50)


def _garble_the_schema(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(4000) + content[4100:])


def _garble_the_pages(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))


def _flip_a_bit_of_a_forecast(path: Path) -> None:
    _flip(path, path.read_bytes().index(quantiles(40)) + 300)


def _drop_a_table(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE forecasts")
    database.close()


def _keep_text_for_a_key(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE forecasts SET key = 'text' WHERE infer_us = 40")
    database.close()


@pytest.mark.parametrize(
    "damage",
    [
        _flip_the_magic,
        _fill_with_zeros,
        _cut_in_half,
        _cut_inside_the_header,
        _garble_the_schema,
        _garble_the_pages,
        _flip_a_bit_of_a_forecast,
        _drop_a_table,
        _keep_text_for_a_key,
    ],
)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    written(path, *range(80))
    damage(path)
    size = path.stat().st_size
    daemon = Daemon(path)
    until(lambda: bool(damaged(path)))
    daemon.compute(100)
    daemon.stop()
    for number in range(80):
        daemon.has(number)  # whatever is still there is right, bit for bit
    (aside,) = damaged(path)
    assert aside.stat().st_size == size
    message = only_message(caplog)
    assert message.startswith(f"{path}: ")
    assert f"it was set aside as {aside.name}" in message
    assert reads(path, 100)


def test_what_could_still_be_read_of_a_damaged_file_is_in_the_new_one(path: Path) -> None:
    written(path, *range(80))
    _flip_a_bit_of_a_forecast(path)
    daemon = Daemon(path)
    until(lambda: bool(damaged(path)))
    daemon.stop()
    assert reads(path, *range(41, 80))
    assert not reads(path, 40)


def test_a_log_of_a_crash_that_is_damaged_costs_what_was_in_it(path: Path) -> None:
    written(path, 1)
    path.with_name(path.name + "-wal").write_bytes(b"\x37\x7f\x06\x82" + b"\xff" * 5000)
    assert reads(path, 1)
    assert not damaged(path)


def test_damage_that_shows_while_writing_loses_nothing_of_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(path)
    daemon.compute(1)
    until(lambda: not daemon.file._waiting)
    real, calls = CacheRows.add, []

    def failing(self: CacheRows, entries: Iterable[Entry]) -> None:
        calls.append(entries)
        if len(calls) == 1:
            raise DamagedFileError("it is damaged (database disk image is malformed)")
        real(self, entries)

    monkeypatch.setattr(CacheRows, "add", failing)
    daemon.compute(2)
    until(lambda: bool(damaged(path)))
    daemon.compute(3)
    daemon.stop()
    assert reads(path, 1, 2, 3)


def test_a_disk_that_damages_again_and_again_is_given_up(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(self: CacheRows, entries: Iterable[Entry]) -> None:
        if list(entries):
            raise DamagedFileError("it is damaged (as always)")

    monkeypatch.setattr(CacheRows, "add", failing)
    daemon = Daemon(path)
    daemon.compute(1)
    until(lambda: not daemon.file.is_open)
    assert daemon.has(1)
    assert "once again: examine the disk; forecasts are kept in memory alone" in caplog.text
    assert len(damaged(path)) == 3


# What is not ours is left as it is.


def _text(path: Path) -> None:
    path.write_text("time,open,high,low,close\n" * 100, encoding="utf-8")


def _short_text(path: Path) -> None:
    path.write_text("mine\n", encoding="utf-8")


def _another_programs_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE deals (ticket INTEGER)")
    database.close()


@pytest.mark.parametrize("foreign", [_text, _short_text, _another_programs_database])
def test_a_foreign_file_is_left_as_it_is(
    path: Path, caplog: pytest.LogCaptureFixture, foreign: Callable[[Path], None]
) -> None:
    foreign(path)
    content = path.read_bytes()
    serve_without(path)
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == content
    message = only_message(caplog)
    assert f"{path}: it is not a file of forecasts, so it is left as it is" in message
    assert message.endswith("forecasts are kept in memory alone")


def test_a_file_of_a_newer_version_is_left_as_it_is(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(path, 1)
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    database.close()
    daemon = Daemon(path)
    until(lambda: not daemon.file.is_open)
    daemon.stop()
    assert "it was written by a newer eabridge (its format is 2, this one reads 1)" in caplog.text
    assert not damaged(path)


_KEEPER = """
import itertools, sys
from pathlib import Path
from tests.daemon.cache.kept import Daemon
import bridge.daemon.cache.file
bridge.daemon.cache.file._TURN_S = 0.001
daemon = Daemon(Path(sys.argv[1]))
print("serving", flush=True)
for number in itertools.count():
    daemon.compute(number % 5000)
"""


def test_killed_at_any_time_a_daemon_leaves_a_file_that_is_whole(path: Path) -> None:
    root = Path(__file__).parents[3]
    for kill in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", _KEEPER, str(path)], cwd=root, stdout=subprocess.PIPE, text=True
        ) as keeper:
            assert keeper.stdout is not None
            assert keeper.stdout.readline() == "serving\n"
            if kill:  # the first one may be killed while it makes the file
                until(lambda: path.exists() and path.stat().st_size > 0)
            time.sleep(0.07 * kill)
            keeper.kill()
        daemon = Daemon(path)
        daemon.compute(1_000_000 + kill)
        daemon.stop()
        for number in range(5000):
            daemon.has(number)  # whatever is there is right, bit for bit
        assert not damaged(path)
    assert reads(path, 1_000_005)
