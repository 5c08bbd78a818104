"""Small pieces of MQL5, translated: what the tests of the translator share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.mql5.translator import Mql5Error, Position, Translation, translate

MARK = "‸"  # in a snippet: the next character is where the error is


def translated(
    folder: Path,
    text: str,
    *,
    name: str = "Snippet.mqh",
    others: Mapping[str, str] | None = None,
    defines: tuple[str, ...] = (),
) -> Translation:
    """A snippet's translation, with other files beside it; `Include/` is the include folder."""
    for path, content in {**(others or {}), name: text}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    return translate(folder / name, includes=[folder / "Include"], defines=defines)


def cpp(folder: Path, text: str) -> str:
    """A snippet's C++ between the includes and the events, without its `#line`s, on one line."""
    lines = translated(folder, text).cpp.splitlines()
    end = lines.index("}  // namespace program")
    kept = [line.strip() for line in lines[3:end] if not line.startswith("#line")]
    return " ".join(line for line in kept if line)


def refused(folder: Path, text: str, message: str, **options: object) -> None:
    """Check that a snippet is refused at its mark, with a message that contains the given one."""
    before, mark, after = text.partition(MARK)
    with pytest.raises(Mql5Error) as caught:
        translated(folder, before + after, **options)  # type: ignore[arg-type]
    assert message in caught.value.message, str(caught.value)
    if mark:
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        path = (folder / "Snippet.mqh").resolve().as_posix()
        assert caught.value.at == Position(path, line, column), str(caught.value)
