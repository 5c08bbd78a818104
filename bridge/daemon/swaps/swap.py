"""Models that come, go and change places while the daemon serves.

A new version is verified, tried, loaded and warmed beside the old one, in the thread that asks;
then the loop exchanges the two between two batches. What waited for the old one is answered by the
old one. A bundle that fails on the way never takes over: it is told of once, and the old one
serves on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

from bridge.bundles import Bundle, list_bundles, may_pass
from bridge.bundles.manifest import MANIFEST_FILE
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.server import Server
from bridge.daemon.service import Service
from bridge.daemon.swaps.loading import Load, Loaded
from bridge.daemon.swaps.news import News, Record
from bridge.daemon.swaps.succession import Succession, absent_stores, succeed
from bridge.wire.errors import Code

log = logging.getLogger(__name__)

_FAREWELL_S = 5.0  # how long a change waits for the last answers of what it let go


class SwapError(ValueError):
    """A change that is refused: `code` is the wire's, the message says what would be right."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Known:
    """What a start found in the stores and does not serve.

    Attributes:
        refused: the reason by label, of bundles that are whole and failed when they were tried.
        broken: a sentence for each folder or store that could not be read as what it should be.
        passing: of `refused`, the labels of those whose reason may pass.
    """

    refused: Mapping[str, str] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    passing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Report:
    """What came of a look at the stores.

    Attributes:
        added: labels that are served now and were not before, without those of `replaced`.
        replaced: the label of each that left, and of the one that took its place.
        refused: a sentence for each bundle that cannot be used.
        missing: labels that are served though no store holds them any more.
    """

    added: tuple[str, ...]
    replaced: Mapping[str, str]
    refused: tuple[str, ...]
    missing: tuple[str, ...]


