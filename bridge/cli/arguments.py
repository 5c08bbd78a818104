"""Arguments that several commands share: bars, models, pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.errors import UserError

if TYPE_CHECKING:
    from bridge.bars import Bars
    from bridge.bundles import Bundle


def add_data(parser: Any, *, several: bool = True, group: Any = None) -> None:
    """Add the options; with `several` false exactly one file is taken.

    `group` is one of which exactly one option must be given, `--data` among them.
    """
    (group or parser).add_argument(
        "--data",
        required=group is None,
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


def data_files(options: argparse.Namespace) -> list[Path]:
    """The files of `--data`, wildcards expanded: Windows' shells pass them on as they are.

    Raises:
        UserError: a pattern matches nothing, or a file is given twice.
    """
    files: list[Path] = []
    for path in options.data:
        is_pattern = not path.exists() and any(mark in str(path) for mark in "*?[")
        start = Path(path.anchor)  # the current folder where there is none
        pattern = str(path.relative_to(start)) if path.anchor else str(path)
        found = sorted(start.glob(pattern)) if is_pattern else [path]
        if not found:
            raise UserError(f"{path}: no file matches")
        files += found
    for index, path in enumerate(files):
        if path.resolve() in (other.resolve() for other in files[:index]):
            raise UserError(f"{path} is given twice")
    return files


def load_bars(options: argparse.Namespace) -> list[tuple[Path, Bars]]:
    """Read every file; what was found in them goes to stderr.

    Raises:
        UserError: a file cannot be read or is given twice.
    """
    from bridge.bars import BarsError, read_bars

    loaded: list[tuple[Path, Bars]] = []
    for path in data_files(options):
        try:
            bars, report = read_bars(path, repair=options.repair)
        except BarsError as error:
            raise UserError(str(error)) from error
        print("\n  ".join(report.lines()), file=sys.stderr)
        loaded.append((path, bars))
    return loaded


def day(text: str) -> date:
    """A day, for argparse: as ISO writes it, or with dots as MetaTrader does."""
    try:
        return date.fromisoformat(text.replace(".", "-"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no date such as 2020-01-31") from None


def endpoint(text: str) -> str:
    """An endpoint, for argparse: `tcp://` may be left out, as it is in an EA's inputs."""
    return text if "://" in text else f"tcp://{text}"


def add_keys(parser: Any) -> None:
    """Add the options with which a client is let in by a daemon that asks for keys."""
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="FILE",
        help="this client's own keys, made by eabridge keys new: a daemon that is reached over a "
        "network asks for them",
    )
    parser.add_argument(
        "--server-key",
        metavar="KEY|FILE",
        help="with --keys: the daemon's public key, in quotes, or the file with it",
    )


def given_keys(options: argparse.Namespace) -> dict[str, Any]:
    """The keys given, as `Client` takes them.

    Raises:
        UserError: one without the other, they cannot be used, or no daemon is asked.
    """
    from bridge.keys import KeysError, client_keys

    if options.connect is None and (options.keys or options.server_key):
        raise UserError("--keys and --server-key are for a daemon: give --connect as well")
    try:
        keys = client_keys(options.keys, options.server_key)
    except KeysError as error:
        raise UserError(str(error)) from error
    return {} if keys is None else {"keys": keys.own, "server_key": keys.server}


def png_file(text: str) -> Path:
    """A picture's path, for argparse: refused before the work, not after it."""
    path = Path(text)
    if path.suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(f"'{text}' is no PNG: name it {path.stem}.png")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"'{path.parent}' is no folder")
    return path


def add_stores(parser: Any) -> None:
    """Add the option that names folders of models."""
    parser.add_argument(
        "--models",
        action="append",
        type=Path,
        metavar="DIR",
        help="a folder of models; may be given several times (default: ./models and the models "
        "that ship with eabridge)",
    )


def add_model(parser: Any) -> None:
    """Add the options that choose a bundle."""
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="name, name@version or folder of the model (default: fx-h1 where it is, else the "
        "first one found)",
    )
    add_stores(parser)


def choose_bundle(
    model: str | None, stores: Sequence[Path] | None, symbol: str | None = None
) -> Bundle:
    """The bundle asked for; the one that a daemon over these stores would ask when none is named.

    With a symbol it is the one that the daemon would answer with: a specialist, where a base is
    asked by its bare name and has one for that symbol.

    Raises:
        UserError: there is none such.
    """
    from bridge.bundles import (
        BundleError,
        default_model,
        default_stores,
        find_bundle,
        find_routed,
        list_bundles,
    )

    folders = stores or default_stores()
    try:
        if model is None:
            bundles, _ = list_bundles(folders)
            model = default_model([bundle.manifest for bundle in bundles])
        if symbol is None:
            return find_bundle(model, folders)
        return find_routed(model, symbol, folders)
    except BundleError as error:
        raise UserError(str(error)) from error
