"""Which bundle answers for a symbol: a base by its bare name, or its specialist for that symbol.

The daemon, the forecast made in this process, the book, the evaluation and the model inside the
terminal all ask here (the terminal in MQL5, by the same rules), so that one question has one
answer everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from bridge.bundles.bundle import Bundle
from bridge.bundles.manifest import Manifest
from bridge.bundles.store import find_among, in_folder, list_bundles

_ALIKE = ("inputs", "context", "horizon", "levels", "tf")


class _HasManifest(Protocol):
    @property
    def manifest(self) -> Manifest: ...


Routed = TypeVar("Routed", bound=_HasManifest)
"""Whatever stands for a bundle: the bundle itself, a lane."""


class Specialists(Generic[Routed]):
    """A base, and those of the loaded bundles that answer in its place for their symbols.

    Args:
        base: what is asked by its bare name: its specialists are of this very version of it.
        loaded: in order, the base among them or not; of two for one symbol the first answers.
    """

    def __init__(self, base: Routed, loaded: Iterable[Routed]) -> None:
        self.base = base
        label = base.manifest.label
        self.of = tuple(
            each
            for each in loaded
            if each.manifest.is_specialist
            and each.manifest.base == label
            and answers_alike(each.manifest, base.manifest)
        )
        by_symbol: dict[str, Routed] = {}
        for each in self.of:
            for symbol in each.manifest.symbols:
                by_symbol.setdefault(symbol, each)
        # The longest first: of EURUSD and EURUSD.r, the latter is meant by its own name.
        self.by_symbol = dict(sorted(by_symbol.items(), key=lambda entry: -len(entry[0])))

    def answering(self, symbol: str) -> Routed:
        """The specialist for a symbol as a broker writes it; the base where there is none."""
        for known, specialist in self.by_symbol.items():
            if is_written_for(symbol, known):
                return specialist
        return self.base


def answers_alike(manifest: Manifest, base: Manifest) -> bool:
    """Whether a model reads and answers what a base does, so that nobody minds which one answers.

    A specialist that was trained to other shapes is asked by its own name.
    """
    return all(getattr(manifest, name) == getattr(base, name) for name in _ALIKE)


def is_written_for(symbol: str, known: str) -> bool:
    """Whether a broker may write `known` as `symbol`.

    Equal but for case; or with lower-case letters glued on (EURGBPm, mEURGBP), or anything before
    or behind a mark (EURGBP.r, EURGBPm_i, #EURGBP, FX.EURGBP). A capital, a digit or a slash makes
    another instrument: BTCUSDT is not BTCUSD, nor is ETH/BTC BTC. The same rule stands in
    `mql5/Include/EABridge/Symbols.mqh`.
    """
    if symbol.upper() == known.upper():
        return True
    start = symbol.find(known) if known else -1
    while start >= 0:
        if _is_affix(symbol[:start][::-1]) and _is_affix(symbol[start + len(known) :]):
            return True
        start = symbol.find(known, start + 1)
    return False


def _is_affix(text: str) -> bool:
    """Whether this, read away from a symbol, may stand beside it."""
    return re.fullmatch(r"[a-z]*([^A-Za-z0-9/].*)?", text, re.DOTALL) is not None


def find_routed(model: str, symbol: str, stores: Sequence[Path]) -> Bundle:
    """The bundle that a daemon over these stores answers with, asked for `model` and `symbol`.

    A bare name is routed; `name@version` and a folder mean exactly that bundle.

    Raises:
        BundleError: there is no such model.
    """
    in_place = in_folder(model)
    if in_place is not None:
        return in_place
    listed = list_bundles(stores)
    bundle = find_among(model, stores, listed)
    is_bare = model == bundle.manifest.name
    return Specialists(bundle, listed[0]).answering(symbol) if is_bare else bundle
