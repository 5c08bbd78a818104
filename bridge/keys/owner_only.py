"""Files that their owner alone may read: made so, and refused where they are not.

POSIX says it in a file's mode. Windows says it in a list of access rights, which its own `icacls`
sets and shows; where that cannot be run, a file is written all the same and the user is told.
"""

from __future__ import annotations

import logging
import os
import re
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

_OTHERS_READ = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ICACLS_S = 20.0
_GRANT = re.compile(r"\((A|OA);[^;]*;([^;]*);[^;]*;[^;]*;([^;)]*)\)")
_EVERYBODY = {
    *("WD", "AU", "BU", "BG", "AN", "IU", "NU", "DU", "DG"),
    *("S-1-1-0", "S-1-5-11", "S-1-5-32-545", "S-1-5-32-546", "S-1-5-7", "S-1-5-4", "S-1-5-2"),
}
"""Groups that stand for others: everyone, all who are logged on, users, guests."""


class NotPrivateError(RuntimeError):
    """Others can read, or change, what they must not. The message has the command that mends it."""


def write_private(path: Path, text: str) -> None:
    """Write a new file that its owner alone can read, before a byte of `text` is in it.

    Raises:
        FileExistsError: it is there.
        NotPrivateError: the file system keeps no such rights.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", newline="\n") as file:
        try:
            _restrict(path)
            require_private(path)
            file.write(text)
        except BaseException:
            file.close()
            path.unlink()
            raise


def require_private(path: Path) -> None:
    """Refuse a file that others can read.

    Raises:
        NotPrivateError: they can.
        FileNotFoundError: it is not there.
    """
    if sys.platform == "win32":
        others = _granted_to_others(path)
        if others:
            raise NotPrivateError(
                f"others can read {path} ({', '.join(sorted(others))}), and whoever reads it can "
                f"pose as its owner: {_icacls_line(path)} mends it. If anybody may have read it, "
                "make a new pair"
            )
        return
    mode = path.stat().st_mode
    if mode & _OTHERS_READ:
        raise NotPrivateError(
            f"others can read {path} (its mode is {stat.S_IMODE(mode):03o}), and whoever reads it "
            f'can pose as its owner: chmod 600 "{path}" mends it. If anybody may have read it, '
            "make a new pair"
        )


def require_owner_writes(path: Path) -> None:
    """Refuse a file or a folder that others can change. On Windows its folder's rights are trusted.

    Raises:
        NotPrivateError: they can.
        FileNotFoundError: it is not there.
    """
    if sys.platform == "win32":
        return
    mode = path.stat().st_mode
    if mode & _OTHERS_WRITE:
        raise NotPrivateError(
            f"others can change {path} (its mode is {stat.S_IMODE(mode):03o}), and let in whom "
            f'they like: chmod go-w "{path}" mends it'
        )


def others_enter(folder: Path) -> bool:
    """Whether others get to the files in a folder: where not, their own rights are nobody's."""
    return sys.platform == "win32" or bool(folder.stat().st_mode & _OTHERS_READ)


def _restrict(path: Path) -> None:
    """Take away what a file inherited of rights for others. POSIX made it without."""
    if sys.platform == "win32":
        done = _icacls(str(path), "/inheritance:r", "/grant:r", f"{_user()}:F")
        if done is None or done.returncode:
            said = "" if done is None else f" ({(done.stderr or done.stdout).strip()})"
            log.warning(
                "icacls could not be run on %s%s: it has the rights of its folder; see that nobody "
                "else can read it",
                *(path, said),
            )


def _granted_to_others(path: Path) -> set[str]:
    """The groups that Windows lets read a file; empty where that cannot be found out."""
    path.stat()  # FileNotFoundError
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "rights"
        done = _icacls(str(path), "/save", str(saved))
        with suppress(OSError, UnicodeError):
            if done is not None and done.returncode == 0:
                return groups_granted(saved.read_text(encoding="utf-16-le"))
    log.warning("who can read %s cannot be found out: icacls could not be run", path)
    return set()


def groups_granted(rights: str) -> set[str]:
    """Of rights as `icacls /save` writes them (SDDL): the groups of others that have any."""
    return {trustee for _, _, trustee in _GRANT.findall(rights) if trustee in _EVERYBODY}


def _icacls(*arguments: str) -> subprocess.CompletedProcess[str] | None:
    """Run Windows' own `icacls`, by its whole path; None where it cannot be run."""
    system = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "icacls.exe"
    try:
        return subprocess.run(
            [str(system), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ICACLS_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _icacls_line(path: Path) -> str:
    return f'icacls "{path}" /inheritance:r /grant:r "{_user()}:F"'


def _user() -> str:
    domain, name = os.environ.get("USERDOMAIN", ""), os.environ.get("USERNAME", "")
    return f"{domain}\\{name}" if domain and name else name