class Swap:
    """Changes which models a running daemon serves; from any thread but its own, one at a time.

    Args:
        server, service: the daemon's.
        stores: folders of bundles, in order.
        load: tries, opens and warms bundles.
        known: what the start told of already.
        record: counts exchanges.
        serve_kept: is told of the labels of what arrives.
        on_default: is told of a default that was changed by order.

    Attributes:
        may_pass: whether something was refused for a reason that may pass without a change of its
            folder: another look is worth its while.
    """

    def __init__(
        self,
        server: Server,
        service: Service,
        stores: Sequence[Path],
        load: Load,
        *,
        known: Known | None = None,
        record: Record = lambda text, refused: None,
        serve_kept: Callable[[Sequence[str]], None] = lambda labels: None,
        on_default: Callable[[str], None] = lambda model: None,
    ) -> None:
        known = known or Known()
        self.stores = tuple(stores)
        self._server = server
        self._service = service
        self._load = load
        self._serve_kept = serve_kept
        self._on_default = on_default
        self._news = News(service, record, known.broken)
        self._lock = Lock()
        self._bundles = {lane.label: lane.bundle for lane in service.lanes}
        self._refused = dict(known.refused)
        self._passing = known.passing
        self.may_pass = bool(known.passing or known.broken)
        self._looked: dict[str, tuple[Path, int, int]] = {}  # at the last scan
        self._broken = known.broken
        self._removed: set[str] = set()

    def rescan(self, *, again: bool = False, in_motion: Collection[Path] = ()) -> Report:
        """Serve what the stores hold now.

        All that is new takes its place between the same two batches: a new base and its new
        specialists. What was refused for a reason that may pass is tried again.

        Args:
            again: try what was refused before, and serve again what was removed.
            in_motion: folders of bundles that are still being written: nothing is said of them.

        Raises:
            SwapError: the daemon is stopping.
        """
        with self._lock:
            if again:
                self._refused.clear()
                self._removed.clear()
            found, errors = list_bundles(self.stores)
            self._forget_refusals_of_what_changed(found)
            told = self._forget_refusals_that_may_have_passed()
            moving = tuple(f"bundle {folder}: " for folder in in_motion)
            errors = [error for error in errors if not str(error).startswith(moving)]
            self._broken = tuple(map(str, errors))
            self._news.broken(self._broken)
            loaded = self._load([bundle for bundle in found if self._is_new(bundle)])
            self._refused.update(loaded.refused)
            self._passing = loaded.passing
            self.may_pass = bool(loaded.passing) or any(map(may_pass, errors))
            succession = self._take_over(found, loaded)
            names = {bundle.manifest.label: bundle.manifest.name for bundle in found}
            self._news.refused(names, loaded.refused, told & loaded.passing)
            self._tell_of_the_missing(found, succession.missing)
            arrived = {lane.label for lane in loaded.lanes}
            return Report(
                tuple(sorted(arrived - set(succession.replaced.values()))),
                succession.replaced,
                (*self._refused.values(), *self._broken),
                succession.missing,
            )

    def set_default(self, model: str) -> str:
        """Let `model`, a name or `name@version`, answer requests that name none; its label.

        For as long as the daemon runs.

        Raises:
            SwapError: there is no such model, or the daemon is stopping.
        """
        with self._lock:
            self._find(model)
            self._exchange(self._service.lanes, default=model)
            label = self._service.default.label
            log.info("requests that name no model mean %s now, by order", label)
            self._on_default(model)
            return label

    def remove(self, model: str) -> str:
        """Serve a model no more, a name or `name@version`; its label.

        What waits for it is still answered. It stays away until a reload by order, or a restart.

        Raises:
            SwapError: no such model, several of that name, requests that name none would be left
                without one, or the daemon is stopping.
        """
        with self._lock:
            leaving = self._find(model)
            self._require_removable(leaving, model)
            self._exchange([lane for lane in self._service.lanes if lane is not leaving])
            del self._bundles[leaving.label]
            self._removed.add(leaving.label)
            log.info("%s is served no more, by order", leaving.label)
            self._news.orphans()
            return leaving.label

    def besides(self) -> list[tuple[str, str]]:
        """What is known and not served: its label, empty for what is no bundle, and why."""
        return [
            *self._refused.items(),
            *(("", sentence) for sentence in self._broken),
            *((label, "removed by order: a reload serves it again") for label in [*self._removed]),
        ]

    def folder_of(self, label: str) -> str:
        """Where a served model's bundle was last seen."""
        bundle = self._bundles.get(label)
        return "" if bundle is None else str(bundle.path)

    def _forget_refusals_of_what_changed(self, found: Sequence[Bundle]) -> None:
        """What went, or was put there again, is tried again: what was wrong may have passed."""
        looks = {bundle.manifest.label: _look(bundle) for bundle in found}
        for label in list(self._refused):
            if label not in looks or self._looked.get(label, looks[label]) != looks[label]:
                del self._refused[label]
        self._looked = looks

    def _forget_refusals_that_may_have_passed(self) -> frozenset[str]:
        """The labels of which it was told that they were refused, and which are tried again."""
        passing, self._passing = self._passing, frozenset()
        return frozenset(label for label in passing if self._refused.pop(label, None) is not None)

    def _is_new(self, bundle: Bundle) -> bool:
        known = (self._bundles, self._refused, self._removed)
        return not any(bundle.manifest.label in labels for labels in known)

    def _find(self, model: str) -> Lane:
        lanes = self._service.lanes
        for lane in lanes:  # the first of a name is meant by it
            if model in (lane.label, lane.manifest.name):
                return lane
        known = ", ".join(lane.label for lane in lanes)
        raise SwapError(
            Code.UNKNOWN_MODEL, f"there is no model '{model[:80]}': this daemon has {known}"
        )

    def _require_removable(self, leaving: Lane, model: str) -> None:
        lanes, unnamed = self._service.lanes, self._service.unnamed
        versions = [lane.label for lane in lanes if lane.manifest.name == model]
        if len(versions) > 1:
            raise SwapError(
                Code.BAD_FIELD,
                f"'{model}' has {len(versions)} versions here, {', '.join(versions)}: say which, "
                "as name@version",
            )
        staying = [lane for lane in lanes if lane is not leaving]
        if not any(unnamed in (lane.label, lane.manifest.name) for lane in staying):
            raise SwapError(
                Code.BAD_FIELD,
                f"{leaving.label} is to answer requests that name no model: give those another "
                "first, with eabridge models default NAME",
            )

    def _take_over(self, found: Sequence[Bundle], loaded: Loaded) -> Succession:
        """Exchange the lanes, where there is anything to exchange."""
        before = list(self._service.lanes)
        lanes = {lane.label: lane for lane in (*before, *loaded.lanes)}
        bundles = {**self._bundles, **{lane.label: lane.bundle for lane in loaded.lanes}}
        bundles.update({bundle.manifest.label: bundle for bundle in found})  # where it is now
        succession = succeed(
            [bundles[lane.label] for lane in before],
            found,
            {lane.label for lane in loaded.lanes},
            self.stores,
            keep=self._service.unnamed,
        )
        after = [lanes[label] for label in succession.order]
        if after != before:
            try:
                self._exchange(after, replaced=succession.replaced)
            except BaseException:
                for lane in loaded.lanes:
                    lane.close()
                raise
            self._serve_kept([lane.label for lane in loaded.lanes])
            self._news.arrived(loaded.lanes, succession.replaced)
        self._bundles = {lane.label: bundles[lane.label] for lane in after}
        return succession

    def _exchange(
        self,
        lanes: Sequence[Lane],
        *,
        default: str | None = None,
        replaced: Mapping[str, str] | None = None,
    ) -> None:
        """Have the loop serve these lanes; those that leave are closed when they have answered."""
        leaving = {lane: Event() for lane in self._service.lanes if lane not in lanes}
        change = self._server.change(
            lambda: self._service.exchange(
                lanes,
                default=default,
                replaced=replaced,
                on_gone=lambda lane: leaving[lane].set(),
            )
        )
        try:
            change.result()
        except CancelledError as error:
            raise SwapError(
                Code.DRAINING, "the daemon is stopping: nothing is changed any more"
            ) from error
        if leaving:
            # Not in the loop, which has no time to free what a large model holds.
            farewell = Thread(target=_see_off, args=(leaving,), name="farewell", daemon=True)
            farewell.start()
            farewell.join(_FAREWELL_S)

    def _tell_of_the_missing(self, found: Sequence[Bundle], missing: Sequence[str]) -> None:
        absent = absent_stores(self.stores, found, self._bundles.values())
        self._news.absent(absent)
        self._news.missing(
            label for label in missing if self._bundles[label].path.parent not in absent
        )


def _see_off(leaving: Mapping[Lane, Event]) -> None:
    for lane, gone in leaving.items():
        gone.wait()
        lane.close()


def _look(bundle: Bundle) -> tuple[Path, int, int]:
    """Another one for a bundle that was written again, though its content be the same."""
    try:
        status = (bundle.path / MANIFEST_FILE).stat()
    except OSError:  # it is just being replaced
        return bundle.path, 0, 0
    return bundle.path, status.st_mtime_ns, status.st_ctime_ns
