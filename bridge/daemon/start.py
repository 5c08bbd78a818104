"""From stores to a running daemon: load what can be loaded, say what cannot, serve until told."""

from __future__ import annotations

import gc
import logging
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.backends import BackendError, TorchRuntime, open_backend
from bridge.bundles import default_model, list_bundles
from bridge.bundles.manifest import MANIFEST_FILE
from bridge.daemon.lane import Lane
from bridge.daemon.server import BindError, Server
from bridge.daemon.service import Service

log = logging.getLogger(__name__)


class StartError(RuntimeError):
    """The daemon cannot start. The message says why and what to do."""


def serve(
    stores: Sequence[Path],
    endpoint: str,
    default: str | None,
    ready: Callable[[str], None],
    runtime: TorchRuntime | None = None,
) -> None:
    """Serve every usable bundle of `stores` until SIGINT or SIGTERM.

    Args:
        stores: folders of bundles.
        endpoint: where to bind; port 0 or `*` takes any free one.
        default: the model that answers when none is named; where None, the shipped one if it
            is among them, else the first found.
        ready: called once, with the endpoint bound, when requests are accepted.
        runtime: opens the bundles that PyTorch runs; without it they are refused.

    Raises:
        StartError: no bundle can be used, no such default, or the endpoint cannot be bound.
    """
    lanes = load_lanes(stores, runtime)
    chosen = default or default_model([lane.manifest for lane in lanes])
    if not any(chosen in (lane.manifest.name, lane.label) for lane in lanes):
        known = ", ".join(lane.label for lane in lanes)
        raise StartError(f"--default {chosen}: there is no such model; there are {known}")
    try:
        service = Service(lanes, chosen)
        server = Server(service, endpoint)
    except BindError as error:
        raise StartError(str(error)) from error

    def stop(*_: object) -> None:
        server.stop()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)
    try:
        for lane in lanes:
            log.info("serving %s%s", lane.label, _part(lane, service))
        _warn_of_orphans(lanes)
        gc.freeze()  # what was loaded stays: collections need not walk it again and again
        ready(server.endpoint)
        server.run()
    finally:
        server.close()
    log.info("stopped")


def load_lanes(stores: Sequence[Path], runtime: TorchRuntime | None = None) -> list[Lane]:
    """A lane for every usable bundle. Those refused are logged, each with its reason.

    Raises:
        StartError: none of the stores is there, or none of their bundles can be used.
    """
    reasons = [
        f"{store}: there is no such folder of models" for store in stores if not store.is_dir()
    ]
    if len(reasons) == len(stores):
        raise StartError("; ".join(reasons))
    bundles, refused = list_bundles(stores)
    reasons += map(str, refused)
    lanes = []
    for bundle in bundles:
        try:
            lanes.append(Lane(bundle, open_backend(bundle, runtime)))
        except BackendError as error:
            reasons.append(str(error))
    for reason in reasons:
        log.error("refused: %s", reason)
    if not lanes:
        where = ", ".join(str(store) for store in stores)
        why = "; ".join(reasons) or _why_empty(stores)
        raise StartError(f"no model to serve in {where}: {why}")
    return lanes


def _warn_of_orphans(lanes: Sequence[Lane]) -> None:
    """Say which specialists are asked by nobody, because their base is not served."""
    served = {lane.label for lane in lanes}
    for lane in lanes:
        base = lane.manifest.base
        if lane.manifest.is_specialist and base not in served:
            log.warning(
                "%s was tuned to answer for %s on %s, and that is not served: give its folder of "
                "models to --models too",
                *(lane.label, base, ", ".join(lane.manifest.symbols)),
            )


def _part(lane: Lane, service: Service) -> str:
    """What a lane is asked for beside its own name."""
    if lane is service.default:
        return " (default)"
    symbols = service.routed_to(lane)
    return f" (answers for {lane.manifest.base} on {', '.join(symbols)})" if symbols else ""


def _why_empty(stores: Sequence[Path]) -> str:
    for store in stores:
        if (store / MANIFEST_FILE).is_file():
            return f"{store} is a model itself: give the folder that it is in"
    return "it holds no bundle"
