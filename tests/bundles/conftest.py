"""A bundle on disk, written the way the workshop writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.bundles import Bundle
from tests.backends import graphs


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A small model in the store `tmp_path`, in the folder `steady`."""
    return graphs.put(tmp_path, graphs.steady(), graphs.manifest("steady"))
