"""A daemon's cache and its file, as tests of the file see them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import pytest

from bridge.daemon.cache.file import CacheFile
from bridge.daemon.cache.memory import (
    DEFAULT_LIMIT_BYTES,
    KEY_BYTES,
    TAG_BYTES,
    ForecastCache,
    model_tag,
)
from tests.waiting import until

FX, GOLD = "fx@1", "gold@1"
UP = bytes(64)
LIMIT = 4 * 1024 * 1024


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
            self.cache.put(key(number, label), quantiles(number), UP, number)
            self.file.put(key(number, label), quantiles(number), UP, number)

    def has(self, number: int, label: str = FX) -> bool:
        found = self.cache.get(key(number, label))
        assert found is None or found == (quantiles(number), UP, number)
        return found is not None

    def stop(self) -> None:
        self.file.close()


def key(number: int, label: str = FX) -> bytes:
    return model_tag(label) + number.to_bytes(KEY_BYTES - TAG_BYTES, "big")


def quantiles(number: int) -> bytes:
    return number.to_bytes(8, "big") * 100


def serve_without(path: Path) -> None:
    """Serve beside a file that cannot be used: forecasts are kept in memory all the same."""
    daemon = Daemon(path)
    daemon.compute(1)
    until(lambda: not daemon.file.is_open)
    daemon.compute(2)
    daemon.stop()
    assert daemon.has(1)
    assert daemon.has(2)


def written(path: Path, *numbers: int, label: str = FX) -> None:
    """Leave a file with these forecasts, in this order."""
    daemon = Daemon(path)
    daemon.compute(*numbers, label=label)
    daemon.stop()


def reads(path: Path, *numbers: int) -> bool:
    """Whether a daemon that starts now finds all of these."""
    daemon = Daemon(path)
    try:
        until(lambda: daemon.cache.entries >= len(numbers) or not daemon.file.is_open)
        return all(daemon.has(number) for number in numbers)
    finally:
        daemon.stop()


def damaged(path: Path) -> list[Path]:
    return [each for each in path.parent.iterdir() if ".damaged-" in each.name]


def only_message(caplog: pytest.LogCaptureFixture) -> str:
    (record,) = (each for each in caplog.records if each.levelno >= logging.WARNING)
    return record.getMessage()
