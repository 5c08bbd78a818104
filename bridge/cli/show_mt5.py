"""What `eabridge mt5` and `eabridge doctor` print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.padding import Padding

from bridge.bars import timeframe_name
from bridge.cli.show import console

if TYPE_CHECKING:
    from bridge.bundles import Bundle, Specialists
    from bridge.doctor import Finding
    from bridge.mt5 import Outcome, Terminal

_STYLES = {"ok": "green", "note": "cyan", "care": "yellow", "broken": "bold red"}


def installed(terminal: Terminal, model: Specialists[Bundle], outcome: Outcome) -> None:
    """What was done to one terminal."""
    manifest = model.base.manifest
    out = console()
    out.print(f"[bold]{escape(str(terminal))}[/]")
    written, current = len(outcome.written), len(outcome.current)
    files, were = "file" if written == 1 else "files", "was" if current == 1 else "were"
    out.print(f"  {written} {files} written, {current} {were} up to date")
    if outcome.removed:
        out.print(f"  {len(outcome.removed)} of an older version removed")
    for backup in outcome.backups:
        out.print(f"  your file is kept as {escape(str(backup))}", soft_wrap=True)
    for path in outcome.kept:
        out.print(
            f"  [yellow]left as you changed it:[/] {path} (--yes replaces it and keeps yours as "
            ".bak)",
            soft_wrap=True,
        )
    bars = timeframe_name(manifest.tf) if manifest.tf else "any"
    out.print(f"  model inside the terminal: {manifest.label}, for {bars} bars")
    for symbol, specialist in model.by_symbol.items():
        out.print(f"    on {escape(symbol)}: {specialist.manifest.label}")


def next_steps() -> None:
    """What remains to be done by hand, as only the user may."""
    console().print(
        "\nnow, by hand, as only you may:\n"
        "  1. in the terminal, Tools > Options > Expert Advisors: tick Allow WebRequest for listed "
        "URL, and add 127.0.0.1\n"
        "  2. in MetaEditor (F4), open Experts/EABridge/ForecastTrader and Scripts/EABridge/Ping, "
        "and compile each (F7)\n"
        "  3. start the daemon, and leave it running: eabridge serve\n"
        "  4. in the terminal's Navigator choose Refresh; drag Ping onto a chart to see the round "
        "trip, then the EA\n"
        "eabridge doctor tells what is missing",
        soft_wrap=True,
    )


def finding(found: Finding) -> None:
    """One finding: its mark and what it is, below it what it means and what to do."""
    out = console()
    mark = f"[{_STYLES[found.mark.value]}]{found.mark.value:>6}[/]"
    out.print(f"{mark}  {escape(found.what)}", soft_wrap=True)
    if found.remedy:
        out.print(Padding(escape(found.remedy), (0, 0, 0, 8), expand=False), style="dim")


def verdict(findings: Sequence[Finding]) -> None:
    """The findings in one line."""
    broken = sum(each.is_broken for each in findings)
    care = sum(each.mark.value == "care" for each in findings)
    notes = sum(each.mark.value == "note" for each in findings)
    if broken:
        things = "thing is" if broken == 1 else "things are"
        line = f"[bold red]{broken} {things} broken[/]: mend from the top"
    elif care:
        line = f"nothing is broken; {care} to look at"
    elif notes:
        line = f"nothing is broken; see the {'note' if notes == 1 else f'{notes} notes'} above"
    else:
        line = "[green]all is well[/]"
    console().print(f"\n{line}")
