"""Keeps a daemon running: starts it again when it ends unasked, or when it does not answer.

The daemon is `eabridge serve` in a process of its own; the two hold each other by pipes (see
`bridge/daemon/tether.py`). What it says goes where the supervisor's own words go.
"""

from __future__ import annotations

import logging
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bridge.interpreter import command, environment, how_it_ended
from bridge.wire.control import ALIVE, DEFAULT, READY

log = logging.getLogger(__name__)

USER_ERROR = 2
"""The exit code of a daemon that was told something wrong: starting it again changes nothing."""

_POLL_S = 0.2  # how soon a signal is noticed where it does not interrupt a wait
_AWAY_S = 5.0  # a supervisor that was away for so long judges nobody: the machine slept


@dataclass(frozen=True)
class Patience:
    """How long a supervisor waits for what.

    Attributes:
        start_s: until the daemon is ready; models are loaded meanwhile.
        silent_s: without a sign of life from a daemon that was ready; longer than its loop may
            compute.
        stop_s: for what is queued to be answered, once it was told to stop.
        first_delay_s, most_delay_s: before the second start in a row, doubled with each further
            one. The first is at once, so that clients ask again once.
        healthy_s: after which an end is the first again.
    """

    start_s: float = 600.0
    silent_s: float = 10.0
    stop_s: float = 20.0
    first_delay_s: float = 0.5
    most_delay_s: float = 30.0
    healthy_s: float = 60.0


class _NotStarted(Exception):
    """The system starts no process: it has no memory for one, or too many."""


