"""The most memory that a piece of work takes, measured in a process of its own.

A process that has worked before keeps memory it no longer uses, so each measurement starts a
fresh one. What importing the libraries takes is subtracted: it is the same for every method, and
with torch larger than a small network's training. Only memory that belongs to the process alone
counts, not the pages of libraries' files, which come in as code first runs.
"""

from __future__ import annotations

import importlib
import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psutil

_SAMPLE_SECONDS = 0.002
_ENDING_SECONDS = 30


class MeasuredRunError(RuntimeError):
    """The work that was to be measured failed, or its process ended. The message says how."""


@dataclass(frozen=True)
class Measured:
    """What a piece of work took, and what it returned.

    Attributes:
        peak_bytes: most memory of its own above that after the imports.
        device_bytes: most memory on a CUDA device; 0 where none was used.
        seconds: of the work alone, without start and imports.
        result: what the function returned.
    """

    peak_bytes: int
    device_bytes: int
    seconds: float
    result: Any


def measure_memory(
    function: Callable[..., Any], *arguments: Any, imports: Sequence[str] = ()
) -> Measured:
    """Run `function(*arguments)` in a fresh process, and watch its memory.

    Memory is looked at every two milliseconds, so that a peak of large arrays is seen, if not
    always to its last byte; Windows keeps the peak itself.

    Args:
        function: of the top level of a module, which the process imports before it begins.
        arguments: small plain values: they are copied to the process, as is the result.
        imports: modules that the function imports only when it runs, to be left out too.

    Raises:
        MeasuredRunError: the function raised, or its process was ended from outside.
    """
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_work, args=(theirs, function, arguments, tuple(imports)))
    process.start()
    theirs.close()  # so that a process that dies ends the wait
    try:
        before, at_peak = _watch(ours)
        kind, value, seconds, device_bytes = ours.recv()
    except (EOFError, OSError) as error:
        process.join(_ENDING_SECONDS)
        raise MeasuredRunError(
            f"the process that ran {function.__name__} ended with exit code {process.exitcode} "
            "before it was done: it may have run out of memory"
        ) from error
    finally:
        ours.close()
        process.join(_ENDING_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
    if kind == "error":
        raise MeasuredRunError(f"{function.__name__} failed: {value}")
    return Measured(max(0, at_peak - before), device_bytes, seconds, value)


def _work(
    parent: Connection, function: Callable[..., Any], arguments: tuple[Any, ...], imports: Any
) -> None:
    """In the process of its own: import, wait to be watched, work, report."""
    seconds = 0.0
    try:
        for name in imports:
            importlib.import_module(name)
        parent.send(psutil.Process().pid)  # on Windows not always the one that was started
        parent.recv()
        begun = time.perf_counter()
        result = function(*arguments)
        seconds = time.perf_counter() - begun
        parent.send(("done", result, seconds, _device_bytes()))
    except Exception as error:  # noqa: BLE001  (told to the parent, which raises)
        parent.send(("error", f"{type(error).__name__}: {error}", seconds, 0))


def _watch(child: Connection) -> tuple[int, int]:
    """Bytes before the work, and the most while it went on, until there is a report to read."""
    ready = child.recv()
    if not isinstance(ready, int):  # an import failed, and there is no more to come
        raise MeasuredRunError(str(ready[1]))
    process = psutil.Process(ready)
    before, kept_before = _own_bytes(process)
    most, kept = before, kept_before
    child.send("go")
    while not child.poll(_SAMPLE_SECONDS):
        try:
            now, kept = _own_bytes(process)
        except psutil.NoSuchProcess:  # it ended; what it sent, if anything, is still to be read
            break
        most = max(most, now)
    return before, max(most, kept) if kept > kept_before else most


def _own_bytes(process: psutil.Process) -> tuple[int, int]:
    """Memory of the process alone, and the most it ever was where the system keeps that, or 0."""
    info = process.memory_info()
    if hasattr(info, "private"):  # Windows
        return int(info.private), int(info.peak_pagefile)
    # Linux counts pages of files as shared; elsewhere there is only the whole.
    return int(info.rss) - int(getattr(info, "shared", 0)), 0


def _device_bytes() -> int:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return 0
    return int(torch.cuda.max_memory_allocated())
