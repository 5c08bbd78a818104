"""What commands draw on a terminal: tables on stdout, progress on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
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
    from bridge.tuning.build import Listener

_PRICE_COLUMN = 10
_NARROWEST = 160  # a table piped into a file is not squeezed to 80 columns


def console() -> Console:
    """Stdout; wide enough for the tables where it is no terminal."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=max(out.width, _NARROWEST))


@contextmanager
def counting(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; the callable takes how many are done and how many there are."""
    with _progress(TextColumn("{task.description}"), MofNCompleteColumn()) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def lasting(title: str, seconds: float) -> Iterator[Callable[[float], None]]:
    """A progress bar of time; the callable takes the seconds gone."""
    with _progress(TextColumn("{task.description}")) as progress:
        task = progress.add_task(title, total=seconds)
        yield lambda gone: progress.update(task, completed=gone)


@contextmanager
def training_progress(steps: int) -> Iterator[Listener]:
    """A build's stages, with loss, scores and time left while it trains."""
    from bridge.tuning.build import Listener
    from bridge.tuning.trainer import Progress as Step

    columns = (
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with _progress(*columns) as progress:
        task = progress.add_task("training", total=steps, note="")

        def on_step(step: Step) -> None:
            note = f"loss {step.loss:.4f}"
            if step.best is not None:
                note += f", best validation ratio {step.best:.4f}"
            progress.update(task, completed=step.step, note=note)
            if step.validation is not None:
                progress.console.print(
                    f"step {step.step}: loss {step.loss:.5f}, "
                    f"validation ratio {step.validation:.5f}"
                )

        scoring = progress.add_task("scoring", total=None, visible=False, note="")

        def on_windows(done: int, total: int) -> None:
            progress.update(scoring, completed=done, total=total, visible=True)

        yield Listener(progress.console.print, on_step, on_windows)


def bundle(made: Bundle) -> None:
    """A bundle that was just written, and what to do with it."""
    out = console()
    out.print(f"\nwrote [bold]{made.manifest.label}[/] to {made.path}")
    store = (
        ""
        if made.path.parent.resolve() == Path("models").resolve()
        else (f" --models {made.path.parent}")
    )
    out.print(f"serve it with: eabridge serve{store} --default {made.manifest.name}")


def scores(label: str, scored: Mapping[str, Any]) -> None:
    """The scores of one model, a row a file; the baselines beside them, or below where narrow."""
    out = console()
    rows = [(each["symbol"] or each["file"], each) for each in scored["files"]]
    rows.append(("all", scored["overall"]))
    ours = ["from", "windows", "ratio", "1 bar", "last bar", "in 80%", "direction"]
    theirs = ["ewma", "hour of week", "bounded", "reversal"]
    title = f"{label}: pinball loss over the random walk's (below 1 is better)"
    if out.width >= _WIDE:
        _score_table(out, title, rows, [*ours, *theirs], lambda each: _ours(each) + _theirs(each))
    else:
        _score_table(out, title, rows, ours[2:-1], lambda each: _ours(each)[2:-1])
        _score_table(
            out,
            "direction, and the baselines",
            rows,
            [ours[-1], *theirs],
            lambda each: [_ours(each)[-1], *_theirs(each)],
        )
    if any(each.get("training_years") for _, each in rows):
        out.print("* bars of the years that the model was trained on: no proof of anything")
    out.print(_HOW_TO_READ, style="dim")


def _score_table(
    out: Console,
    title: str,
    rows: Sequence[tuple[str, Mapping[str, Any]]],
    columns: Sequence[str],
    cells: Callable[[Mapping[str, Any]], list[str]],
) -> None:
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column("bars of", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for name, each in rows:
        if name == "all":
            table.add_section()
        mark = "*" if each.get("training_years") else ""
        table.add_row(name + mark, *cells(each))
    out.print(table)


def _ours(each: Mapping[str, Any]) -> list[str]:
    coverage = each.get("coverage_80")
    return [
        stamp(each["first"])[:10] if "first" in each else "",
        f"{each['windows']:,}",
        _with_interval(each, "wql_ratio"),
        _ratio(each["wql_ratio_h"], 0),
        _ratio(each["wql_ratio_h"], -1),
        "-" if coverage is None else f"{coverage:.3f}",
        _with_interval(each, "direction_1"),
    ]


def _theirs(each: Mapping[str, Any]) -> list[str]:
    base = each["baselines"]
    walks = [_with_interval({**base[key], "wql_ratio_ci": None}, "wql_ratio") for key in _WALKS]
    return [*walks, _with_interval({**base["reversal"], "direction_1_ci": None}, "direction_1")]


def _ratio(ratios: Sequence[float] | None, h: int) -> str:
    return "-" if ratios is None else f"{ratios[h]:.4f}"


_WIDE = 140
_WALKS = ("ewma", "hour_of_week", "hour_of_week_bounded")
_HOW_TO_READ = (
    "Brackets: 95% block-bootstrap intervals; none where there are too few weeks. Baselines: three "
    "random walks' ratios, and how often the last move turned round is the next one. A direction "
    "is worth something only beyond that, and beyond the spread."
)


def _with_interval(scores: Mapping[str, Any], name: str) -> str:
    value, interval = scores[name], scores[f"{name}_ci"]
    if value is None:
        return "-"
    digits = 4 if name == "wql_ratio" else 3
    shown = f"{value:.{digits}f}"
    return shown if interval is None else f"{shown} [{interval[0]:.3f}, {interval[1]:.3f}]"


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
    table = Table(title=f"{plan.clients} clients for {plan.seconds:g} s, {pace}")
    table.add_column("")
    table.add_column("", justify="right")
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


def _progress(*columns: Any) -> Progress:
    return Progress(
        columns[0],
        BarColumn(),
        *columns[1:],
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
    )
