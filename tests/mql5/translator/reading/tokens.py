"""Characters to tokens.

The tokenizer never raises: what is no token of MQL5 becomes a `BAD` token that carries its error,
so that text which an `#ifdef` leaves out may be anything at all.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from tests.mql5.translator.errors import Mql5Error, Position


class Kind(Enum):
    NAME = "name"
    INTEGER = "integer"
    REAL = "real"
    STRING = "string"
    CHARACTER = "character"
    DATETIME = "datetime"
    COLOR = "color"
    PUNCTUATION = "punctuation"
    DIRECTIVE = "directive"
    BAD = "bad"
    END = "end"


@dataclass(frozen=True)
class Token:
    """A token and where it stands.

    Attributes:
        text: as written; of a `BAD` token, the error's message; of a `DIRECTIVE`, its name.
        spaced: whether white space comes before it (`#define F(x)` and `#define F (x)` differ).
        arguments: of a `DIRECTIVE`, the tokens after its name.
        line_text: of a `DIRECTIVE`, what stands after its name, for names of files.
    """

    kind: Kind
    text: str
    at: Position
    spaced: bool = False
    arguments: tuple[Token, ...] = ()
    line_text: str = ""

    def is_(self, text: str) -> bool:
        """Whether it is this punctuation or word, not a literal that looks like it."""
        return self.text == text and self.kind in (Kind.PUNCTUATION, Kind.NAME)

    def moved(self, at: Position) -> Token:
        return replace(self, at=at)


_LONG_PUNCTUATION = (
    "<=> ... <<= >>= ->* -> .* ++ -- << >> <= >= == != && || += -= *= /= %= &= |= ^= :: ##"
)
_PUNCTUATION = [*_LONG_PUNCTUATION.split(), *"{}[]();,.?:~!+-*/%&|^=<>#"]

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\f\v\r\n\ufeff]+|//[^\n]*|/\*.*?\*/|\\\r?\n)
  | (?P<datetime>D'[^'\n]*')
  | (?P<color>C'[^'\n]*')
  | (?P<binary>B'[01]+')
  | (?P<prefix>(?:(?:u8|u|U|L)R?|R)(?=["']))
  | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
  | (?P<real>(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
  | (?P<integer>0[xX][0-9a-fA-F]+|\d+)
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<character>'(?:[^'\\\n]|\\.)+')
  | (?!/\*)(?P<punctuation>"""
    + "|".join(re.escape(each) for each in _PUNCTUATION)
    + ")",
    re.VERBOSE | re.DOTALL,
)
# Up to the end of the line, or of the last that a backslash continues, or up to a comment.
_DIRECTIVE = re.compile(r'#[ \t]*(\w*)((?:"(?:[^"\\\n]|\\.)*"|\\\r?\n|[^\n/]|/(?!/))*)')
_NUMBER_TAIL = re.compile(r"'?[A-Za-z_0-9]+")
_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]{1,4})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'"}


class SourceFile:
    """One file's text and its tokens, each with its place."""

    def __init__(self, path: Path | str, text: str) -> None:
        self.path = path.as_posix() if isinstance(path, Path) else path
        self.text = text
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    @classmethod
    def read(cls, path: Path) -> SourceFile:
        """A file as MetaEditor saves it: UTF-8, or UTF-16 with its mark."""
        data = path.read_bytes()
        utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        try:
            return cls(path, data.decode("utf-16" if utf16 else "utf-8-sig"))
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise Mql5Error(
                Position(path.as_posix(), line, 1),
                "this is neither UTF-8 nor UTF-16: save it as UTF-8",
            ) from None

    def position(self, offset: int) -> Position:
        line = bisect_right(self._line_starts, offset)
        return Position(self.path, line, offset - self._line_starts[line - 1] + 1)

    def tokens(self) -> Iterator[Token]:
        """All tokens, a directive's whole line as one, and an `END`."""
        offset, fresh = 0, True  # fresh: only white space so far on this line
        while offset < len(self.text):
            if fresh and self.text[offset] == "#":
                match = _DIRECTIVE.match(self.text, offset)
                assert match
                arguments = tuple(self._plain(match.start(2), match.end(2)))
                yield Token(
                    Kind.DIRECTIVE,
                    match[1],
                    self.position(offset),
                    arguments=arguments,
                    line_text=match[2],
                )
                offset, fresh = match.end(), False
                continue
            token, end = self._next(offset, len(self.text))
            if token is None:
                fresh = fresh or "\n" in self.text[offset:end]
            else:
                fresh = False
                yield token
            offset = end
        yield Token(Kind.END, "", self.position(len(self.text)))

    def _plain(self, start: int, end: int) -> Iterator[Token]:
        offset = start
        while offset < end:
            token, offset = self._next(offset, end)
            if token is not None:
                yield token

    def _next(self, offset: int, limit: int) -> tuple[Token | None, int]:
        """The token at an offset (none for white space and comments), and where it ends."""
        at = self.position(offset)
        spaced = offset == 0 or self.text[offset - 1] in " \t\r\n/"
        match = _TOKEN.match(self.text, offset, limit)
        if match is None:
            message, length = self._explain(offset)
            return Token(Kind.BAD, message, at, spaced), offset + length
        kind, text = match.lastgroup, match[0]
        if kind == "space":
            return None, match.end()
        if kind == "prefix":
            message = f"literals have no prefix in MQL5: drop the '{text}' before the quote"
            return Token(Kind.BAD, message, at, spaced), match.end()
        if kind == "binary":
            return Token(Kind.INTEGER, hex(int(text[2:-1], 2)), at, spaced), match.end()
        if kind in ("integer", "real"):
            tail = _NUMBER_TAIL.match(self.text, match.end(), limit)
            if tail and (bad := _bad_tail(text, tail[0])):
                return Token(Kind.BAD, bad, at, spaced), tail.end()
            if kind == "integer" and len(text) > 1 and text.isdigit() and text[0] == "0":
                message = f"'{text}': whole numbers start with no 0 (hexadecimal ones with 0x)"
                return Token(Kind.BAD, message, at, spaced), match.end()
        return Token(Kind(kind), text, at, spaced), match.end()

    def _explain(self, offset: int) -> tuple[str, int]:
        start = self.text[offset]
        if self.text.startswith("/*", offset):
            return "this comment has no end: close it with */", len(self.text) - offset
        if start in "\"'":
            line_end = self.text.find("\n", offset)
            length = (line_end if line_end >= 0 else len(self.text)) - offset
            return f"this literal has no closing {start} on its line", length
        return f"no MQL5 token starts with {start!r}", 1


def _bad_tail(number: str, tail: str) -> str | None:
    if tail[0] == "'":
        return "MQL5 has no digit separators: write the number without '" if len(tail) > 1 else None
    return f"numbers have no suffix in MQL5: write '{number}' without '{tail}', and cast if need be"


def decode_quoted(token: Token) -> str:
    """What a string's or a character's literal says."""

    def replacement(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2] not in _ESCAPES:
            raise Mql5Error(
                token.at,
                f"MQL5 has no escape '\\{match[2]}', only \\n \\r \\t \\\\ \\\" \\' \\xhhhh",
            )
        return _ESCAPES[match[2]]

    return _ESCAPE.sub(replacement, token.text[1:-1])
