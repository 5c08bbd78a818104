"""Compiling C++ for the two platforms, once per content: what did not change is not built again."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).parent
RUNTIME = HERE / "runtime"
BUILD = HERE / ".build"

_COMPILERS = {
    "linux": ("g++",),
    "windows": ("x86_64-w64-mingw32-g++-posix", "x86_64-w64-mingw32-g++"),
}
_WARNINGS = (
    *("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wsign-conversion", "-Werror"),
    "-Wno-unused-parameter",  # an event handler's parameters are given, not chosen
)
_LANGUAGE = (
    *("-std=c++20", "-g1", "-pipe", "-D_USE_MATH_DEFINES"),
    "-fno-lifetime-dse",  # the poison that memory holds before its first use is to stay there
)
_SANITIZERS = (
    *("-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"),
    "-fno-omit-frame-pointer",
    "-fno-sanitize=null,vptr",  # the runtime checks every pointer itself (ptr.hpp)
)
_LIBRARIES = {"linux": ("-ldl", "-pthread"), "windows": ("-static", "-lws2_32")}
WINE = {"WINEPREFIX": str(BUILD / "wine"), "WINEDEBUG": "-all"}

_MADE = ("objects", "programs", "units")
_KEEP_SECONDS = 3 * 24 * 60 * 60
_INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Toolchain:
    """One compiler with one set of flags.

    Attributes:
        platform: what it builds for, `linux` or `windows`.
        sanitize: check addresses and undefined behaviour at run time; not there for Windows.
        optimise: -O2 in place of -O1.
    """

    platform: str
    sanitize: bool
    optimise: bool

    @property
    def flags(self) -> tuple[str, ...]:
        sanitizers = _SANITIZERS if self.sanitize and self.platform == "linux" else ()
        return (*_LANGUAGE, "-O2" if self.optimise else "-O1", *sanitizers)

    def object_of(self, source: Path) -> Path:
        """The compiled form of a source file of the runtime, or of one that includes it."""
        digest = _digest(self._identity(), *_contents(source))
        made = BUILD / "objects" / f"{source.stem}-{digest}.o"
        return made if _used(made) else self._run(["-c", str(source)], made)

    def runtime(self) -> list[Path]:
        """The whole runtime, as objects to link."""
        sources = sorted(path for room in _rooms() for path in room.glob("*.cpp"))
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as compilers:
            return list(compilers.map(self.object_of, sources))

    def program_of(self, text: str, name: str) -> Path:
        """A translated program, linked with the runtime."""
        runtime = self.runtime()
        digest = _digest(self._identity(), text.encode(), *(path.name.encode() for path in runtime))
        made = BUILD / "programs" / f"{name}-{digest}{'.exe' if self.platform == 'windows' else ''}"
        if _used(made):
            return made
        unit = BUILD / "units" / f"{name}-{digest}.cpp"
        unit.parent.mkdir(parents=True, exist_ok=True)
        unit.write_text(text, encoding="utf-8")
        return self._run(
            [str(path) for path in (self.object_of(unit), *runtime)], made, linking=True
        )

    def _run(self, inputs: Sequence[str], made: Path, *, linking: bool = False) -> Path:
        made.parent.mkdir(parents=True, exist_ok=True)
        (BUILD / ".gitignore").write_text("*\n", encoding="utf-8")
        rooms = [f"-I{room}" for room in _rooms()]
        flags = [*self.flags, *_WARNINGS, *rooms]
        libraries = _LIBRARIES[self.platform] if linking else ()
        # Made under another name, so that what has its own name is whole whoever else builds it.
        with tempfile.TemporaryDirectory(dir=made.parent) as folder:
            part = Path(folder) / made.name
            command = [compiler(self.platform), *flags, *inputs, *libraries, "-o", str(part)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                what = "link" if linking else "compile"
                raise AssertionError(f"does not {what} for {self.platform}:\n{done.stderr}")
            part.replace(made)
        return made

    def _identity(self) -> bytes:
        words = (_version(compiler(self.platform)), *self.flags, *_WARNINGS)
        return "\n".join(words).encode()


def prune() -> None:
    """Remove what no build has used for three days."""
    old = time.time() - _KEEP_SECONDS
    for made in (path for room in _MADE for path in (BUILD / room).glob("*")):
        if made.is_file() and made.stat().st_mtime < old:
            made.unlink(missing_ok=True)


def compiler(platform: str) -> str:
    """The platform's compiler."""
    if platform == "linux" and sys.platform != "linux":
        missing("programs for Linux run on Linux only")
    found = next(filter(None, map(shutil.which, _COMPILERS[platform])), None)
    if not found:
        missing(f"no compiler for {platform}: {' or '.join(_COMPILERS[platform])}")
    return found


def wine() -> list[str]:
    """What comes before the path of a Windows program to run it; its environment is `WINE`."""
    if sys.platform == "win32":
        return []
    names = ("/usr/lib/wine/wine64", "wine64", "wine")
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        missing("no wine to run Windows programs with")
    if not (BUILD / "wine" / "system.reg").exists():  # the first start makes this Windows
        BUILD.mkdir(exist_ok=True)
        environment = {**os.environ, **WINE}
        subprocess.run(
            [found, "wineboot", "--init"], env=environment, capture_output=True, check=True
        )
    return [found]


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where the environment says that all tools are there."""
    if os.environ.get("EABRIDGE_REQUIRE_TOOLS") == "1":
        pytest.fail(what)
    pytest.skip(what)


def _used(made: Path) -> bool:
    """Whether it exists; if so, it stays for another three days."""
    try:
        os.utime(made)
    except FileNotFoundError:
        return False
    return True


def _rooms() -> list[Path]:
    return [RUNTIME, *sorted(path for path in RUNTIME.iterdir() if path.is_dir())]


def _contents(source: Path) -> list[bytes]:
    """The file's text and that of every file of the runtime that it includes, however deep."""
    seen: dict[Path, bytes] = {}
    waiting = [source]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen[path] = path.read_bytes()
        for match in _INCLUDE.finditer(seen[path]):
            name = match[1].decode()
            waiting += [room / name for room in (path.parent, *_rooms()) if (room / name).exists()][
                :1
            ]
    return [seen[path] for path in sorted(seen)]


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:16]


@functools.cache
def _version(command: str) -> str:
    return subprocess.run(
        [command, "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]
