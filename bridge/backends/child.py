"""A process that works for us: how it begins, how much memory it has, and that it ends with us."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from bridge.interpreter import command, environment

_KILL_FIRST = Path("/proc/self/oom_score_adj")
_IGNORED = ("SIGINT", "SIGTERM", "SIGBREAK")  # the last is Windows's; others may lack it


def start_child(function: str) -> subprocess.Popen[bytes]:
    """Run `module:function` in a Python of our own.

    Its stdin, stdout and stderr are pipes to us (stdout and stderr are one).

    Raises:
        OSError: the system starts no process.
    """
    return subprocess.Popen(
        command(function),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(),
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


def gigabytes(count: float) -> str:
    """A size for a person: `2.0 GiB`, `300 MiB`, `1 KiB`."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{max(1, round(count / 1024))} KiB"
