"""`eabridge check`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from bridge.cli.arguments import add_data, data_files
from bridge.cli.errors import UserError


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "check",
        help="look for faults in exported bars",
        description="Read exports as training would, and report what is in them: broken rows by "
        "line and column, duplicates, gaps beyond weekends, a last bar that may be forming.",
    )
    add_data(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from bridge.bars import BarsError, read_bars

    files = data_files(options)
    broken = 0
    for path in files:
        try:
            _, report = read_bars(path, repair=options.repair)
        except BarsError as error:
            broken += 1
            print(error, file=sys.stderr)
            continue
        print("\n  ".join(report.lines()))
    if broken:
        raise UserError(f"{broken} of {len(files)} files cannot be used as they are")
    return 0
