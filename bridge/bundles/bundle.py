"""One bundle on disk: opened only when every byte is what its manifest says, written whole."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.bundles.manifest import MANIFEST_FILE, BundleError, Manifest, is_plain_file_name

GRAPH_FILE = "model.onnx"
WEIGHTS_FILE = "model.safetensors"
RECIPE_FILE = "recipe.toml"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: its folder and its manifest."""

    path: Path
    manifest: Manifest

    @property
    def graph(self) -> Path:
        """The ONNX graph."""
        return self.path / GRAPH_FILE


def open_bundle(path: Path) -> Bundle:
    """Read a bundle's manifest and verify every file against its hash.

    Raises:
        BundleError: naming the bundle and the file at fault.
    """
    try:
        manifest = Manifest.from_json(_read_text(path / MANIFEST_FILE))
        if manifest.runtime == "onnx" and GRAPH_FILE not in manifest.files:
            raise BundleError(f"{MANIFEST_FILE} lists no {GRAPH_FILE}")
        for name, expected in manifest.files.items():
            found = _sha256(path / name)
            if found != expected:
                raise BundleError(
                    f"{name} is not the file that was exported (its SHA-256 begins {found[:12]}, "
                    f"not {expected[:12]}): copy the bundle again from where it was made"
                )
    except FileNotFoundError as error:
        missing = Path(error.filename or path).name
        raise BundleError(f"bundle {path}: {missing} is missing") from error
    except (BundleError, OSError) as error:
        raise BundleError(f"bundle {path}: {error}") from error
    return Bundle(path, manifest)


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
        hashes = {name: _sha256(draft / name) for name in sorted(files)}
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
    hashes = {name: _sha256(folder / name) for name in sorted(names)}
    draft = folder / f".{MANIFEST_FILE}"
    text = replace(manifest, files=hashes).to_json()
    draft.write_text(text, encoding="utf-8", newline="\n")
    draft.replace(folder / MANIFEST_FILE)
    return open_bundle(folder)


def _exchange(folder: Path, draft: Path, aside: Path) -> None:
    """Put `draft` in the place of `folder`; on failure, what stood there stands again."""
    if not folder.exists():
        draft.replace(folder)
        return
    folder.replace(aside)
    try:
        draft.replace(folder)
    except BaseException:
        aside.replace(folder)
        raise


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{path.name} is not UTF-8 text ({error})") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()
