"""What commands draw on a terminal: tables on stdout, progress on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

if TYPE_CHECKING:
    from bridge.bundles import Bundle
    from bridge.client import Forecast
    from bridge.tuning.build import Listener

_NARROWEST = 100  # a table piped into a file is not squeezed to 80 columns


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
    out.print(f"serve it with: eabridge serve --models {made.path.parent}")


def scores(label: str, scored: Mapping[str, Any]) -> None:
    """The scores of one model, a row a file."""
    table = Table(
        title=f"{label}: pinball loss over the Gaussian random walk's (below 1 is better)"
    )
    table.add_column("bars of")
    for name in ("windows", "ratio", "1 bar", "last bar", "in 80%", "direction"):
        table.add_column(name, justify="right")
    table.add_column("ewma", justify="right", style="dim")
    table.add_column("hour of week", justify="right", style="dim")
    rows = [(each["symbol"] or each["file"], each) for each in scored["files"]]
    for name, each in [*rows, ("all", scored["overall"])]:
        if name == "all":
            table.add_section()
        low, high = each["wql_ratio_ci"]
        lower, upper = each["direction_1_ci"]
        base = each["baselines"]
        table.add_row(
            name,
            f"{each['windows']:,}",
            f"{each['wql_ratio']:.4f} [{low:.3f}, {high:.3f}]",
            f"{each['wql_ratio_h'][0]:.4f}",
            f"{each['wql_ratio_h'][-1]:.4f}",
            f"{each['coverage_80']:.3f}",
            f"{each['direction_1']:.3f} [{lower:.3f}, {upper:.3f}]",
            f"{base['ewma']['wql_ratio']:.4f}",
            f"{base['hour_of_week']['wql_ratio']:.4f}",
        )
    out = console()
    out.print(table)
    out.print(
        "Brackets: 95% block-bootstrap intervals. A direction whose interval holds 0.5 is a coin "
        "toss; what these forecasts know is how far prices may move.",
        style="dim",
    )


def forecast(answer: Forecast, last_close: float) -> None:
    """A forecast as a table, a row for each bar ahead."""
    digits = price_digits(last_close)
    from bridge.bars.hygiene import stamp

    table = Table(
        title=f"{answer.symbol or 'these bars'}, after the close {last_close:.{digits}f} of the bar "
        f"{stamp(answer.time)}, by {answer.model}"
    )
    table.add_column("bar", justify="right")
    for level in answer.levels:
        table.add_column(f"{level:.0%}", justify="right", style="bold" if level == 0.5 else "")
    table.add_column("up", justify="right")
    for h in range(1, answer.horizon + 1):
        prices = [f"{price:.{digits}f}" for price in answer.quantiles[h - 1]]
        table.add_row(f"+{h}", *prices, f"{answer.prob_up(h):.0%}")
    console().print(table)


def price_digits(price: float) -> int:
    """Decimals that show a tenth of a pip of a price of this size."""
    return 5 if price < 20 else 3 if price < 1000 else 2


def _progress(*columns: Any) -> Progress:
    return Progress(
        columns[0],
        BarColumn(),
        *columns[1:],
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
    )
