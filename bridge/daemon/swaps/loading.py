"""From bundles to lanes that are ready to serve: tried, opened, warmed; or the reasons why not.

The start and a swap load alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.backends import BackendError
from bridge.backends.base import BackendDied
from bridge.backends.trial import Trial, TrialError, try_bundles
from bridge.bundles import Bundle, may_pass
from bridge.bundles.bundle import GRAPH_FILE
from bridge.daemon.lanes.lane import Lane

log = logging.getLogger(__name__)

OpenLane = Callable[[Bundle], Lane]
"""Opens and warms one bundle; raises BackendError."""
TryOut = Callable[[Sequence[Path]], Mapping[Path, Trial]]
"""Tries bundles in a process of their own; raises TrialError."""


@dataclass(frozen=True)
class Loaded:
    """What came of loading bundles.

    Attributes:
        lanes: warm, in the order of their bundles. Whoever does not serve one closes it.
        refused: the reason for each of the others, by label.
        passing: of these, the labels of those that may be loaded another time as they stand: memory
            was short, a file was locked, a process was ended.
    """

    lanes: tuple[Lane, ...]
    refused: Mapping[str, str]
    passing: frozenset[str] = frozenset()


Load = Callable[[Sequence[Bundle]], Loaded]


class Loader:
    """Loads bundles, in the thread that asks.

    Args:
        open_lane: makes a warm lane of a bundle.
        try_out: tries bundles where what explodes harms nobody.
    """

    def __init__(self, open_lane: OpenLane, try_out: TryOut = try_bundles) -> None:
        self._open_lane = open_lane
        self._try_out = try_out
        self._borne: set[object] = set()  # what was tried and went well

    def __call__(self, bundles: Sequence[Bundle]) -> Loaded:
        """Try all of them, then open and warm those that bore it."""
        refused, passing = self._try(bundles)
        lanes: list[Lane] = []
        try:
            for bundle in bundles:
                if bundle.manifest.label in refused:
                    continue
                try:
                    lanes.append(self._open_lane(bundle))
                except (BackendError, MemoryError, OSError) as error:
                    refused[bundle.manifest.label] = _sentence(bundle, error)
                    if isinstance(error, BackendDied) or may_pass(error):
                        passing.add(bundle.manifest.label)
        except BaseException:
            for lane in lanes:
                lane.close()
            raise
        return Loaded(tuple(lanes), refused, frozenset(passing))

    def _try(self, bundles: Sequence[Bundle]) -> tuple[dict[str, str], set[str]]:
        """The reasons, by label, of those that failed, and the labels of those that may pass."""
        untried = [bundle for bundle in bundles if _tried_by(bundle) not in self._borne]
        if not untried:
            return {}, set()
        try:
            trials = self._try_out([bundle.path for bundle in untried])
        except TrialError as error:
            log.warning("models are not tried before they are loaded: %s", error)
            return {}, set()
        refused: dict[str, str] = {}
        passing: set[str] = set()
        for bundle in untried:
            reason = trials[bundle.path].refusal(bundle)
            if reason is not None:
                refused[bundle.manifest.label] = reason
                if trials[bundle.path].may_pass:
                    passing.add(bundle.manifest.label)
            else:
                self._borne.add(_tried_by(bundle))
        return refused, passing


def _tried_by(bundle: Bundle) -> object:
    """What a trial is about: the same graph that promises the same needs no second one.

    A version that comes back takes over the sooner.
    """
    manifest = bundle.manifest
    if manifest.runtime != "onnx":
        return manifest.label
    promised = (manifest.inputs, manifest.context, manifest.horizon, manifest.levels)
    return (manifest.files[GRAPH_FILE], promised)


def _sentence(bundle: Bundle, reason: object) -> str:
    text = str(reason) or type(reason).__name__
    start = f"bundle {bundle.path}: "
    return text if text.startswith(start) else start + text
