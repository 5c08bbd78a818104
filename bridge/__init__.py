"""eabridge: a trader's own GPT-2 forecaster, answering Expert Advisors over ZeroMQ.

The rooms, top to bottom; each imports only rooms below it: `cli`, `doctor`, `mt5`, `tuning`,
`forecaster`, `daemon`, `book`, `backends`, `bundles`, `bars`, `wire`, and beside them `client`
with `answers`, `load`, `bench`, `demo` and what these share.

    >>> from bridge import Client
    >>> with Client() as client:  # doctest: +SKIP
    ...     forecast = client.forecast(bars)
    ...     forecast.median(1)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.answers import Forecast as Forecast
    from bridge.bars import Bars as Bars
    from bridge.bars import read_bars as read_bars
    from bridge.client import Client as Client
    from bridge.client import DaemonError as DaemonError
    from bridge.client import Unreachable as Unreachable

_HOMES = {
    "Bars": "bridge.bars",
    "read_bars": "bridge.bars",
    "Client": "bridge.client",
    "DaemonError": "bridge.client",
    "Forecast": "bridge.answers",
    "Unreachable": "bridge.client",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Imported on first use, so that each command pays for its own imports alone.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'bridge' has no attribute '{name}'")
