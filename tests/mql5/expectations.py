"""Running the small programs that check the runtime from inside of MQL5 (include/Expect.mqh)."""

from __future__ import annotations

from pathlib import Path

from tests.mql5.host import Result, build
from tests.mql5.terminal import Terminal

PROGRAMS = Path(__file__).parent / "programs"


def expect_all(name: str, terminal: Terminal, platform: str) -> Result:
    """Run a program and show what it expected in vain."""
    result = build(PROGRAMS / f"{name}.mq5", platform=platform).script(terminal)
    failed = [line for line in result.journal if line.startswith("FAILED")]
    assert not failed, "\n".join(failed)
    assert result.code == 0, result.journal
    assert result.journal[-1].endswith(", failed 0"), result.journal
    return result
