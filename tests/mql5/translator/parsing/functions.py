"""Parsing functions: their parameters, and what stands around them."""

from __future__ import annotations

from tests.mql5.translator import syntax
from tests.mql5.translator.errors import Position
from tests.mql5.translator.language import word_set
from tests.mql5.translator.parsing.statements import StatementParser
from tests.mql5.translator.reading.tokens import Kind, Token

_OPERATORS = word_set(
    """
    + - * / % ++ -- << >> < > <= >= == != && || ! & | ^ ~ = += -= *= /= %= &= |= ^= <<= >>=
    """
)


class FunctionParser(StatementParser):
    """The part of the parser that knows functions."""

    def template_parameters(self) -> tuple[str, ...]:
        self.take()
        self.expect("<", "after 'template'")
        names = []
        while True:
            if not self.accept("typename"):
                self.fail("a template's parameters are types in MQL5: template<typename T>")
            name = self.take_name("a template's parameter")
            if name.text in self.types:
                self.fail(f"'{name.text}' is a type already", name.at)
            names.append(name.text)
            self.types[name.text] = "template"
            if not self.accept(","):
                break
        self.expect(">", "after the template's parameters")
        return tuple(names)

    def refuse_result(self, type_: syntax.Type) -> None:
        if self.token.is_("&"):
            self.fail("MQL5 has references as parameters only: return the value or a pointer")
        if self.token.is_("["):
            self.fail(
                "MQL5 functions return no arrays (fill one that is passed by reference), and an "
                f"array's brackets follow its name: {type_.name} name[]"
            )

    def are_parameters(self, type_: syntax.Type) -> bool:
        """Whether '(' opens parameters, not a constructor's arguments: `CFoo foo(1);`."""
        after = self.peek()
        if after.is_(")") or after.is_("const") or type_.name == "void":
            return True
        return self.is_type(after) and not (self.peek(2).is_("(") or self.peek(2).is_("::"))

    def operator_name(self) -> Token:
        at = self.take().at
        sign = self.take()
        text = sign.text
        if text in ("[", "("):
            text += self.expect("]" if text == "[" else ")", f"after 'operator{text}'").text
        elif sign.kind is not Kind.PUNCTUATION or text not in _OPERATORS:
            self.fail(f"'{text}' is no operator that MQL5 can overload", sign.at)
        return Token(Kind.NAME, "operator" + text, at)

    def function_rest(
        self, result: syntax.Type | None, template: tuple[str, ...], name: Token, owner: str
    ) -> syntax.Function:
        """The rest of a function, from its parameters on, to its body's end or its ';'."""
        result_text = f"{result.name}{'*' * result.pointer} " if result else ""
        full_name = f"{owner}::{name.text}" if owner else name.text
        parameters = self._parameters()
        if self.token.is_("["):
            self.fail("MQL5 functions return no arrays: fill one that is passed by reference")
        types = ",".join(_signature(each) for each in parameters)
        self.function = (full_name, f"{result_text}{full_name}({types})")
        function = syntax.Function(
            name.at, result, name.text, parameters, owner=owner, outside=bool(owner),
            template=template,
        )  # fmt: skip
        self._after_parameters(function)
        if self.token.is_(":"):
            if result is not None or name.text.startswith("~"):
                self.fail("only a constructor initialises members after ':'")
            function.initializers = self._member_initializers()
        if self.token.is_("{"):
            for parameter in parameters:
                if not parameter.name:
                    self.fail("a parameter of a function with a body needs a name", parameter.at)
            function.body = self.block()
        else:
            self.expect(";", "or '{' after the parameters")
        return function

    def _after_parameters(self, function: syntax.Function) -> None:
        while True:
            token = self.token
            if self.accept("const"):
                function.const = True
            elif self.accept("override"):
                function.override = True
            elif self.accept("final"):
                function.final = True
            elif self.accept("="):
                if self.token.is_("default") or self.token.is_("delete"):
                    self.fail(f"MQL5 has no '= {self.token.text}' for functions", token.at)
                if self.token.text != "0":
                    self.fail("only '= 0' stands after a method's parameters", token.at)
                self.take()
                function.pure = True
            else:
                return

    def _parameters(self) -> list[syntax.Variable]:
        self.expect("(", "before the parameters")
        if self.token.is_("void") and self.peek().is_(")"):
            self.take()
        found: list[syntax.Variable] = []
        while not self.token.is_(")"):
            found.append(self._parameter())
            if not self.accept(","):
                break
        self.expect(")", "after the parameters")
        return found

    def _parameter(self) -> syntax.Variable:
        at = self.token.at
        base = self.base_type()
        type_ = self.pointer_to(base)
        if self.token.is_("&&"):
            self.fail("MQL5 has no '&&' references: write &")
        reference = self.accept("&")
        if self.token.is_("("):
            self.fail("pointers to functions are not used: pass an object of an interface")
        name = ""
        if self.token.kind is Kind.NAME:
            token = self.take_name("a parameter")
            at, name = token.at, token.text
        dimensions = self.dimensions()
        if dimensions and not reference:
            self.fail(f"arrays are passed by reference: {base.name} &{name}[]", at)
        if type_.name == "void" and not type_.pointer:
            self.fail("a parameter cannot be void", at)
        kind = self.types.get(type_.name)
        if kind in ("class", "struct", "union", "interface") and not (reference or type_.pointer):
            self.fail(f"objects are passed by reference: {type_.name} &{name}", at)
        variable = syntax.Variable(at, type_, name, dimensions, reference)
        if self.accept("="):
            if self.token.is_("{"):
                self.fail("a default value is one value, without braces")
            variable.initializer = self.assignment()
            if dimensions or (reference and not type_.const):
                self.fail("what is passed by reference has no default value", at)
        return variable

    def _member_initializers(
        self,
    ) -> list[tuple[Position, str, list[syntax.Expression]]]:
        self.expect(":", "before the initialised members")
        found = []
        while True:
            at = self.token.at
            name = self.take_name("a member or the base class").text
            if self.token.is_("{"):
                self.fail(f"MQL5 initialises with parentheses: {name}(...)")
            found.append((at, name, self.arguments()))
            if not self.accept(","):
                return found


def _signature(parameter: syntax.Variable) -> str:
    type_ = parameter.type
    return (
        ("const " if type_.const else "")
        + type_.name
        + ("*" if type_.pointer else "")
        + ("&" if parameter.reference else "")
        + "[]" * len(parameter.dimensions)
    )
