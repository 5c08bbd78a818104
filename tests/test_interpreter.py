"""A Python of our own: it finds what this one does, and nothing in the folder that one works in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge import interpreter


def test_it_finds_our_modules_and_takes_none_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    (tmp_path / "bridge.py").write_text("raise SystemExit('imported')")
    run = [*interpreter.command("bridge.cli.main:main"), "keys", "--help"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: eabridge keys")


def test_what_a_function_returns_is_the_exit_code(tmp_path: Path) -> None:
    run = [*interpreter.command("bridge.cli.main:main"), "serve", "--models", "nowhere"]
    assert subprocess.run(run, cwd=tmp_path, capture_output=True, check=False).returncode == 2


def test_a_folder_that_we_import_from_is_one_for_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "traders_own.py").write_text("def work():\n    print('found', end='')\n")
    odd = tmp_path / "no text, which imports skip"
    monkeypatch.setattr(sys, "path", [*sys.path, odd, str(tmp_path)])
    done = subprocess.run(
        interpreter.command("traders_own:work"), capture_output=True, text=True, check=True
    )
    assert done.stdout == "found"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "exit code 0"),
        (-9, "signal SIGKILL"),
        (-200, "signal 200"),
        (0xC0000005, "exit code 0xC0000005"),
    ],
)
def test_how_it_ended_is_told_for_a_person(code: int, said: str) -> None:
    if sys.platform == "win32" and code == -9:
        pytest.skip("Windows has no such signal")
    assert interpreter.how_it_ended(code) == said
