"""`eabridge forecast`."""

from __future__ import annotations

import argparse
from typing import Any

from bridge.cli.arguments import (
    add_data,
    add_keys,
    add_model,
    choose_bundle,
    endpoint,
    given_keys,
    load_bars,
    png_file,
)
from bridge.cli.errors import UserError, needs


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "forecast",
        help="forecast from the last bars of an export",
        description="Forecast the closes that follow the last bar of a file: quantiles for each "
        "bar ahead. Runs the model here, or asks a daemon with --connect.",
    )
    add_data(parser, several=False)
    add_model(parser)
    parser.add_argument(
        "--connect",
        type=endpoint,
        metavar="ENDPOINT",
        help="ask this daemon in place of running the model here",
    )
    add_keys(parser)
    parser.add_argument(
        "--plot", type=png_file, metavar="FILE.png", help="draw a fan chart as well"
    )
    parser.set_defaults(run=run_forecast)


def run_forecast(options: argparse.Namespace) -> int:
    from bridge.bundles import default_stores
    from bridge.cli import show
    from bridge.client import Client, ClientError
    from bridge.local import LocalError, forecast_here
    from bridge.runtimes import Runtimes

    if options.plot:
        with needs("demo", "--plot"):
            from bridge.chart import draw_fan
    keys = given_keys(options)
    loaded = load_bars(options)
    if len(loaded) != 1:
        raise UserError(f"--data matches {len(loaded)} files: forecast from one at a time")
    ((_, bars),) = loaded
    try:
        if options.connect:
            with Client(options.connect, model=options.model, **keys) as client:
                answer = client.forecast(bars)
        else:
            bundle = choose_bundle(options.model, options.models, bars.symbol)
            stores = options.models or default_stores()
            answer = forecast_here(bundle, bars, Runtimes(stores))
    except (ClientError, LocalError) as error:
        raise UserError(str(error)) from error
    show.forecast(answer, float(bars.close[-1]))
    if options.plot:
        draw_fan(answer, bars, options.plot)
        print(f"drew {options.plot}")
    return 0
