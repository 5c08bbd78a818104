"""Every include and every program of mql5/ is MQL5, and compiles without a warning."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.mql5.host import MQL5, STANDARD, build
from tests.mql5.installed import MQL5 as INSTALLED
from tests.mql5.installed import installed
from tests.mql5.toolchain import Toolchain
from tests.mql5.translator import translate

INCLUDES = sorted(path.relative_to(MQL5).as_posix() for path in MQL5.rglob("*.mqh"))
PROGRAMS = sorted(path.relative_to(MQL5).as_posix() for path in MQL5.rglob("*.mq5"))
PLATFORMS = ("linux", "windows")
DLL = re.compile(r'mql::ImportedDll \w+\("([^"]+)"\)')


def translated(source: str, *defines: str) -> str:
    """A source as it lies after `eabridge mt5 install`, in C++."""
    folders = [INSTALLED / "Include", STANDARD]
    return translate(installed(source), includes=folders, defines=defines).cpp


def imports(source: str, *defines: str) -> set[str]:
    """The DLLs that the terminal would load before the program starts."""
    return set(DLL.findall(translated(source, *defines)))


def test_there_are_programs_and_includes() -> None:
    assert len(PROGRAMS) >= 6
    assert len(INCLUDES) >= 20


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Path]]]:
    """Every include, compiled by itself."""
    folder = tmp_path_factory.mktemp("alone")
    compiler = Toolchain("linux", sanitize=False, optimise=False)
    installed(INCLUDES[0])  # and all others, before the threads want them

    def compile_alone(include: str) -> Path:
        unit = folder / f"{include.replace('/', '.')}.cpp"
        unit.write_text(translated(include), encoding="utf-8")
        return compiler.object_of(unit)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {include: pool.submit(compile_alone, include) for include in INCLUDES}


@pytest.mark.parametrize("include", INCLUDES)
def test_every_include_stands_on_its_own(alone: dict[str, Future[Path]], include: str) -> None:
    assert alone[include].result().exists()


@pytest.fixture(scope="module")
def built() -> Iterator[dict[tuple[str, str], Future[Path]]]:
    """Every program on every platform."""

    def build_installed(program: str, platform: str) -> Path:
        return build(installed(program), platform=platform).path

    for platform in PLATFORMS:
        build_installed(PROGRAMS[0], platform)  # and the runtime, which the others share
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {
            (program, platform): pool.submit(build_installed, program, platform)
            for program in PROGRAMS
            for platform in PLATFORMS
        }


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_builds(
    built: dict[tuple[str, str], Future[Path]], program: str, platform: str
) -> None:
    assert built[program, platform].result().exists()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_names_a_dll_only_where_it_chose_to(program: str) -> None:
    text = installed(program).read_text(encoding="utf-8")
    chose = {"ws2_32.dll"} if "#define EABRIDGE_WINSOCK" in text else set()
    assert imports(program) == chose


def test_the_switches_bring_their_dll_and_no_other() -> None:
    ping = "Scripts/EABridge/Ping.mq5"
    assert imports(ping) == set()
    assert imports(ping, "EABRIDGE_WINSOCK") == {"ws2_32.dll"}
    assert imports(ping, "EABRIDGE_LIBZMQ") == {"libzmq.dll"}


def test_a_program_with_every_switch_compiles(tmp_path: Path) -> None:
    unit = tmp_path / "Ping.cpp"
    switches = ("EABRIDGE_WINSOCK", "EABRIDGE_LIBZMQ")
    unit.write_text(translated("Scripts/EABridge/Ping.mq5", *switches), encoding="utf-8")
    assert Toolchain("linux", sanitize=False, optimise=False).object_of(unit).exists()


@pytest.mark.parametrize("document", ["README.md", "mql5/README.md"])
def test_what_the_readme_shows_is_a_program(tmp_path: Path, document: str) -> None:
    text = (MQL5.parent / document).read_text(encoding="utf-8")
    (shown,) = re.findall(r"```cpp\n(.*?)```", text, re.DOTALL)
    source, unit = tmp_path / "Shown.mq5", tmp_path / "Shown.cpp"
    source.write_text(shown, encoding="utf-8")
    installed(INCLUDES[0])
    folders = [INSTALLED / "Include", STANDARD]
    unit.write_text(translate(source, includes=folders).cpp, encoding="utf-8")
    assert Toolchain("linux", sanitize=False, optimise=False).object_of(unit).exists()
