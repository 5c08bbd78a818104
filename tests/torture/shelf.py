"""What stands in the daemon's store, and so which version may answer what, at any moment.

An era is a time in which that does not change. While a version takes the place of another, both may
answer; from the moment when the daemon has said that the new one is served, only the new one may.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf

from bridge.bundles import Specialists
from tests.torture.wardrobe import Piece, Wardrobe


@dataclass(frozen=True)
class Era:
    """A stretch of time (`monotonic`), and what is so in it.

    Attributes:
        sure: the versions that are served. maybe: those that may be served beside them.
        defaults: names of the models that a request may mean that names none.
    """

    since: float
    until: float
    sure: frozenset[str]
    maybe: frozenset[str]
    defaults: frozenset[str]


@dataclass(frozen=True)
class Answering:
    """Who may answer a request: labels, and whether the daemon may know no such model."""

    labels: frozenset[str]
    may_be_unknown: bool


class Shelf:
    """The eras so far. Thread-safe; one thread alone changes it.

    Args:
        wardrobe: all versions. standing: labels of those that the store holds at the start.
        default: the name of the model that answers where none is named.
    """

    def __init__(self, wardrobe: Wardrobe, standing: Iterable[str], default: str) -> None:
        self._pieces = wardrobe.by_label
        self._names = set(wardrobe.questions)
        self._lock = threading.Lock()
        first = Era(-inf, inf, frozenset(standing), frozenset(), frozenset([default]))
        self._eras = [first]
        self._found: dict[tuple[float, str, str], Answering] = {}

    @property
    def sure(self) -> frozenset[str]:
        """The labels that are certainly served now."""
        return self._eras[-1].sure

    def standing(self, name: str) -> str:
        """The one version of a model that is certainly served now."""
        (label,) = [each for each in self.sure if self._pieces[each].name == name]
        return label

    def exchanging(self, old: Iterable[str], new: Iterable[str]) -> None:
        """From now on `new` may be served, and `old` perhaps not any more."""
        now = self._eras[-1]
        either = frozenset(old) | frozenset(new)
        self._begin(replace(now, sure=now.sure - either, maybe=now.maybe | either))

    def exchanged(self, old: Iterable[str], new: Iterable[str]) -> None:
        """From now on `new` is served and `old` is not."""
        now = self._eras[-1]
        gone, come = frozenset(old), frozenset(new)
        sure = (now.sure - gone) | come
        self._begin(replace(now, sure=sure, maybe=now.maybe - gone - come))

    def changing_default(self, name: str) -> None:
        """From now on this model may be meant where none is named."""
        now = self._eras[-1]
        self._begin(replace(now, defaults=now.defaults | {name}))

    def changed_default(self, name: str) -> None:
        """From now on this model is meant where none is named."""
        self._begin(replace(self._eras[-1], defaults=frozenset([name])))

    def answering(self, model: str | None, symbol: str, since: float, until: float) -> Answering:
        """Who may answer a request that was on its way from `since` to `until`.

        Args:
            model: as it was asked: a name, a label, or None.
        """
        labels: set[str] = set()
        may_be_unknown = False
        for era in self._during(since, until):
            for name in era.defaults if model is None else [model]:
                found = self._in_era(era, name, symbol)
                labels |= found.labels
                may_be_unknown |= found.may_be_unknown
        return Answering(frozenset(labels), may_be_unknown)

    def may_be_served(self, label: str, since: float, until: float) -> bool:
        return any(label in era.sure | era.maybe for era in self._during(since, until))

    def _in_era(self, era: Era, model: str, symbol: str) -> Answering:
        key = (era.since, model, symbol)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._find(era, model, symbol)
        return found

    def _find(self, era: Era, model: str, symbol: str) -> Answering:
        either = era.sure | era.maybe
        if model not in self._names:  # a label, or what nobody is called
            return Answering(frozenset([model]) & either, model not in era.sure)
        found: set[str] = set()
        bases = [label for label in either if self._pieces[label].name == model]
        for base in bases:
            surely = self._routed(base, symbol, era.sure)
            found.add(surely)
            if surely == base:  # unless a specialist answers that may be there
                found.add(self._routed(base, symbol, either))
        return Answering(frozenset(found), not any(base in era.sure for base in bases))

    def _routed(self, base: str, symbol: str, served: Iterable[str]) -> str:
        bundles = [self._pieces[label].bundle for label in served]
        return Specialists(self._pieces[base].bundle, bundles).answering(symbol).manifest.label

    def _during(self, since: float, until: float) -> Sequence[Era]:
        with self._lock:
            latest = self._eras[-1]
            if latest.since < since:
                return [latest]
            return [era for era in self._eras if era.since <= until and since <= era.until]

    def _begin(self, era: Era) -> None:
        with self._lock:
            now = time.monotonic()
            self._eras[-1] = replace(self._eras[-1], until=now)
            self._eras.append(replace(era, since=now, until=inf))


def labels(pieces: Iterable[Piece]) -> list[str]:
    return [piece.label for piece in pieces]
