"""Stores: folders of bundles. The one that ships, and those a user names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bridge.bundles.bundle import GRAPH_FILE, Bundle, open_bundle
from bridge.bundles.manifest import MANIFEST_FILE, BundleError, Manifest

_PACKAGE = Path(__file__).resolve().parent.parent
_LOCAL = Path("models")

SHIPPED_MODEL = "fx-h1"


def default_model(manifests: Sequence[Manifest]) -> str:
    """Of the models there are, the one meant when none is named: the shipped one, or the first.

    A specialist is that only where there is nothing else: it answers for its own symbols.
    """
    names = [each.name for each in sorted(manifests, key=lambda each: each.is_specialist)]
    return SHIPPED_MODEL if SHIPPED_MODEL in names or not names else names[0]


def shipped_store() -> Path:
    """The store that ships with eabridge: inside an installed wheel, beside it in a checkout."""
    installed = _PACKAGE / "_models"
    return installed if installed.is_dir() else _PACKAGE.parent / "models"


def default_stores() -> list[Path]:
    """`./models`, where training writes, if there is one; then the shipped store."""
    local, shipped = _LOCAL.resolve(), shipped_store()
    return [local, shipped] if local.is_dir() and local != shipped else [shipped]


def list_bundles(stores: Sequence[Path]) -> tuple[list[Bundle], list[BundleError]]:
    """Every bundle of the stores, in their order, and an error for each bundle or store refused.

    A name that stands in two stores is found in the first, and of two versions in one store the
    one exported last; the same version twice is one.
    """
    bundles: list[Bundle] = []
    refused: list[BundleError] = []
    labels: set[str] = set()
    for store in stores:
        whole: list[Bundle] = []
        try:
            folders = _visible(store)
        except OSError as error:
            refused.append(BundleError(f"store {store}: {error}"))
            continue
        for folder in folders:
            try:
                if _is_meant_as_bundle(folder):
                    whole.append(open_bundle(folder))
            except BundleError as error:
                refused.append(error)
        for bundle in _latest_first(whole):
            if (label := bundle.manifest.label) not in labels:
                labels.add(label)
                bundles.append(bundle)
    return bundles, refused


def _latest_first(bundles: Sequence[Bundle]) -> list[Bundle]:
    """Of each name the version exported last first; the names in their order.

    A version put beside another one so takes over its name, in a daemon that runs as in one that
    starts, and the other is still there for whoever names it.
    """
    names = list(dict.fromkeys(bundle.manifest.name for bundle in bundles))
    return sorted(
        bundles, key=lambda bundle: (names.index(bundle.manifest.name), -_exported_at(bundle))
    )


def _exported_at(bundle: Bundle) -> float:
    """When its manifest was written; copying a bundle keeps that, or makes it later."""
    try:
        return (bundle.path / MANIFEST_FILE).stat().st_mtime
    except OSError:  # it is just being replaced
        return 0.0


def _visible(store: Path) -> list[Path]:
    """What stands in a store, drafts aside."""
    if not store.is_dir():
        return []
    return [folder for folder in sorted(store.iterdir()) if not folder.name.startswith(".")]


def _is_meant_as_bundle(folder: Path) -> bool:
    try:
        return (folder / MANIFEST_FILE).is_file() or (folder / GRAPH_FILE).is_file()
    except OSError as error:
        raise BundleError(f"bundle {folder}: {error}") from error


def find_bundle(model: str, stores: Sequence[Path]) -> Bundle:
    """The bundle called `name` or `name@version`, or in the folder `model`.

    Raises:
        BundleError: there is none; the message lists those there are, and those refused.
    """
    return in_folder(model) or find_among(model, stores, list_bundles(stores))


def in_folder(model: str) -> Bundle | None:
    """The bundle in the folder `model`; None where that is no bundle's folder.

    Raises:
        BundleError: it is one, and cannot be used.
    """
    folder = Path(model)
    with suppress(OSError):  # a name that no folder can have
        if (folder / MANIFEST_FILE).is_file():
            return open_bundle(folder)
    return None


def find_among(
    model: str, stores: Sequence[Path], listed: tuple[list[Bundle], list[BundleError]]
) -> Bundle:
    """The bundle called `name` or `name@version` among what `list_bundles` found in `stores`.

    Raises:
        BundleError: there is none; the message lists those there are, and those refused.
    """
    bundles, refused = listed
    for bundle in bundles:
        if model in (bundle.manifest.name, bundle.manifest.label):
            return bundle
    known = ", ".join(bundle.manifest.label for bundle in bundles) or "none"
    where = ", ".join(str(store) for store in stores)
    damage = "".join(f"; refused: {error}" for error in refused)
    raise BundleError(f"there is no model '{model}' in {where}; there are: {known}{damage}")
