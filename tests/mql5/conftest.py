"""What tests of MQL5 programs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mql5 import toolchain
from tests.mql5.terminal import Terminal


@pytest.fixture(scope="session", autouse=True)
def _remove_old_builds() -> None:
    toolchain.prune()


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal with nothing in it."""
    return Terminal(tmp_path / "terminal")
