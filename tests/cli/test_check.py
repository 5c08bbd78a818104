"""`eabridge check` over several files: what they have in common."""

from __future__ import annotations

import gzip
from pathlib import Path

from bridge.bars import Bars
from bridge.synthetic import random_walk_bars
from tests.cli.conftest import Run, export, of_another_source


def test_files_with_nothing_in_common_pass(run: Run, export_file: Path, tmp_path: Path) -> None:
    other = export(tmp_path / "GBPUSD_H1.csv", random_walk_bars(2000, 3600, seed=1))

    ran = run("check", "--data", export_file, other)

    assert ran.code == 0
    assert "same bars" not in ran.out
    assert "alike" not in ran.out


def test_the_same_bars_under_two_names_need_the_user(
    run: Run, export_file: Path, tmp_path: Path
) -> None:
    zipped = tmp_path / "GBPUSD_H1.csv.gz"
    zipped.write_bytes(gzip.compress(export_file.read_bytes()))

    ran = run("check", "--data", export_file, zipped)

    assert ran.code == 1
    assert f"{export_file.name} and GBPUSD_H1.csv.gz hold the same bars between 2017-04" in ran.out
    assert "one of them is not what its name says: export EURUSD and GBPUSD again" in ran.out


def test_two_sources_of_one_market_are_told(run: Run, tmp_path: Path, bars: Bars) -> None:
    export(tmp_path / "EURUSD.r_H1.csv", of_another_source(bars))
    export(tmp_path / "EURUSD_H1.csv", bars)

    ran = run("check", "--data", "EURUSD*.csv")

    assert ran.code == 0
    assert "EURUSD.r_H1.csv and EURUSD_H1.csv move alike (correlation 0.9" in ran.out


def test_sound_files_are_compared_beside_a_broken_one(
    run: Run, export_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.csv").write_text("no bars")
    copy = tmp_path / "COPY_H1.csv"
    copy.write_bytes(export_file.read_bytes())

    ran = run("check", "--data", export_file, tmp_path / "broken.csv", copy)

    assert ran.code == 2
    assert "1 of 3 files cannot be used" in ran.err
    assert "hold the same bars" in ran.out
