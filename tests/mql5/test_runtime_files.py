"""Files, seen from both sides: what a program reads and writes, and what lies on the disk then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mql5.expectations import PROGRAMS, expect_all
from tests.mql5.host import build
from tests.mql5.terminal import Terminal

pytestmark = pytest.mark.parametrize("platform", ["linux", "windows"])


def test_files_behave_as_the_reference_says(platform: str, terminal: Terminal) -> None:
    expect_all("Files", terminal, platform)


def test_files_lie_where_a_terminal_keeps_them(platform: str, terminal: Terminal) -> None:
    expect_all("Files", terminal, platform)
    assert (terminal.files / "Folder" / "Numbers.bin").stat().st_size == 59
    assert (terminal.common_files / "Shared.bin").read_bytes() == b"\1\0\0\0"
    assert not list(terminal.folder.parent.rglob("outside*"))


def test_texts_have_the_encoding_that_they_were_opened_with(
    platform: str, terminal: Terminal
) -> None:
    expect_all("Files", terminal, platform)
    assert (terminal.files / "Unicode.txt").read_bytes() == "\ufeffж\n".encode("utf-16-le")
    assert (terminal.files / "Utf8.txt").read_bytes() == "ж\n".encode()
    assert (terminal.files / "Table.csv").read_bytes() == (
        b"EURUSD;1.0842;true;2020.01.02 03:04:05\r\n" + "Zürich €;2\r\n".encode("cp1252")
    )


def test_in_the_tester_a_program_sees_its_agents_files(
    platform: str, terminal: Terminal, tmp_path: Path
) -> None:
    (terminal.files / "Settings.txt").write_text("of the terminal\n")
    (terminal.agent_files / "Settings.txt").write_text("of the agent\n")
    bars = tmp_path / "EURUSD_H1.csv"
    bars.write_text(
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2020.01.02\t00:00:00\t1.1\t1.2\t1.0\t1.15\t100\t0\t1\n"
    )
    program = build(PROGRAMS / "Settings.mq5", platform=platform)
    assert "of the agent" in program.test(terminal, bars=bars).journal
    with program.live(terminal, bars=bars) as running:
        assert running.wait_for("of the") == "of the terminal"


def test_a_resource_is_part_of_the_program(
    platform: str, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "model.onnx").write_bytes(bytes(range(256)))
    source = tmp_path / "Resource.mq5"
    source.write_text(
        '#resource "model.onnx" as uchar Model[]\n'
        "int Last(const uchar &bytes[])\n"
        "  {\n   return bytes[ArraySize(bytes) - 1];\n  }\n"
        "void OnStart()\n"
        '  {\n   Print(ArraySize(Model), " ", Model[1], " ", Last(Model));\n  }\n'
    )
    result = build(source, platform=platform).script(terminal)
    assert result.journal == ["256 1 255"]
