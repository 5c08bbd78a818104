"""The cache file: forecasts outlive the daemon, the newest and those that are asked for."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from bridge.daemon.cache.file import CacheFile
from bridge.daemon.cache.memory import ForecastCache, model_tag
from bridge.daemon.cache.rows import CacheRows, DamagedFileError, computing_here
from tests.daemon.cache.kept import (
    FX,
    GOLD,
    LIMIT,
    UP,
    Daemon,
    key,
    quantiles,
    reads,
    written,
)
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("hurried")


def test_forecasts_outlive_the_daemon(path: Path) -> None:
    written(path, 1, 2, 3)
    assert reads(path, 1, 2, 3)


def test_they_are_there_bit_for_bit(path: Path) -> None:
    written(path, 7)
    daemon = Daemon(path)
    until(lambda: daemon.cache.entries == 1)
    assert daemon.cache.get(key(7)) == (quantiles(7), UP, 7)
    daemon.stop()


def test_they_are_written_while_the_daemon_serves(path: Path, tmp_path: Path) -> None:
    daemon = Daemon(path)
    daemon.compute(1)
    until(lambda: daemon.file._taken_bytes > 0)
    copied = tmp_path / "copied"
    shutil.copytree(path.parent, copied)
    daemon.stop()
    assert reads(copied / path.name, 1)


def test_a_stopped_daemon_leaves_one_file(path: Path) -> None:
    written(path, 1)
    assert list(path.parent.iterdir()) == [path]


def test_how_many_were_loaded_is_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    written(path, 1, 2, 3)
    assert reads(path, 1, 2, 3)
    assert f"{path}: 3 forecasts loaded" in caplog.text


def test_forecasts_of_models_that_are_not_served_stay_in_the_file(path: Path) -> None:
    written(path, 1, label=GOLD)
    written(path, 2)
    daemon = Daemon(path)
    until(lambda: daemon.cache.entries == 1)
    assert not daemon.has(1, label=GOLD)
    daemon.file.serve([GOLD])
    until(lambda: daemon.cache.entries == 2)
    assert daemon.has(1, label=GOLD)
    daemon.stop()


def test_where_memory_is_short_the_newest_are_loaded(path: Path) -> None:
    written(path, *range(100))
    daemon = Daemon(path, memory_bytes=30_000)
    until(lambda: daemon.has(99))
    daemon.stop()
    loaded = [number for number in range(100) if daemon.has(number)]
    assert loaded == list(range(100 - len(loaded), 100))
    assert 10 < len(loaded) < 30


def test_what_is_computed_while_it_loads_is_newer_than_what_is_loaded(path: Path) -> None:
    written(path, *range(50))
    daemon = Daemon(path)
    daemon.compute(*range(50, 60))
    until(lambda: daemon.cache.entries == 60)
    daemon.stop()
    assert [key for key, _ in daemon.cache.items()] == [key(number) for number in range(60)]


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
    assert kept == [key(number) for number in range(2999, 2999 - len(kept), -1)]
    assert 0.6 * limit < 950 * len(kept) < 1.2 * limit


def test_a_file_of_a_larger_limit_is_cut_down(path: Path) -> None:
    written(path, *range(1000))
    daemon = Daemon(path, limit_bytes=200_000)
    daemon.compute(1000)
    daemon.stop()
    rows = CacheRows(path, 200_000, "this processor")
    assert rows.used_bytes <= 200_000
    assert next(rows.newest({model_tag(FX)}))[0] == key(1000)
    rows.close()


def test_what_is_asked_for_outlives_what_is_not(path: Path) -> None:
    limit = 400_000
    daemon = Daemon(path, limit_bytes=limit, memory_bytes=200_000)
    for round_ in range(30):
        daemon.compute(*range(100 + 20 * round_, 120 + 20 * round_))
        if not daemon.has(0):
            daemon.compute(0)
        daemon.file._renew_at = 0.0
        until(lambda: not daemon.file._waiting)
        time.sleep(0.05)
    daemon.stop()
    assert daemon.cache.hits > 20
    rows = CacheRows(path, limit, "this processor")
    kept = {key for key, _ in rows.newest({model_tag(FX)})}
    rows.close()
    assert key(0) in kept
    assert key(100) not in kept


def test_a_forecast_computed_twice_is_kept_once(path: Path) -> None:
    written(path, 1, 2)
    written(path, 1)
    rows = CacheRows(path, LIMIT, "this processor")
    assert [key for key, _ in rows.newest({model_tag(FX)})] == [key(1), key(2)]
    rows.close()


def test_a_slow_disk_costs_forecasts_and_no_memory(path: Path) -> None:
    cache = ForecastCache(0)
    file = CacheFile(path, cache, LIMIT, "this processor")  # not started: nobody writes
    large = bytes(1024 * 1024)
    for number in range(100):
        file.put(key(number), large, UP, 0)
    assert sum(len(quantiles) for _, (quantiles, _, _) in file._waiting) <= 16 * 1024 * 1024


def test_forecasts_computed_elsewhere_are_deleted_as_their_bits_may_differ(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(path, 1)
    daemon = Daemon(path, computed_with="another processor")
    daemon.compute(2)
    daemon.stop()
    assert not daemon.has(1)
    assert f"{path}: its forecasts were computed with other libraries" in caplog.text
    again = Daemon(path, computed_with="another processor")
    until(lambda: again.has(2))
    again.stop()


def test_what_computes_here_is_told_by_library_and_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "onnxruntime 1." in computing_here()
    assert computing_here() == computing_here()
    monkeypatch.setattr(np, "show_config", lambda mode: {})  # of a processor without extensions
    assert "onnxruntime 1." in computing_here()


def test_a_model_of_which_nothing_is_kept_costs_no_look_at_every_row(path: Path) -> None:
    written(path, *range(10))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE forecasts SET key = 'text' WHERE infer_us = 4")
    database.close()
    rows = CacheRows(path, LIMIT, "this processor")
    assert list(rows.newest({model_tag(GOLD)})) == []
    with pytest.raises(DamagedFileError):
        list(rows.newest({model_tag(GOLD), model_tag(FX)}))
    rows.close()