class Supervisor:
    """Runs one daemon after the other, until it is told to stop.

    Args:
        arguments: of `eabridge serve`.
        ready: called once, with the endpoint of the first daemon; those after it listen there, too.
        say: takes each other line that a daemon prints.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        ready: Callable[[str], None],
        say: Callable[[str], None] = lambda line: None,
        patience: Patience | None = None,
    ) -> None:
        self._arguments = list(arguments)
        self._ready = ready
        self._say = say
        self._patience = patience or Patience()
        self._is_stopping = False  # no Event: its lock may be held where a signal's handler sets it
        self._endpoint: str | None = None
        self._default: str | None = None  # by order
        self._is_default_doubted = False

    def stop(self) -> None:
        """Have `run` stop the daemon and return. May be called from a signal or a thread."""
        self._is_stopping = True

    def run(self) -> int:
        """Keep a daemon running until `stop`; the exit code: 0, or 2 for a user's error.

        Raises:
            OSError: the system starts not even the first.
        """
        in_a_row = 0
        while not self._stops():
            healthy_s = 0.0
            try:
                with self._daemon() as daemon:
                    code = self._attend(daemon)
                    healthy_s = daemon.healthy_s
            except _NotStarted as error:
                if self._endpoint is None:
                    raise OSError(str(error)) from error
                what = f"no daemon can be started ({error})"
            else:
                if self._stops():
                    break
                if code == USER_ERROR:  # it has said why
                    if self._endpoint is None:
                        return USER_ERROR
                    self._is_default_doubted = not self._is_default_doubted
                what = f"the daemon ended ({how_it_ended(code)})"
            in_a_row = 1 if healthy_s >= self._patience.healthy_s else in_a_row + 1
            delay_s = self._delay_s(in_a_row)
            when = f"in {delay_s:g} s" if delay_s else "at once"
            log.error("%s: it is started again %s", what, when)
            self._pause(delay_s)
        log.info("supervisor stopped")
        return 0

    def _stops(self) -> bool:
        return self._is_stopping

    def _pause(self, seconds: float) -> None:
        """In short sleeps, for on Windows no signal is heard amid a long one."""
        until = time.monotonic() + seconds
        while not self._stops() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_S))

    def _delay_s(self, in_a_row: int) -> float:
        if in_a_row < 2:
            return 0.0
        doubled = self._patience.first_delay_s * 2.0 ** min(in_a_row - 2, 20)
        return min(doubled, self._patience.most_delay_s)

    def _attend(self, daemon: _Daemon) -> int:
        """Listen to a daemon until it has ended; its exit code."""
        looked = time.monotonic()
        while not self._stops():
            line = daemon.line(_POLL_S)
            now = time.monotonic()
            if now - looked > _AWAY_S:
                daemon.heard = now
            looked = now
            if line is not None:
                daemon.heard = now
                self._hear(daemon, line, now)
            elif daemon.has_ended:
                return daemon.wait(self._patience.stop_s)
            else:
                self._judge(daemon, now)
        return self._bring_down(daemon)

    def _hear(self, daemon: _Daemon, line: str, now: float) -> None:
        if line.startswith(READY):
            daemon.ready_at = now
            if self._endpoint is None:
                self._endpoint = line.removeprefix(READY)
                self._ready(self._endpoint)
            else:
                log.info("the daemon is back on %s", self._endpoint)
            if self._default is not None and self._is_default_doubted:
                log.error(
                    "%s, which was made the default by order, is not to be had: requests that name "
                    "no model mean again what the command line says",
                    self._default,
                )
                self._default = None
            self._is_default_doubted = False
        elif line.startswith(DEFAULT):
            self._default = line.removeprefix(DEFAULT)
        elif line != ALIVE:
            self._say(line)

    def _judge(self, daemon: _Daemon, now: float) -> None:
        """End a daemon that does not answer."""
        is_ready = daemon.ready_at is not None
        limit_s = self._patience.silent_s if is_ready else self._patience.start_s
        if now - daemon.heard > limit_s:
            log.error(
                "the daemon %s for %g s: it is ended",
                *("gave no sign of life" if is_ready else "was not ready", limit_s),
            )
            daemon.kill()
            daemon.heard = now

    def _bring_down(self, daemon: _Daemon) -> int:
        """Let it answer what is queued; end it where that takes too long."""
        daemon.let_go()
        until = time.monotonic() + self._patience.stop_s
        while not daemon.has_ended and time.monotonic() < until:
            line = daemon.line(_POLL_S)
            if line is not None:
                self._hear(daemon, line, time.monotonic())
        return daemon.wait(max(0.0, until - time.monotonic()))

    @contextmanager
    def _daemon(self) -> Iterator[_Daemon]:
        """A daemon that is gone when the block ends, however it ends."""
        arguments = ["serve", *self._arguments, "--tethered"]
        if self._endpoint is not None:
            arguments += ["--bind", self._endpoint]  # of two, the last one counts
        if self._default is not None and not self._is_default_doubted:
            arguments += ["--default", self._default]
        try:
            daemon = _Daemon([*command("bridge.cli.main:main"), *arguments])
        except (OSError, RuntimeError) as error:  # the latter of a thread that cannot be started
            raise _NotStarted(error) from error
        try:
            yield daemon
        finally:
            daemon.kill()
            daemon.wait(None)


class _Daemon:
    """A process, and the lines it says.

    Attributes:
        heard: when it last said anything. ready_at: when it was ready, None before.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.heard = time.monotonic()
        self.ready_at: float | None = None
        self._has_said_all = False
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=environment(),
        )
        self._reader = threading.Thread(target=self._read, name="supervisor", daemon=True)
        try:
            self._reader.start()
        except RuntimeError:  # nobody would hear it
            self.kill()
            self.wait(None)
            raise

    @property
    def healthy_s(self) -> float:
        """For how long it has been ready."""
        return 0.0 if self.ready_at is None else time.monotonic() - self.ready_at

    @property
    def has_ended(self) -> bool:
        """Whether it says no more; or is gone, though what it started holds its output open."""
        return self._has_said_all or self._process.poll() is not None

    def line(self, seconds: float) -> str | None:
        """What it says next, None where that takes longer, or where it says no more."""
        if self._has_said_all:
            return None
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        self._has_said_all = line is None
        return line

    def let_go(self) -> None:
        """Tell it to stop: its end of the pipe closes."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def kill(self) -> None:
        """End it at once; nothing where it has ended."""
        with suppress(OSError):
            self._process.kill()

    def wait(self, seconds: float | None) -> int:
        """Its exit code. It is killed where it has not ended by itself in that time."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        self.let_go()
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as out:
            for line in out:
                self._lines.put(line.rstrip("\r\n"))
        self._lines.put(None)


def supervise(
    arguments: Sequence[str],
    ready: Callable[[str], None],
    say: Callable[[str], None],
    patience: Patience | None = None,
) -> int:
    """Run `eabridge serve` with these arguments, again and again, until SIGINT or SIGTERM.

    Args:
        arguments: as they were given, without `serve`.
        ready: called once, with the endpoint, when the first daemon accepts requests.
        say: takes each other line that a daemon prints.

    Returns:
        The exit code: 0, or 2 where the first daemon could not start for a user's error, of which
        it has told.
    """
    supervisor = Supervisor(arguments, ready, say, patience)

    def stop(*_: object) -> None:
        supervisor.stop()

    names = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        names.append(signal.SIGBREAK)  # Ctrl-Break
    before: dict[Any, Any] = {name: signal.signal(name, stop) for name in names}
    try:
        return supervisor.run()
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
