"""Reading what stands in a bundle's folder, whoever put it there.

A name is opened only where it is a plain file inside the folder: no link that leads out, no pipe
that never ends, no device. What is read is bounded before it is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bridge.bundles.manifest import BundleError

MOST_MANIFEST_BYTES = 1 << 20
"""Those of this project have a tenth of it, scores and all."""
MOST_FILE_BYTES = 16 << 30
"""The largest GPT-2 has 6 GB; verifying a file that only claims its length would take hours."""
MOST_GRAPH_BYTES = (2 << 30) - 1
"""What protobuf, and so ONNX, allows for one message."""

_BLOCK = 1 << 20
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_text(folder: Path, name: str) -> str:
    """A small text of a bundle: its manifest.

    Raises:
        BundleError: no plain file of the folder, longer than any manifest, or not UTF-8.
        OSError: it cannot be read.
    """
    with opened(folder, name) as file:
        content = file.read(MOST_MANIFEST_BYTES + 1)
    if len(content) > MOST_MANIFEST_BYTES:
        raise BundleError(f"{name} is longer than {MOST_MANIFEST_BYTES:,} bytes: no manifest is")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{name} is not UTF-8 text ({error})") from error


def read_verified(folder: Path, name: str, expected: str) -> bytes:
    """A file's bytes, once their SHA-256 is the one expected: what is used is what was checked.

    Raises:
        BundleError: no plain file of the folder, another content, or more than a graph may have.
        OSError: it cannot be read.
    """
    with opened(folder, name) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MOST_GRAPH_BYTES:
            raise BundleError(
                f"{name} has {size:,} bytes and a graph may have {MOST_GRAPH_BYTES:,}: export a "
                "smaller model"
            )
        content = file.read(size + 1)
    require_hash(name, hashlib.sha256(content).hexdigest(), expected)
    return content


def sha256(folder: Path, name: str) -> str:
    """The SHA-256 of a file of a folder, as hexadecimal digits.

    Raises:
        BundleError: no plain file of the folder, or longer than any model's.
        OSError: it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with opened(folder, name) as file:
        size = os.fstat(file.fileno()).st_size
        while size <= MOST_FILE_BYTES and (block := file.read(_BLOCK)):
            digest.update(block)
            size = max(size, file.tell())  # it may grow meanwhile
    if size > MOST_FILE_BYTES:
        raise BundleError(f"{name} is longer than {MOST_FILE_BYTES >> 30} GiB: no model is")
    return digest.hexdigest()


def require_hash(name: str, found: str, expected: str) -> None:
    """Raise BundleError where a file's SHA-256 is another than its manifest says."""
    if found != expected:
        raise BundleError(
            f"{name} is not the file that was exported (its SHA-256 begins {found[:12]}, not "
            f"{expected[:12]}): copy the bundle again from where it was made"
        )


@contextmanager
def opened(folder: Path, name: str) -> Iterator[BinaryIO]:
    """A plain file of a folder, to be read.

    Raises:
        BundleError: it is a link that leads out of the folder, or no plain file.
        OSError: it is missing, or cannot be read.
    """
    path = folder / name
    try:
        real = path.resolve()
        if not real.is_relative_to(folder.resolve()):
            raise BundleError(
                f"{name} is a link that leads out of the bundle, to {real}: put the file itself "
                "there"
            )
    except RuntimeError as error:  # a link to itself, as older Pythons tell it
        raise BundleError(f"{name} is a link that leads nowhere: put the file there") from error
    _require_plain(name, path.stat().st_mode)  # before it is opened: a pipe would wait for a writer
    with path.open("rb") as file:
        _require_plain(name, os.fstat(file.fileno()).st_mode)
        yield file


def _require_plain(name: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((kind for is_one, kind in _KINDS if is_one(mode)), "something else")
        raise BundleError(f"{name} is {kind} where a plain file should be: put the file there")
