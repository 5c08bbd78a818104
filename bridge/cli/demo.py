"""`eabridge demo`: a live view on the terminal."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli.arguments import png_file
from bridge.cli.errors import UserError, needs

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bridge.demo import Step

_STEPS_PER_SECOND = 8
_ROWS = 17  # height of the view,
_AXIS, _EDGES = 10, 4  # and columns of its price axis and its frame
_MOST_HISTORY, _LEAST_HISTORY = 60, 16  # bars


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "demo",
        help="see it work: a daemon, real EURUSD hours, a live view",
        description="Start a daemon, replay real EURUSD hours through the client as an EA would "
        "ask on each new bar, draw the forecasts, write a fan chart, and stop.",
    )
    parser.add_argument(
        "--seconds", type=float, default=25.0, metavar="S", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--plot",
        type=png_file,
        default=Path("eabridge-demo.png"),
        metavar="FILE.png",
        help="where the fan chart goes (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    with needs("demo", "the demo"):
        from bridge.chart import draw_fan
        from bridge.demo import Summary, demo_bars, replay

        bars = demo_bars()
    from rich.live import Live

    from bridge.background import StartFailed, background_daemon
    from bridge.bundles import shipped_store
    from bridge.cli.show import console
    from bridge.client import Client, ClientError

    if options.seconds < 1:
        raise UserError(f"--seconds {options.seconds}: at least 1")
    out = console()
    summary = Summary()
    steps = int(options.seconds * _STEPS_PER_SECOND)
    try:
        shipped = ["--models", str(shipped_store())]  # whatever stands in ./models
        with background_daemon(shipped) as daemon, Client(daemon.endpoint) as client:
            model = next(model for model in client.hello().models if model.default)
            steps = min(steps, len(bars) - model.context - 1)
            out.print(
                f"daemon ready on {daemon.endpoint} after {daemon.start_seconds:.2f} s, "
                f"serving {model.label}; replaying {steps} hours of EURUSD"
            )
            plotted = None
            with Live(console=out, auto_refresh=False, transient=True) as live:
                for step in replay(
                    client,
                    bars,
                    context=model.context,
                    steps=steps,
                    seconds=options.seconds,
                    summary=summary,
                ):
                    if out.is_terminal:
                        live.update(
                            _view(step, steps, summary.round_trips_us, out.width), refresh=True
                        )
                    elif step.number % (2 * _STEPS_PER_SECOND) == 0:
                        out.print(_line(step))
                    if step.number <= max(1, steps - step.forecast.horizon):
                        plotted = step
    except (StartFailed, ClientError) as error:
        raise UserError(str(error)) from error
    if plotted is not None:
        known = len(plotted.known)
        draw_fan(plotted.forecast, plotted.known, options.plot, actual=bars[known:])
    out.print(
        f"{len(summary.round_trips_us)} forecasts; round trip {summary.percentile_us(50):,.0f} us "
        f"at the median, {summary.percentile_us(99):,.0f} us at the 99th percentile"
    )
    out.print(
        f"{summary.coverage:.0%} of {summary.judged:,} outcomes lay between the 10% and the 90% "
        "quantile (80% would be perfect; these hours are of the years the model was trained on, "
        "so this shows how it works, not how well)"
    )
    out.print(f"fan chart: {options.plot}")
    command = _command()
    out.print(
        "(an EA asks rarely, and finds the processor's caches cold: asked in a row, a round trip "
        "takes about half a millisecond; see eabridge bench)",
        style="dim",
    )
    out.print(f"next: {command} serve, or {command} forecast --data YOUR_EXPORT.csv", style="dim")
    return 0


def _command() -> str:
    """How this program can be started again: by its name where the shell finds it."""
    return "eabridge" if shutil.which("eabridge") else f"{sys.executable} -m bridge"


def _line(step: Step) -> str:
    from bridge.bars.times import stamp

    forecast, close = step.forecast, float(step.known.close[-1])
    return (
        f"{stamp(forecast.time)}  close {close:.5f}  in {forecast.horizon} h "
        f"{forecast.quantiles[-1, 0]:.5f} to {forecast.quantiles[-1, -1]:.5f} (80%)  "
        f"up {forecast.prob_up(1):.0%}  {step.round_trip_us:,.0f} us"
    )


def _view(step: Step, steps: int, round_trips_us: list[float], width: int) -> RenderableType:
    """Price and fan as characters, the clock, and the latest round trips as a strip."""
    import numpy as np
    from rich.panel import Panel
    from rich.text import Text

    forecast = step.forecast
    room = width - _AXIS - _EDGES
    cell = 2 if room >= _LEAST_HISTORY + 2 * forecast.horizon else 1  # columns a forecast bar
    fan = cell * forecast.horizon
    history = max(_LEAST_HISTORY, min(_MOST_HISTORY, room - fan))
    closes = step.known.close[-history:]
    quantiles = forecast.quantiles
    low = min(float(closes.min()), float(quantiles.min()))
    high = max(float(closes.max()), float(quantiles.max()))

    def row(price: float) -> int:
        return round((high - price) / max(high - low, 1e-12) * (_ROWS - 1))

    cells = np.full((_ROWS, history + fan), " ")
    for column, close in enumerate(closes, start=history - len(closes)):
        cells[row(close), column] = "•"
    bands = len(forecast.levels) // 2
    for h in range(forecast.horizon):
        columns = slice(history + cell * h, history + cell * (h + 1))
        for band in range(bands):
            top, bottom = row(quantiles[h, -1 - band]), row(quantiles[h, band])
            cells[top : bottom + 1, columns] = "░▒▓"[min(2, band * 3 // bands)]
        cells[row(forecast.median(h + 1)), columns] = "━"
    text = Text(no_wrap=True)
    for index, line in enumerate(cells):
        price = high - (high - low) * index / (_ROWS - 1)
        text.append(f"{price:9.5f} ", style="dim")
        text.append("".join(line[:history]))
        text.append("".join(line[history:]) + "\n", style="blue")
    latest = np.array(round_trips_us[-history:])
    scale = (latest / latest.max() * 7).astype(int)
    text.append(" round trip ", style="dim")
    text.append("".join("▁▂▃▄▅▆▇█"[level] for level in scale), style="green")
    text.append(f" {latest[-1]:,.0f} us\n")
    text.append(" " + _line(step))
    title = f"EURUSD H1, hour {step.number} of {steps}, {forecast.model}"
    return Panel(text, title=title, width=history + fan + _AXIS + _EDGES)
