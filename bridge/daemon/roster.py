"""Which lanes are served, and which of them a request means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bridge.daemon.lanes.lane import Lane
from bridge.daemon.routes import Routes
from bridge.daemon.telemetry.snapshot import LaneFacts
from bridge.wire.errors import Code, WireError

_MOST_REPLACED = 256

OnGone = Callable[[Lane], None]


class Roster:
    """The lanes that are served, and those that leave as soon as they have answered.

    What can be read here may be read from any thread: it is replaced as a whole, never changed.

    Args:
        lanes: in order; where two share a name, the name alone means the first.
        unnamed: what is meant where no model is named: `name` or `name@version`.

    Attributes:
        lanes: that are served. default: the one of them that is meant where none is named.
        models: as `hello` tells of them.

    Raises:
        ValueError: a label twice, or no such default.
    """

    def __init__(self, lanes: Sequence[Lane], unnamed: str) -> None:
        self.lanes: tuple[Lane, ...] = ()
        self._leaving: dict[Lane, OnGone] = {}
        self._replaced: dict[str, str] = {}
        self._serve(tuple(lanes), unnamed)

    @property
    def all_lanes(self) -> tuple[Lane, ...]:
        """Those that are served, and those that leave."""
        return (*self.lanes, *tuple(self._leaving))

    @property
    def is_anyone_leaving(self) -> bool:
        """Whether `let_go` has something to look after."""
        return bool(self._leaving)

    @property
    def labels(self) -> str:
        """In a sentence."""
        return ", ".join(lane.label for lane in self.lanes)

    def find(self, model: str | None, symbol: str) -> Lane:
        """The lane that answers.

        Raises:
            WireError: `unknown_model`.
        """
        route = self._by_model.get(model)
        if route is None:
            raise self._unknown(model or "")
        return route[symbol]

    def routed_to(self, lane: Lane) -> list[str]:
        """The symbols for which a lane answers in the place of its base."""
        return [
            symbol
            for model, route in self._by_model.items()
            for symbol, specialist in route.by_symbol.items()
            if specialist is lane and model is not None  # which is another name for one of them
        ]

    def lane_facts(self) -> tuple[LaneFacts, ...]:
        """What is so of each lane at the moment."""
        return tuple(
            LaneFacts(
                manifest=lane.manifest,
                default=lane is self.default,
                answers_for=tuple(self.routed_to(lane)),
                queued=len(lane),
                in_flight=lane.in_flight,
                mode=lane.mode,
                state=lane.state,
            )
            for lane in self.lanes
        )

    def exchange(
        self,
        lanes: Sequence[Lane],
        *,
        default: str | None,
        replaced: Mapping[str, str],
        on_gone: OnGone,
    ) -> None:
        """Serve these lanes from now on, and let those leave that are not among them.

        Raises:
            ValueError: a label twice, or no such default. Everything is as it was.
        """
        before = self.lanes
        self._serve(tuple(lanes), default or self.unnamed)
        for old, new in replaced.items():
            self._replaced.pop(old, None)
            self._replaced[old] = new
        while len(self._replaced) > _MOST_REPLACED:
            del self._replaced[next(iter(self._replaced))]
        staying = set(self.lanes)
        for lane in before:
            if lane not in staying:
                self._leaving[lane] = on_gone

    def let_go(self) -> Iterator[Lane]:
        """Each that has nothing to answer any more: its `on_gone` is called after it was given."""
        for lane in [lane for lane in self._leaving if lane.is_idle]:
            on_gone = self._leaving.pop(lane)
            yield lane
            on_gone(lane)

    def _serve(self, lanes: tuple[Lane, ...], unnamed: str) -> None:
        """Let requests find these lanes; on an error, those before."""
        labels = [lane.label for lane in lanes]
        twice = next((label for label in labels if labels.count(label) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is there twice")
        by_model = Routes(lanes).by_model
        meant = by_model.get(unnamed)
        if meant is None:
            known = ", ".join(labels) or "none"
            raise ValueError(
                f"'{unnamed}' is to answer requests that name no model, and there would be: {known}"
            )
        by_model[None] = meant
        self.lanes, self._by_model = lanes, by_model
        self.unnamed, self.default = unnamed, meant.base
        self.models = tuple(self._describe(lane) for lane in lanes)

    def _describe(self, lane: Lane) -> dict[str, Any]:
        manifest = lane.manifest
        return {
            "name": manifest.name,
            "version": manifest.version,
            "task": manifest.task,
            "inputs": manifest.inputs,
            "context": manifest.context,
            "horizon": manifest.horizon,
            "levels": manifest.levels,
            "tf": manifest.tf,
            "symbols": manifest.symbols,
            "default": lane is self.default,
        }

    def _unknown(self, model: str) -> WireError:
        successor = self._replaced.get(model)
        if successor is not None:
            return WireError(
                Code.UNKNOWN_MODEL,
                f"there is no '{model}': {successor} took its place; this daemon has "
                f"{self.labels}: ask for '{successor.partition('@')[0]}', or keep a version for "
                "those that name it by keeping its folder in the store beside the new one",
            )
        return WireError(
            Code.UNKNOWN_MODEL,
            f"there is no model '{model[:80]}': this daemon has {self.labels}; one that was "
            "written just now is there in some seconds, or after eabridge models reload",
        )
