"""What `eabridge compare` draws on a terminal: progress, and the report in short."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn
from rich.table import Table

from bridge.cli.show import console

if TYPE_CHECKING:
    from bridge.tuning.comparison.listener import Listener
    from bridge.tuning.comparison.report import Report

_SPEED_SECONDS = 600.0  # over which the pace is averaged: runs differ in how long they take


@contextmanager
def progress() -> Iterator[Listener]:
    """A bar with the share that is done, the time gone and the time left; each stage on stderr."""
    from bridge.tuning.comparison.listener import Listener

    columns = (
        TextColumn("comparing"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeLeftColumn(),
    )
    out = Console(stderr=True, highlight=False)
    with Progress(*columns, console=out, speed_estimate_period=_SPEED_SECONDS) as bar:
        task = bar.add_task("", total=1.0)
        yield Listener(
            stage=lambda text: bar.console.print(escape(text)),
            advanced=lambda share: bar.update(task, completed=share),
        )


def written(report: Report) -> None:
    """What was found, the targets, and where to read the rest."""
    out = console()
    for sentence in (*report.said.wins, *report.said.cannot):
        out.print(f"- {escape(sentence)}", soft_wrap=True)
    if report.judged:
        table = Table(title="targets")
        for name in ("who", "what", "target", "measured", ""):
            table.add_column(name)
        words = {True: "met", False: "[bold]missed[/]", None: "not measured"}
        for each in report.judged:
            cells = (each.who, each.what, each.limit, each.measured)
            table.add_row(*(escape(cell) for cell in cells), words[each.met])
        out.print(table)
    out.print(f"wrote [bold]{escape(str(report.page))}[/]", soft_wrap=True)
