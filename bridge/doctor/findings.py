"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Mark(Enum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    CARE = "care"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One thing found: what it is, and what to do about it."""

    mark: Mark
    what: str
    remedy: str = ""

    @property
    def is_broken(self) -> bool:
        """Whether no EA can be served while it stays so."""
        return self.mark is Mark.BROKEN

    def as_dict(self) -> dict[str, Any]:
        """As `eabridge doctor --json` prints it."""
        return {"mark": self.mark.value, "what": self.what, "remedy": self.remedy}
