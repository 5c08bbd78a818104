"""Putting the library into a terminal, and never over a file that its user has changed.

What was written is remembered by its hashes beside the library. A file that still has the hash it
was written with is the installer's to renew or to remove; any other is the user's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath

from bridge.mt5.library import INCLUDE, MODELS, Files

RECORD = INCLUDE / "installed.json"
"""What the installer wrote, with which contents."""


class State(Enum):
    """How a file in a terminal stands to the library's."""

    MISSING = "missing"
    CURRENT = "current"
    OUTDATED = "outdated"
    CHANGED = "changed"
    """Neither the library's content nor what the installer wrote: the user's own."""
    OBSOLETE = "obsolete"
    """No part of the library any more, and as it was written."""


@dataclass(frozen=True)
class Record:
    """What was put into a terminal.

    Attributes:
        version: eabridge's.
        model: label of the one that `Default.mqh` stands for.
        files: hash of each file as it was written.
    """

    version: str = ""
    model: str = ""
    files: dict[PurePosixPath, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """What an installation did, each file by its path below `MQL5`."""

    written: list[PurePosixPath] = field(default_factory=list)
    current: list[PurePosixPath] = field(default_factory=list)
    kept: list[PurePosixPath] = field(default_factory=list)
    removed: list[PurePosixPath] = field(default_factory=list)
    backups: list[Path] = field(default_factory=list)


def read_record(mql5: Path) -> Record | None:
    """What the installer wrote there; None where it has not been, or left nothing readable."""
    try:
        content = json.loads((mql5 / RECORD).read_text(encoding="utf-8"))
        files = {PurePosixPath(path): str(value) for path, value in content["files"].items()}
        # A path that leads out of the folder is nothing that was written here.
        files = {path: value for path, value in files.items() if _leads_inside(path)}
        return Record(str(content["eabridge"]), str(content["model"]), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def compare(mql5: Path, files: Files, record: Record | None) -> dict[PurePosixPath, State]:
    """How each file of the library, and each one that was part of it, stands in this terminal.

    Models that were installed before are no part of the library and stay: an EA may include them.

    Raises:
        OSError: a file is there and cannot be read.
    """
    written = record.files if record else {}
    states = {}
    for path, content in files.items():
        found, ours = _hash_of(mql5 / path), _sha256(content)
        if found is None:
            states[path] = State.MISSING
        elif found == ours:
            states[path] = State.CURRENT
        else:
            states[path] = State.OUTDATED if found == written.get(path) else State.CHANGED
    for path in written.keys() - files.keys():
        if MODELS not in path.parents and _hash_of(mql5 / path) == written[path]:
            states[path] = State.OBSOLETE
    return states


def install(
    mql5: Path,
    files: Files,
    *,
    version: str,
    model: str,
    may_replace: Callable[[Path], bool],
) -> Outcome:
    """Bring a terminal's library up to date.

    Args:
        mql5: the terminal's `MQL5` folder.
        files: the library's.
        version: eabridge's, to be remembered. model: the label of the model in `files`, likewise.
        may_replace: asked for each file that the user has changed; what is replaced is kept beside
            the new one as `.bak`.

    Raises:
        OSError: a file cannot be read or written. What was written until then is remembered.
    """
    record = read_record(mql5)
    states = compare(mql5, files, record)
    before = record.files if record else {}
    written = {p: h for p, h in before.items() if p in states or MODELS in p.parents}
    outcome = Outcome()
    try:
        for path, state in sorted(states.items()):
            place = mql5 / path
            if state is State.CURRENT:
                outcome.current.append(path)
            elif state is State.OBSOLETE:
                place.unlink()
                _remove_empty_folders(place.parent, mql5 / INCLUDE)
                outcome.removed.append(path)
                del written[path]
                continue
            elif state is State.CHANGED and not may_replace(place):
                outcome.kept.append(path)
                continue
            else:
                if state is State.CHANGED:
                    outcome.backups.append(_set_aside(place))
                _write(place, files[path])
                outcome.written.append(path)
            written[path] = _sha256(files[path])
    finally:
        _write(mql5 / RECORD, _record_text(Record(version, model, written)).encode())
    return outcome


def _record_text(record: Record) -> str:
    files = {str(path): value for path, value in sorted(record.files.items())}
    content = {"eabridge": record.version, "model": record.model, "files": files}
    return json.dumps(content, indent=2) + "\n"


def _leads_inside(path: PurePosixPath) -> bool:
    return not path.is_absolute() and ".." not in path.parts and ":" not in str(path)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, through a link where there is one."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _set_aside(path: Path) -> Path:
    """Keep a user's file under a name that is free."""
    number, backup = 1, path.with_name(f"{path.name}.bak")
    while backup.exists():
        number += 1
        backup = path.with_name(f"{path.name}.bak{number}")
    return path.rename(backup)


def _remove_empty_folders(folder: Path, last: Path) -> None:
    while folder != last and last in folder.parents and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _hash_of(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none."""
    try:
        return _sha256(path.read_bytes())
    except FileNotFoundError:
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
