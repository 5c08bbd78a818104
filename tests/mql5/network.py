"""Runs programs/Network.mq5: a list of steps in, what came of each out."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from bridge import Bars
from tests.mql5.host import Program, build
from tests.mql5.running import Result, Running
from tests.mql5.terminal import Terminal
from tests.mql5.toolchain import HERE


@dataclass(frozen=True)
class Step:
    """What came of one step.

    Attributes:
        outcome: `ok`, or the error's name; with `, closed` where the channel is closed by now.
        text: what was received, or the error's sentence.
        milliseconds: how long it took.
    """

    outcome: str
    text: str
    milliseconds: int


@functools.cache
def build_network(platform: str = "linux", *defines: str, **options: Any) -> Program:
    """The program with the terminal's sockets, winsock, and what is defined beside."""
    source = HERE / "programs" / "Network.mq5"
    return build(source, platform=platform, defines=("EABRIDGE_WINSOCK", *defines), **options)


@dataclass(frozen=True)
class Carrier:
    """A build, a terminal to run it in, and what it shall connect by.

    Attributes:
        name: `native`, `winsock` or `libzmq`.
    """

    program: Program
    terminal: Terminal
    name: str

    def take(self, endpoint: str, *steps: str, **inputs: object) -> list[Step]:
        """Do the steps; check that the program ended well and left nothing behind."""
        return self.start(endpoint, *steps, **inputs).finish()

    def last(self, endpoint: str, *steps: str, **inputs: object) -> Step:
        """Do the steps; what came of the last one."""
        return self.take(endpoint, *steps, **inputs)[-1]

    def start(self, endpoint: str, *steps: str, **inputs: object) -> Steps:
        """Begin to do the steps. `await MILLISECONDS NAME` waits for `Steps.go(NAME)`."""
        given = {"Steps": ";".join(steps), "Endpoint": endpoint, "Carrier": self.name, **inputs}
        running = self.program.live(self.terminal, inputs=given, mode="script")
        return Steps(running, steps, self.terminal)


class Steps:
    """Steps that are being done."""

    def __init__(self, running: Running, steps: tuple[str, ...], terminal: Terminal) -> None:
        self._running = running
        self._steps = steps
        self._files = terminal.files

    def wait_for(self, step: str, times: int = 1) -> None:
        """Wait until a step is done, for the nth time."""
        end = time.monotonic() + 60
        while sum(line.startswith(f"{step}|") for line in self._running.journal()) < times:
            if time.monotonic() > end:
                self.finish()
            time.sleep(0.005)

    def go(self, name: str) -> None:
        """Let `await` of this name go on."""
        (self._files / name).touch()

    def finish(self) -> list[Step]:
        """Wait for the end; what came of each step."""
        return _outcomes(self._running.finish(timeout=120), self._steps)


def _outcomes(result: Result, steps: tuple[str, ...]) -> list[Step]:
    assert (result.code, result.undeleted) == (0, []), (result.journal, result.errors)
    assert result.report["sockets_left"] == result.report["winsock_left"] == 0
    assert len(result.journal) == len(steps), result.journal
    taken = []
    for step, line in zip(steps, result.journal, strict=True):
        named, outcome, rest = line.split("|", 2)
        assert named == step, line
        text, _, milliseconds = rest.rpartition("|")
        taken.append(Step(outcome, text, int(milliseconds)))
    return taken


def synthetic_bars(count: int) -> Bars:
    """The bars of include/SyntheticWindow.mqh."""
    closes = 1 + (np.arange(count + 1) * 37 % 101) / 4096
    opens, closes = closes[:-1], closes[1:]
    highs = np.maximum(opens, closes) + 3 / 4096
    lows = np.minimum(opens, closes) - 2 / 4096
    times = 1_700_000_000 - 3600 * np.arange(count)[::-1]
    ohlc = np.column_stack([opens, highs, lows, closes])
    return Bars("EURUSD", 3600, times, ohlc, np.zeros(count))
