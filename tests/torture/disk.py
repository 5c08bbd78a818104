"""The small disk that a daemon's files are on, and how it runs full for the daemon alone."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psutil

from tests.torture.subject import Subject

SIZE = "6m"
"""The daemon's log, and its cache file with SQLite's own beside it, fit with some room to spare."""


class Disk(Protocol):
    """A folder, and a way to leave it no space.

    Attributes:
        folder: on it. how: it runs full, for a person; or why it does not. can_fill: whether.
    """

    folder: Path
    how: str
    can_fill: bool

    def fill(self, subject: Subject) -> None:
        """From now on nothing can be written there."""
        ...

    def free(self, subject: Subject) -> None:
        """There is space again."""
        ...


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A real one where this process may mount it; else a limit to files; else one of any size."""
    folder.mkdir()
    if _mounted(folder):
        try:
            yield Mounted(folder)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)
    elif hasattr(psutil.Process, "rlimit"):
        yield Limited(folder)
    else:
        yield Endless(folder)


class Mounted:
    """A tmpfs, filled by a file of ours."""

    can_fill = True
    how = f"a tmpfs of {SIZE}, filled by another's file"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, subject: Subject) -> None:
        with self._ballast.open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while ballast.write(bytes(size)) == size:
                        pass

    def free(self, subject: Subject) -> None:
        self._ballast.unlink(missing_ok=True)
        _clear(self.folder)


class Limited:
    """Any disk; the daemon's files must not grow (RLIMIT_FSIZE), nor those of the next daemons."""

    can_fill = True
    how = "a limit to the size of the daemon's files (no tmpfs can be mounted here)"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, subject: Subject) -> None:
        self._limit(subject, 4096)

    def free(self, subject: Subject) -> None:
        self._limit(subject, psutil.RLIM_INFINITY)
        _clear(self.folder)

    def _limit(self, subject: Subject, most: int) -> None:
        for process in (subject.supervisor, subject.daemon):
            with contextlib.suppress(psutil.Error):
                if process is not None:
                    _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
                    process.rlimit(psutil.RLIMIT_FSIZE, (most, hard))


class Endless:
    """Any disk, left alone."""

    can_fill = False
    how = "not at all: this system neither mounts a small disk here nor limits files"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, subject: Subject) -> None:
        pass

    def free(self, subject: Subject) -> None:
        _clear(self.folder)


def _clear(folder: Path) -> None:
    """What a person would delete."""
    for aside in folder.glob("*.damaged-*"):
        aside.unlink(missing_ok=True)


def _mounted(folder: Path) -> bool:
    if os.name != "posix":
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False
