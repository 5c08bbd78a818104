"""What the log tells of a change of models: each thing once, however often it is found again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from bridge.daemon.lanes.lane import Lane
from bridge.daemon.service import Service
from bridge.daemon.swaps.roles import orphans, role_of

log = logging.getLogger(__name__)

Record = Callable[[str, bool], None]
"""Is told of an exchange in a sentence, and whether it was refused."""


class News:
    """Tells of changes, and remembers of what it has told.

    Args:
        service: says what each lane is asked for.
        record: counts exchanges.
        told: sentences that the start has told of folders that are no bundles.
    """

    def __init__(self, service: Service, record: Record, told: Iterable[str] = ()) -> None:
        self._service = service
        self._record = record
        self._told = {"broken": set(told), "orphans": set(orphans(service.lanes))}

    def arrived(self, arrivals: Sequence[Lane], replaced: Mapping[str, str]) -> None:
        """Lanes that are served from now on, some of them in the place of others."""
        predecessors = {new: old for old, new in replaced.items()}
        for lane in arrivals:
            text = f"serving {lane.label}{role_of(lane, self._service)}"
            old = predecessors.get(lane.label)
            text += self._beside(lane) if old is None else f" in the place of {old}"
            log.info("%s", text)
            self._record(text, False)
        self.orphans()

    def refused(
        self, names: Mapping[str, str], reasons: Mapping[str, str], told: Collection[str] = ()
    ) -> None:
        """Bundles that failed when they were tried; who serves in their place.

        Args:
            names: of the models, by label. reasons: by label.
            told: labels of those that were tried again by themselves, and may be once more.
        """
        for label, reason in reasons.items():
            if label in told:
                continue
            same = (each for each in self._service.lanes if each.manifest.name == names[label])
            old = next(same, None)
            on = "" if old is None else f"; {old.label} serves on"
            log.error("refused: %s%s", reason, on)
            self._record(f"{label} was refused", True)

    def broken(self, sentences: Sequence[str]) -> None:
        """Folders that cannot be read as bundles."""
        for sentence in self._new("broken", sentences):
            log.error("refused: %s", sentence)

    def absent(self, stores: Iterable[Path]) -> None:
        """Stores that show none of the models that are served from them."""
        for store in self._new("absent", map(str, stores)):
            log.warning("%s shows no models any more: those that came from it are served on", store)

    def orphans(self) -> None:
        """Specialists that nobody asks."""
        for sentence in self._new("orphans", orphans(self._service.lanes)):
            log.warning("%s", sentence)

    def missing(self, labels: Iterable[str]) -> None:
        """Models that are served though their bundle is gone."""
        for label in self._new("missing", labels):
            log.warning(
                "%s stands in no store any more: it is served until eabridge models remove %s, or "
                "until the daemon ends",
                *(label, label),
            )

    def _new(self, kind: str, present: Iterable[str]) -> list[str]:
        """Those of which nothing was told since they were last away."""
        now = list(present)
        before = self._told.get(kind, set())
        self._told[kind] = set(now)
        return [each for each in now if each not in before]

    def _beside(self, lane: Lane) -> str:
        """How a version that replaces none stands to others of its name."""
        name = lane.manifest.name
        same = [each for each in self._service.lanes if each.manifest.name == name]
        if same[0] is not lane:
            return f" to those that name its version; '{name}' means {same[0].label}"
        others = ", ".join(each.label for each in same[1:])
        return f": '{name}' means it now; {others} to those that name the version" if others else ""
