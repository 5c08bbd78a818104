"""The files that an installed library consists of, wherever they come from."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from bridge.bundles import Bundle
from bridge.mt5.embedded import embedded_files

INCLUDE = PurePosixPath("Include/EABridge")
MODELS = INCLUDE / "Models"
_KINDS = ("Include", "Experts", "Scripts")
_SOURCES = (".mqh", ".mq5")
_PACKAGE = Path(__file__).resolve().parent.parent

Files = Mapping[PurePosixPath, bytes]
"""Contents by path below `MQL5`, written with forward slashes on every system."""


def shipped_library() -> Path:
    """The library that ships with eabridge: inside an installed wheel, beside it in a checkout."""
    installed = _PACKAGE / "_mql5"
    return installed if installed.is_dir() else _PACKAGE.parent / "mql5"


def library_files(library: Path) -> Files:
    """The library's sources, as a terminal gets them.

    Raises:
        OSError: they are not there, or cannot be read.
    """
    files = {}
    for kind in _KINDS:
        for path in sorted((library / kind).rglob("*")):
            place = PurePosixPath(path.relative_to(library).as_posix())
            if path.suffix in _SOURCES and MODELS not in place.parents:
                files[place] = path.read_bytes()
    if not files:
        raise FileNotFoundError(errno.ENOENT, "there is no MQL5 library here", str(library))
    return files


def model_files(bundle: Bundle, loaded: Iterable[Bundle] = ()) -> Files:
    """The files of a model inside the terminal, with those of `loaded` that are its specialists.

    Raises:
        EmbeddingError: MQL5 cannot take this bundle, or a specialist of it.
    """
    return {MODELS / name: content for name, content in embedded_files(bundle, loaded).items()}
