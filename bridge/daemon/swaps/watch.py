"""Looks after the stores while the daemon serves, and has what changed in them served.

By asking every two seconds: what tells of changes by itself is another thing on each system, and
none of them reaches a network drive.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from threading import Event, Thread

from bridge.bundles import Bundle, BundleError, open_bundle
from bridge.bundles.bundle import GRAPH_FILE
from bridge.bundles.manifest import MANIFEST_FILE
from bridge.daemon.swaps.swap import Swap, SwapError

log = logging.getLogger(__name__)

POLL_S = 2.0

_MOST_WAITS = 30  # polls, for bundles that are still being copied; then the others go first
_STOP_S = 5.0

Fingerprint = tuple[tuple[str, int, int], ...]
"""Name, size and time of the last change of each file in a folder."""


def fingerprints(stores: Sequence[Path]) -> dict[Path, Fingerprint]:
    """How the bundles of the stores look from outside, by their folders. No file is read."""
    found: dict[Path, Fingerprint] = {}
    for store in stores:
        try:
            folders = [each for each in store.iterdir() if not each.name.startswith(".")]
        except OSError:  # it is not there, or no longer: whoever lists its bundles says so
            continue
        for folder in folders:
            look = _look(folder)
            if look is not None:
                found[folder] = look
    return found


def _look(folder: Path) -> Fingerprint | None:
    """None where the folder holds no bundle."""
    files = []
    try:
        for file in folder.iterdir():
            stat = file.stat()
            files.append((file.name, stat.st_size, stat.st_mtime_ns))
    except OSError:  # no folder, or it changes under our eyes: the next poll sees it
        return None
    is_meant_as_bundle = any(name in (MANIFEST_FILE, GRAPH_FILE) for name, _, _ in files)
    return tuple(sorted(files)) if is_meant_as_bundle else None


class Watch:
    """A thread that polls the stores, from `with` to its end.

    A folder that changed is settled as soon as its files are what its manifest says, or when it
    looked the same for two polls: a bundle that is still being copied is waited for, and one that
    stays broken is told of once.

    Args:
        swap: is had to look at the stores when something has settled.
        since: how they looked when the bundles that are served were loaded, or before.
        poll_s: seconds between two looks.
    """

    def __init__(
        self, swap: Swap, since: Mapping[Path, Fingerprint], *, poll_s: float = POLL_S
    ) -> None:
        self._swap = swap
        self._looks = Looks(since)
        self._poll_s = poll_s
        self._over = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._over.wait(self._poll_s):
            try:
                moving = self._looks.settled(fingerprints(self._swap.stores))
                if moving is not None:
                    self._swap.rescan(in_motion=moving)
            except (SwapError, CancelledError):  # the daemon is stopping
                return
            except Exception:
                # A defect, or a drive that does what none should: the watch goes on.
                log.exception("the stores could not be looked at")


class Looks:
    """What changed between looks at the stores, and whether it has come to rest.

    Args:
        since: how they looked at first.
        verify: reads a bundle whole; raises BundleError.
    """

    def __init__(
        self,
        since: Mapping[Path, Fingerprint],
        verify: Callable[[Path], Bundle] = open_bundle,
    ) -> None:
        self._before = dict(since)
        self._labels: dict[Path, str] = {}  # of what was found whole, until it is gone
        self._moving: set[Path] = set()
        self._waits = 0
        self._verify = verify

    def settled(self, now: Mapping[Path, Fingerprint]) -> frozenset[Path] | None:
        """Whether it is time to load: None where nothing has changed, or it may change still.

        Otherwise the folders that are in motion, for which it does not wait any longer.
        """
        changed = {
            folder
            for folder in (*self._before, *now)
            if self._before.get(folder) != now.get(folder)
        }
        self._before = dict(now)
        labels = {folder: self._label(folder) for folder in changed if folder in now}
        # Something else may lie beside a bundle, and change all day.
        same = {folder for folder, label in labels.items() if label == self._labels.get(folder)}
        whole = {folder: label for folder, label in labels.items() if label is not None}
        for folder in changed:
            self._labels.pop(folder, None)
        self._labels.update(whole)
        pending = (self._moving | changed) - (same & whole.keys())
        if not pending:
            return None
        moving = changed - whole.keys()  # all else is whole, or unchanged since the last look
        self._waits += 1
        if moving and (moving == pending or self._waits < _MOST_WAITS):
            self._moving = pending
            return None
        self._moving = moving
        self._waits = 0
        return frozenset(moving)

    def _label(self, folder: Path) -> str | None:
        """None where it is not whole."""
        try:
            return self._verify(folder).manifest.label
        except BundleError:
            return None
