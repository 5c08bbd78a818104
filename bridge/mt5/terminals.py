"""Where MetaTrader 5 keeps its data: on Windows, in portable installs, under Wine and on a Mac."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = "terminal64.exe"
_FOLDER_NAME = re.compile(r"[0-9A-Fa-f]{32}")  # a hash of the path that the terminal stands in
_DATA = Path("MetaQuotes/Terminal")
_ORIGIN = "origin.txt"
_ORIGIN_CHARACTERS = 260
_PORTABLE = "portable"
_ROAMING = ("AppData/Roaming", "Application Data")  # the latter in old prefixes of Wine
_PROGRAM_FOLDERS = ("Program Files", "Program Files (x86)")

NO_PLACES = (
    "Looked for %APPDATA%/MetaQuotes/Terminal, Program Files and prefixes of Wine, and none of "
    "them is here"
)
"""What to say where `Places` are none."""


class TerminalError(ValueError):
    """There is no terminal where one was looked for. The message says where that was."""


@dataclass(frozen=True)
class Terminal:
    """One terminal's data folder: the one that File > Open Data Folder opens.

    Attributes:
        data: holds `MQL5`, `config` and more.
        origin: where the program stands, in the terminal's own words; empty where unknown.
    """

    data: Path
    origin: str

    @property
    def mql5(self) -> Path:
        """Holds `Experts`, `Include`, `Scripts` and `Files`."""
        return self.data / "MQL5"

    def __str__(self) -> str:
        return f"{self.data} ({self.origin})" if self.origin else str(self.data)


@dataclass(frozen=True)
class Places:
    """Where this machine may keep terminals: their data, and programs with their data beside."""

    roaming: tuple[Path, ...]
    programs: tuple[Path, ...]

    def common_folder(self) -> Path:
        """The folder that the terminals of this user share; it holds `Files`.

        Raises:
            TerminalError: no terminal has run here yet.
        """
        for folder in self.roaming:
            if _is_folder(folder / _DATA):
                return folder / _DATA / "Common"
        raise TerminalError(
            "no terminal of this user was found: give its --data-folder, which File > Open Data "
            "Folder shows in the terminal"
        )

    def lines(self) -> list[str]:
        """Each place as a person would look there."""
        return [
            *(str(folder / _DATA / "*") for folder in self.roaming),
            *(str(folder / "*") for folder in self.programs),
        ]


def known_places(environment: Mapping[str, str] = os.environ, home: Path | None = None) -> Places:
    """The places to look in: %APPDATA% and program folders of Windows, and prefixes of Wine.

    Args:
        environment: `APPDATA`, `ProgramFiles` and `WINEPREFIX` are read.
        home: the user's folder, where Wine keeps its prefixes.
    """
    home = home or Path.home()

    def named(*variables: str) -> list[Path]:
        return [Path(environment[name]) for name in variables if environment.get(name)]

    roaming, programs = named("APPDATA"), named("ProgramFiles", "ProgramFiles(x86)")
    for prefix in _wine_prefixes(environment, home):
        drive = prefix / "drive_c"
        programs += [drive / name for name in _PROGRAM_FOLDERS if _is_folder(drive / name)]
        for user in _folders(drive / "users"):
            roaming += [user / name for name in _ROAMING if _is_folder(user / name)]
    return Places(_once(roaming), _once(programs))


def find_terminals(places: Places) -> list[Terminal]:
    """Every terminal's data folder in these places.

    A program folder with `MQL5` in it is a portable terminal, unless another data folder names
    it as its origin: then it only holds what that folder was filled from.
    """
    found: list[Terminal] = []
    for roaming in places.roaming:
        home = roaming / _DATA
        found += [
            Terminal(data, _read_origin(data))
            for data in _folders(home)
            if _FOLDER_NAME.fullmatch(data.name) and _is_folder(data / "MQL5")
        ]
    origins = {(_drive(terminal.data), _last_words(terminal.origin)) for terminal in found}
    for programs in places.programs:
        for data in _folders(programs):
            is_origin = (_drive(data), _last_words(str(data))) in origins
            if not is_origin and _has_program(data) and _is_folder(data / "MQL5"):
                found.append(Terminal(data, _PORTABLE))
    return found


def terminal_at(folder: Path) -> Terminal:
    """The terminal whose data folder, or whose `MQL5` folder, is `folder`.

    Raises:
        TerminalError: it is neither.
    """
    folder = folder.expanduser().absolute()
    if folder.name.upper() == "MQL5" and not _is_folder(folder / "MQL5"):
        folder = folder.parent
    if not _is_folder(folder / "MQL5"):
        raise TerminalError(
            f"{folder} is no data folder of MetaTrader 5, as it holds no MQL5: in the terminal, "
            "File > Open Data Folder shows the one to give"
        )
    origin = _PORTABLE if _has_program(folder) else _read_origin(folder)
    return Terminal(folder, origin)


def _wine_prefixes(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    named = environment.get("WINEPREFIX")
    usual = [
        home / ".wine",
        home / ".mt5",  # MetaQuotes' installer for Linux
        home / "Library/Application Support/net.metaquotes.wine.metatrader5",  # and for the Mac
    ]
    prefixes = [Path(named).expanduser(), *usual] if named else usual
    return _once([prefix for prefix in prefixes if _is_folder(prefix / "drive_c")])


def _read_origin(data: Path) -> str:
    """What a data folder says of its program's path; empty where it says nothing readable."""
    try:
        raw = (data / _ORIGIN).read_bytes()
    except OSError:
        return ""
    encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    return raw.decode(encoding, errors="replace").strip("\ufeff\0 \r\n")[:_ORIGIN_CHARACTERS]


def _drive(path: Path) -> Path | None:
    """The drive of Wine's that a path lies in; None on a real one."""
    return next((parent for parent in path.parents if parent.name == "drive_c"), None)


def _last_words(path: str) -> str:
    """The last two names of a path, of whichever system: Wine's C: is no folder's name here."""
    return "/".join(re.split(r"[\\/]+", path.rstrip("\\/").lower())[-2:])


def _folders(parent: Path) -> list[Path]:
    """The folders in `parent`; none where it cannot be read."""
    try:
        return sorted(folder for folder in parent.iterdir() if _is_folder(folder))
    except OSError:
        return []


def _is_folder(path: Path) -> bool:
    """Whether this is a folder that may be looked into."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _has_program(folder: Path) -> bool:
    try:
        return (folder / _PROGRAM).is_file()
    except OSError:
        return False


def _once(paths: list[Path]) -> tuple[Path, ...]:
    """Without those that are another's link or a second mention of it."""
    seen: dict[Path, Path] = {}
    for path in paths:
        seen.setdefault(path.resolve(), path)
    return tuple(seen.values())
