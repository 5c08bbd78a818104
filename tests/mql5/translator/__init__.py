"""MQL5 to C++20."""

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
        includes: folders for `#include <...>`; the first one's parent stands for the MQL5 folder.
        defines: macros defined from the start, `NAME` or `NAME=VALUE`.

    Raises:
        Mql5Error: where the source is not MQL5 as the project keeps to it.
    """
    preprocessor = Preprocessor(includes, defines)
    tokens = preprocessor.run(source)
    declarations = parse(tokens, includes[0].resolve().parent if includes else None)
    symbols = check(declarations, tokens[0].at, whole_program=source.suffix.lower() != ".mqh")
    resources = [each.path for each in declarations if isinstance(each, syntax.Resource)]
    properties = [
        (each.name, each.value) for each in declarations if isinstance(each, syntax.Property)
    ]
    return Translation(
        emit(declarations, symbols), (*preprocessor.files, *resources), tuple(properties)
    )
