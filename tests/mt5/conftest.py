"""A library, a model and a terminal, all small."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.bundles import Bundle
from tests.backends import graphs
from tests.mt5.folders import data_folder


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return graphs.put(tmp_path / "store", graphs.steady(), graphs.manifest("my-model"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty terminal's data folder."""
    return data_folder(tmp_path / "Roaming")


@pytest.fixture
def mql5(data: Path) -> Path:
    return data / "MQL5"
