"""Losses of windows: kept, read again, and held against each other."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from bridge.tuning.comparison.losses import Losses, WindowsError, require_same_windows
from tests.tuning.comparison.invented import losses, walk_losses


def test_what_is_read_is_what_was_saved_in_single_precision(tmp_path: Path) -> None:
    walk = replace(walk_losses(20), called=np.full(40, np.nan))
    walk.save(tmp_path / "walk.npz")

    found = Losses.load(tmp_path / "walk.npz")

    assert np.array_equal(found.time, walk.time)
    for each in fields(Losses):
        value = getattr(found, each.name)
        assert np.allclose(value, getattr(walk, each.name), rtol=1e-6, equal_nan=True), each.name


def test_what_was_read_once_is_saved_without_loss(tmp_path: Path) -> None:
    walk_losses(20).save(tmp_path / "first.npz")
    first = Losses.load(tmp_path / "first.npz")
    first.save(tmp_path / "second.npz")

    second = Losses.load(tmp_path / "second.npz")

    assert np.array_equal(first.pinball, second.pinball)


def test_the_same_windows_pass() -> None:
    walk = walk_losses(20)

    require_same_windows({"walk": walk, "full": losses(walk, 0.97)})


def test_other_counts_at_the_same_times_are_other_windows() -> None:
    walk = walk_losses(20)
    fewer = replace(walk, windows=walk.windows - 0.5)

    with pytest.raises(WindowsError, match="full was scored on"):
        require_same_windows({"walk": walk, "full": fewer})
