"""The command as a whole: help that teaches, and errors that are sentences."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.cli.conftest import Run

COMMANDS = [
    *("demo", "serve", "forecast", "models", "check", "train", "evaluate", "export", "compare"),
    *("book", "mt5", "doctor", "load", "bench", "top", "keys"),
]
GROUPED = [
    *("mt5 install", "keys new", "keys allow", "keys list", "keys revoke"),
    *("models reload", "models default", "models remove"),
]


def test_help_names_every_command(run: Run) -> None:
    ran = run("--help")

    assert ran.code == 0
    assert all(command in ran.out for command in COMMANDS)


@pytest.mark.parametrize("command", [*COMMANDS, *GROUPED])
def test_every_command_explains_itself(run: Run, command: str) -> None:
    ran = run(*command.split(), "--help")

    assert ran.code == 0
    assert len(ran.out) > 200
    assert "%%" not in ran.out


def test_no_command_is_an_error_with_usage(run: Run) -> None:
    ran = run()

    assert ran.code == 2
    assert "usage: eabridge" in ran.err


@pytest.mark.parametrize("command", ["serve", "keys new"])
def test_an_option_that_there_is_not_is_told_with_the_commands_own_usage(
    run: Run, command: str
) -> None:
    ran = run(*command.split(), "--bnid", "127.0.0.1:5655")

    assert ran.code == 2
    assert f"usage: eabridge {command.split()[0]} " in ran.err
    assert "unrecognized arguments: --bnid" in ran.err


def test_who_has_the_port_is_for_the_doctor_to_tell(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        endpoint = f"tcp://127.0.0.1:{other.getsockname()[1]}"

        ran = run("serve", "--bind", endpoint)

    assert ran.code == 2
    assert f"{endpoint} is in use" in ran.err
    assert f"eabridge doctor --connect {endpoint} tells which program has it" in ran.err


@pytest.mark.parametrize(
    ("command", "missing"),
    [("train", "torch"), ("demo", "matplotlib"), ("forecast --plot x.png", "matplotlib")],
)
def test_what_needs_an_extra_says_which(command: str, missing: str) -> None:
    """In an interpreter in which the extra's packages cannot be imported."""
    code = f"""
import importlib.util, pathlib, sys
spec = importlib.util.find_spec("backtesting")
data = str(pathlib.Path(spec.origin).parent / "test" / "EURUSD.csv")
sys.modules["{missing}"] = None
from bridge.cli.main import main
arguments = {command!r}.split()
if arguments[0] != "demo":
    arguments += ["--data", data]
sys.exit(main(arguments))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ran.returncode == 2, ran.stderr
    assert f"needs the Python package {missing}" in ran.stderr
    assert 'pip install "eabridge[' in ran.stderr
    assert "Traceback" not in ran.stderr
