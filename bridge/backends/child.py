"""A Python process of our own: how it begins, how much memory it has, and that it ends with us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

_KILL_FIRST = Path("/proc/self/oom_score_adj")
_IGNORED = ("SIGINT", "SIGTERM", "SIGBREAK")  # the last is Windows's; others may lack it


def start_child(function: str) -> subprocess.Popen[bytes]:
    """Run `module:function` in a new Python that finds the modules that this one does.

    Its stdin, stdout and stderr are pipes to us (stdout and stderr are one). The folder that we
    run in is no place that it imports from, unless it is one for us.

    Raises:
        OSError: the system starts no process.
    """
    module, name = function.split(":")
    # Before anything is imported, for else a file in this folder could take a module's place.
    code = f"import sys; sys.path[:] = {sys.path!r}; from {module} import {name}; {name}()"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        # Ctrl-C in our terminal is for us: we tell our children when to end.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def begin_as_child() -> None:
    """In a child, first of all: live and die for the one that began it.

    Signals that end a program are left to that one. A Linux that runs out of memory is asked to
    kill the child before it.
    """
    for name in _IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(OSError):
        if _KILL_FIRST.exists():
            _KILL_FIRST.write_text("500", encoding="ascii")


def end_at_once(code: int = 0) -> None:
    """In a child: end, whatever the other threads are at."""
    os._exit(code)


def memory_of(process: psutil.Process) -> int:
    """Bytes that a process has in memory, or on Windows has asked for; 0 once it has ended."""
    try:
        info = process.memory_info()
    except psutil.Error:
        return 0
    return max(int(info.rss), int(getattr(info, "private", 0)))


def how_it_ended(code: int) -> str:
    """An exit code for a person: `exit code 3`, or the signal that ended the process."""
    if code < 0:
        try:
            return f"signal {signal.Signals(-code).name}"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}" if code < 1 << 16 else f"exit code 0x{code:08X}"


def gigabytes(count: float) -> str:
    """A size for a person: `2.0 GiB`, `300 MiB`, `1 KiB`."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{max(1, round(count / 1024))} KiB"
