"""Runs `eabridge` as a user does, in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bridge.bars import Bars
from bridge.cli.main import main


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Ran:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse, on --help and on wrong usage
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return command


def export(path: Path, bars: Bars) -> Path:
    """Write bars as MetaTrader 5 exports them."""
    stamps = np.char.replace(bars.time.astype("datetime64[s]").astype(str), "-", ".")
    lines = ["<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"]
    for stamp, row in zip(stamps, bars.ohlc.tolist(), strict=True):
        prices = "\t".join(map(str, row))
        lines.append(f"{stamp[:10]}\t{stamp[11:]}\t{prices}\t1\t0\t0")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def of_another_source(bars: Bars) -> Bars:
    """The same market's bars, as another broker quotes them."""
    draw = np.random.default_rng(0)
    apart = np.round(bars.ohlc + draw.uniform(-5e-5, 5e-5, bars.ohlc.shape), 5)
    apart[:, 1:3] = np.stack([apart.max(axis=1), apart.min(axis=1)], axis=1)
    return replace(bars, ohlc=apart)


@pytest.fixture
def export_file(tmp_path: Path, bars: Bars) -> Path:
    return export(tmp_path / "EURUSD_H1_201704190900_201802070200.csv", bars)
