"""One command from a fresh checkout to a running demo, or to passed tests.

    python dev.py demo     make .venv, install what the demo needs, run `eabridge demo`
    python dev.py test     make .venv, install everything, lint, check types, run the tests

Further arguments go to `eabridge demo` or to pytest. Needs Python 3.10 to 3.13 and nothing else.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

_PYTEST = ["pytest", "-n", "2", "--dist", "loadgroup"]  # two at a time; see tests/conftest.py

JOBS: dict[str, tuple[str, list[list[str]]]] = {
    "demo": ("demo", [["bridge", "demo"]]),
    "test": ("dev", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"], _PYTEST]),
}


def main(arguments: list[str]) -> int:
    """Set up and run a job; the exit code is that of its first command that failed."""
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        print(f"eabridge needs Python 3.10 to 3.13; this is {sys.version.split()[0]}")
        return 2
    if not arguments or arguments[0] not in JOBS:
        print(__doc__)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    extra, commands = JOBS[arguments[0]]
    if not PYTHON.exists():
        print(f"making {FOLDER.name}", flush=True)
        made = False
        try:
            venv.create(FOLDER, with_pip=True)
            made = True
        except (subprocess.CalledProcessError, ModuleNotFoundError):
            print("Python's venv cannot install pip here; on Debian: apt install python3-venv")
            return 2
        finally:
            if not made:  # half an environment would be taken for a whole one next time
                shutil.rmtree(FOLDER, ignore_errors=True)
    print(f"installing eabridge[{extra}] into {FOLDER.name}", flush=True)
    install = ["pip", "install", "--quiet", "--disable-pip-version-check", "-e", f".[{extra}]"]
    commands = [install, *commands[:-1], [*commands[-1], *arguments[1:]]]
    for command in commands:
        code = subprocess.run([PYTHON, "-m", *command], cwd=ROOT, check=False).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
