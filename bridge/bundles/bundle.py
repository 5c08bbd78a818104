"""One bundle on disk: opened only when every byte is what its manifest says, written whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep

from bridge.bundles.files import read_text, read_verified, require_hash, sha256
from bridge.bundles.manifest import MANIFEST_FILE, BundleError, Manifest, is_plain_file_name

GRAPH_FILE = "model.onnx"
WEIGHTS_FILE = "model.safetensors"
RECIPE_FILE = "recipe.toml"

_LOCKED_S, _AGAIN_S = 5.0, 0.05


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: its folder and its manifest."""

    path: Path
    manifest: Manifest

    @property
    def graph(self) -> Path:
        """The ONNX graph."""
        return self.path / GRAPH_FILE

    def read(self, name: str) -> bytes:
        """The bytes of one of its files, verified as they are read.

        Whoever loads these, and not the file, loads what was verified, even where the folder
        changes meanwhile.

        Raises:
            BundleError: naming the bundle: the file has changed, or cannot be read.
        """
        with _naming(self.path):
            return read_verified(self.path, name, self.manifest.files[name])

    def verify(self) -> None:
        """Hold every file against its hash.

        Again after a library has read them by their paths: they are still what they were.

        Raises:
            BundleError: naming the bundle and the file at fault.
        """
        with _naming(self.path):
            for name, expected in self.manifest.files.items():
                require_hash(name, sha256(self.path, name), expected)


def open_bundle(path: Path) -> Bundle:
    """Read a bundle's manifest and verify every file against its hash.

    Raises:
        BundleError: naming the bundle and the file at fault.
    """
    with _naming(path):
        manifest = Manifest.from_json(read_text(path, MANIFEST_FILE))
        if manifest.runtime == "onnx" and GRAPH_FILE not in manifest.files:
            raise BundleError(f"{MANIFEST_FILE} lists no {GRAPH_FILE}")
    bundle = Bundle(path, manifest)
    bundle.verify()
    return bundle


def write_bundle(
    folder: Path, manifest: Manifest, files: Mapping[str, Path], *, replace_existing: bool = False
) -> Bundle:
    """Write a bundle whole or not at all, and read it back verified.

    A bundle that is replaced stands until the new one is complete, and again if that fails.

    Args:
        folder: where it will stand; must not exist unless `replace_existing`.
        manifest: without `files`, which is filled in here.
        files: name in the bundle to the file to copy.

    Raises:
        BundleError: the folder exists, or what was written could not be opened again.
        OSError: a file cannot be read or written; nothing half-written remains.
    """
    if folder.exists() and not replace_existing:
        raise BundleError(f"{folder} exists already: bundles are not changed once written")
    for name in files:
        if not is_plain_file_name(name):
            raise BundleError(f"{name!r} cannot stand in a bundle: it takes plain file names")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    draft, aside = scratch / "new", scratch / "old"
    try:
        draft.mkdir()
        for name, source in files.items():
            shutil.copyfile(source, draft / name)
        hashes = {name: sha256(draft, name) for name in sorted(files)}
        complete = replace(manifest, files=hashes)
        (draft / MANIFEST_FILE).write_text(complete.to_json(), encoding="utf-8", newline="\n")
        open_bundle(draft)
        _exchange(folder, draft, aside)
    finally:
        if folder.exists() or not aside.exists():  # else the old bundle stands there alone
            shutil.rmtree(scratch, ignore_errors=True)
    return open_bundle(folder)


def seal_folder(folder: Path, manifest: Manifest, names: Iterable[str]) -> Bundle:
    """Make a bundle of a folder as it stands: write the manifest of these files into it.

    A run's folder becomes one so; whatever else lies in it is no part of the bundle.

    Args:
        folder: holds the files. manifest: without `files`, which is filled in here.
        names: the files that belong to the bundle.

    Raises:
        BundleError: what was written could not be opened again.
        OSError: a file cannot be read or written.
    """
    hashes = {name: sha256(folder, name) for name in sorted(names)}
    draft = folder / f".{MANIFEST_FILE}"
    text = replace(manifest, files=hashes).to_json()
    draft.write_text(text, encoding="utf-8", newline="\n")
    _move(draft, folder / MANIFEST_FILE)
    return open_bundle(folder)


def _exchange(folder: Path, draft: Path, aside: Path) -> None:
    """Put `draft` in the place of `folder`; on failure, what stood there stands again."""
    if not folder.exists():
        _move(draft, folder)
        return
    _move(folder, aside)
    try:
        _move(draft, folder)
    except BaseException:
        _move(aside, folder)
        raise


def _move(source: Path, target: Path) -> None:
    """Rename. Windows refuses that while anybody, a scanner or a daemon, reads what is in there."""
    until = monotonic() + _LOCKED_S
    while True:
        try:
            source.replace(target)
            return
        except PermissionError:
            if monotonic() > until:
                raise
            sleep(_AGAIN_S)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Failures to read a bundle, told with its folder."""
    try:
        yield
    except FileNotFoundError as error:
        missing = Path(error.filename or path).name
        what = "" if missing == MANIFEST_FILE else ": copy the whole folder again"
        raise BundleError(f"bundle {path}: {missing} is missing{what}") from error
    except (BundleError, OSError) as error:
        raise BundleError(f"bundle {path}: {error}") from error
