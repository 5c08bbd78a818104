"""Parsing types and expressions, by recursive descent and precedence climbing."""

from __future__ import annotations

from pathlib import PurePosixPath

from tests.mql5.translator import syntax
from tests.mql5.translator.language import word_set
from tests.mql5.translator.language.words import KEYWORDS
from tests.mql5.translator.parsing.types import POINTABLE, TypeParser
from tests.mql5.translator.reading.literals import color_value, datetime_seconds
from tests.mql5.translator.reading.tokens import Kind, Token, decode_quoted

_PRECEDENCE = {
    operator: level
    for level, operators in enumerate(
        ["||", "&&", "|", "^", "&", "== !=", "< <= > >=", "<< >>", "+ -", "* / %"]
    )
    for operator in operators.split()
}
_ASSIGNMENTS = word_set("= += -= *= /= %= &= |= ^= <<= >>=")


class ExpressionParser(TypeParser):
    """The part of the parser that knows expressions."""

    def expression(self) -> syntax.Expression:
        """An expression with commas, as in the head of a `for`."""
        first = self.assignment()
        if not self.token.is_(","):
            return first
        items = [first]
        while self.accept(","):
            items.append(self.assignment())
        return syntax.Comma(first.at, items)

    def assignment(self) -> syntax.Expression:
        target = self._conditional()
        token = self.token
        if token.kind is Kind.PUNCTUATION and token.text in _ASSIGNMENTS:
            self.take()
            if self.token.is_("{"):
                self.fail("'{' initialises a declaration only: assign member by member")
            return syntax.Assignment(target.at, token.text, target, self.assignment())
        return target

    def _conditional(self) -> syntax.Expression:
        condition = self._binary(0)
        if not self.accept("?"):
            return condition
        yes = self.assignment()
        self.expect(":", "between the two values of '?'")
        return syntax.Conditional(condition.at, condition, yes, self.assignment())

    def _binary(self, least: int) -> syntax.Expression:
        left = self._prefix()
        while True:
            token = self.token
            level = _PRECEDENCE.get(token.text, -1) if token.kind is Kind.PUNCTUATION else -1
            if level < least:
                return left
            self.take()
            left = syntax.Binary(left.at, token.text, left, self._binary(level + 1))

    def _prefix(self) -> syntax.Expression:
        token = self.token
        if token.kind is Kind.PUNCTUATION and token.text in ("+", "-", "!", "~", "++", "--", "&"):
            self.take()
            return syntax.Prefix(token.at, token.text, self._prefix())
        if token.is_("*"):
            self.fail("'*' follows no address in MQL5: take a pointer's member with '.'")
        if token.is_("(") and self._is_cast():
            self.take()
            type_ = self.full_type()
            self.expect(")", "after the type of a cast")
            return syntax.Cast(token.at, type_, self._prefix())
        if token.is_("new"):
            return self._new()
        if token.is_("sizeof"):
            self.take()
            return syntax.SizeOf(token.at, self._type_or_expression("sizeof"))
        if token.is_("typename"):
            self.take()
            return syntax.TypeNameOf(token.at, self._type_or_expression("typename"))
        if token.is_("delete"):
            self.fail("'delete' is a statement of its own")
        return self._postfix(self._primary())

    def _is_cast(self) -> bool:
        first = self.peek()
        if first.is_("const"):
            return True
        return self.is_type(first) and not (
            self.peek(2).is_("(") or self.peek(2).is_("::") or self.peek(2).is_(".")
        )

    def _new(self) -> syntax.Expression:
        at = self.take().at
        type_ = self.base_type()
        if self.types.get(type_.name) not in POINTABLE:
            self.fail(f"'new' makes objects of classes only, and '{type_.name}' is no class", at)
        if self.token.is_("["):
            self.fail("MQL5 has no 'new' for arrays: declare 'CFoo items[];' and ArrayResize it")
        has_parentheses = self.token.is_("(")
        return syntax.New(at, type_, self.arguments() if has_parentheses else [], has_parentheses)

    def _type_or_expression(self, word: str) -> syntax.Type | syntax.Expression:
        self.expect("(", f"after '{word}'")
        operand: syntax.Type | syntax.Expression
        if self.is_type(self.token) and not (self.peek().is_("(") or self.peek().is_("::")):
            operand = self.full_type()
        else:
            operand = self.expression()
        self.expect(")", f"after what '{word}' asks of")
        return operand

    def arguments(self) -> list[syntax.Expression]:
        """`(a, b)`, its parentheses too."""
        self.expect("(", "before the arguments")
        items: list[syntax.Expression] = []
        if not self.token.is_(")"):
            items.append(self._argument())
            while self.accept(","):
                items.append(self._argument())
        self.expect(")", "after the arguments")
        return items

    def _argument(self) -> syntax.Expression:
        if self.token.is_("{"):
            self.fail("'{' initialises a declaration only: pass a variable")
        return self.assignment()

    def _postfix(self, expression: syntax.Expression) -> syntax.Expression:
        while True:
            token = self.token
            if token.is_("("):
                expression = syntax.Call(expression.at, expression, self.arguments())
            elif token.is_("["):
                self.take()
                if self.token.is_("]"):
                    self.fail("an element needs an index between '[' and ']'")
                index = self.expression()
                if isinstance(index, syntax.Comma):
                    self.fail("write a[i][j], not a[i, j]", index.at)
                self.expect("]", "after the index")
                expression = syntax.Index(token.at, expression, index)
            elif token.is_("."):
                self.take()
                name = self.take_name("a member")
                expression = syntax.Member(name.at, expression, name.text)
            elif token.is_("++") or token.is_("--"):
                self.take()
                expression = syntax.Postfix(token.at, token.text, expression)
            else:
                return expression

    def _primary(self) -> syntax.Expression:
        token = self.token
        literal = self._literal()
        if literal:
            return literal
        if token.is_("("):
            self.take()
            inner = self.expression()
            self.expect(")", "to close '('")
            return syntax.Paren(token.at, inner)
        if token.is_("["):
            self.fail("MQL5 has no lambdas: write a function, or a class with a method")
        if token.is_("{"):
            self.fail("'{' initialises a declaration only")
        if token.is_("dynamic_cast"):
            return self._dynamic_cast()
        if token.is_("::"):
            self.take()
            return syntax.Name(token.at, self.take_name("something global").text, "")
        if token.kind is not Kind.NAME:
            self.fail(f"expected an expression, not {self.describe(token)}")
        return self._name()

    def _name(self) -> syntax.Expression:
        token = self.token
        if self.is_type(token):
            if self.peek().is_("::"):
                self.take()
                self.take()
                if self.token.is_("operator"):
                    self.fail("call an operator by its sign")
                return syntax.Name(token.at, self.take_name("a member").text, token.text)
            if self.peek().is_("(") and self.types.get(token.text, "enum") in ("enum", "template"):
                type_ = self.base_type()
                arguments = self.arguments()
                if len(arguments) != 1:
                    self.fail(f"{token.text}(...) converts exactly one value", token.at)
                return syntax.Cast(token.at, type_, arguments[0])
            if self.peek().is_("("):
                self.fail(
                    f"MQL5 has no objects without a name: declare a variable of {token.text}, "
                    "or make one with new"
                )
            self.fail(f"'{token.text}' is a type, where an expression is expected")
        if token.text in KEYWORDS:
            self.fail(f"expected an expression, not the word '{token.text}'")
        self.take()
        if self.token.is_("::"):
            if token.text == "std":
                self.fail("MQL5 has no std:: library", token.at)
            self.fail(f"'{token.text}' before '::' is no class declared before this line", token.at)
        return syntax.Name(token.at, token.text)

    def _dynamic_cast(self) -> syntax.Expression:
        at = self.take().at
        self.expect("<", "after dynamic_cast")
        type_ = self.full_type()
        if not type_.pointer:
            self.fail("dynamic_cast is to a pointer: dynamic_cast<CFoo *>(p)")
        self.close_angle()
        arguments = self.arguments()
        if len(arguments) != 1:
            self.fail("dynamic_cast converts exactly one pointer", at)
        return syntax.DynamicCast(at, type_, arguments[0])

    def _literal(self) -> syntax.Expression | None:
        token = self.token
        at = token.at
        made: syntax.Expression | None = None
        if token.kind is Kind.INTEGER:
            made = syntax.Integer(at, token.text)
        elif token.kind is Kind.REAL:
            made = syntax.Real(at, token.text)
        elif token.kind is Kind.STRING:
            made = syntax.String(at, decode_quoted(token))
            if self.peek().kind is Kind.STRING:
                self.fail(
                    "put + between two strings: they are not joined by themselves here",
                    self.peek().at,
                )
        elif token.kind is Kind.CHARACTER:
            made = syntax.Character(at, decode_quoted(token))
            if len(made.value) != 1:
                self.fail('a character\'s literal holds one character; a string stands in ""')
        elif token.kind is Kind.DATETIME:
            made = syntax.Datetime(at, datetime_seconds(token))
        elif token.kind is Kind.COLOR:
            made = syntax.Color(at, color_value(token))
        elif token.kind is Kind.NAME:
            made = self._word_literal(token)
        if made is not None:
            self.take()
        return made

    def _word_literal(self, token: Token) -> syntax.Expression | None:
        at = token.at
        match token.text:
            case "true" | "false":
                return syntax.Boolean(at, token.text == "true")
            case "NULL":
                return syntax.Null(at)
            case "this":
                return syntax.This(at)
            case "__LINE__":
                return syntax.Integer(at, str(at.line))
            case "__FILE__":
                return syntax.String(at, PurePosixPath(at.path).name)
            case "__FUNCTION__":
                return syntax.String(at, self.function[0])
            case "__FUNCSIG__":
                return syntax.String(at, self.function[1])
        return None
