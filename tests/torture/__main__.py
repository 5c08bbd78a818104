"""`python -m tests.torture --minutes N [--seed S]`."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from tests.torture.run import HARMS, Plan, torture


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture",
        description="Harm a supervised daemon at random while clients check every answer. Exit "
        "code 1 where anything was wrong.",
    )
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="(default: 10)")
    parser.add_argument("--seed", type=int, metavar="S", help="repeats what another run drew")
    parser.add_argument("--no-torch", action="store_true", help="leave PyTorch's models out")
    parser.add_argument("--quick", action="store_true", help="leave out what takes long")
    parser.add_argument(
        "--only", nargs="+", default=[], choices=[each.name for each in HARMS], help="these alone"
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="what the daemon logs, whole")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 30) if options.seed is None else options.seed
    plan = Plan(
        options.minutes * 60,
        seed,
        torch=not options.no_torch,
        quick=options.quick,
        only=options.only,
        log=options.log,
    )
    _say(f"seed {seed}")
    record = torture(plan, _say)
    for line in record.lines():
        _say(line)
    _say(f"seed {seed}: {record.found} violations")
    for line in record.violations[:20]:
        _say(f"  {line}")
    return 1 if record.found else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
