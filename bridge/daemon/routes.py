"""From the model and the symbol of a request to the lane that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.bundles import Specialists
from bridge.daemon.lanes.lane import Lane

_MOST_REMEMBERED = 4096  # a client may make up symbols without end


class Route(dict[str, Lane]):
    """The lane for each symbol, found once and remembered: a request costs one look-up."""

    def __init__(self, base: Lane, specialists: Specialists[Lane] | None = None) -> None:
        super().__init__()
        self.base = base
        self._specialists = specialists

    @property
    def by_symbol(self) -> Mapping[str, Lane]:
        """The specialists, by the symbols they were trained for."""
        return self._specialists.by_symbol if self._specialists else {}

    def __missing__(self, symbol: str) -> Lane:
        lane = self.base if self._specialists is None else self._specialists.answering(symbol)
        if len(self) < _MOST_REMEMBERED:
            self[symbol] = lane
        return lane


class Routes:
    """What each `model` of a request means: a bare name routes, `name@version` is that lane."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self.by_model: dict[str | None, Route] = {}
        for lane in lanes:
            self.by_model.setdefault(lane.manifest.name, Route(lane, Specialists(lane, lanes)))
            self.by_model[lane.label] = Route(lane)
