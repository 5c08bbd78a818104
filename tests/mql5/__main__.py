"""Run one MQL5 script and show its journal: `python -m tests.mql5 Ping.mq5 Model=fx-h1`.

Options before the inputs: `--windows`, `--optimise`, `--dll` (allow DLL imports).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.mql5.host import build
from tests.mql5.terminal import Terminal


def main(arguments: list[str]) -> int:
    """Build, run, print; the exit code is the program's."""
    options = {word for word in arguments if word.startswith("--")}
    source, *inputs = [word for word in arguments if not word.startswith("--")]
    program = build(
        Path(source),
        platform="windows" if "--windows" in options else "linux",
        sanitize="--optimise" not in options,
        optimise="--optimise" in options,
    )
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(Path(folder), allow_dll="--dll" in options)
        given = dict(word.split("=", 1) for word in inputs)
        result = program.script(terminal, inputs=given)
    print(*result.journal, result.errors, sep="\n")  # noqa: T201
    return result.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
