"""Folders as MetaTrader 5 leaves them, as far as they are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

HASH = "D0E8209F77C8CF37AD8BF550E51FF075"
OTHER_HASH = "0123456789ABCDEF0123456789ABCDEF"
INSTALLED_IN = r"C:\Program Files\MetaTrader 5"


def data_folder(roaming: Path, name: str = HASH, origin: str = INSTALLED_IN) -> Path:
    """A terminal's data folder below a roaming folder such as %APPDATA%."""
    data = roaming / "MetaQuotes" / "Terminal" / name
    for folder in ("MQL5/Experts", "MQL5/Include", "MQL5/Scripts", "MQL5/Files", "config"):
        (data / folder).mkdir(parents=True)
    (data / "origin.txt").write_text(origin, encoding="utf-16")
    return data


def program_folder(programs: Path, name: str = "MetaTrader 5") -> Path:
    """A folder with the program in it, and `MQL5` beside it."""
    folder = programs / name
    (folder / "MQL5" / "Experts").mkdir(parents=True)
    (folder / "terminal64.exe").write_bytes(b"MZ")
    return folder


def settings(data: Path, lines: str, *, encoding: str = "utf-16", folder: str = "config") -> Path:
    """A terminal's settings, with these lines in the section about experts."""
    path = data / folder / "common.ini"
    path.parent.mkdir(exist_ok=True)
    text = f"[Common]\nLogin=1234\nWebRequest=7\n[Experts]\n{lines}\n[Objects]\nWebRequest=8\n"
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    return path


def make_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any terminal, whatever the machine has; `Roaming` is their %APPDATA%."""
    folder.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    for name in ("WINEPREFIX", "ProgramFiles", "ProgramFiles(x86)"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("APPDATA", str(folder / "Roaming"))
    return folder
