"""MQL5 to C++20, for running the project's MQL5 without a terminal.

MetaEditor cannot be had where this project is built and tested, so the translator stands for its
compiler twice over. It refuses, with file, line, column and a sentence, whatever MQL5 does not
have, whatever the project keeps out of its MQL5 (see `tests/mql5/README.md`), and what MetaEditor
would warn of where C++ would be silent. What is left it writes out as C++ whose warnings stand for
MetaEditor's own: code that compiles with `-Wall -Wextra -Wconversion -Wshadow -Werror` has nothing
hidden, narrowed or unused in it. `#line` makes compilers and sanitizers speak of lines of MQL5.

    python -m tests.mql5.translator Ping.mq5 -I mql5/Include -o ping.cpp

    made = translate(Path("Ping.mq5"), includes=[Path("mql5/Include")])
    made.cpp, made.dependencies, made.properties

Data flows one way, a room for each step:

    reading/   files to one stream of tokens: includes, macros, conditions
    parsing/   tokens to a tree (syntax.py), by recursive descent
    checking/  what each name means; what MQL5 does not allow of what its grammar would
    emitting/  the checked tree to C++, whose library is tests/mql5/runtime

`language/` holds what all of them know of MQL5: its words, and the names that a terminal brings
along. A function, constant, structure or enum that is missing there is added there, in its
chapter, and written in the runtime.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.program import check
from tests.mql5.translator.emitting.program import emit
from tests.mql5.translator.errors import Mql5Error, Position
from tests.mql5.translator.parsing.program import parse
from tests.mql5.translator.reading.preprocessor import Preprocessor

__all__ = ["Mql5Error", "Position", "Translation", "translate"]


@dataclass(frozen=True)
class Translation:
    """A program in C++.

    Attributes:
        cpp: the text of the one C++ file.
        dependencies: every file that was read, and every resource, the program's own first.
        properties: the program's `#property` lines, name and value.
    """

    cpp: str
    dependencies: tuple[Path, ...]
    properties: tuple[tuple[str, str], ...]


def translate(
    source: Path, *, includes: Sequence[Path], defines: Sequence[str] = ()
) -> Translation:
    """Translate a program (`.mq5`), or an include file (`.mqh`) on its own.

    Args:
        source: the program.
        includes: folders for `#include <...>`, the first found counts; the first folder's parent
            stands for the MQL5 folder.
        defines: macros defined from the start, `NAME` or `NAME=VALUE`.

    Raises:
        Mql5Error: where the source is not MQL5 as the project keeps to it.
    """
    preprocessor = Preprocessor(includes, defines)
    tokens = preprocessor.run(source)
    declarations = parse(tokens, includes[0].resolve().parent if includes else None)
    whole_program = source.suffix.lower() != ".mqh"
    symbols = check(declarations, tokens[0].at, whole_program=whole_program)
    resources = [each.path for each in declarations if isinstance(each, syntax.Resource)]
    properties = [
        (each.name, each.value) for each in declarations if isinstance(each, syntax.Property)
    ]
    return Translation(
        emit(declarations, symbols), (*preprocessor.files, *resources), tuple(properties)
    )
