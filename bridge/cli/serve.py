"""`eabridge serve`."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import add_stores, endpoint
from bridge.wire import DEFAULT_ENDPOINT

if TYPE_CHECKING:
    from bridge.daemon.doors.access import Access
    from bridge.daemon.start import ServeOptions, Surrounding

_MIB = 1 << 20
_OWN_KEYS = object()  # `--keys` without a file: the user's own folder of them


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
    _add_computing(parser)
    _add_renewing(parser)
    _add_strangers(parser)
    _add_watching(parser)
    parser.set_defaults(run=run)


def _add_computing(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("computing")
    group.add_argument(
        "--workers",
        type=_whole("at least 0", least=0),
        metavar="N",
        help="threads for each model that takes more than about a millisecond (default: one for "
        "each core but one)",
    )
    group.add_argument(
        "--hang-seconds",
        type=_seconds,
        default=30.0,
        metavar="S",
        help="a forecast that takes longer is given up, and whoever computes it replaced "
        "(default: %(default)g)",
    )
    group.add_argument(
        "--cache",
        type=_whole("at least 0 MiB", least=0),
        default=64,
        metavar="MIB",
        help="memory for forecasts that may be asked again, as the passes of an optimisation do; "
        "0 keeps none (default: %(default)s)",
    )
    group.add_argument(
        "--cache-file", type=Path, metavar="FILE", help="keep those forecasts across restarts"
    )


def _add_renewing(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running for months")
    group.add_argument(
        "--watch",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="look after the folders of models while serving: what is new in them is served "
        "within seconds",
    )
    group.add_argument(
        "--control",
        type=lambda text: text if text == "off" else endpoint(text),
        metavar="ENDPOINT",
        help="where `eabridge models` and `eabridge top` reach this daemon, on loopback alone; or "
        "off (default: the port after the one served)",
    )
    group.add_argument(
        "--supervise",
        action="store_true",
        help="run the daemon in a process of its own, and start it again when it ends unasked, or "
        "gives no sign of life for ten seconds",
    )
    group.add_argument("--tethered", action="store_true", help=argparse.SUPPRESS)


def _add_strangers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("other computers")
    group.add_argument(
        "--keys",
        nargs="?",
        type=Path,
        const=_OWN_KEYS,
        metavar="FILE",
        help="ask every client for a key (CURVE): the daemon's own pair, made by eabridge keys "
        "new, or the folder that holds it (default where no FILE is given: your own). Needed for "
        "any --bind but loopback",
    )
    group.add_argument(
        "--max-connections",
        type=_whole("at least 1", least=1),
        default=1024,
        metavar="N",
        help="more clients at a time are turned away (default: %(default)s)",
    )
    group.add_argument(
        "--rate",
        type=_whole("at least 1", least=1),
        metavar="N",
        help="windows a second that one client is answered: one for each forecast, as many as a "
        "batch has, one for any other request; beyond them it is told busy (default: no limit "
        "but its fair share)",
    )


def _add_watching(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("looking at it")
    group.add_argument(
        "--page",
        metavar="HOST:PORT",
        help="serve a live page to look at, such as 127.0.0.1:8655 (default: none)",
    )
    group.add_argument(
        "--metrics",
        metavar="HOST:PORT",
        help="serve metrics to Prometheus, such as 127.0.0.1:9464 (default: none)",
    )
    group.add_argument(
        "--log-level",
        default="info",
        choices=["debug", "info", "warning", "error"],
        help="how much to log on stderr; debug tells of every refused request (default: "
        "%(default)s)",
    )
    group.add_argument(
        "--log-file",
        type=Path,
        metavar="FILE",
        help="write the log there too; at 10 MiB it is renamed to FILE.1, and five are kept. What "
        "a supervisor says goes to a file beside it",
    )
    group.add_argument(
        "--log-json",
        action="store_true",
        help="log one JSON object a line; on a terminal the lines stay readable",
    )


def run(options: argparse.Namespace) -> int:
    from bridge.daemon.telemetry.logs import configure_logging

    supervising = options.supervise and not options.tethered
    file = _supervisors(options.log_file) if supervising else options.log_file
    with configure_logging(options.log_level, file, options.log_json):
        if supervising:
            from bridge.supervisor import Patience, supervise

            patience = Patience()
            if options.workers == 0:  # the loop computes itself, and is silent meanwhile
                patience = replace(patience, silent_s=patience.silent_s + options.hang_seconds)
            return supervise(options.given, _say_ready, _say, patience)
        _serve(options)
    return 0


def _supervisors(file: Path | None) -> Path | None:
    """A log of its own: two processes that rotate one file lose lines."""
    return file and file.with_name(f"{file.stem}-supervisor{file.suffix}")


def _serve(options: argparse.Namespace) -> None:
    from bridge.cli.errors import UserError
    from bridge.daemon.start import StartError, run_daemon
    from bridge.daemon.swaps.control import ControlRefused
    from bridge.http import ListenError
    from bridge.runtimes import torch_process

    chosen = _options(options)
    try:
        surroundings = _surroundings(options)
    except ControlRefused as error:
        raise UserError(str(error)) from error
    with closing(torch_process(chosen.stores)) as runtime:
        try:
            run_daemon(chosen, _say_ready, runtime, surroundings)
        except StartError as error:
            if _is_taken(error):
                at = "" if options.bind == DEFAULT_ENDPOINT else f" --connect {options.bind}"
                raise UserError(
                    f"{error}. eabridge doctor{at} tells which program has it"
                ) from error
            raise UserError(str(error)) from error
        except ListenError as error:
            raise UserError(str(error)) from error


def _options(options: argparse.Namespace) -> ServeOptions:
    import psutil

    from bridge.bundles import default_stores
    from bridge.cli.errors import UserError
    from bridge.daemon.start import ServeOptions

    if options.cache_file is not None and not options.cache:
        raise UserError(
            f"--cache-file {options.cache_file} keeps what the cache holds, and --cache 0 holds "
            "nothing: leave one of them out"
        )
    memory = psutil.virtual_memory().total // _MIB
    if options.cache > memory:
        raise UserError(
            f"--cache {options.cache} is more memory than this machine has: it is in MiB, of which "
            f"there are {memory:,}"
        )
    return ServeOptions(
        stores=options.models or default_stores(),
        endpoint=options.bind,
        default=options.default,
        access=_access(options),
        workers=options.workers,
        hang_s=options.hang_seconds,
        cache_bytes=options.cache * _MIB,
        cache_file=options.cache_file,
        rate=options.rate,
    )


def _access(options: argparse.Namespace) -> Access:
    from bridge.daemon.doors.access import Access
    from bridge.keys import default_folder

    keys = default_folder() if options.keys is _OWN_KEYS else options.keys
    return Access(keys, options.max_connections)


def _surroundings(options: argparse.Namespace) -> list[Surrounding]:
    from bridge.daemon.swaps.renewal import Renewal
    from bridge.page import serve_page

    found: list[Surrounding] = [Renewal(options.watch, options.control, options.tethered)]
    if options.page:

        def page(running: Any) -> Any:
            return serve_page(options.page, running.source.snapshot)

        found.append(page)
    if options.metrics:
        from bridge.daemon.telemetry.prometheus import serve_metrics

        def metrics(running: Any) -> Any:
            return serve_metrics(options.metrics, running.source)

        found.append(metrics)
    return found


def _whole(what: str, *, least: int) -> Any:
    """An argument's type: a whole number of at least `least`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"'{text}' is no whole number of {what}")
        return value

    return read


def _seconds(text: str) -> float:
    """An argument's type: a time above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < inf:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds above 0")
    return value


def _say_ready(endpoint: str) -> None:
    _say(f"ready {endpoint}")


def _say(line: str) -> None:
    print(line, flush=True)


def _is_taken(error: Exception) -> bool:
    """Whether a socket was refused its port for another that has it."""
    import zmq

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, zmq.ZMQError):
        cause = cause.__cause__
    return cause is not None and cause.errno == zmq.EADDRINUSE
