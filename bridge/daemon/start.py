"""From stores to a running daemon: load what can be loaded, say what cannot, serve until told."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from bridge.backends import Backend, BackendDied, TorchRuntime, open_backend
from bridge.bundles import Bundle, default_model, list_bundles
from bridge.bundles.manifest import MANIFEST_FILE
from bridge.daemon.cache.memory import DEFAULT_LIMIT_BYTES, ForecastCache
from bridge.daemon.doors.access import Access
from bridge.daemon.lanes.lane import Lane, LaneOptions
from bridge.daemon.rate import Rate
from bridge.daemon.server import BindError, Server
from bridge.daemon.service import Service
from bridge.daemon.swaps.loading import Load, Loader, OpenLane
from bridge.daemon.swaps.roles import role_of, warn_of_orphans
from bridge.daemon.swaps.swap import Known
from bridge.daemon.swaps.watch import Fingerprint, fingerprints
from bridge.daemon.telemetry.counts import Telemetry
from bridge.daemon.telemetry.snapshot import Source

log = logging.getLogger(__name__)

ENDS = [signal.SIGINT, signal.SIGTERM]
"""The signals that ask a daemon to answer what is queued and end."""
if sys.platform == "win32":
    ENDS.append(signal.SIGBREAK)  # Ctrl-Break, and a console that is closed

_SWITCH_S = 0.0005  # the loop waits no longer for a thread that shows what it counts


class StartError(RuntimeError):
    """The daemon cannot start. The message says why and what to do."""


@dataclass(frozen=True)
class ServeOptions:
    """What a daemon is told when it starts.

    Attributes:
        stores: folders of bundles.
        endpoint: where to bind; port 0 or `*` takes any free one.
        default: the model that answers when none is named; where None, the shipped one if it is
            among them, else the first found.
        access: who may connect; programs on this machine, where None.
        workers: threads for each model that is too slow for the loop; where None, one for each
            core but one. 0 leaves all to the loop.
        hang_s: a forecast that takes longer hangs, and whoever computes it is replaced.
        cache_bytes: of the forecast cache; 0 switches it off.
        cache_file: keeps it across restarts.
        rate: windows that one client may ask for in a second; any number, where None.
    """

    stores: Sequence[Path]
    endpoint: str
    default: str | None = None
    access: Access | None = None
    workers: int | None = None
    hang_s: float = 30.0
    cache_bytes: int = DEFAULT_LIMIT_BYTES
    cache_file: Path | None = None
    rate: int | None = None


@dataclass(frozen=True)
class Running:
    """A daemon that is about to serve, for what stands around it: swaps, pages, metrics.

    Attributes:
        source: what shows the daemon reads here.
        load: loads further bundles as the start did.
        known: what the start found and does not serve. since: how its folders looked before.
        serve_kept: told of labels that are served from now on: what a file keeps of them is read.
    """

    options: ServeOptions
    server: Server
    service: Service
    source: Source
    load: Load
    known: Known
    since: Mapping[Path, Fingerprint]
    serve_kept: Callable[[Sequence[str]], None]


Surrounding = Callable[[Running], AbstractContextManager[object]]
"""What is entered before the daemon is ready and left when it has stopped."""


def run_daemon(
    options: ServeOptions,
    ready: Callable[[str], None],
    runtime: TorchRuntime | None = None,
    surroundings: Sequence[Surrounding] = (),
) -> None:
    """Serve every usable bundle of the stores until one of the signals of `ENDS`.

    Args:
        ready: called once, with the endpoint bound, when requests are accepted.
        runtime: opens the bundles that PyTorch runs; without it they are refused.
        surroundings: entered in this order, and left in the other.

    Raises:
        StartError: no bundle can be used, no such default, or the endpoint cannot be bound.
    """
    sys.setswitchinterval(_SWITCH_S)
    importing = Thread(target=_import_what_loads)  # while bundles are read and tried
    importing.start()
    try:
        since = fingerprints(options.stores)
        load = Loader(lane_opener(options, runtime))
        lanes, known = load_lanes(options.stores, load)
    finally:
        importing.join()  # a process that ends amid an import of C++ is aborted
    chosen = options.default or default_model([lane.manifest for lane in lanes])
    if not any(chosen in (lane.manifest.name, lane.label) for lane in lanes):
        labels = ", ".join(lane.label for lane in lanes)
        raise StartError(f"--default {chosen}: there is no such model; there are {labels}")
    telemetry = Telemetry()
    cache = ForecastCache(options.cache_bytes) if options.cache_bytes else None
    with ExitStack() as around:
        keep, serve_kept = None, _nobody
        if cache is not None and options.cache_file is not None:
            from bridge.daemon.cache.file import CacheFile  # with sqlite3, which most do without

            file = CacheFile(options.cache_file, cache, options.cache_bytes)
            around.callback(file.close)
            keep, serve_kept = file.put, file.serve
            file.start([lane.label for lane in lanes])
        rate = None if options.rate is None else Rate(options.rate)
        service = Service(lanes, chosen, telemetry=telemetry, cache=cache, keep=keep, rate=rate)
        try:
            server = Server(service, options.endpoint, options.access)
        except BindError as error:
            raise StartError(str(error)) from error
        around.callback(_close, service, server)

        def stop(*_: object) -> None:
            server.stop()

        for name in ENDS:
            signal.signal(name, stop)
        for lane in lanes:
            log.info("serving %s%s", lane.label, role_of(lane, service))
        warn_of_orphans(lanes)
        source = Source(service.facts, telemetry, cache)
        running = Running(options, server, service, source, load, known, since, serve_kept)
        for surrounding in surroundings:
            around.enter_context(surrounding(running))
        gc.freeze()  # what was loaded stays: collections need not walk it again and again
        ready(server.endpoint)
        server.run()
    log.info("stopped")


def lane_opener(options: ServeOptions, runtime: TorchRuntime | None) -> OpenLane:
    """Makes warm lanes as the options say, each able to open its bundle again."""
    workers = max(1, _cores() - 1) if options.workers is None else options.workers
    lane_options = LaneOptions(workers, options.hang_s)

    def open_lane(bundle: Bundle) -> Lane:
        def reopen() -> Backend:
            _import_what_loads()
            return open_backend(bundle, runtime)

        def warm_lane() -> Lane:
            lane = Lane(bundle, reopen(), lane_options, reopen)
            try:
                lane.warm()
            except BaseException:
                lane.close()
                raise
            return lane

        try:
            return warm_lane()
        except BackendDied as error:  # perhaps it was killed for what another process took
            log.warning("%s: it is opened once more", error)
            return warm_lane()

    return open_lane


def load_lanes(stores: Sequence[Path], load: Load) -> tuple[tuple[Lane, ...], Known]:
    """A lane for every usable bundle. Those refused are logged, each with its reason.

    Raises:
        StartError: none of the stores is there, or none of their bundles can be used.
    """
    absent = [
        f"{store}: it is a file: give the folder that the models are in"
        if store.is_file()
        else f"{store}: there is no such folder of models"
        for store in stores
        if not store.is_dir()
    ]
    if len(absent) == len(stores):
        raise StartError("; ".join(absent))
    bundles, broken = list_bundles(stores)
    loaded = load(bundles)
    reasons = [*absent, *map(str, broken), *loaded.refused.values()]
    for reason in reasons:
        log.error("refused: %s", reason)
    if not loaded.lanes:
        where = ", ".join(str(store) for store in stores)
        why = "; ".join(reasons) or _why_empty(stores)
        raise StartError(f"no model to serve in {where}: {why}")
    return loaded.lanes, Known(loaded.refused, tuple(map(str, broken)), loaded.passing)


def _nobody(labels: Sequence[str]) -> None:
    """Where no file keeps forecasts."""


def _close(service: Service, server: Server) -> None:
    server.close()
    if not service.close():
        log.warning("a model still computes: it ends with the process")


def _cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _import_what_loads() -> None:
    """What opens bundles takes its time to be imported. All graphs share a part of the memory."""
    with suppress(ImportError):  # whoever opens a bundle is told
        from bridge.backends.onnx_runtime import limit_memory

        limit_memory()


def _why_empty(stores: Sequence[Path]) -> str:
    for store in stores:
        if (store / MANIFEST_FILE).is_file():
            return f"{store} is a model itself: give the folder that it is in"
    return f"it holds no bundle, a folder with a {MANIFEST_FILE}, as eabridge train writes it"
