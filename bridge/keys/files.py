"""Pairs of keys in text files: made, read, and every way in which they cannot be used told."""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import zmq
from zmq.utils import z85

from bridge.keys.owner_only import NotPrivateError, require_private, write_private

KEY_LETTERS = 40
DAEMON = "daemon"
"""The name of the daemon's own pair."""

SECRET, PUBLIC = ".secret", ".public"
_Z85 = re.compile(r"[0-9A-Za-z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_EASY = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:+/-]{39}")
"""Public keys that no shell reads anything into, and that no command takes for an option."""
_EASY_TRIES = 200_000  # one in 11,000 is
_FIELD = re.compile(r'\s*(name|public|secret)\s*=\s*"([^"]*)"\s*')
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789"),
}
_MOST_BYTES = 4096  # of a file of keys


class KeysError(ValueError):
    """A key, or a file of keys, that cannot be used. The message says what to do."""


@dataclass(frozen=True)
class KeyPair:
    """A CURVE pair. Whoever has `secret` can pose as its owner: it is shown nowhere."""

    public: str
    secret: str = field(repr=False)


def default_folder() -> Path:
    """Where `eabridge keys` keeps keys: in the user's own folder for settings."""
    home = Path.home()
    if sys.platform == "win32":
        base = os.environ.get("APPDATA")
        settings = Path(base) if base else home / "AppData" / "Roaming"
    elif sys.platform == "darwin":
        settings = home / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_CONFIG_HOME")
        settings = Path(base) if base else home / ".config"
    return settings / "eabridge" / "keys"


def secret_file(folder: Path, name: str = DAEMON) -> Path:
    """Where a pair of this name is kept."""
    return folder / f"{name}{SECRET}"


def new_pair(folder: Path, name: str = DAEMON) -> tuple[Path, Path]:
    """Make a pair; the files with its secret and with its public key.

    Raises:
        KeysError: no name for a file, or there is such a pair already.
        OSError: the folder cannot be written.
    """
    require_name(name)
    secret_path, public_path = secret_file(folder, name), folder / f"{name}{PUBLIC}"
    for path in (secret_path, public_path):
        if path.exists():
            raise KeysError(
                f"{path} is there already, and nothing was changed: give another name. (A key is "
                "changed by deleting its two files first; whoever has the old public key then "
                "needs the new one.)"
            )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pair = _make_pair()
    try:
        write_private(secret_path, _secret_text(name, pair))
    except NotPrivateError as error:
        raise KeysError(str(error)) from error
    write_public(public_path, name, pair.public)
    return secret_path, public_path


def read_pair(path: Path) -> KeyPair:
    """The pair in a file that `eabridge keys new` made; a folder means the daemon's in it.

    Raises:
        KeysError: there is none, others can read it, or it is damaged.
    """
    if path.is_dir():
        path = secret_file(path)
    try:
        fields = _fields(path)
        if "secret" in fields:  # a public key may be read by anybody
            require_private(path)
    except FileNotFoundError:
        raise KeysError(
            f"{path}: there is no such file of keys: {_making(path)} makes it"
        ) from None
    except NotPrivateError as error:
        raise KeysError(str(error)) from error
    if "secret" not in fields:
        if "public" in fields:
            raise KeysError(
                f"{path} holds a public key alone: give the file with the secret one, which ends "
                f"in {SECRET}"
            )
        raise KeysError(f"{path} holds no keys: {_making(path)} makes a pair")
    secret = _checked(fields["secret"], f"the secret key in {path}")
    public = zmq.curve_public(secret.encode()).decode()
    if fields.get("public", public) != public:
        raise KeysError(f"{path} is damaged: its two keys are no pair; make a new one")
    return KeyPair(public, secret)


