"""`eabridge book`."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import add_data, add_model, choose_bundle, day, load_bars
from bridge.cli.errors import UserError

if TYPE_CHECKING:
    from bridge.bars import Bars
    from bridge.bundles import Bundle

_NO_FILE_NAME = re.compile(r'[<>:"/\\|?*]')


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "book",
        help="compute forecasts ahead, for testers that reach no daemon",
        description="Compute a forecast for every closed bar of an export, bit for bit what the "
        "daemon answers, and write them into one file that an EA reads in the Strategy Tester: "
        "on remote agents, in the cloud, or where DLLs are not allowed. The book remembers each "
        "window it was made from, so an EA refuses it on another broker's bars: export the bars "
        "from the terminal that tests.",
    )
    work = parser.add_mutually_exclusive_group(required=True)
    add_data(parser, several=False, group=work)
    work.add_argument(
        "--check", type=Path, metavar="BOOK", help="say what a book holds, and whether it is whole"
    )
    add_model(parser)
    parser.add_argument(
        "--since", type=day, metavar="DATE", help="forecast from the bars of this day on"
    )
    parser.add_argument("--until", type=day, metavar="DATE", help="and to the last bar of this day")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the book (default: named as EURUSD_H1_fx-h1.book, in this folder)",
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--common",
        action="store_true",
        help="write it into the folder that all terminals share, where an EA finds it whichever "
        "terminal it runs in",
    )
    place.add_argument(
        "--data-folder",
        type=Path,
        metavar="DIR",
        help="write it into MQL5/Files of this data folder (in the terminal: File > Open Data "
        "Folder)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.check:
        return _check(options.check)
    from bridge.backends import BackendError
    from bridge.book import BookError, make_book
    from bridge.bundles import default_stores
    from bridge.cli import show
    from bridge.runtimes import Runtimes

    if options.since and options.until and options.since > options.until:
        raise UserError(f"--since {options.since} lies after --until {options.until}: swap them")
    asked = choose_bundle(options.model, options.models)
    folder = _folder(options)
    loaded = load_bars(options)
    if len(loaded) != 1:
        raise UserError(f"--data matches {len(loaded)} files: make a book of one at a time")
    ((path, bars),) = loaded
    bundle = choose_bundle(options.model, options.models, bars.symbol)
    if not bars.symbol:
        print(
            f"{path.name} names no symbol: name the file SYMBOL_H1.csv, or the book says nothing "
            "of whose bars it is",
            file=sys.stderr,
        )
    name = _default_name(bars, asked)
    out = folder / (options.out or name)
    if out.is_dir():
        wanted = options.out or Path(name)
        example = name if _is_in_place(options) else wanted / name
        raise UserError(f"--out {wanted} is a folder: give a file name, such as {example}")
    if not out.parent.is_dir():
        raise UserError(f"{out.parent} is no folder: make it, or give --out another")
    try:
        with show.counting("forecasts") as on_progress:
            made = make_book(
                bundle,
                bars,
                out,
                since=options.since,
                until=options.until,
                runtime=Runtimes(options.models or default_stores()),
                on_progress=on_progress,
            )
    except (BookError, BackendError) as error:
        raise UserError(f"{path.name}: {error}") from error
    except OSError as error:  # it names the draft
        is_denied = isinstance(error, PermissionError)
        remedy = ": close what has it open, or choose a folder you may write to"
        raise UserError(
            f"cannot write {out} ({error.strerror or error}){remedy if is_denied else ''}"
        ) from error
    show.made_book(made, in_place=_is_in_place(options))
    return 0


def _check(path: Path) -> int:
    from bridge.book import BookError, read_book
    from bridge.cli import show

    try:
        book = read_book(path)
        with show.counting("records") as on_progress:
            book.verify(on_progress)
    except BookError as error:
        raise UserError(str(error)) from error
    show.book(book)
    return 0


def _is_in_place(options: argparse.Namespace) -> bool:
    """Whether the book goes into a terminal's folder of files."""
    return options.common or options.data_folder is not None


def _folder(options: argparse.Namespace) -> Path:
    """Where the book goes, before the work: `.`, or a terminal's folder of files."""
    if not _is_in_place(options):
        return Path()
    from bridge.mt5 import TerminalError, known_places, terminal_at

    if options.out and options.out.name != str(options.out):
        raise UserError(f"--out {options.out}: give a name alone, as the folder is chosen")
    try:
        if options.data_folder:
            folder = terminal_at(options.data_folder).mql5 / "Files"
        else:
            folder = known_places().common_folder() / "Files"
    except TerminalError as error:
        raise UserError(str(error)) from error
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _default_name(bars: Bars, bundle: Bundle) -> str:
    from bridge.bars import timeframe_name

    timeframe = timeframe_name(bars.tf).replace(" ", "")
    name = f"{bars.symbol or 'bars'}_{timeframe}_{bundle.manifest.name}.book"
    return _NO_FILE_NAME.sub("_", name)
