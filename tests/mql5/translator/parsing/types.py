"""Reading along the tokens, and parsing types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from tests.mql5.translator import syntax
from tests.mql5.translator.errors import Mql5Error, Position
from tests.mql5.translator.language.names import ENUMS, STRUCTS
from tests.mql5.translator.language.words import KEYWORDS, SIMPLE_TYPES
from tests.mql5.translator.reading.tokens import Kind, Token

_LONGEST_NAME = 63
POINTABLE = ("class", "interface", "template")


class TypeParser:
    """The part of the parser that knows tokens and types.

    Attributes:
        types: every type's name known at this point of the program and its kind: `class`,
            `interface`, `struct`, `union`, `enum`, or `template` for a template's parameter.
        function: the name and the signature of the function being parsed.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self.types: dict[str, str] = dict.fromkeys(STRUCTS, "struct")
        self.types |= dict.fromkeys(ENUMS, "enum")
        self.class_templates: set[str] = set()
        self.function = ("", "")

    # ---- tokens

    @property
    def token(self) -> Token:
        return self._tokens[self._place]

    def peek(self, distance: int = 1) -> Token:
        return self._tokens[min(self._place + distance, len(self._tokens) - 1)]

    def take(self) -> Token:
        token = self.token
        if token.kind is not Kind.END:
            self._place += 1
        return token

    def accept(self, text: str) -> bool:
        if self.token.is_(text):
            self.take()
            return True
        return False

    def expect(self, text: str, why: str) -> Token:
        if not self.token.is_(text):
            self.fail(f"expected '{text}' {why}, not {self.describe(self.token)}")
        return self.take()

    def fail(self, message: str, at: Position | None = None) -> NoReturn:
        raise Mql5Error(at or self.token.at, message)

    @staticmethod
    def describe(token: Token) -> str:
        if token.kind is Kind.END:
            return "the end of the file"
        return f"#{token.text}" if token.kind is Kind.DIRECTIVE else f"'{token.text}'"

    def take_name(self, of_what: str) -> Token:
        token = self.token
        if token.kind is not Kind.NAME:
            self.fail(f"expected the name of {of_what}, not {self.describe(token)}")
        if token.text in KEYWORDS:
            self.fail(f"'{token.text}' is a word of MQL5 and cannot name {of_what}")
        if len(token.text) > _LONGEST_NAME:
            self.fail(f"a name has at most {_LONGEST_NAME} characters, not {len(token.text)}")
        return self.take()

    # ---- types

    def is_type(self, token: Token) -> bool:
        return token.kind is Kind.NAME and (token.text in SIMPLE_TYPES or token.text in self.types)

    def base_type(self) -> syntax.Type:
        """A type without its '*', which belongs to each declarator."""
        const = self.accept("const")
        token = self.token
        if not self.is_type(token):
            if token.is_("std"):
                self.fail("MQL5 has no std:: library")
            self.fail(f"{self.describe(token)} is no type that was declared before this line")
        self.take()
        if token.text in SIMPLE_TYPES and self.token.text in SIMPLE_TYPES:
            self.fail(
                f"'{token.text} {self.token.text}' is no type of MQL5: whole numbers are char, "
                "short, int and long and their u forms, real ones float and double"
            )
        arguments: list[syntax.Type] = []
        if token.text in self.class_templates and self.accept("<"):
            arguments.append(self.full_type())
            while self.accept(","):
                arguments.append(self.full_type())
            self.close_angle()
        if self.token.is_("const"):
            self.fail(f"write 'const' before the type: const {token.text}")
        return syntax.Type(token.text, tuple(arguments), const=const)

    def full_type(self) -> syntax.Type:
        return self.pointer_to(self.base_type())

    def pointer_to(self, base: syntax.Type) -> syntax.Type:
        """The base type, or a pointer to it where a '*' follows."""
        star = self.token
        if not self.accept("*"):
            return base
        kind = self.types.get(base.name, "simple type")
        if kind not in POINTABLE:
            self.fail(
                f"MQL5 has pointers to objects of classes only, and '{base.name}' is "
                f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}",
                star.at,
            )
        if self.token.is_("*"):
            self.fail("MQL5 has no pointers to pointers")
        return syntax.Type(base.name, base.arguments, True, base.const, self.accept("const"))

    def close_angle(self) -> None:
        if self.token.is_(">>"):  # CList<CList<int>>
            tokens = list(self._tokens)
            token = tokens[self._place]
            at = token.at._replace(column=token.at.column + 1)
            tokens[self._place : self._place + 1] = [
                Token(Kind.PUNCTUATION, ">", token.at),
                Token(Kind.PUNCTUATION, ">", at),
            ]
            self._tokens = tokens
        self.expect(">", "after the template's arguments")