def read_public(given: str | Path) -> str:
    """A public key: the 40 letters themselves, or a file that holds one.

    Raises:
        KeysError: it is neither, or a secret one.
    """
    text = str(given).strip()
    path = Path(given)
    is_file = False
    with suppress(OSError, ValueError):  # letters that no file's name can have
        is_file = path.is_file()
    if not is_file:
        if isinstance(given, str) and _Z85.fullmatch(text):
            return _checked(text, "this public key")
        raise KeysError(
            f"'{_shown(text)}' is neither a file nor a public key: a key has {KEY_LETTERS} letters "
            f"and this has {len(text)}; give the key in quotes, or the file that ends in {PUBLIC}"
        )
    return public_in(path)


def public_in(path: Path) -> str:
    fields = _fields(path)
    if "secret" in fields:
        raise KeysError(
            f"{path} holds a secret key, which nobody else may have: give the public one, "
            f"{path.with_suffix(PUBLIC).name} beside it"
        )
    if "public" not in fields:
        raise KeysError(f'{path} holds no public key: expected a line such as public = "..."')
    return _checked(fields["public"], f"the public key in {path}")


def pairs(folder: Path) -> Iterator[tuple[Path, KeyPair]]:
    """The pairs kept in a folder, those that can be read."""
    for path in sorted(folder.glob(f"*{SECRET}")):
        with suppress(KeysError, OSError):
            yield path, read_pair(path)


def require_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name.lower().partition(".")[0] in _RESERVED:
        raise KeysError(
            f"'{_shown(name)}' is no name for a key: use letters, digits, '-', '_' and '.', 64 at "
            "most, such as laptop"
        )


def write_public(path: Path, name: str, public: str) -> None:
    text = (
        f"# CURVE keys of eabridge: the public key of {name}. It may be shown to anybody.\n"
        f'name = "{name}"\n'
        f'public = "{public}"\n'
    )
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    # Whatever the umask: a key that others may change is not read.
    with os.fdopen(os.open(path, flags, 0o644), "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _make_pair() -> KeyPair:
    """A new pair, whose public key can be pasted into any shell."""
    for _ in range(_EASY_TRIES):
        public, secret = zmq.curve_keypair()
        if _EASY.fullmatch(public.decode()):
            break
    return KeyPair(public.decode(), secret.decode())


def _fields(path: Path) -> dict[str, str]:
    """The values of a file of keys, by name.

    Raises:
        KeysError: it is no such file.
        FileNotFoundError: it is not there.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(f"{path} cannot be read as a file of keys ({error})") from error
    found = (_FIELD.fullmatch(line) for line in text.splitlines())
    return {match[1]: match[2] for match in found if match}


def _checked(key: str, what: str) -> str:
    if len(key) != KEY_LETTERS:
        raise KeysError(f"{what} has {len(key)} letters: a key has {KEY_LETTERS}; copy it whole")
    if not _Z85.fullmatch(key):
        wrong = next(letter for letter in key if not _Z85.fullmatch(letter * KEY_LETTERS))
        raise KeysError(f"{what} has the letter {wrong!r}, which no key has: copy it again")
    try:
        z85.decode(key)
    except struct.error as error:  # five letters may say a number that four bytes do not hold
        raise KeysError(f"{what} has letters in an order that no key has: copy it again") from error
    return key


def _making(path: Path) -> str:
    """The command that makes a missing pair: this file, or the daemon's in this folder."""
    is_file = path.suffix == SECRET or path.is_file()
    folder = path.parent if is_file else path
    name = f" {path.stem}" if is_file and path.stem != DAEMON else ""
    where = f' --keys-dir "{folder}"' if folder != default_folder() else ""
    return f"eabridge keys new{name}{where}"


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _secret_text(name: str, pair: KeyPair) -> str:
    return (
        f"# CURVE keys of eabridge: the pair of {name}, made {date.today().isoformat()}.\n"
        "# SECRET: whoever has this file can pose as its owner. Keep it on this machine, readable\n"
        f"# by you alone; what others need is {name}{PUBLIC}.\n"
        f'name = "{name}"\n'
        f'public = "{pair.public}"\n'
        f'secret = "{pair.secret}"\n'
    )
