"""The translator's one error: a place in the source and a sentence about it."""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """Where something stands: a file (POSIX form), and line and column counted from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class Mql5Error(Exception):
    """The source is not MQL5, or not the MQL5 that this project keeps to.

    Its text is `path:line:column: message`, the form that editors make a link of.
    """

    def __init__(self, at: Position, message: str) -> None:
        super().__init__(f"{at}: {message}")
        self.at = at
        self.message = message
