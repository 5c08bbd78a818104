"""A Python of our own beside this one: the command that begins it, and how it ended."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping

_LARGEST_CODE = 1 << 16  # what is above is Windows' own, and known by its hexadecimal digits


def command(function: str) -> list[str]:
    """What calls `module:function` in a new Python, which finds the modules that this one does.

    The folder that we run in is no place that it imports from, unless it is one for us: a trader's
    `signal.py` there would take the place of Python's. Arguments that are added are `sys.argv[1:]`.
    """
    module, name = function.split(":")
    # Before anything is imported, for else it would be imported from there.
    folders = [folder for folder in sys.path if isinstance(folder, str)]  # imports skip the rest
    path = f"import sys; sys.path[:] = {folders!r}"
    return [sys.executable, "-c", f"{path}; from {module} import {name}; sys.exit({name}())"]


def environment() -> Mapping[str, str]:
    """For that Python: what it writes to a pipe is UTF-8, whatever the console's code page."""
    return {**os.environ, "PYTHONIOENCODING": "utf-8"}


def how_it_ended(code: int) -> str:
    """An exit code for a person: `exit code 3`, or the signal that ended the process."""
    if code < 0:
        try:
            return f"signal {signal.Signals(-code).name}"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}" if code < _LARGEST_CODE else f"exit code 0x{code:08X}"
