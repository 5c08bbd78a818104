"""The daemon under test, with its supervisor: its processes, what they say, and what they use."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bridge.client import Client, ClientError
from bridge.control import Control, ControlError

_START_S = 120.0
_PORTS = range(15_000, 32_000)  # below those that a system takes for whoever connects
_KEPT_LINES = 400
_DEFECTS = ("internal error", "Traceback", "a defect", "could not be followed")


@dataclass(frozen=True)
class Use:
    """What a process uses: bytes in memory, open files and sockets (or handles), threads."""

    resident_bytes: int
    descriptors: int
    threads: int


class Subject:
    """`eabridge serve --supervise`, from `start` to `stop`.

    Attributes:
        port, control_port, page_port, metrics_port: where it listens, on loopback.
        log: the last lines that the supervisor and its daemons logged. lines: how many there were.
        defects: those that tell of a defect.
        seen: process ids of all daemons and workers so far.

    Args:
        folder: where it runs. draw: chooses ports. log: a file for all that it logs.
    """

    def __init__(self, folder: Path, draw: random.Random, log: Path | None = None) -> None:
        self._folder = folder
        self.port, self.control_port, self.page_port, self.metrics_port = _free_ports(4, draw)
        self.endpoint = f"tcp://127.0.0.1:{self.port}"
        self.control_endpoint = f"tcp://127.0.0.1:{self.control_port}"
        self._log_file = log
        self.log: deque[str] = deque(maxlen=_KEPT_LINES)
        self.lines = 0
        self.defects: list[str] = []
        self.seen: set[psutil.Process] = set()
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()

    def start(self, arguments: Sequence[str]) -> None:
        """Returns when it is ready.

        Raises:
            RuntimeError: it is not.
        """
        loopback = "127.0.0.1:"
        command = [
            *(sys.executable, "-m", "bridge", "serve", "--supervise"),
            *("--bind", self.endpoint, "--control", self.control_endpoint),
            *("--page", f"{loopback}{self.page_port}"),
            *("--metrics", f"{loopback}{self.metrics_port}"),
            *arguments,
        ]
        self._process = subprocess.Popen(
            command,
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        for read in (self._read_output, self._read_log):
            threading.Thread(target=read, name="subject", daemon=True).start()
        if not self._ready.wait(_START_S) or self._process.poll() is not None:
            raise RuntimeError("the daemon did not start:\n" + self.said())

    @property
    def supervisor(self) -> psutil.Process | None:
        assert self._process is not None
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self._process.pid)
        return None

    @property
    def daemon(self) -> psutil.Process | None:
        """The daemon that runs at the moment."""
        return self._child_of(self.supervisor, "--tethered")

    @property
    def worker(self) -> psutil.Process | None:
        """The process in which PyTorch runs, if there is one."""
        return self._child_of(self.daemon, "bridge.runtimes import work")

    def is_ready(self) -> str:
        """Empty if the daemon answers that it is ready; else what is the matter."""
        try:
            with Client(self.endpoint, timeout_ms=3000, retries=0) as client:
                status = client.health().status
            if status != "ready":
                return f"its health is {status}"
            with Control(self.control_endpoint, timeout_s=3) as control:
                found = control.status()
        except (ClientError, ControlError) as error:
            return str(error)
        if found["health"] != "ready":
            lanes = {each["model"]: each["state"] for each in found["lanes"]}
            return f"its status is {found['health']}: {lanes}"
        return ""

    def shows(self, patience_s: float) -> str:
        """Empty if the live page and the metrics can be looked at, else what is the matter."""
        until = time.monotonic() + patience_s
        pages = (f"{self.page_port}/status.json", f"{self.metrics_port}/metrics")
        for page in pages:
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{page}", timeout=10) as answer:
                        content = answer.read()
                    if b"fx-h1" in content:
                        break
                    problem = f"it says {content[:200]!r}"
                except OSError as error:
                    problem = str(error)
                if time.monotonic() > until:
                    return f"{page} cannot be looked at: {problem}"
                time.sleep(0.2)
        return ""

    def said(self, lines: int = 30) -> str:
        return "\n".join(list(self.log)[-lines:])

    def stop(self, *, gently: bool) -> str:
        """Stop it; empty if it ended as it should, and nothing of it is left."""
        process = self._process
        if process is None:
            return ""
        if process.poll() is not None:
            return f"the supervisor had ended with exit code {process.returncode}"
        with contextlib.suppress(psutil.Error):
            self.seen.update(psutil.Process(process.pid).children(recursive=True))
        if gently:
            process.terminate()
        else:
            process.kill()
        try:
            code = process.wait(_START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return "the supervisor did not end when it was told to"
        _, left = psutil.wait_procs(self.seen, 30)
        for each in left:
            each.kill()
        if left:
            return f"processes were left behind: {left}"
        if gently and sys.platform != "win32" and code != 0:
            return f"the supervisor ended with exit code {code}"
        return ""

    def kill_all(self) -> None:
        """Leave nothing behind, whatever happened."""
        supervisor = self.supervisor if self._process is not None else None
        if supervisor is not None:
            with contextlib.suppress(psutil.Error):
                family = [supervisor, *supervisor.children(recursive=True)]
                for each in family:
                    with contextlib.suppress(psutil.Error):
                        each.kill()
        if self._process is not None:
            self._process.wait()

    def _child_of(self, parent: psutil.Process | None, mark: str) -> psutil.Process | None:
        if parent is None:
            return None
        with contextlib.suppress(psutil.Error):
            for child in parent.children():
                with contextlib.suppress(psutil.Error):
                    if child.status() == psutil.STATUS_ZOMBIE:
                        continue
                    if any(mark in argument for argument in child.cmdline()):
                        self.seen.add(child)
                        return child
        return None

    def _read_output(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                if line.startswith("ready "):
                    self._ready.set()
        self._ready.set()  # it is never to come

    def _read_log(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        path = self._log_file or Path(os.devnull)
        with self._process.stderr as log, path.open("w", encoding="utf-8") as file:
            for line in log:
                self.lines += 1
                self.log.append(line.rstrip())
                file.write(line)
                file.flush()
                if any(mark in line for mark in _DEFECTS):
                    self.defects.append(line.rstrip())


def use_of(process: psutil.Process) -> Use:
    """What a process uses; raises psutil.Error where it is gone."""
    with process.oneshot():
        count = process.num_fds if hasattr(process, "num_fds") else process.num_handles
        return Use(process.memory_info().rss, int(count()), process.num_threads())


def wait_until_ready(subject: Subject, patience_s: float) -> str:
    """Wait for the daemon; empty if it is ready in time, else what is the matter."""
    until = time.monotonic() + patience_s
    while problem := subject.is_ready():
        if time.monotonic() > until:
            return problem
        time.sleep(0.1)
    return ""


def _free_ports(count: int, draw: random.Random) -> list[int]:
    """Ports in a row that nobody listens on."""
    while True:
        first = draw.choice(_PORTS)
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probe = probes.enter_context(socket.socket())
                probe.bind(("127.0.0.1", port))
            return list(range(first, first + count))
