"""Models tried where they can do no harm: what explodes, explodes in a process of its own.

A graph of a kilobyte may ask for a terabyte, loop without end, or find a fault in the runtime that
ends the process. So before a daemon loads a graph, another process does, and is watched: its
memory, its time, and whether it lives.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from bridge.backends.child import gigabytes, memory_of, start_child
from bridge.bundles import Bundle
from bridge.bundles.bundle import GRAPH_FILE
from bridge.interpreter import how_it_ended

TRIAL_MEMORY_BYTES = 2 << 30
TRIAL_SECONDS = 60.0

_WATCH_SECONDS = 0.004
_START_SECONDS = 60.0  # for the process itself, on a machine that is busy
_PER_FILE_BYTE = 4  # a large graph is honest about its size: read, parsed and packed it has as much
_LEAST_BYTES = 256 << 20  # what the process has with a small model in it, and room beside
_OF_PYTHON, _KILLED = 1, -9  # exit codes: of an exception, and of a process that was killed
_SHARE = 0.75  # of the memory that is free, for a trial should not be what makes it short


class TrialError(RuntimeError):
    """No model can be tried: no process can be started, or it ends before it begins."""


@dataclass(frozen=True)
class Trial:
    """What became of a bundle.

    Attributes:
        version: of the bundle that was found in the folder; empty where it was none.
        refused: why it should not be loaded, as a sentence; None where it may be.
        window_us: what one window took, typically; infinite where it was not asked.
        peak_bytes: the most memory of the process meanwhile, some 60 MB of its own included.
        may_pass: whether it was perhaps not the bundle but a system short of memory, or a file that
            another program held.
    """

    version: str
    refused: str | None
    window_us: float = float("inf")
    peak_bytes: int = 0
    may_pass: bool = False

    def refusal(self, bundle: Bundle) -> str | None:
        """Why this bundle should not be loaded: `refused`, or another one stands there now."""
        if self.refused is None and self.version != bundle.manifest.version:
            return f"bundle {bundle.path}: it was changed while it was tried: put it there again"
        return self.refused


def try_bundles(
    folders: Sequence[Path],
    *,
    memory_bytes: int = TRIAL_MEMORY_BYTES,
    seconds: float = TRIAL_SECONDS,
) -> dict[Path, Trial]:
    """Open each bundle, and ask it for windows alone and together, in a process of its own.

    A bundle that PyTorch runs is opened and not asked: it never comes into the daemon's process.

    Args:
        folders: of bundles.
        memory_bytes: what the process may take, beside four times the graph's file; or three
            quarters of what is free, if that is less.
        seconds: what each bundle may take.

    Returns:
        What became of each, in their order.

    Raises:
        TrialError: the system lets nothing be tried.
    """
    waiting = deque(dict.fromkeys(folders))
    tried: dict[Path, Trial] = {}
    while waiting:
        try:
            tried.update(_Attempt(waiting, memory_bytes, seconds).run())
        except TrialError as error:
            if not tried:
                raise
            # One of those before may be the reason: what was found about them counts.
            for folder in waiting:
                tried[folder] = Trial("", f"bundle {folder}: {error}", may_pass=True)
            break
    return {folder: tried[folder] for folder in folders}


class _Attempt:
    """One process, which tries bundles until there are none left or it is no more.

    Args:
        waiting: folders; each is taken out once it is known what became of it.
    """

    def __init__(self, waiting: deque[Path], memory_bytes: int, seconds: float) -> None:
        self._waiting = waiting
        self._memory_bytes = memory_bytes
        self._seconds = seconds
        self._tried: dict[Path, Trial] = {}
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._noise: deque[str] = deque(maxlen=5)
        self._doing = ""  # with the bundle that is tried; empty before the first, and between two
        self._peak = 0
        try:
            self._child = start_child("bridge.backends.trial_child:try_all")
            self._process = psutil.Process(self._child.pid)
        except (OSError, psutil.Error) as error:
            raise TrialError(f"no process can be started to try models in: {error}") from error

    def run(self) -> dict[Path, Trial]:
        """Try the bundles; what became of those that the process came to.

        Raises:
            TrialError: it came to none.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        order = {"seconds": self._seconds, "folders": [str(each) for each in self._waiting]}
        listening = threading.Thread(target=self._listen, args=(self._child.stdout,), daemon=True)
        listening.start()
        try:
            self._send(self._child.stdin, order)
            self._follow()
        finally:
            self._child.kill()
            with suppress(psutil.Error):
                self._process.kill()  # on Windows the child may stand between us and it
            self._child.wait()
            listening.join()
            self._close(self._child.stdin, self._child.stdout)
        if not self._tried:
            raise TrialError(
                f"models cannot be tried in a process of their own: {self._last_words()}"
            )
        return self._tried

    def _last_words(self) -> str:
        """What the process said that was no report, or how it ended."""
        return " ".join(self._noise) or how_it_ended(self._child.returncode)

    def _follow(self) -> None:
        """Follow what the process reports, and end it where it goes too far."""
        until = time.monotonic() + _START_SECONDS
        allowed, wished = 0, 0
        while self._waiting:
            try:
                line = self._said.get(timeout=_WATCH_SECONDS)
            except queue.Empty:
                memory = memory_of(self._process)
                self._peak = max(self._peak, memory)
                if memory > allowed and self._doing:
                    self._refuse(self._of_memory(allowed, wished), may_pass=allowed < wished)
                    return
                if time.monotonic() > until:
                    if self._doing:
                        self._refuse(f"it took over {self._seconds:g} seconds {self._doing}")
                    return
                continue
            if line is None:
                if self._doing:
                    self._refuse_for_its_death()
                return
            report = self._read(line)
            if "pid" in report:
                with suppress(psutil.Error):  # it has ended since, which is told below
                    self._process = psutil.Process(report["pid"])
            elif "doing" in report:
                if not self._doing:
                    self._peak = 0
                    until = time.monotonic() + self._seconds
                    wished = self._memory_bytes + _PER_FILE_BYTE * _graph_bytes(self._waiting[0])
                    allowed = min(wished, self._to_spare())
                self._doing = report["doing"]
            elif "version" in report:
                self._note(report)

    def _note(self, report: dict[str, Any]) -> None:
        self._peak = max(self._peak, memory_of(self._process))
        window_us = report["window_us"]
        self._tried[self._waiting.popleft()] = Trial(
            report["version"],
            report["refused"],
            float("inf") if window_us is None else window_us,
            self._peak,
            report["may_pass"],
        )
        self._doing = ""

    def _refuse(self, reason: str, *, may_pass: bool = False) -> None:
        folder = self._waiting.popleft()
        refused = f"bundle {folder}: {reason}"
        self._tried[folder] = Trial("", refused, peak_bytes=self._peak, may_pass=may_pass)

    def _of_memory(self, allowed: int, wished: int) -> str:
        size, most = gigabytes(_graph_bytes(self._waiting[0])), gigabytes(allowed)
        took = f"its graph, a file of {size}, took over {most} of memory {self._doing}"
        if allowed < wished:
            return f"{took}, and this machine has no more to spare: give it some, and try again"
        return (
            f"{took}: no forecaster of that size needs it; export it again, and ask where it came "
            "from"
        )

    def _refuse_for_its_death(self) -> None:
        code = self._child.wait()
        how = f"({how_it_ended(code)}) {self._doing}"
        if code == _OF_PYTHON:
            self._refuse(f"the process that tried it failed {how}: {self._last_words()}")
        elif code == _KILLED:
            self._refuse(
                f"the process that tried it was killed {how}, perhaps by a system short of "
                "memory: give it some, and try again",
                may_pass=True,
            )
        else:
            self._refuse(
                f"its graph ended the process that tried it {how}: it is damaged, or made to do "
                "so; export it again, and ask where it came from"
            )

    def _to_spare(self) -> int:
        """What the process may have in memory, as far as the machine has it."""
        free = int(_SHARE * psutil.virtual_memory().available)
        return max(memory_of(self._process) + free, _LEAST_BYTES)

    def _read(self, line: str) -> dict[str, Any]:
        """A report; what is none is kept for the last words."""
        try:
            report = json.loads(line)
        except ValueError:
            report = None
        if not isinstance(report, dict):
            if text := line.strip():
                self._noise.append(text[:200])
            return {}
        return report

    def _listen(self, output: IO[bytes]) -> None:
        while line := output.readline(1 << 16):
            self._said.put(line.decode("utf-8", "replace"))
        self._said.put(None)

    def _send(self, pipe: IO[bytes], order: dict[str, Any]) -> None:
        try:
            pipe.write(json.dumps(order).encode() + b"\n")
            pipe.flush()
        except OSError:  # it ended at once, which is told by its silence
            self._noise.append("it ended at once")

    def _close(self, *pipes: IO[bytes]) -> None:
        for pipe in pipes:
            try:
                pipe.close()
            except OSError:  # what was not written has nobody to read it
                self._noise.append("it ended at once")


def _graph_bytes(folder: Path) -> int:
    try:
        return (folder / GRAPH_FILE).stat().st_size
    except OSError:  # the process that tries it will say so
        return 0
