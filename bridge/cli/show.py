"""What commands draw on a terminal: tables on stdout, progress on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from bridge.bars import timeframe_name
from bridge.bars.times import stamp

if TYPE_CHECKING:
    from bridge.answers import Forecast, Hello
    from bridge.bench import BenchResult
    from bridge.book import Book, MadeBook
    from bridge.bundles import Bundle
    from bridge.load import LoadPlan, LoadResult

_PRICE_COLUMN = 10
_NARROWEST = 160  # a table piped into a file is not squeezed to 80 columns


def console() -> Console:
    """Stdout; wide enough for the tables where it is no terminal."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=max(out.width, _NARROWEST))


@contextmanager
def counting(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; the callable takes how many are done and how many there are."""
    with progress(TextColumn("{task.description}"), MofNCompleteColumn()) as shown:
        task = shown.add_task(title, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


@contextmanager
def lasting(title: str, seconds: float) -> Iterator[Callable[[float], None]]:
    """A progress bar of time; the callable takes the seconds gone."""
    with progress(TextColumn("{task.description}")) as shown:
        task = shown.add_task(title, total=seconds)
        yield lambda gone: shown.update(task, completed=gone)


def forecast(answer: Forecast, last_close: float) -> None:
    """A forecast as a table, a row for each bar ahead."""
    digits = price_digits(last_close)
    table = Table(
        title=f"{answer.symbol or 'these bars'} after {stamp(answer.time)}, close "
        f"{last_close:.{digits}f}, by {answer.model}"
    )
    out = console()
    shown = list(range(len(answer.levels)))
    if out.width < _PRICE_COLUMN * (len(shown) + 2):  # every other level, the median among them
        shown = [index for index in shown if (index - len(shown) // 2) % 2 == 0]
    table.add_column("bar", justify="right", no_wrap=True)
    for index in shown:
        level = answer.levels[index]
        style = "bold" if level == 0.5 else ""
        table.add_column(f"{level:.0%}", justify="right", style=style, no_wrap=True)
    table.add_column("up", justify="right", no_wrap=True)
    for h in range(1, answer.horizon + 1):
        prices = [f"{answer.quantiles[h - 1, index]:.{digits}f}" for index in shown]
        table.add_row(f"+{h}", *prices, f"{answer.prob_up(h):.0%}")
    out.print(table)


def made_book(made: MadeBook, *, in_place: bool) -> None:
    """A book that was just written, what it cost, and what to do with it."""
    out = console()
    out.print(
        f"wrote [bold]{escape(str(made.path))}[/]: {made.forecasts:,} forecasts of "
        f"{made.info.label} from {made.bars:,} bars, {_size(made.bytes)}",
        soft_wrap=True,
    )
    pace = made.forecasts / max(made.seconds, 1e-9)
    out.print(f"in {made.seconds:.1f} s, {pace:,.0f} forecasts a second")
    if not in_place:
        out.print(
            "copy it into MQL5/Files of the terminal's data folder (File > Open Data Folder), or "
            "let --common or --data-folder do that",
            soft_wrap=True,
        )
    name = escape(made.path.name)
    out.print(
        f'in the EA: forecaster.UseBook("{name}"), and for remote agents #property tester_file '
        f'"{name}"',
        soft_wrap=True,
    )


def book(held: Book) -> None:
    """What a book holds."""
    info = held.info
    table = Table(title=f"{escape(held.path.name)}: whole", show_header=False)
    first, last = (stamp(int(held.time[row])) for row in (0, -1))
    table.add_row("model", info.label)
    table.add_row("bars of", escape(f"{info.symbol or '?'} {timeframe_name(info.tf)}"))
    table.add_row("forecasts", f"{len(held):,}")
    table.add_row("after the bars of", f"{first} to {last}")
    table.add_row("ahead", f"{info.horizon} bars, {len(info.levels)} levels")
    table.add_row("window", f"{info.context} bars, prices of {info.digits} digits")
    table.add_row("size", _size(info.file_bytes(len(held))))
    console().print(table)


def served_models(hello: Hello) -> None:
    """What a daemon serves."""
    _models(
        f"models of {hello.server}",
        [
            (
                model.label + (" (default)" if model.default else ""),
                model.tf,
                model.inputs,
                model.context,
                model.horizon,
                model.symbols,
            )
            for model in hello.models
        ],
    )


def stored_models(bundles: Sequence[Bundle]) -> None:
    """What stores hold."""
    _models(
        "models",
        [
            (each.label, each.tf, each.inputs, each.context, each.horizon, each.symbols)
            for each in (bundle.manifest for bundle in bundles)
        ],
    )


def _models(title: str, rows: Sequence[tuple[str, int, str, int, int, tuple[str, ...]]]) -> None:
    table = Table(title=title)
    for name in ("model", "bars", "reads", "context", "horizon", "trained on"):
        table.add_column(name)
    for label, tf, inputs, context, horizon, symbols in rows:
        bars = timeframe_name(tf) if tf else "any"
        table.add_row(label, bars, inputs, str(context), str(horizon), ", ".join(symbols) or "any")
    console().print(table)


def load(plan: LoadPlan, result: LoadResult) -> None:
    """The outcome of a load test."""
    pace = "as fast as answered" if plan.rate is None else f"{plan.rate:g} a second, on schedule"
    values = result.as_dict()
    who = f"{plan.clients} client{'s' if plan.clients > 1 else ''}"
    table = Table(title=f"{who} for {plan.seconds:g} s, {pace}", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("forecasts", f"{result.forecasts:,} ({values['per_second']:,} a second)")
    for name in ("p50", "p90", "p99", "p99.9", "max"):
        table.add_row(name, f"{values[f'{name}_us']:,} us")
    for code, count in result.errors.items():
        table.add_row(f"error {code}", f"{count:,}")
    table.add_row("unanswered", f"{result.unanswered:,}")
    if result.unsent:
        table.add_row("could not be sent", f"{result.unsent:,}")
    if plan.rate is not None:
        table.add_row("sender late by at most", f"{result.late_us:,} us")
    console().print(table)


def bench(result: BenchResult) -> None:
    """Round trips beside their floors, and the figures with their limits."""
    table = Table(title=f"round trips on this machine, {result.model}")
    table.add_column("")
    for name in ("p50", "p99"):
        table.add_column(name, justify="right")
    for row in result.rows:
        table.add_row(row.name, f"{row.p50_us:.0f} us", f"{row.p99_us:.0f} us")
    out = console()
    out.print(table)
    table = Table()
    table.add_column("figure")
    for name in ("measured", "limit", ""):
        table.add_column(name, justify="right")
    for figure in result.figures:
        unit = f" {figure.unit}" if figure.unit else ""
        verdict = "met" if figure.met else "[bold]missed[/]"
        table.add_row(figure.name, f"{figure.value:.2f}{unit}", f"{figure.limit:g}{unit}", verdict)
    out.print(table)


def price_digits(price: float) -> int:
    """Decimals that show a tenth of a pip of a price of this size."""
    return 5 if price < 20 else 3 if price < 1000 else 2


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


def progress(*columns: Any) -> Progress:
    """A progress bar on stderr with the time gone and left."""
    return Progress(
        columns[0],
        BarColumn(),
        *columns[1:],
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
    )
