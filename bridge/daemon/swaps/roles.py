"""What a lane is asked for beside its own name, in words for the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence

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
    """Say which specialists are asked by nobody, because their base is not served.

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
        newer = names.get(base.partition("@")[0])
        if newer is None:
            log.warning(
                "%s was tuned to answer for %s on %s, and that is not served: give its folder of "
                "models to --models too",
                *(lane.label, base, symbols),
            )
        else:
            log.warning(
                "%s was tuned to answer for %s on %s, and %s serves in its place: it answers for "
                "these symbols itself until a specialist was tuned on it",
                *(lane.label, base, symbols, newer.label),
            )
