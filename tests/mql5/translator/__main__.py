"""`python -m tests.mql5.translator FILE -I DIR -D NAME -o out.cpp`"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.mql5.translator import Mql5Error, translate


def main() -> int:
    parser = argparse.ArgumentParser(prog="translator", description="Translate MQL5 to C++20.")
    parser.add_argument("source", type=Path, metavar="FILE")
    parser.add_argument("-I", dest="includes", type=Path, action="append", default=[],
                        metavar="DIR", help="a folder for #include <...>")  # fmt: skip
    parser.add_argument("-D", dest="defines", action="append", default=[],
                        metavar="NAME[=VALUE]", help="a macro defined from the start")  # fmt: skip
    parser.add_argument("-o", dest="output", type=Path, metavar="FILE", help="instead of stdout")
    arguments = parser.parse_args()
    if not arguments.source.is_file():
        parser.error(f"there is no file {arguments.source}")
    try:
        made = translate(arguments.source, includes=arguments.includes, defines=arguments.defines)
    except Mql5Error as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if arguments.output:
        arguments.output.write_text(made.cpp, encoding="utf-8")
    else:
        sys.stdout.write(made.cpp)
    return 0


if __name__ == "__main__":
    sys.exit(main())
