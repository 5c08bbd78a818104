"""`eabridge check`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import add_data, data_files
from bridge.cli.errors import UserError

if TYPE_CHECKING:
    from bridge.bars import Bars


@dataclass(frozen=True)
class _Checked:
    path: Path
    bars: Bars


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "check",
        help="look for faults in exported bars",
        description="Read exports as training would, and report what is in them: broken rows by "
        "line and column, duplicates, gaps beyond weekends, a last bar that may be forming. Of "
        "several files, those that hold the same bars, and those that move alike.",
    )
    add_data(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from bridge.bars import BarsError, read_bars
    from bridge.tuning.scoring.leakage import duplicates, near_duplicates

    files = data_files(options)
    sound: list[_Checked] = []
    for path in files:
        try:
            bars, report = read_bars(path, repair=options.repair)
        except BarsError as error:
            print(error, file=sys.stderr)
            continue
        sound.append(_Checked(path, bars))
        print("\n  ".join(report.lines()))
    copies = duplicates(sound)
    for copy in copies:
        print(copy)
    for alike in near_duplicates(sound, copies):
        print(f"{alike}: two sources of one market count twice in training")
    if len(sound) < len(files):
        broken = len(files) - len(sound)
        raise UserError(f"{broken} of {len(files)} files cannot be used as they are")
    return 1 if copies else 0
