"""`eabridge load` and `eabridge bench`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from bridge.cli.arguments import add_keys, add_model, choose_bundle, endpoint, given_keys
from bridge.cli.errors import UserError
from bridge.wire import DEFAULT_ENDPOINT

_LIMITS = (("clients", 1, 10_000), ("seconds", 0.1, 86_400), ("rate", 0.1, 100_000))


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "load",
        help="load-test a daemon",
        description="Ask a daemon for forecasts from many clients and report latencies. With "
        "--rate requests leave on schedule and are timed from when they were due, so slow "
        "answers are not hidden by waiting clients.",
    )
    parser.add_argument(
        "--connect",
        type=endpoint,
        default=DEFAULT_ENDPOINT,
        metavar="ENDPOINT",
        help="(default: %(default)s)",
    )
    add_keys(parser)
    parser.add_argument(
        "--clients", type=int, default=8, metavar="N", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, metavar="S", help="(default: %(default)s)"
    )
    parser.add_argument("--rate", type=float, metavar="R", help="requests a second, in all")
    parser.add_argument("--model", metavar="NAME", help="the model to ask (default: the daemon's)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run_load)

    parser = commands.add_parser(
        "bench",
        help="measure what the bridge costs",
        description="Measure round trips on this machine beside their floors, in one run: a bare "
        "pyzmq echo with the same payload sizes and the model alone. Takes about half a minute.",
    )
    add_model(parser)
    parser.add_argument(
        "--rounds", type=int, default=40, metavar="N", help="turns of 100 requests (default: 40)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run_bench)


def run_load(options: argparse.Namespace) -> int:
    from bridge import load
    from bridge.cli import show
    from bridge.client import ClientError

    for name, least, most in _LIMITS:
        value = getattr(options, name)
        if value is not None and not least <= value <= most:
            raise UserError(f"--{name} {value:g}: from {least:g} to {most:,}")
    plan = load.LoadPlan(
        options.connect,
        options.clients,
        options.seconds,
        options.rate,
        options.model,
        **given_keys(options),
    )
    try:
        with show.lasting("asking", options.seconds) as on_tick:
            result = load.run_load(plan, on_tick)
    except (ClientError, load.LoadError) as error:
        raise UserError(str(error)) from error
    if options.json:
        print(json.dumps(result.as_dict(), indent=2))
    else:
        show.load(plan, result)
    return 0


def run_bench(options: argparse.Namespace) -> int:
    from bridge import bench
    from bridge.backends import BackendError
    from bridge.background import StartFailed
    from bridge.cli import show

    if options.rounds < 1:
        raise UserError(f"--rounds {options.rounds}: at least 1")
    bundle = choose_bundle(options.model, options.models)
    try:
        with show.counting("rounds") as on_round:
            result = bench.run_bench(bundle, rounds=options.rounds, on_round=on_round)
    except (StartFailed, BackendError, bench.BenchError) as error:
        raise UserError(str(error)) from error
    if options.json:
        print(json.dumps(result.as_dict(), indent=2))
    else:
        show.bench(result)
    return 0
