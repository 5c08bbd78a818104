"""`--data FILE...` and `--repair`, the same in every command that reads bars."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.errors import UserError

if TYPE_CHECKING:
    from bridge.bars import Bars


def add_data(parser: Any, *, several: bool = True) -> None:
    """Add the options; with `several` false exactly one file is taken."""
    parser.add_argument(
        "--data",
        required=True,
        nargs="+" if several else 1,
        type=Path,
        metavar="FILE",
        help="bars exported from MetaTrader 5 (Symbols > Bars > Export), or a CSV with a header; "
        "may be gzipped; symbol and timeframe are read from names like EURUSD_H1_....csv",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="drop broken rows, and a last bar that may still be forming, in place of an error",
    )


def load_bars(options: argparse.Namespace) -> list[tuple[Path, Bars]]:
    """Read every file; what was found in them goes to stderr.

    Raises:
        UserError: a file cannot be read, or two have the same name.
    """
    from bridge.bars import BarsError, read_bars

    loaded: list[tuple[Path, Bars]] = []
    for path in options.data:
        if any(path.resolve() == other.resolve() for other, _ in loaded):
            raise UserError(f"{path} is given twice")
        try:
            bars, report = read_bars(path, repair=options.repair)
        except BarsError as error:
            raise UserError(str(error)) from error
        print("\n  ".join(report.lines()), file=sys.stderr)
        loaded.append((path, bars))
    return loaded
