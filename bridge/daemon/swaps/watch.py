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
from time import monotonic

from bridge.bundles import Bundle, BundleError, open_bundle
from bridge.bundles.bundle import GRAPH_FILE
from bridge.bundles.manifest import MANIFEST_FILE
from bridge.daemon.swaps.swap import Swap, SwapError

log = logging.getLogger(__name__)

POLL_S = 2.0

_MOST_WAITS = 30  # polls, for bundles that are still being copied; then the others go first
_LATER_S, _LATEST_S = 5.0, 1800.0  # until what may pass is tried again, doubled each time
_STOP_S = 5.0

Fingerprint = tuple[tuple[str, int, int], ...]
"""Name, size and time of the last change of each file in a folder, by its content or its status."""


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
            files.append((file.name, stat.st_size, max(stat.st_mtime_ns, stat.st_ctime_ns)))
    except OSError:  # no folder, or it changes under our eyes: the next poll sees it
        return None
    is_meant_as_bundle = any(name in (MANIFEST_FILE, GRAPH_FILE) for name, _, _ in files)
    return tuple(sorted(files)) if is_meant_as_bundle else None


class Watch:
    """A thread that polls the stores, from `with` to its end.

    A folder that changed is settled as soon as its files are what its manifest says, or when it
    looked the same for two polls: a bundle that is still being copied is waited for, and one that
    stays broken is told of once. What was refused for a reason that may pass (a scanner that holds
    a file, memory that is short) is tried again by itself, after five seconds, ten, and so on up to
    half an hour.

    Args:
        swap: is had to look at the stores when something has settled.
        since: how they looked when the bundles that are served were loaded, or before.
        poll_s: seconds between two looks.
        later: when to try again.
    """

    def __init__(
        self,
        swap: Swap,
        since: Mapping[Path, Fingerprint],
        *,
        poll_s: float = POLL_S,
        later: Later | None = None,
    ) -> None:
        self._swap = swap
        self._looks = Looks(since)
        self._poll_s = poll_s
        self._later = later or Later()
        self._is_undone = False  # a look that a defect ended
        self._over = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._later.put_off()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._over.wait(self._poll_s):
            try:
                self._look()
            except (SwapError, CancelledError):  # the daemon is stopping
                return
            except Exception:
                # A defect, or a drive that does what none should: the watch goes on.
                self._is_undone = True
                log.exception("the stores could not be looked at")

    def _look(self) -> None:
        moving = self._looks.settled(fingerprints(self._swap.stores))
        if moving is not None:
            self._later.begin_anew()
        elif self._may_help and self._later.is_now:
            moving = self._looks.in_motion
        else:
            return
        self._later.put_off()
        self._swap.rescan(in_motion=moving)
        self._is_undone = False

    @property
    def _may_help(self) -> bool:
        """Whether another look may help, though nothing has changed."""
        return self._is_undone or self._swap.may_pass


class Later:
    """When to look again at what may be better by then: soon at first, then more and more seldom.

    Args:
        first_s, most_s: the first delay, doubled each time, and the longest.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        first_s: float = _LATER_S,
        most_s: float = _LATEST_S,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._first_s = self._delay_s = first_s
        self._most_s = most_s
        self._clock = clock
        self._due = clock()

    @property
    def is_now(self) -> bool:
        """Whether it is time."""
        return self._clock() >= self._due

    def put_off(self) -> None:
        """Not now, but later than the last time."""
        self._due = self._clock() + self._delay_s
        self._delay_s = min(2 * self._delay_s, self._most_s)

    def begin_anew(self) -> None:
        """Something has changed: soon again."""
        self._delay_s = self._first_s


class Looks:
    """What changed between looks at the stores, and whether it has come to rest.

    A bundle's files are read when it is seen for the first time and when it has come to rest, not
    over and over while it is copied.

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
        self._whole: dict[Path, object] = {}  # what they were when they were found so
        self._moving: set[Path] = set()
        self._settled = False  # whether anything has, since it was last told
        self._waits = 0
        self._verify = verify

    @property
    def in_motion(self) -> frozenset[Path]:
        """The folders that have not come to rest."""
        return frozenset(self._moving)

    def settled(self, now: Mapping[Path, Fingerprint]) -> frozenset[Path] | None:
        """Whether it is time to load: None where nothing has changed, or it may change still.

        Otherwise the folders that are in motion, for which it does not wait any longer.
        """
        before, self._before = self._before, dict(now)
        changed = {folder for folder in (*before, *now) if before.get(folder) != now.get(folder)}
        for folder in changed:
            is_copied_still = folder in self._moving and folder in before
            if folder not in now or is_copied_still or not self._is_whole(folder, now[folder]):
                self._whole.pop(folder, None)
                self._moving.add(folder)
        for folder in self._moving - changed:
            self._moving.discard(folder)
            if folder not in now or not self._is_whole(folder, now[folder]):
                self._settled = True
        if not (self._moving or self._settled):
            return None
        self._waits += 1
        if self._moving and (not self._settled or self._waits < _MOST_WAITS):
            return None
        self._settled, self._waits = False, 0
        return self.in_motion

    def _is_whole(self, folder: Path, look: Fingerprint) -> bool:
        """Whether it is; then it has settled, if it is not what it was."""
        try:
            label = self._verify(folder).manifest.label
        except BundleError:
            return False
        # Something else may lie beside a bundle, and change all day.
        found = label, [file for file in look if file[0] == MANIFEST_FILE]
        if self._whole.get(folder) != found:
            self._whole[folder] = found
            self._settled = True
        self._moving.discard(folder)
        return True
