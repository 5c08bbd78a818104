"""What a lane is asked for beside its own name, in words for the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from bridge.daemon.lanes.lane import Lane
from bridge.daemon.service import Service

log = logging.getLogger(__name__)


def role_of(lane: Lane, service: Service) -> str:
    """` (default)`, ` (answers for fx-h1@... on EURGBP)`, or nothing."""
    if lane is service.default:
        return " (default)"
    symbols = service.routed_to(lane)
    return f" (answers for {lane.manifest.base} on {', '.join(symbols)})" if symbols else ""


def warn_of_orphans(lanes: Sequence[Lane]) -> None:
    """Say which specialists are asked by nobody."""
    for sentence in orphans(lanes):
        log.warning("%s", sentence)


def orphans(lanes: Sequence[Lane]) -> Iterator[str]:
    """A sentence for each specialist that is asked by nobody, because its base is not served.

    A specialist stands on one version of its base: it was tuned from it, and kept for beating it.
    Under another version it would be a guess, so that one answers by itself until it has
    specialists of its own.
    """
    served = {lane.label: lane for lane in lanes}
    names = {lane.manifest.name: lane for lane in reversed(lanes)}
    for lane in lanes:
        base = lane.manifest.base
        if not lane.manifest.is_specialist or base in served:
            continue
        symbols = ", ".join(lane.manifest.symbols)
        tuned = f"{lane.label} was tuned to answer for {base} on {symbols}"
        newer = names.get(base.partition("@")[0])
        if newer is None:
            yield f"{tuned}, and that is not served: give its folder of models to --models too"
        else:
            yield (
                f"{tuned}, and {newer.label} serves in its place: it answers for these symbols "
                "itself until a specialist was tuned on it"
            )
