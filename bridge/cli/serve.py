"""`eabridge serve`."""

from __future__ import annotations

import argparse
from typing import Any

from bridge.cli.arguments import add_stores, endpoint
from bridge.wire import DEFAULT_ENDPOINT


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "serve",
        help="answer EAs until Ctrl-C",
        description="Load every model of the given stores and answer EAs over ZeroMQ. Prints "
        "`ready tcp://HOST:PORT` when it accepts requests. Ctrl-C answers what is queued and "
        "stops.",
    )
    parser.add_argument(
        "--bind",
        type=endpoint,
        default=DEFAULT_ENDPOINT,
        metavar="ENDPOINT",
        help="where to listen; port 0 takes any free one (default: %(default)s)",
    )
    add_stores(parser)
    parser.add_argument(
        "--default",
        metavar="NAME",
        help="the model that answers when an EA names none (default: fx-h1 where it is, else the "
        "first one found)",
    )
    parser.add_argument(
        "--log-level",
        default="info",
        choices=["debug", "info", "warning", "error"],
        help="how much to log on stderr (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import logging

    from bridge.bundles import default_stores
    from bridge.cli.errors import UserError
    from bridge.daemon.start import StartError, serve
    from bridge.runtimes import Runtimes

    logging.basicConfig(
        level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        stores = options.models or default_stores()
        serve(
            stores,
            options.bind,
            options.default,
            ready=lambda endpoint: print(f"ready {endpoint}", flush=True),
            runtime=Runtimes(stores),
        )
    except StartError as error:
        if _is_taken(error):
            at = "" if options.bind == DEFAULT_ENDPOINT else f" --connect {options.bind}"
            raise UserError(f"{error}. eabridge doctor{at} tells which program has it") from error
        raise UserError(str(error)) from error
    return 0


def _is_taken(error: Exception) -> bool:
    """Whether a socket was refused its port for another that has it."""
    import zmq

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, zmq.ZMQError):
        cause = cause.__cause__
    return cause is not None and cause.errno == zmq.EADDRINUSE
