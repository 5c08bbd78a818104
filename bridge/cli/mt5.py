"""`eabridge mt5 install` and `eabridge doctor`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import (
    add_keys,
    add_model,
    add_stores,
    choose_bundle,
    endpoint,
    given_keys,
)
from bridge.cli.errors import UserError
from bridge.wire import DEFAULT_ENDPOINT

if TYPE_CHECKING:
    from bridge.bundles import Bundle
    from bridge.mt5 import Terminal

_DATA_FOLDER = (
    "a terminal's data folder, which File > Open Data Folder shows in the terminal; may be given "
    "several times"
)


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "mt5",
        help="put the MQL5 library into MetaTrader 5",
        description="What concerns the terminal's side: `eabridge mt5 install` copies the library "
        "that an Expert Advisor includes, an example EA and scripts into MetaTrader 5, so that "
        "`#include <EABridge/Forecaster.mqh>` works. `eabridge doctor` tells whether all is well.",
    )
    jobs = parser.add_subparsers(dest="job", metavar="JOB", required=True)
    parser = jobs.add_parser(
        "install",
        help="copy the library, the example EA and a model into a terminal",
        description="Copy the MQL5 library, the example EA and the scripts into a terminal, with a "
        "model that can run inside it. Finds terminals in %APPDATA%/MetaQuotes/Terminal, "
        "portable ones in Program Files, and those under Wine. Given again after an update, it "
        "renews what you have not changed and keeps the model that the terminal has; a file that "
        "you changed is asked about, and kept as .bak when replaced.",
    )
    parser.add_argument(
        "--data-folder", action="append", type=Path, metavar="DIR", help=_DATA_FOLDER
    )
    parser.add_argument("--all", action="store_true", help="all terminals that are found")
    parser.add_argument(
        "--yes", action="store_true", help="replace files that you changed; yours stay as .bak"
    )
    add_model(parser)
    parser.set_defaults(run=run_install)

    parser = commands.add_parser(
        "doctor",
        help="look for what stands between an EA and its forecasts",
        description="Check the daemon, its port, models and round trip, the models on disk, and "
        "each terminal: the library, compiled programs, and the settings that let an EA connect. "
        "Says of each finding what it means and what to do. The exit code is 1 when something is "
        "broken.",
    )
    parser.add_argument(
        "--connect",
        type=endpoint,
        default=DEFAULT_ENDPOINT,
        metavar="ENDPOINT",
        help="where the EA asks (default: %(default)s)",
    )
    add_keys(parser)
    parser.add_argument(
        "--data-folder", action="append", type=Path, metavar="DIR", help=_DATA_FOLDER
    )
    add_stores(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run_doctor)


def run_install(options: argparse.Namespace) -> int:
    from importlib.metadata import version

    from bridge.bundles import Specialists, default_stores, list_bundles
    from bridge.cli import show_mt5
    from bridge.mt5 import EmbeddingError, install, library_files, model_files, shipped_library

    loaded, _ = list_bundles(options.models or default_stores())
    library = library_files(shipped_library())
    changed = 0
    for terminal in _choose_terminals(options.data_folder, everywhere=options.all):
        bundle = _choose_model(options, terminal)
        try:
            outcome = install(
                terminal.mql5,
                {**library, **model_files(bundle, loaded)},
                version=version("eabridge"),
                model=bundle.manifest.label,
                may_replace=_may_replace(options.yes),
            )
        except EmbeddingError as error:
            raise UserError(str(error)) from error
        except PermissionError as error:  # it may name a draft
            raise UserError(
                f"cannot write to {terminal.mql5} ({error.strerror or error}): close the terminal, "
                "or open the command prompt as administrator"
            ) from error
        show_mt5.installed(terminal, Specialists(bundle, loaded), outcome)
        changed += len(outcome.kept)
    show_mt5.next_steps()
    return 1 if changed and not _is_interactive() else 0


def run_doctor(options: argparse.Namespace) -> int:
    from bridge.bundles import default_stores
    from bridge.cli import show_mt5
    from bridge.doctor import examine

    findings = []
    stores = options.models or default_stores()
    keys = given_keys(options)
    for finding in examine(options.connect, stores, options.data_folder, **keys):
        findings.append(finding)
        if not options.json:
            show_mt5.finding(finding)
    if options.json:
        print(json.dumps([each.as_dict() for each in findings], indent=2))
    else:
        show_mt5.verdict(findings)
    return 1 if any(each.is_broken for each in findings) else 0


def _choose_terminals(folders: list[Path] | None, *, everywhere: bool) -> list[Terminal]:
    """Those named; else the one found, or of several those the user picks.

    Raises:
        UserError: there is none, or several and nobody to ask.
    """
    from bridge.mt5 import NO_PLACES, TerminalError, find_terminals, known_places, terminal_at

    places = known_places()
    try:
        if folders:
            return [terminal_at(folder) for folder in folders]
    except TerminalError as error:
        raise UserError(str(error)) from error
    found = find_terminals(places)
    if not found:
        listed = "".join(f"\n  {place}" for place in places.lines())
        raise UserError(
            "no terminal of MetaTrader 5 was found. Give its data folder with --data-folder: in "
            "the terminal, File > Open Data Folder shows it. "
            + (f"Looked in:{listed}" if listed else NO_PLACES)
        )
    if len(found) == 1 or everywhere:
        return found
    listed = "".join(f"\n  {number}: {each}" for number, each in enumerate(found, start=1))
    question = f"several terminals were found:{listed}"
    if not _is_interactive():
        raise UserError(f"{question}\ngive --all, or --data-folder with one of them")
    print(question, file=sys.stderr)
    choices = {str(number): [each] for number, each in enumerate(found, start=1)} | {"all": found}
    while (answer := _ask(f"which one? 1 to {len(found)}, or all: ")) is not None:
        if answer in choices:
            return choices[answer]
    raise UserError("none was chosen: nothing was installed")


def _choose_model(options: argparse.Namespace, terminal: Terminal) -> Bundle:
    """The model asked for; else the one that the terminal has, so that no EA changes its model.

    Raises:
        UserError: there is none such.
    """
    from bridge.mt5 import read_record

    record = read_record(terminal.mql5)
    if options.model or record is None or not record.model:
        return choose_bundle(options.model, options.models)
    name = record.model.partition("@")[0]
    try:
        return choose_bundle(name, options.models)
    except UserError as error:
        raise UserError(
            f"{terminal.data} has the model {name}, and {error}. Give --models the folder it is "
            "in, or --model another"
        ) from error


def _may_replace(always: bool) -> Callable[[Path], bool]:
    """Whether a file that the user changed may go: as told, or as they say."""

    def may_replace(path: Path) -> bool:
        if always or not _is_interactive():
            return always
        answer = _ask(
            f"{path}\n  you have changed this file. Replace it, and keep yours as .bak? [y/N] "
        )
        return answer in ("y", "yes")

    return may_replace


def _is_interactive() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _ask(question: str) -> str | None:
    """What the user answers, in lower case; None where the input ends."""
    print(question, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        return None
    return line.strip().lower()
