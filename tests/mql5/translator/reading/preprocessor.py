"""Directives and macros: the text of a program as one stream of tokens.

Done here: `#include`, `#define`, `#undef`, `#ifdef`, `#ifndef`, `#else`, `#endif`. Left in the
stream for the parser, as `DIRECTIVE` tokens: `#property`, `#import`, `#resource`. MQL5 has no
others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mql5.translator.errors import Mql5Error, Position
from tests.mql5.translator.language.words import REFUSED_PUNCTUATION, REFUSED_WORDS
from tests.mql5.translator.reading.tokens import Kind, SourceFile, Token

_FOR_THE_PARSER = ("property", "import", "resource")
_INCLUDE = re.compile(r'\s*(?:<([^>]+)>|"([^"]+)")\s*$')
_REFUSED_DIRECTIVES = {
    "if": "use #ifdef or #ifndef",
    "elif": "nest #ifdef in #else",
    "elifdef": "nest #ifdef in #else",
    "elifndef": "nest #ifdef in #else",
    "pragma": "an include guard is made with #ifndef and #define",
    "error": "nothing stands in its place",
    "warning": "nothing stands in its place",
    "line": "nothing stands in its place",
    "include_next": "use #include",
}
_MOST_PARAMETERS = 8
_PREDEFINED = ("__MQL__", "__MQL5__")


@dataclass(frozen=True)
class Macro:
    """A `#define`; `parameters` is None for one that takes no parentheses."""

    body: tuple[Token, ...]
    parameters: tuple[str, ...] | None = None

    def same_as(self, other: Macro) -> bool:
        return self.parameters == other.parameters and [t.text for t in self.body] == [
            t.text for t in other.body
        ]


class Preprocessor:
    """Reads a program's files.

    Attributes:
        files: every file read, in order, the program's own first.
    """

    def __init__(self, includes: Sequence[Path], defines: Sequence[str]) -> None:
        self._includes = [path.resolve() for path in includes]
        self._macros: dict[str, Macro] = {name: Macro(()) for name in _PREDEFINED}
        for definition in defines:
            name, _, value = definition.partition("=")
            body = tuple(SourceFile(f"-D {definition}", value).tokens())[:-1]
            self._macros[name] = Macro(body)
        self.files: list[Path] = []

    def run(self, source: Path) -> list[Token]:
        """The program's tokens, an `END` last."""
        stream: list[Token] = []
        end = self._file(source.resolve(), stream)
        for token in stream:
            _refuse(token)
        return [*stream, end]

    def _file(self, path: Path, stream: list[Token]) -> Token:
        self.files.append(path)
        conditions: list[_Condition] = []
        pending: list[Token] = []
        end = None
        for token in SourceFile.read(path).tokens():
            if token.kind is Kind.DIRECTIVE:
                stream += self._expand(pending)
                pending.clear()
                self._directive(token, path, conditions, stream)
            elif token.kind is Kind.END:
                end = token
            elif all(condition.holds for condition in conditions):
                pending.append(token)
        stream += self._expand(pending)
        if conditions:
            raise Mql5Error(conditions[-1].at, "this condition has no #endif")
        assert end
        return end

    def _directive(
        self, token: Token, path: Path, conditions: list[_Condition], stream: list[Token]
    ) -> None:
        name = token.text
        if name in _REFUSED_DIRECTIVES:
            raise Mql5Error(token.at, f"MQL5 has no #{name}: {_REFUSED_DIRECTIVES[name]}")
        if name in ("ifdef", "ifndef"):
            defined = _only_name(token) in self._macros
            conditions.append(_Condition(token.at, defined == (name == "ifdef")))
        elif name in ("else", "endif"):
            if not conditions or (name == "else" and conditions[-1].in_else):
                raise Mql5Error(token.at, f"this #{name} has no #ifdef or #ifndef")
            if name == "else":
                conditions[-1].turn()
            else:
                conditions.pop()
        elif not all(condition.holds for condition in conditions):
            return
        elif name == "define":
            self._define(token)
        elif name == "undef":
            self._macros.pop(_only_name(token), None)
        elif name == "include":
            included = self._find(token, path)
            # MetaEditor reads each file once, guarded or not.
            if included not in self.files:
                self._file(included, stream)
        elif name in _FOR_THE_PARSER:
            if name == "property" and path != self.files[0]:
                raise Mql5Error(
                    token.at, "#property counts in the program's own file only: move it there"
                )
            stream.append(token)
        else:
            raise Mql5Error(token.at, f"MQL5 has no directive '#{name}'")

    def _define(self, token: Token) -> None:
        if not token.arguments or token.arguments[0].kind is not Kind.NAME:
            raise Mql5Error(token.at, "#define needs a name")
        name, *rest = token.arguments
        parameters: tuple[str, ...] | None = None
        if rest and rest[0].is_("(") and not rest[0].spaced:
            closing = next((i for i, each in enumerate(rest) if each.is_(")")), None)
            if closing is None:
                raise Mql5Error(token.at, f"the parameters of '{name.text}' have no closing ')'")
            listed = rest[1:closing]
            if any(each.kind is not Kind.NAME for each in listed[::2]) or any(
                not each.is_(",") for each in listed[1::2]
            ):
                raise Mql5Error(rest[0].at, "a macro's parameters are names between commas")
            parameters = tuple(each.text for each in listed[::2])
            if len(parameters) > _MOST_PARAMETERS:
                raise Mql5Error(name.at, f"a macro takes at most {_MOST_PARAMETERS} parameters")
            rest = rest[closing + 1 :]
        for each in rest:
            if each.text in ("#", "##") and each.kind is Kind.PUNCTUATION:
                raise Mql5Error(each.at, f"'{each.text}' in a macro is not used here: write it out")
        macro = Macro(tuple(rest), parameters)
        earlier = self._macros.get(name.text)
        if earlier and not earlier.same_as(macro):
            raise Mql5Error(
                name.at, f"'{name.text}' is defined already, otherwise: #undef it first"
            )
        self._macros[name.text] = macro

    def _find(self, token: Token, including: Path) -> Path:
        match = _INCLUDE.match(token.line_text)
        if not match:
            raise Mql5Error(token.at, '#include needs <File.mqh> or "File.mqh"')
        name = (match[1] or match[2]).replace("\\", "/")
        folders = self._includes if match[1] else [including.parent]
        for folder in folders:
            if (folder / name).is_file():
                return (folder / name).resolve()
        looked = ", ".join(folder.as_posix() for folder in folders) or "no folder: none was named"
        raise Mql5Error(token.at, f"cannot find '{name}' (looked in {looked})")

    def _expand(self, tokens: Sequence[Token], hidden: frozenset[str] = frozenset()) -> list[Token]:
        """Replace macros; `hidden` are those being replaced, which a macro cannot reach again."""
        result: list[Token] = []
        place = 0
        while place < len(tokens):
            token = tokens[place]
            place += 1
            macro = self._macros.get(token.text) if token.kind is Kind.NAME else None
            if macro is None or token.text in hidden:
                result.append(token)
                continue
            body = [each.moved(token.at) for each in macro.body]
            if macro.parameters is not None:
                if place == len(tokens) or not tokens[place].is_("("):
                    result.append(token)
                    continue
                arguments, place = _arguments(token, tokens, place)
                if len(arguments) != len(macro.parameters):
                    raise Mql5Error(
                        token.at,
                        f"macro '{token.text}' takes {len(macro.parameters)} arguments, "
                        f"not {len(arguments)}",
                    )
                expanded = [self._expand(argument, hidden) for argument in arguments]
                body = _substitute(body, dict(zip(macro.parameters, expanded, strict=True)))
            result += self._expand(body, hidden | {token.text})
        return result


