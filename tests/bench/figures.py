"""A figure, the limit it is held to, and how both are written."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A measured value and its limit.

    Attributes:
        name: what was measured. value: the figure. limit: that it is held to.
        at_most: whether the limit is the most it may be; else it is the least.
        detail: the measurements that it was made of.
    """

    name: str
    value: float
    limit: float
    at_most: bool = True
    detail: str = ""

    @property
    def met(self) -> bool:
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def as_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {**asdict(self), "met": self.met}

    def as_row(self) -> str:
        """A row of a Markdown table."""
        bound = "at most" if self.at_most else "at least"
        missed = "" if self.met else ", missed"
        return (
            f"| {self.name} | {self.value:.2f} | {bound} {self.limit:g}{missed} | {self.detail} |"
        )


HEAD = "| figure | measured | limit | of |\n| --- | --- | --- | --- |"
