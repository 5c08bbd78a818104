"""`serving.md` says what the tools take: its commands parse, its files are what they should be."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bridge.cli.main import parse

DOCUMENT = Path(__file__).parent.parent / "serving.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def block(language: str) -> str:
    """The document's one block of this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return str(found)


def commands() -> list[str]:
    """Every `eabridge ...` on a line of its own, and those inside of other tools' files."""
    lines = re.findall(r"^    eabridge (.*?)(?:   .*)?$", TEXT, re.MULTILINE)
    unit = re.findall(r"^ExecStart=\S+ (.*)$", block("ini"), re.MULTILINE)
    task = re.findall(r'-Argument "(.*)"', block("powershell"))
    service = ElementTree.fromstring(block("xml")).findtext("arguments")
    assert service is not None
    return [*lines, *unit, *task, service.replace("\\", "/")]


@pytest.mark.parametrize("command", commands())
def test_every_command_is_one(command: str) -> None:
    assert callable(parse(shlex.split(command)).run)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_the_unit_is_one(tmp_path: Path) -> None:
    unit = tmp_path / "eabridge.service"
    unit.write_text(block("ini").replace("/opt/eabridge/bin/eabridge", sys.executable))
    ran = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "eabridge.service" not in ran.stderr


def test_the_dashboard_that_it_names_is_there() -> None:
    for name in re.findall(r"`(bridge/\S+)`", TEXT):
        assert (DOCUMENT.parent / name).is_file(), name