@dataclass
class _Condition:
    """An open `#ifdef` or `#ifndef`."""

    at: Position
    holds: bool
    in_else: bool = False

    def turn(self) -> None:
        self.holds, self.in_else = not self.holds, True


def _only_name(token: Token) -> str:
    if len(token.arguments) != 1 or token.arguments[0].kind is not Kind.NAME:
        raise Mql5Error(token.at, f"#{token.text} needs one name")
    return token.arguments[0].text


def _arguments(name: Token, tokens: Sequence[Token], place: int) -> tuple[list[list[Token]], int]:
    """A macro call's arguments, from its '(' on, and the place after its ')'."""
    depth = 0
    arguments: list[list[Token]] = [[]]
    for index in range(place, len(tokens)):
        token = tokens[index]
        if token.is_("(") or token.is_("[") or token.is_("{"):
            depth += 1
            if depth == 1:
                continue
        elif token.is_(")") or token.is_("]") or token.is_("}"):
            depth -= 1
            if depth == 0:
                return ([] if arguments == [[]] else arguments), index + 1
        elif token.is_(",") and depth == 1:
            arguments.append([])
            continue
        arguments[-1].append(token)
    raise Mql5Error(name.at, f"the arguments of macro '{name.text}' have no closing ')'")


def _substitute(body: Sequence[Token], arguments: Mapping[str, Sequence[Token]]) -> list[Token]:
    result: list[Token] = []
    for token in body:
        if token.kind is Kind.NAME and token.text in arguments:
            result += arguments[token.text]
        else:
            result.append(token)
    return result


def _refuse(token: Token) -> None:
    """Stop at what is never right in MQL5, wherever it stands."""
    if token.kind is Kind.BAD:
        raise Mql5Error(token.at, token.text)
    if token.kind is Kind.NAME and token.text in REFUSED_WORDS:
        raise Mql5Error(token.at, REFUSED_WORDS[token.text])
    if token.kind is Kind.PUNCTUATION and token.text in REFUSED_PUNCTUATION:
        raise Mql5Error(token.at, REFUSED_PUNCTUATION[token.text])
