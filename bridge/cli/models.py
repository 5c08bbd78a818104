"""`eabridge models`: what there is, what a daemon serves, and orders to change it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import add_keys, add_stores, endpoint, given_keys
from bridge.cli.errors import UserError
from bridge.wire import DEFAULT_ENDPOINT
from bridge.wire.control import control_endpoint

if TYPE_CHECKING:
    from bridge.control import Control

_PATIENCE_S = 5.0
_DEFAULT = control_endpoint(DEFAULT_ENDPOINT) or ""

_DESCRIPTION = """\
List the models that a daemon on this machine serves, and what its stores hold besides; or, where
none runs, those that `eabridge serve` would load.

  eabridge models                  list them
  eabridge models reload           have the daemon look at its stores now, and try again what failed
  eabridge models default NAME     the model for EAs that name none, as long as the daemon runs
  eabridge models remove NAME      serve a model no more

A daemon finds new bundles in its stores by itself within seconds; what is asked while models change
is answered all the same. NAME is a model's name, or name@version.
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "models",
        help="list the models there are, or change what a daemon serves",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=["list", "reload", "default", "remove"],
        metavar="ACTION",
        help="list, reload, default or remove (default: list)",
    )
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="the model to make default, or remove"
    )
    parser.add_argument(
        "--control",
        type=endpoint,
        metavar="ENDPOINT",
        help="the daemon's control socket, on the port after the one it serves (default: "
        f"{_DEFAULT})",
    )
    add_stores(parser)
    parser.add_argument(
        "--connect",
        type=endpoint,
        metavar="ENDPOINT",
        help="list what this daemon serves, asking as an EA does: also one on another machine",
    )
    add_keys(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    _require_sense(options)
    if options.action == "reload":
        return _order(options, _reload)
    if options.action == "default":
        return _order(options, lambda control: _set_default(control, options.name))
    if options.action == "remove":
        return _order(options, lambda control: _remove(control, options.name))
    if options.connect:
        return _list_over_the_wire(options)
    if options.models:
        return _list_stores(options)
    from bridge.control import NoDaemon

    try:
        return _order(options, _list)
    except UserError as error:
        if options.control or not isinstance(error.__cause__, NoDaemon):
            raise
    print(f"no daemon answers on {_DEFAULT}; eabridge serve would load:", file=sys.stderr)
    return _list_stores(options)


def _require_sense(options: argparse.Namespace) -> None:
    takes_name = options.action in ("default", "remove")
    if takes_name and options.name is None:
        raise UserError(
            f"models {options.action} takes the NAME of a model: eabridge models lists them"
        )
    if not takes_name and options.name is not None:
        raise UserError(f"models {options.action} takes no name: leave '{options.name}' out")
    if options.action != "list" and (options.connect or options.models):
        which = "--connect" if options.connect else "--models"
        raise UserError(
            f"models {options.action} is an order to a daemon on this machine: give --control its "
            f"control socket in place of {which}"
        )


def _order(options: argparse.Namespace, work: Callable[[Control], int]) -> int:
    from bridge.control import Control, ControlError

    try:
        with Control(options.control or _DEFAULT, timeout_s=_PATIENCE_S) as control:
            return work(control)
    except ControlError as error:
        raise UserError(str(error)) from error


def _list(control: Control) -> int:
    from bridge.cli import show_models

    show_models.served(control.endpoint, control.models())
    return 0


def _reload(control: Control) -> int:
    report = control.reload()
    for old, new in report.replaced:
        print(f"serving {new} in the place of {old}")
    for label in report.added:
        print(f"serving {label}")
    for label in report.missing:
        print(
            f"{label} stands in no store any more: it is served until eabridge models remove "
            f"{label}"
        )
    for sentence in report.refused:
        print(f"refused: {sentence}", file=sys.stderr)
    if not (report.replaced or report.added or report.refused):
        print("nothing new")
    return 1 if report.refused else 0


def _set_default(control: Control, name: str) -> int:
    label = control.default(name)
    print(f"EAs that name no model are answered by {label}, as long as this daemon runs;")
    print(f"to keep it so, start it with: eabridge serve --default {name}")
    return 0


def _remove(control: Control, name: str) -> int:
    label = control.remove(name)
    print(f"{label} is served no more; a daemon that starts again serves it, as long as its folder")
    print("stands in one of its stores")
    return 0


def _list_over_the_wire(options: argparse.Namespace) -> int:
    from bridge.cli import show
    from bridge.client import Client, ClientError

    keys = given_keys(options)
    try:
        with Client(options.connect, **keys) as client:
            show.served_models(client.hello())
    except ClientError as error:
        raise UserError(str(error)) from error
    return 0


def _list_stores(options: argparse.Namespace) -> int:
    from bridge.bundles import default_stores, list_bundles
    from bridge.cli import show

    stores = options.models or default_stores()
    bundles, refused = list_bundles(stores)
    if bundles:
        show.stored_models(bundles)
    for refusal in refused:
        print(f"refused: {refusal}", file=sys.stderr)
    if not bundles:
        folders = ", ".join(map(str, stores))
        raise UserError(f"no model in {folders}: give --models a folder of models")
    return 0
