"""The cache file: real files, really damaged, and processes that are really killed."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import bridge.daemon.cache.file
from bridge.daemon.cache.file import CacheFile
from bridge.daemon.cache.memory import DEFAULT_LIMIT_BYTES, ForecastCache, model_tag
from bridge.daemon.cache.rows import (
    KEY_BYTES,
    SCHEMA,
    TAG_BYTES,
    CacheRows,
    DamagedFileError,
    Entry,
    computing_here,
)

FX, GOLD = "fx@1", "gold@1"
UP = bytes(64)
LIMIT = 4 * 1024 * 1024
_PATIENCE_S = 60


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(bridge.daemon.cache.file, "_TURN_S", 0.02)
    monkeypatch.setattr(bridge.daemon.cache.file, "_UNLOCKED_S", 0.2)
    caplog.set_level(logging.INFO)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "forecasts.db"


class Daemon:
    """What a daemon does with its cache and its file."""

    def __init__(
        self,
        path: Path,
        labels: Iterable[str] = (FX,),
        limit_bytes: int = LIMIT,
        memory_bytes: int = DEFAULT_LIMIT_BYTES,
        computed_with: str = "this processor",
    ) -> None:
        self.cache = ForecastCache(memory_bytes)
        self.file = CacheFile(path, self.cache, limit_bytes, computed_with)
        self.file.start(labels)

    def compute(self, *numbers: int, label: str = FX) -> None:
        for number in numbers:
            self.cache.put(_key(number, label), _quantiles(number), UP, number)
            self.file.put(_key(number, label), _quantiles(number), UP, number)

    def has(self, number: int, label: str = FX) -> bool:
        found = self.cache.get(_key(number, label))
        assert found is None or found == (_quantiles(number), UP, number)
        return found is not None

    def stop(self) -> None:
        self.file.close()


def _key(number: int, label: str = FX) -> bytes:
    return model_tag(label) + number.to_bytes(KEY_BYTES - TAG_BYTES, "big")


def _quantiles(number: int) -> bytes:
    return number.to_bytes(8, "big") * 100


def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


def _written(path: Path, *numbers: int, label: str = FX) -> None:
    """Leave a file with these forecasts, in this order."""
    daemon = Daemon(path)
    daemon.compute(*numbers, label=label)
    daemon.stop()


def _reads(path: Path, *numbers: int) -> bool:
    """Whether a daemon that starts now finds all of these."""
    daemon = Daemon(path)
    try:
        _until(lambda: daemon.cache.entries >= len(numbers) or not daemon.file.is_open)
        return all(daemon.has(number) for number in numbers)
    finally:
        daemon.stop()


def _damaged(path: Path) -> list[Path]:
    return [each for each in path.parent.iterdir() if ".damaged-" in each.name]


def _only_message(caplog: pytest.LogCaptureFixture) -> str:
    (record,) = (each for each in caplog.records if each.levelno >= logging.WARNING)
    return record.getMessage()


def test_forecasts_outlive_the_daemon(path: Path) -> None:
    _written(path, 1, 2, 3)
    assert _reads(path, 1, 2, 3)


def test_they_are_there_bit_for_bit(path: Path) -> None:
    _written(path, 7)
    daemon = Daemon(path)
    _until(lambda: daemon.cache.entries == 1)
    assert daemon.cache.get(_key(7)) == (_quantiles(7), UP, 7)
    daemon.stop()


def test_they_are_written_while_the_daemon_serves(path: Path) -> None:
    daemon = Daemon(path)
    daemon.compute(1)
    _until(lambda: path.exists() and path.with_name(path.name + "-wal").exists())
    daemon.stop()
    assert daemon.has(1)


def test_a_stopped_daemon_leaves_one_file(path: Path) -> None:
    _written(path, 1)
    assert list(path.parent.iterdir()) == [path]


def test_how_many_were_loaded_is_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _written(path, 1, 2, 3)
    assert _reads(path, 1, 2, 3)
    assert f"{path}: 3 forecasts loaded" in caplog.text


def test_forecasts_of_models_that_are_not_served_stay_in_the_file(path: Path) -> None:
    _written(path, 1, label=GOLD)
    _written(path, 2)
    daemon = Daemon(path)
    _until(lambda: daemon.cache.entries == 1)
    assert not daemon.has(1, label=GOLD)
    daemon.file.serve([GOLD])
    _until(lambda: daemon.cache.entries == 2)
    assert daemon.has(1, label=GOLD)
    daemon.stop()


def test_where_memory_is_short_the_newest_are_loaded(path: Path) -> None:
    _written(path, *range(100))
    daemon = Daemon(path, memory_bytes=30_000)
    _until(lambda: daemon.has(99))
    daemon.stop()
    loaded = [number for number in range(100) if daemon.has(number)]
    assert loaded == list(range(100 - len(loaded), 100))
    assert 10 < len(loaded) < 30


def test_what_is_computed_while_it_loads_is_newer_than_what_is_loaded(path: Path) -> None:
    _written(path, *range(50))
    daemon = Daemon(path)
    daemon.compute(*range(50, 60))
    _until(lambda: daemon.cache.entries == 60)
    daemon.stop()
    assert [key for key, _ in daemon.cache.items()] == [_key(number) for number in range(60)]


def test_the_file_stays_within_its_limit_and_keeps_the_newest(path: Path) -> None:
    limit = 300_000
    daemon = Daemon(path, limit_bytes=limit)
    for number in range(0, 3000, 50):
        daemon.compute(*range(number, number + 50))
        time.sleep(0.005)
    daemon.stop()
    assert path.stat().st_size < 1.5 * limit
    rows = CacheRows(path, limit, "this processor")
    kept = [key for key, _ in rows.newest({model_tag(FX)})]
    rows.close()
    assert kept == [_key(number) for number in range(2999, 2999 - len(kept), -1)]
    assert 0.6 * limit < 950 * len(kept) < 1.2 * limit


def test_a_file_of_a_larger_limit_is_cut_down(path: Path) -> None:
    _written(path, *range(1000))
    daemon = Daemon(path, limit_bytes=200_000)
    daemon.compute(1000)
    daemon.stop()
    rows = CacheRows(path, 200_000, "this processor")
    assert rows.used_bytes <= 200_000
    assert next(rows.newest({model_tag(FX)}))[0] == _key(1000)
    rows.close()


def test_what_is_asked_for_outlives_what_is_not(path: Path) -> None:
    limit = 400_000
    daemon = Daemon(path, limit_bytes=limit, memory_bytes=200_000)
    for round_ in range(30):
        daemon.compute(*range(100 + 20 * round_, 120 + 20 * round_))
        if not daemon.has(0):
            daemon.compute(0)
        daemon.file._renew_at = 0.0
        _until(lambda: not daemon.file._waiting)
        time.sleep(0.05)
    daemon.stop()
    assert daemon.cache.hits > 20
    rows = CacheRows(path, limit, "this processor")
    kept = {key for key, _ in rows.newest({model_tag(FX)})}
    rows.close()
    assert _key(0) in kept
    assert _key(100) not in kept


def test_a_forecast_computed_twice_is_kept_once(path: Path) -> None:
    _written(path, 1, 2)
    _written(path, 1)
    rows = CacheRows(path, LIMIT, "this processor")
    assert [key for key, _ in rows.newest({model_tag(FX)})] == [_key(1), _key(2)]
    rows.close()


def test_a_slow_disk_costs_forecasts_and_no_memory(path: Path) -> None:
    cache = ForecastCache(0)
    file = CacheFile(path, cache, LIMIT, "this processor")  # not started: nobody writes
    large = bytes(1024 * 1024)
    for number in range(100):
        file.put(_key(number), large, UP, 0)
    assert sum(len(quantiles) for _, (quantiles, _, _) in file._waiting) <= 16 * 1024 * 1024


def test_forecasts_computed_elsewhere_are_deleted_as_their_bits_may_differ(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _written(path, 1)
    daemon = Daemon(path, computed_with="another processor")
    daemon.compute(2)
    daemon.stop()
    assert not daemon.has(1)
    assert f"{path}: its forecasts were computed with other libraries" in caplog.text
    again = Daemon(path, computed_with="another processor")
    _until(lambda: again.has(2))
    again.stop()


def test_what_computes_here_is_told_by_library_and_processor() -> None:
    assert "onnxruntime 1." in computing_here()
    assert computing_here() == computing_here()


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
    _flip(path, path.read_bytes().index(_quantiles(40)) + 300)


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
    _written(path, *range(80))
    damage(path)
    size = path.stat().st_size
    daemon = Daemon(path)
    _until(lambda: bool(_damaged(path)))
    daemon.compute(100)
    daemon.stop()
    for number in range(80):
        daemon.has(number)  # whatever is still there is right, bit for bit
    (aside,) = _damaged(path)
    assert aside.stat().st_size == size
    message = _only_message(caplog)
    assert message.startswith(f"{path}: ")
    assert f"it was set aside as {aside.name}" in message
    assert _reads(path, 100)


def test_what_could_still_be_read_of_a_damaged_file_is_in_the_new_one(path: Path) -> None:
    _written(path, *range(80))
    _flip_a_bit_of_a_forecast(path)
    daemon = Daemon(path)
    _until(lambda: bool(_damaged(path)))
    daemon.stop()
    assert _reads(path, *range(41, 80))
    assert not _reads(path, 40)


def test_a_log_of_a_crash_that_is_damaged_costs_what_was_in_it(path: Path) -> None:
    _written(path, 1)
    path.with_name(path.name + "-wal").write_bytes(b"\x37\x7f\x06\x82" + b"\xff" * 5000)
    assert _reads(path, 1)
    assert not _damaged(path)


def test_damage_that_shows_while_writing_loses_nothing_of_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(path)
    daemon.compute(1)
    _until(lambda: not daemon.file._waiting)
    real, calls = CacheRows.add, []

    def failing(self: CacheRows, entries: Iterable[Entry]) -> None:
        calls.append(entries)
        if len(calls) == 1:
            raise DamagedFileError("it is damaged (database disk image is malformed)")
        real(self, entries)

    monkeypatch.setattr(CacheRows, "add", failing)
    daemon.compute(2)
    _until(lambda: bool(_damaged(path)))
    daemon.compute(3)
    daemon.stop()
    assert _reads(path, 1, 2, 3)


def test_a_disk_that_damages_again_and_again_is_given_up(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(self: CacheRows, entries: Iterable[Entry]) -> None:
        if list(entries):
            raise DamagedFileError("it is damaged (as always)")

    monkeypatch.setattr(CacheRows, "add", failing)
    daemon = Daemon(path)
    daemon.compute(1)
    _until(lambda: not daemon.file.is_open)
    assert daemon.has(1)
    assert "once again: examine the disk; forecasts are kept in memory alone" in caplog.text
    assert len(_damaged(path)) == 3


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
    daemon = Daemon(path)
    daemon.compute(1)
    _until(lambda: not daemon.file.is_open)
    daemon.compute(2)
    daemon.stop()
    assert daemon.has(1)
    assert daemon.has(2)
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == content
    message = _only_message(caplog)
    assert f"{path}: it is not a file of forecasts, so it is left as it is" in message
    assert message.endswith("forecasts are kept in memory alone")


def test_a_file_of_a_newer_version_is_left_as_it_is(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _written(path, 1)
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    database.close()
    daemon = Daemon(path)
    _until(lambda: not daemon.file.is_open)
    daemon.stop()
    assert "it was written by a newer eabridge (its format is 2, this one reads 1)" in caplog.text
    assert not _damaged(path)


# What cannot be used, for now or at all.


def _refused(path: Path, caplog: pytest.LogCaptureFixture) -> str:
    """What is told of a file that cannot be used; the daemon serves all the while."""
    daemon = Daemon(path)
    daemon.compute(1)
    _until(lambda: not daemon.file.is_open)
    daemon.compute(2)
    daemon.stop()
    assert daemon.has(1)
    assert daemon.has(2)
    message = _only_message(caplog)
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
    _until(lambda: path.exists() and not first.file._waiting)
    assert "another program has it, perhaps another eabridge serve" in _refused(path, caplog)
    first.compute(2)
    first.stop()
    assert _reads(path, 1, 2)


def test_a_file_that_the_daemon_before_lets_go_of_is_taken_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.daemon.cache.file, "_UNLOCKED_S", _PATIENCE_S)
    before = Daemon(path)
    before.compute(1)
    _until(lambda: path.exists() and not before.file._waiting)
    after = Daemon(path)
    before.stop()
    _until(lambda: after.has(1))
    after.stop()


def test_a_stop_does_not_wait_for_a_file_that_another_daemon_has(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.daemon.cache.file, "_UNLOCKED_S", 1000.0)
    monkeypatch.setattr(bridge.daemon.cache.file, "_CLOSE_S", 1000.0)
    first = Daemon(path)
    _until(lambda: path.exists() and path.stat().st_size > 0)
    second = Daemon(path)
    second.stop()
    assert not second.file.is_open
    first.stop()


def test_a_full_disk_is_told_once_and_written_again_when_it_is_not(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge.daemon.cache.file, "_PAUSE_S", 0.0)
    real = CacheRows.add

    def on_a_small_disk(self: CacheRows, entries: Iterable[Entry]) -> None:
        self._database.execute("PRAGMA max_page_count = 50")
        too_large = (_key(5000), (bytes(1_000_000), UP, 0))
        try:
            real(self, [*entries, too_large])
        finally:
            self._database.execute("PRAGMA max_page_count = 1000000")

    monkeypatch.setattr(CacheRows, "add", on_a_small_disk)
    daemon = Daemon(path)
    for number in range(300):
        daemon.compute(number)
        time.sleep(0.002)
    assert f"{path}: the disk is full; forecasts are kept in memory alone" == _only_message(caplog)
    assert all(daemon.has(number) for number in range(300))
    monkeypatch.setattr(CacheRows, "add", real)
    _until(lambda: (daemon.compute(1000), "it is written again" in caplog.text)[1])
    daemon.stop()
    assert _reads(path, 1000)
    assert not _damaged(path)


def test_a_defect_is_logged_and_the_daemon_serves(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defective(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(CacheRows, "add", defective)
    assert "internal error" in _refused(path, caplog)
    assert "ZeroDivisionError: a bug" in caplog.text


_KEEPER = """
import itertools, sys
from pathlib import Path
from tests.daemon.cache.test_file import Daemon
import bridge.daemon.cache.file
bridge.daemon.cache.file._TURN_S = 0.001
daemon = Daemon(Path(sys.argv[1]))
print("serving", flush=True)
for number in itertools.count():
    daemon.compute(number % 5000)
"""


def test_killed_at_any_time_a_daemon_leaves_a_file_that_is_whole(path: Path) -> None:
    root = Path(__file__).parents[2]
    for kill in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", _KEEPER, str(path)], cwd=root, stdout=subprocess.PIPE, text=True
        ) as keeper:
            assert keeper.stdout is not None
            assert keeper.stdout.readline() == "serving\n"
            if kill:  # the first one may be killed while it makes the file
                _until(lambda: path.exists() and path.stat().st_size > 0)
            time.sleep(0.07 * kill)
            keeper.kill()
        daemon = Daemon(path)
        daemon.compute(1_000_000 + kill)
        daemon.stop()
        for number in range(5000):
            daemon.has(number)  # whatever is there is right, bit for bit
        assert not _damaged(path)
    assert _reads(path, 1_000_005)
