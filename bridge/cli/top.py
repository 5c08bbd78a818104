"""`eabridge top`: a running daemon on the terminal, like the system's own `top`."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import endpoint
from bridge.cli.errors import UserError
from bridge.wire import DEFAULT_ENDPOINT
from bridge.wire.control import control_endpoint

if TYPE_CHECKING:
    from rich.console import Console

    from bridge.control import Control

_SHORTEST_S, _LONGEST_S = 0.2, 3600.0
_PATIENCE_S = 2.0


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "top",
        help="watch a running daemon",
        description="Show what a daemon does, live: its models, their latency and queues, the "
        "cache, errors, and the latest forecasts. Asks the daemon's control socket. Ctrl-C ends "
        "it, and the daemon goes on.",
    )
    parser.add_argument(
        "--control",
        type=endpoint,
        default=control_endpoint(DEFAULT_ENDPOINT),
        metavar="ENDPOINT",
        help="the daemon's control socket, on the port after the one it serves (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--interval",
        type=float,
        default=1.0,
        metavar="S",
        help="seconds between two looks (default: %(default)g)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--once", action="store_true", help="print how it is now, and end (so into a file, too)"
    )
    form.add_argument("--json", action="store_true", help="print the status as JSON, and end")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from bridge.cli import show, show_top
    from bridge.control import Control, ControlError

    if not _SHORTEST_S <= options.interval <= _LONGEST_S:
        raise UserError(f"--interval {options.interval:g}: from {_SHORTEST_S:g} to {_LONGEST_S:g}")
    with Control(options.control, timeout_s=_PATIENCE_S) as control:
        try:
            status = control.status()
            if options.json:
                print(json.dumps(status, indent=2))
                return 0
            out = show.console()
            if options.once or not out.is_terminal:
                out.print(
                    show_top.frame(status, width=out.width, ascii_only=show_top.is_plain(out))
                )
                return 0
            _watch(out, control, status, options.interval)
        except ControlError as error:
            raise UserError(str(error)) from error
        except KeyboardInterrupt:  # how one leaves
            return 0
    return 0


def _watch(out: Console, control: Control, status: dict[str, Any], interval_s: float) -> None:
    """Draw until Ctrl-C. A daemon that stops answering is waited for."""
    from rich.live import Live

    from bridge.cli import show_top
    from bridge.control import NoDaemon

    before: dict[str, Any] | None = None
    lost_since: float | None = None
    plain = show_top.is_plain(out)
    with Live(console=out, screen=True, auto_refresh=False) as live:
        while True:
            shown = show_top.frame(
                status,
                before,
                width=out.width,
                height=out.height,
                ascii_only=plain,
                lost_s=None if lost_since is None else time.monotonic() - lost_since,
            )
            live.update(shown, refresh=True)
            time.sleep(interval_s)
            try:
                before, status = status, control.status()
                lost_since = None
            except NoDaemon:
                lost_since = lost_since or time.monotonic()
