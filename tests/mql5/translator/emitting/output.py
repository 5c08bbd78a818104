"""Lines of C++ that know which line of MQL5 they stand for."""

from __future__ import annotations

from tests.mql5.translator.errors import Position

_GAP_OF_BLANK_LINES = 3


class Output:
    """Collects lines; says with `#line` where they come from when the compiler must be told."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._path = ""
        self._next_line = -1  # the MQL5 line that the compiler takes the next line for
        self._indent = 0

    def line(self, text: str, at: Position | None = None) -> None:
        """A line, which stands for a line of MQL5 where `at` is given."""
        if at is not None:
            gap = at.line - self._next_line
            if at.path == self._path and gap == -1:
                self._lines[-1] += f" {text}"  # as on one line in MQL5
                return
            if at.path == self._path and 0 <= gap <= _GAP_OF_BLANK_LINES:
                self._lines += [""] * gap
            else:
                self._lines.append(f"#line {at.line} {c_string(at.path)}")
            self._path, self._next_line = at.path, at.line
        else:
            self._path = ""  # what follows says anew where it is
        self._lines.append("   " * self._indent + text)
        self._next_line += 1

    def open(self, text: str, at: Position | None = None) -> None:
        self.line(text, at)
        self._indent += 1

    def close(self, text: str, at: Position | None = None) -> None:
        """A closing brace, on the last line where its own is not known."""
        self._indent -= 1
        if at is None:
            self._lines[-1] += f" {text}"
        else:
            self.line(text, at)

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def c_string(text: str) -> str:
    """A narrow C++ literal, for paths and names."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def utf16_literal(text: str, quote: str = '"') -> str:
    """A C++ literal of UTF-16; what is not plain ASCII is spelled by its code."""
    return "u" + quote + "".join(_spelled(character, quote) for character in text) + quote


def _spelled(character: str, quote: str) -> str:
    code = ord(character)
    if character in ("\\", quote):
        return "\\" + character
    if 0x20 <= code < 0x7F:
        return character
    if code < 0xA0:
        return f"\\{code:03o}"  # C++ allows no \\u here, and \\x would eat what follows
    if 0xD800 <= code < 0xE000:  # half of a pair; the quotes keep off what follows
        return f'\\x{code:04X}" u"' if quote == '"' else f"\\x{code:04X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
