"""Peak memory: of a process that takes a known amount, and of those that fail."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from bridge.tuning.costs.memory import MeasuredRunError, measure_memory

MEGABYTE = 1 << 20


def take(megabytes: int, seconds: float = 0.15) -> float:
    """Hold so much memory for so long, and say what lies in it."""
    held = np.ones(megabytes * MEGABYTE // 8)
    time.sleep(seconds)
    return float(held.sum())


def take_and_let_go(megabytes: int) -> None:
    take(megabytes)
    time.sleep(0.2)


def refuse(what: str) -> None:
    raise ValueError(f"no {what} here")


def die() -> None:
    os._exit(3)


def pid() -> int:
    return os.getpid()


def test_the_peak_is_what_the_work_took() -> None:
    measured = measure_memory(take, 96)

    assert measured.peak_bytes / MEGABYTE == pytest.approx(96, abs=8)
    assert measured.result == 96 * MEGABYTE / 8
    assert 0.15 <= measured.seconds < 5


def test_what_was_let_go_before_the_end_still_counts() -> None:
    assert measure_memory(take_and_let_go, 64).peak_bytes / MEGABYTE == pytest.approx(64, abs=8)


def test_what_imports_take_does_not_count() -> None:
    assert measure_memory(pid, imports=("scipy.stats",)).peak_bytes < 4 * MEGABYTE


def test_the_work_has_a_process_of_its_own() -> None:
    assert measure_memory(pid).result != os.getpid()


def test_nothing_is_taken_from_a_device_where_none_is_used() -> None:
    assert measure_memory(pid).device_bytes == 0


def test_work_that_fails_says_why() -> None:
    with pytest.raises(MeasuredRunError, match="refuse failed: ValueError: no data here"):
        measure_memory(refuse, "data")


def test_an_import_that_is_missing_says_so() -> None:
    with pytest.raises(MeasuredRunError, match="No module named 'no_such_library'"):
        measure_memory(pid, imports=("no_such_library",))


def test_a_process_that_dies_is_told_with_its_exit_code() -> None:
    with pytest.raises(MeasuredRunError, match=r"die ended with exit code 3.*out of memory"):
        measure_memory(die)
