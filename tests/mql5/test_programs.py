"""Every include and every program of mql5/ is MQL5, and compiles without a warning."""

from __future__ import annotations

import re

import pytest

from tests.mql5.host import MQL5, STANDARD, build
from tests.mql5.installed import installed
from tests.mql5.translator import translate

INCLUDES = sorted(path.relative_to(MQL5).as_posix() for path in MQL5.rglob("*.mqh"))
PROGRAMS = sorted(path.relative_to(MQL5).as_posix() for path in MQL5.rglob("*.mq5"))
DLL = re.compile(r'mql::ImportedDll \w+\("([^"]+)"\)')


def imports(program: str, *defines: str) -> set[str]:
    """The DLLs that the terminal would load before the program starts."""
    source = installed(program)
    folders = [source.parents[2] / "Include", STANDARD]
    return set(DLL.findall(translate(source, includes=folders, defines=defines).cpp))


def test_there_are_programs_and_includes() -> None:
    assert len(PROGRAMS) >= 6
    assert len(INCLUDES) >= 20


@pytest.mark.parametrize("include", INCLUDES)
def test_every_include_stands_on_its_own(include: str) -> None:
    build(installed(include))


@pytest.mark.parametrize("platform", ["linux", "windows"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_builds(program: str, platform: str) -> None:
    build(installed(program), platform=platform)


@pytest.mark.parametrize("define", ["EABRIDGE_WINSOCK", "EABRIDGE_LIBZMQ"])
def test_every_choice_of_transport_builds(define: str) -> None:
    build(installed("Scripts/EABridge/Ping.mq5"), defines=(define,))


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
