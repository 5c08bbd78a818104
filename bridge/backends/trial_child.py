"""The process in which bundles are tried: it opens and asks each in turn, and says how that went.

On stdin come the folders, on one line; on stdout go reports, a line each: what is being done, so
that the one who watches knows what it was that went wrong, and then how it ended. With the end of
stdin the process ends, whatever it is at.
"""

from __future__ import annotations

import faulthandler
import json
import os
import statistics
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from bridge.backends.child import begin_as_child, end_at_once

_NICE = 10
_ENOUGH_SECONDS = 0.05  # of asking for one window again and again
_ENOUGH_TIMES = 5
_BATCH = 64  # the most that a daemon asks at once,
_BATCH_SECONDS = 0.4  # and a model so slow that this many take longer is not asked for them


def try_all() -> None:
    """Try the bundles that stdin names, and end."""
    begin_as_child()
    _step_back()
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_stdin, daemon=True).start()

    def report(**fields: Any) -> None:
        # On a line of its own: libraries write there on their own account.
        sys.stdout.write("\n" + json.dumps(fields) + "\n")
        sys.stdout.flush()

    report(pid=os.getpid())
    _import_all()
    seconds = float(order["seconds"])
    for folder in order["folders"]:
        # Whoever watches will end us long before; this needs no lock that a graph could hold.
        faulthandler.dump_traceback_later(2 * seconds + 60, exit=True)
        report(**_try(Path(folder), report))
    end_at_once()


def _step_back() -> None:
    """Leave the processor to whoever serves meanwhile."""
    below = psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else _NICE
    with suppress(psutil.Error, OSError):
        psutil.Process().nice(below)


def _import_all() -> None:
    """What every bundle needs, before the first of them is watched and timed."""
    import bridge.backends.onnx_runtime
    import bridge.bundles  # noqa: F401


def _try(folder: Path, report: Any) -> dict[str, Any]:
    """Open and ask a bundle: its version, why it is refused, whether that may pass, and what a
    window takes."""
    from bridge.backends.base import BackendError, load_backend, try_out
    from bridge.bundles import BundleError, may_pass, open_bundle

    found: dict[str, Any] = {"version": "", "refused": None, "may_pass": False, "window_us": None}
    report(doing="to be opened")
    try:
        bundle = open_bundle(folder)
    except BundleError as error:
        return {**found, "refused": str(error), "may_pass": may_pass(error)}
    found["version"] = bundle.manifest.version
    if bundle.manifest.runtime != "onnx":
        return found
    try:
        report(doing="while it was loaded")
        backend = load_backend(bundle)
        report(doing="to answer one window")
        try_out(backend, bundle.manifest)
        found["window_us"] = _ask(backend, bundle, report)
        backend.close()
    except BackendError as error:
        found.update(refused=f"bundle {folder}: {error}", may_pass=may_pass(error))
    except MemoryError:
        found["refused"] = f"bundle {folder}: its graph asks for more memory than there is"
    except Exception as error:  # noqa: BLE001  (a defect of ours, which tells nothing of the graph)
        why = f"{type(error).__name__}: {error}"
        found["refused"] = f"bundle {folder}: it could not be tried ({why})"
    return found


def _ask(backend: Any, bundle: Any, report: Any) -> float:
    """Ask for one window some times, and for as many at once as a daemon would; the typical time
    of one, in microseconds."""
    import numpy as np

    from bridge.backends.base import BackendError, require_promised

    manifest = bundle.manifest
    columns = (4,) if manifest.inputs == "ohlc" else ()
    moves = 0.001 * np.sin(np.arange(_BATCH * manifest.context, dtype=np.float64))
    windows = np.exp(moves).reshape(_BATCH, manifest.context, *(1 for _ in columns))
    windows = np.ascontiguousarray(np.broadcast_to(windows, windows.shape[:2] + columns))
    times = 3600.0 * np.arange(_BATCH)
    took: list[float] = []
    while not took or (sum(took) < _ENOUGH_SECONDS and len(took) < _ENOUGH_TIMES):
        begun = time.perf_counter()
        backend.forecast(windows[:1], times[:1])
        took.append(time.perf_counter() - begun)
    one = statistics.median(took)
    batch = min(_BATCH, max(2, int(_BATCH_SECONDS / max(one, 1e-9))))
    report(doing=f"to answer {batch} windows at once")
    try:
        answer = backend.forecast(windows[:batch], times[:batch])
    except BackendError:  # a graph may admit one window at a time
        return 1e6 * one
    require_promised(answer, manifest, batch)
    return 1e6 * one


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    end_at_once()
