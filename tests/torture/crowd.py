"""Starts the rabble at random, and kills it at random, in a thread of its own."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.wire.errors import Code
from tests.torture.rabble import KINDS
from tests.torture.record import Record

_ROOT = Path(__file__).parents[2]
_MOST = 3
_SECONDS = (0.5, 6.0)
_PAUSE_S = (0.0, 1.5)
_AT_SEVERAL = ("garbage", "churn", "loris")  # which also come to the other ports
_NEVER = Code.INTERNAL.value


@dataclass
class _Program:
    kind: str
    process: subprocess.Popen[bytes]
    killed_at: float


class Crowd:
    """From `start` to `stop`; `pause` sends all of them home for a while.

    Args:
        ports: the daemon's, and then its other ones. bodies: a file of good requests.
    """

    def __init__(
        self, ports: Sequence[int], bodies: Path, draw: random.Random, record: Record
    ) -> None:
        self._ports = ports
        self._bodies = bodies
        self._draw = draw
        self._record = record
        self._programs: list[_Program] = []
        self._may_come = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)

    def start(self) -> None:
        self._may_come.set()
        self._thread.start()

    def pause(self) -> None:
        """Returns when all have gone."""
        self._may_come.clear()
        with self._lock:
            for program in self._programs:
                self._end(program)
            self._programs.clear()

    def resume(self) -> None:
        self._may_come.set()

    def stop(self) -> None:
        self._over.set()
        self._may_come.set()
        self._thread.join()
        self.pause()

    def _run(self) -> None:
        due = 0.0
        while not self._over.wait(0.05):
            with self._lock:
                now = time.monotonic()
                self._programs = [each for each in self._programs if not self._is_done(each, now)]
                if now < due or len(self._programs) >= _MOST or not self._may_come.is_set():
                    continue
                due = now + self._draw.uniform(*_PAUSE_S)
                self._programs.append(self._begin(now))

    def _begin(self, now: float) -> _Program:
        kind = self._draw.choice(KINDS)
        seconds = self._draw.uniform(*_SECONDS)
        port = self._draw.choice(self._ports) if kind in _AT_SEVERAL else self._ports[0]
        killed_at = now + (seconds * self._draw.random() if self._draw.random() < 0.5 else 60.0)
        arguments = [kind, str(port), str(seconds), str(self._draw.randrange(1 << 30))]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.rabble", *arguments, str(self._bodies)],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._record.count("bad clients", kind)
        return _Program(kind, process, killed_at)

    def _is_done(self, program: _Program, now: float) -> bool:
        if program.process.poll() is None and now < program.killed_at:
            return False
        self._end(program)
        return True

    def _end(self, program: _Program) -> None:
        process = program.process
        is_killed = process.poll() is None
        if is_killed:
            process.kill()
            self._record.count("bad clients", "(killed)")
        said, error = process.communicate()
        if process.returncode and not is_killed:  # it could not make sense of an answer
            why = error.decode("utf-8", "replace").rstrip().rpartition("\n")[2]
            self._record.violation(f"a client of kind {program.kind} ended on {why}")
        if process.returncode == 0:
            for code, count in json.loads(said).items():
                self._record.count("answers to bad clients", code, count)
                if code == _NEVER:
                    self._record.violation(f"a client of kind {program.kind} was told '{_NEVER}'")
