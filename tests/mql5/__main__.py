"""Run one MQL5 script in the host, and show its journal."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.mql5.host import build
from tests.mql5.terminal import Terminal
from tests.mql5.translator import Mql5Error


def main() -> int:
    """Build, run, print; the exit code is the program's, or 2 where there is none to run."""
    parser = argparse.ArgumentParser(prog="python -m tests.mql5", description=__doc__)
    parser.add_argument("script", type=Path, help="an .mq5 with OnStart")
    parser.add_argument("inputs", nargs="*", metavar="Name=value", help="the script's inputs")
    parser.add_argument("--bars", type=Path, help="exported bars for the chart (default: none)")
    parser.add_argument("--dll", action="store_true", help="allow DLL imports")
    parser.add_argument("--windows", action="store_true", help="as a Windows program, under wine")
    parser.add_argument("--optimise", action="store_true", help="fast, without sanitizers")
    options = parser.parse_args()
    if not options.script.is_file():
        parser.error(f"{options.script}: no such file")
    if any("=" not in word for word in options.inputs):
        parser.error("inputs are written Name=value")
    try:
        program = build(
            options.script,
            platform="windows" if options.windows else "linux",
            sanitize=not options.optimise,
            optimise=options.optimise,
        )
    except Mql5Error as error:
        parser.error(str(error))
    settings = {} if options.bars is None else {"bars": options.bars.resolve()}
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(Path(folder), allow_dll=options.dll)
        given = dict(word.split("=", 1) for word in options.inputs)
        result = program.script(terminal, inputs=given, **settings)
    print(*result.journal, result.errors, sep="\n")  # noqa: T201
    return result.code


if __name__ == "__main__":
    sys.exit(main())
