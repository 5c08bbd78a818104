"""Files of bars, written as users have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Nothing is asserted of time: a busy machine fails no example.
settings.register_profile("bars", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bars")

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write `content`, text or bytes, to a file of that name and return its path."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file
