"""Which models are served after a look at the stores, and in what order: no files here, no loop.

What a store holds is served as a daemon that starts now would serve it. What no store holds any
more is kept: a network drive that goes away takes no model with it. Only a version whose own folder
now holds another version of the same name has been replaced, and leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.bundles import Bundle


@dataclass(frozen=True)
class Succession:
    """What is to be served.

    Attributes:
        order: labels; of two with one name, the name alone means the first.
        replaced: the label of each that leaves, and of the one that takes its place.
        missing: labels that stay though no store holds them.
    """

    order: tuple[str, ...]
    replaced: Mapping[str, str]
    missing: tuple[str, ...]


def succeed(
    served: Sequence[Bundle],
    found: Sequence[Bundle],
    ready: Collection[str],
    stores: Sequence[Path],
    keep: str = "",
) -> Succession:
    """Work out who follows whom.

    Args:
        served: in order, each with the folder where it was last seen.
        found: what the stores hold, in the order in which a start would serve it.
        ready: labels of those in `found` that are loaded and not yet served.
        stores: in order: a name that stands in two is found in the first.
        keep: a label that leaves in no case.
    """
    places = {bundle.manifest.label: place for place, bundle in enumerate(served)}
    order = [
        bundle
        for bundle in found
        if bundle.manifest.label in places or bundle.manifest.label in ready
    ]
    standing = {bundle.path: bundle for bundle in order}
    listed = {bundle.manifest.label for bundle in order}
    replaced: dict[str, str] = {}
    missing: list[str] = []
    for old in served:
        label = old.manifest.label
        if label in listed:
            continue
        new = standing.get(old.path)
        if new is not None and new.manifest.name == old.manifest.name and label != keep:
            replaced[label] = new.manifest.label
            continue
        missing.append(label)
        order.insert(_place(old, order, places, stores), old)
    return Succession(tuple(bundle.manifest.label for bundle in order), replaced, tuple(missing))


def _place(
    kept: Bundle, order: Sequence[Bundle], places: Mapping[str, int], stores: Sequence[Path]
) -> int:
    """Where a model that no store holds stands among those of its name.

    Before those that stood behind it, and behind what arrived in its store or in one before.
    """
    own_place = places[kept.manifest.label]
    for index, other in enumerate(order):
        if other.manifest.name != kept.manifest.name:
            continue
        place = places.get(other.manifest.label)
        is_behind = (
            _store_of(other, stores) > _store_of(kept, stores)
            if place is None
            else place > own_place
        )
        if is_behind:
            return index
    return len(order)


def _store_of(bundle: Bundle, stores: Sequence[Path]) -> int:
    parent = bundle.path.parent
    return next((rank for rank, store in enumerate(stores) if store == parent), len(stores))


def absent_stores(
    stores: Iterable[Path], found: Iterable[Bundle], served: Iterable[Bundle]
) -> list[Path]:
    """The stores that models are served from and that show none: a drive that is not there.

    An unmounted drive may leave an empty folder behind.
    """
    present = {bundle.path.parent for bundle in found}
    used = {bundle.path.parent for bundle in served}
    return [store for store in stores if store in used and store not in present]
