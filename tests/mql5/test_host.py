"""The host itself: what it builds, how it runs programs, and what it does not let pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mql5 import toolchain
from tests.mql5.expectations import PROGRAMS
from tests.mql5.host import build
from tests.mql5.terminal import Terminal


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("overflows", "signed integer overflow"),
        ("reads what it never wrote", "load of value 205, which is not a valid value"),
        ("casts what does not fit", "outside the range of representable values of type 'int'"),
    ],
)
def test_a_sanitizers_report_fails_the_test(fault: str, said: str, terminal: Terminal) -> None:
    program = build(PROGRAMS / "Faults.mq5")
    with pytest.raises(AssertionError, match="stopped by a sanitizer") as failed:
        program.script(terminal, inputs={"Fault": fault})
    assert said in str(failed.value)
    assert re.search(r"Faults\.mq5:\d+", str(failed.value)), "the report names no line of MQL5"


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_a_program_that_hangs_is_ended(platform: str, terminal: Terminal) -> None:
    program = build(PROGRAMS / "Faults.mq5", platform=platform)
    with pytest.raises(AssertionError, match="still ran after 5 s\nstarted"):
        program.script(terminal, inputs={"Fault": "hangs"}, timeout=5)


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_a_live_program_runs_until_it_is_removed(platform: str, terminal: Terminal) -> None:
    program = build(PROGRAMS / "Clock.mq5", platform=platform)
    with program.live(terminal) as running:
        running.wait_for("timer 3")
        result = running.stop()
    assert result.code == 0
    assert result.journal[-1] == "removed, reason 1"


def test_a_wait_in_vain_shows_the_journal(terminal: Terminal) -> None:
    with build(PROGRAMS / "Clock.mq5").live(terminal) as running:
        running.wait_for("timer 1")
        with pytest.raises(AssertionError, match=r"did not say 'never' in 0\.2 s\ntimer 1"):
            running.wait_for("never", timeout=0.2)


def test_what_did_not_change_is_not_built_again() -> None:
    source = PROGRAMS / "Faults.mq5"
    path = build(source).path
    before = path.read_bytes(), path.stat().st_ino
    assert build(source).path == path
    assert (path.read_bytes(), path.stat().st_ino) == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("int i = d; Print(i);", "float-conversion"),
        ("uint u = n; Print(u);", "sign-conversion"),
        ("if(n < ArraySize(a) + (uint)1) Print(n);", "sign-compare"),
        ("if(n > 0) { int n = 2; Print(n); }", "shadow"),
        ('Print("n is " + n);', "deleted"),
    ],
)
def test_what_metaeditor_would_warn_of_does_not_compile(
    line: str, said: str, tmp_path: Path
) -> None:
    source = tmp_path / "Careless.mq5"
    start = "void OnStart()\n  {\n   double d = 1.5;\n   int n = (int)d;\n   int a[1] = {1};"
    source.write_text(f"{start}\n   {line}\n   Print(n + a[0]);\n  }}\n")
    with pytest.raises(AssertionError, match=rf"Careless\.mq5:6:.*{said}"):
        build(source)


def test_a_missing_tool_skips_unless_tools_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("EABRIDGE_REQUIRE_TOOLS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no compiler for windows"):
        toolchain.compiler("windows")
    monkeypatch.setenv("EABRIDGE_REQUIRE_TOOLS", "1")
    with pytest.raises(pytest.fail.Exception, match="no compiler for windows"):
        toolchain.compiler("windows")
