"""Runs programs/Network.mq5: a list of steps in, what came of each out."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from tests.mql5.host import HERE, Program, Result, Terminal, build

STEPS_PROGRAM = HERE / "programs" / "Network.mq5"


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
def build_network(platform: str = "linux", **options: Any) -> Program:
    """The program with the terminal's sockets and winsock."""
    return build(STEPS_PROGRAM, platform=platform, defines=("EABRIDGE_WINSOCK",), **options)


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
        """Do the steps."""
        return take_steps(
            self.program, self.terminal, endpoint, *steps, Carrier=self.name, **inputs
        )

    def last(self, endpoint: str, *steps: str, **inputs: object) -> Step:
        """Do the steps; what came of the last one."""
        return self.take(endpoint, *steps, **inputs)[-1]


def take_steps(
    program: Program, terminal: Terminal, endpoint: str, *steps: str, **inputs: object
) -> list[Step]:
    """Do the steps, and check that the program ended well and left nothing behind."""
    result = program.script(
        terminal, inputs={"Steps": ";".join(steps), "Endpoint": endpoint, **inputs}, timeout=120
    )
    return outcomes(result, steps)


def outcomes(result: Result, steps: tuple[str, ...]) -> list[Step]:
    """The steps' outcomes, out of a program's journal."""
    assert (result.code, result.undeleted) == (0, []), (result.journal, result.errors)
    assert result.report["sockets_left"] == 0
    assert len(result.journal) == len(steps), result.journal
    taken = []
    for step, line in zip(steps, result.journal, strict=True):
        named, outcome, rest = line.split("|", 2)
        assert named == step, line
        text, _, milliseconds = rest.rpartition("|")
        taken.append(Step(outcome, text, int(milliseconds)))
    return taken
