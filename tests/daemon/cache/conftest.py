"""A place for a cache file, and a thread that hurries."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bridge.daemon.cache import file


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Writes soon, waits for no other daemon, and all that is told can be asked for."""
    monkeypatch.setattr(file, "_TURN_S", 0.02)
    monkeypatch.setattr(file, "_UNLOCKED_S", 0.2)
    caplog.set_level(logging.INFO)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "forecasts.db"
