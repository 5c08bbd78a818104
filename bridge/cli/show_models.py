"""What a daemon serves and what its stores hold besides, on the terminal."""

from __future__ import annotations

from pathlib import PurePath

from rich.markup import escape
from rich.table import Table

from bridge.bars import timeframe_name
from bridge.cli.show import console
from bridge.control import Models

_COLUMNS = (
    *("model", "bars", "reads", "context", "horizon"),
    *("trained on", "answers for"),
)


def served(endpoint: str, models: Models) -> None:
    """A row for each model, a line for each folder of them, and for what is not served."""
    table = Table(title=f"models of the daemon on {escape(endpoint)}")
    for name in _COLUMNS:
        table.add_column(name, overflow="fold")
    folders: dict[str, list[str]] = {}
    for each in models.served:
        model = each.model
        table.add_row(
            model.label + (" (default)" if model.default else ""),
            timeframe_name(model.tf) if model.tf else "any",
            model.inputs,
            str(model.context),
            str(model.horizon),
            escape(", ".join(model.symbols) or "any"),
            escape(", ".join(each.answers_for)),
        )
        folder = PurePath(each.folder)
        folders.setdefault(str(folder.parent), []).append(folder.name)
    out = console()
    out.print(table)
    for store, names in folders.items():
        out.print(f"from {escape(store)}: {escape(', '.join(names))}", soft_wrap=True)
    for other in models.besides:
        name = f"{other.model}: " if other.model else ""
        out.print(f"not served: {escape(name + other.why)}", soft_wrap=True)
