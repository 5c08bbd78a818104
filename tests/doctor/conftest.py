"""A user of their own, so that no terminal of this machine is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mt5.folders import make_home


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder; `Roaming` in it is their %APPDATA%."""
    return make_home(tmp_path / "home", monkeypatch)
