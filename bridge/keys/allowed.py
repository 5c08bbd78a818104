"""The list of those who may connect: a folder with a public key in each file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bridge.keys.files import (
    DAEMON,
    PUBLIC,
    KeysError,
    pairs,
    public_in,
    read_public,
    require_name,
    write_public,
)
from bridge.keys.owner_only import NotPrivateError, others_enter, require_owner_writes

_ALLOWED = "allowed"


def allowed_folder(folder: Path) -> Path:
    """Where the public keys of those who may connect are kept, one file each."""
    return folder / _ALLOWED


def allow(folder: Path, name: str, given: str | Path) -> Path:
    """Let a client connect from now on; the file that says so.

    Args:
        folder: of the daemon's keys.
        name: what to call the client.
        given: its public key, or a file with it.

    Raises:
        KeysError: no name, no public key, the daemon's own, or one that is allowed already.
        OSError: the folder cannot be written.
    """
    require_name(name)
    public = read_public(given)
    for path, pair in pairs(folder):
        if public == pair.secret:
            raise KeysError(
                f"this is the secret key of {path}: take it back from wherever it was shown, and "
                f"give the public one, in {path.with_suffix(PUBLIC).name}"
            )
        if public == pair.public and path.stem == DAEMON:
            raise KeysError(
                "this is the daemon's own public key, which its clients have: give the client's, "
                "which eabridge keys new makes on the client's machine"
            )
    listed, _ = read_allowed(folder)
    for other, key in listed.items():
        if key == public and other != name:
            raise KeysError(f"this key is allowed already, as {other}")
    path = allowed_folder(folder) / f"{name}{PUBLIC}"
    if listed.get(name) == public:
        return path
    if path.exists():
        raise KeysError(
            f"{name} is allowed already, with another key: give another name, or first "
            f"eabridge keys revoke {name}"
        )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")  # a daemon that reads now finds the whole file or none
    write_public(draft, name, public)
    draft.replace(path)
    return path


def revoke(folder: Path, name: str) -> None:
    """Refuse a client's connections from now on.

    Raises:
        KeysError: nobody of that name is allowed.
    """
    require_name(name)
    try:
        (allowed_folder(folder) / f"{name}{PUBLIC}").unlink()
    except FileNotFoundError:
        known = ", ".join(read_allowed(folder)[0]) or "nobody"
        raise KeysError(f"{name} was not allowed: there is {known}") from None


def read_allowed(folder: Path) -> tuple[Mapping[str, str], list[str]]:
    """Who may connect: public keys by name, and what is wrong with the files that were left out."""
    allowed: dict[str, str] = {}
    problems: list[str] = []
    place = allowed_folder(folder)
    if not place.is_dir():
        return allowed, problems
    try:
        require_owner_writes(place)
        others_get_there = others_enter(place)
        paths = sorted(place.glob(f"*{PUBLIC}"))
    except (NotPrivateError, OSError) as error:
        return allowed, [str(error)]
    for path in paths:
        try:
            if others_get_there:
                require_owner_writes(path)
            allowed[path.stem] = public_in(path)
        except FileNotFoundError:
            continue  # revoked this moment
        except (KeysError, NotPrivateError, OSError) as error:
            problems.append(str(error))
    return allowed, problems


def allowed_stamp(folder: Path) -> object:
    """A value that changes when the list of those who may connect does."""
    place = allowed_folder(folder)
    stamp = []
    with suppress(OSError):
        for path in (place, *sorted(place.iterdir())):
            with suppress(OSError):
                state = path.stat()
                stamp.append((path.name, state.st_mtime_ns, state.st_ctime_ns, state.st_size))
    return stamp
