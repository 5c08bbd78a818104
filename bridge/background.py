"""A daemon in a process of its own, for as long as a demo, a benchmark or a test needs one."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bridge.interpreter import command, environment

_STOP_S = 10.0


class StartFailed(RuntimeError):
    """The daemon ended before it was ready. The message is what it said."""


@dataclass(frozen=True)
class BackgroundDaemon:
    """A running daemon: where it listens, its process id, and how long it took to be ready."""

    endpoint: str
    pid: int
    start_seconds: float


@contextmanager
def background_daemon(arguments: Sequence[str] = ()) -> Iterator[BackgroundDaemon]:
    """Run `eabridge serve` on a free loopback port; it is stopped when the block ends.

    Args:
        arguments: further ones for `serve`.

    Raises:
        StartFailed: it ended before it was ready.
    """
    serve = [*command("bridge.cli.main:main"), "serve", "--bind", "tcp://127.0.0.1:0"]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*serve, *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env=environment(),
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            seconds = time.perf_counter() - started
            if not line.startswith("ready "):
                process.wait(_STOP_S)
                log.seek(0)
                raise StartFailed(log.read().strip() or "the daemon ended without a word")
            yield BackgroundDaemon(line.split()[1], process.pid, seconds)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
