"""What a terminal's settings allow an EA, as far as they can be read from outside."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FOLDER, _FILE, _SECTION = "config", "common.ini", "experts"
_ENCRYPTED = re.compile(r"[0-9A-Fa-f]{16,}")  # how current builds keep the list
_SEPARATORS = re.compile(r"[;,|\s]+")


@dataclass(frozen=True)
class Settings:
    """Tools > Options > Expert Advisors, as it was when the terminal last wrote it.

    Attributes:
        may_connect: whether Allow WebRequest for listed URL is ticked; None where not said.
        addresses: those listed; None where the list is encrypted, as current builds keep it.
        may_use_dlls: whether Allow DLL imports is ticked; None where not said.
    """

    may_connect: bool | None
    addresses: tuple[str, ...] | None
    may_use_dlls: bool | None


def read_settings(data: Path) -> Settings | None:
    """The settings in a terminal's data folder; None where there are none that can be read."""
    try:
        folder = next(each for each in data.iterdir() if each.name.lower() == _FOLDER)
        path = next(each for each in folder.iterdir() if each.name.lower() == _FILE)
        text = _decoded(path.read_bytes())
    except (OSError, StopIteration, UnicodeError):
        return None
    entries = list(_section(text))
    values = dict(entries)
    lists = [value for key, value in entries if key == "webrequesturl"]
    is_hidden = any(_ENCRYPTED.fullmatch(value) for value in lists)
    listed = tuple(word for value in lists for word in _SEPARATORS.split(value) if word)
    return Settings(
        _flag(values.get("webrequest")),
        None if is_hidden else listed,
        _flag(values.get("allowdllimport")),
    )


def _section(text: str) -> Iterator[tuple[str, str]]:
    """Keys, in lower case, and values of the section about experts."""
    inside = False
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if key.startswith("["):
            inside = key.strip("[] ").lower() == _SECTION
        elif inside and equals:
            yield key.strip().lower(), value.strip()


def _flag(value: str | None) -> bool | None:
    return {"0": False, "1": True}.get(value or "")


def _decoded(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16")
    return raw.decode("utf-16-le" if raw[1:2] == b"\0" else "utf-8", errors="replace")
