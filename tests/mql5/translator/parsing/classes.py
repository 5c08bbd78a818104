"""Parsing classes, interfaces, structures and unions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.mql5.translator import syntax
from tests.mql5.translator.parsing.functions import FunctionParser
from tests.mql5.translator.reading.tokens import Kind, Token

_ACCESS = ("public", "protected", "private")


class ClassParser(FunctionParser):
    """The part of the parser that knows classes."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        super().__init__(tokens)
        self._forward: set[str] = set()  # types declared by `class CFoo;`, not yet defined

    def class_(self, template: tuple[str, ...]) -> syntax.Class | syntax.ForwardDeclaration:
        word = self.take()
        kind = word.text
        pack = self._pack(kind)
        if self.token.is_("{"):
            self.fail(f"MQL5 has no anonymous {kind}s: name it")
        name = self.take_name(f"a {kind}")
        known = self.types.get(name.text)
        if self.accept(";"):
            self.types.setdefault(name.text, kind)
            if known is None:
                self._forward.add(name.text)
            return syntax.ForwardDeclaration(name.at, name.text)
        if known is not None and name.text not in self._forward:
            self.fail(f"'{name.text}' is a type already", name.at)
        self._forward.discard(name.text)
        self.types[name.text] = kind
        if template:
            self.class_templates.add(name.text)
        made = syntax.Class(name.at, kind, name.text, template, pack=pack)
        if self.accept("final"):
            made.final = True
        made.pack = max(made.pack, self._pack(kind))
        if self.accept(":"):
            self._base(made)
        self.expect("{", f"to open the {kind}")
        access = "private" if kind == "class" else "public"
        while not self.token.is_("}"):
            if self.token.kind is Kind.END:
                self.fail(f"'{name.text}' has no '}}'", name.at)
            if any(self.token.is_(word) for word in _ACCESS):
                access = self.take().text
                self.expect(":", f"after '{access}'")
            else:
                made.members += [(access, each) for each in self._member(made)]
        made.end = self.take().at
        if made.is_struct and not made.variables() and made.base is None:
            self.fail(f"MetaEditor warns of a {kind} without members", made.at)
        if not self.token.is_(";"):
            self.fail(f"expected ';' after the {kind}, not {self.describe(self.token)}")
        self.take()
        return made

    def _pack(self, kind: str) -> int:
        if kind != "struct" or not (self.token.is_("pack") and self.peek().is_("(")):
            return 1
        self.take()
        self.take()
        token = self.take()
        if token.is_(")"):
            return 1
        if token.text not in ("1", "2", "4", "8", "16"):
            self.fail("pack() takes 1, 2, 4, 8 or 16", token.at)
        self.expect(")", "after the packing")
        return int(token.text)

    def _base(self, made: syntax.Class) -> None:
        made.base_access = "public" if made.is_struct else "private"
        if made.kind == "union":
            self.fail("a union has no base")
        if any(self.token.is_(word) for word in _ACCESS):
            made.base_access = self.take().text
        made.base = self.base_type()
        if (self.types.get(made.base.name) == "struct") != made.is_struct:
            self.fail(f"a {made.kind} cannot inherit from '{made.base.name}'")
        if self.token.is_(","):
            self.fail("MQL5 has single inheritance: one base only")

    def _member(self, made: syntax.Class) -> list[syntax.Variable | syntax.Function]:
        token = self.token
        template: tuple[str, ...] = ()
        if token.is_("template"):
            template = self.template_parameters()
        elif any(
            self.token.is_(word) for word in ("class", "struct", "union", "interface", "enum")
        ):
            self.fail(f"nested types are not used: move this {token.text} out of the class")
        virtual = static = False
        while self.token.is_("virtual") or self.token.is_("static"):
            virtual |= self.accept("virtual")
            static |= self.accept("static")
        found = self._member_after_words(made, template, static)
        for name in template:
            del self.types[name]
        if isinstance(found, syntax.Function):
            found.outside = False
            found.static, found.virtual = static, virtual
            if made.kind == "interface":
                if found.body:
                    self.fail("an interface's methods have no bodies", found.at)
                found.virtual = found.pure = True
            return [found]
        if virtual:
            self.fail("only methods are virtual", token.at)
        return list(found)

    def _member_after_words(
        self, made: syntax.Class, template: tuple[str, ...], static: bool
    ) -> syntax.Function | list[syntax.Variable]:
        if self.token.is_(made.name) and self.peek().is_("("):
            return self.function_rest(None, template, self.take(), made.name)
        if self.token.is_("~"):
            self.take()
            name = self.take_name("a destructor")
            if name.text != made.name:
                self.fail(f"the destructor of '{made.name}' is ~{made.name}", name.at)
            return self.function_rest(None, (), replace(name, text="~" + name.text), made.name)
        if self.token.is_("operator"):
            self.fail("an operator needs the type that it returns; MQL5 has none that convert")
        base = self.base_type()
        type_ = self.pointer_to(base)
        self.refuse_result(type_)
        if self.token.is_("operator"):
            return self.function_rest(type_, template, self.operator_name(), made.name)
        if self.token.is_(made.name) and self.peek().is_("("):
            self.fail("a constructor has no result: drop the type before its name")
        if self.token.kind is Kind.NAME and self.peek().is_("("):
            return self.function_rest(type_, template, self.take_name("a method"), made.name)
        if made.kind == "interface":
            self.fail("an interface has methods only: a class may have variables")
        variables = self.variables(base, "static" if static else "", type_)
        if self.token.is_(":"):
            self.fail("MQL5 has no bit fields: use masks")
        self.expect(";", "after the member")
        for variable in variables:
            if (variable.initializer or variable.constructor) and static:
                self.fail(
                    f"a static member gets its value outside of the class: {type_.name} "
                    f"{made.name}::{variable.name} = ...;",
                    variable.at,
                )
            if variable.initializer or variable.constructor:
                self.fail(
                    f"members have no default values in MQL5: set '{variable.name}' in the "
                    "constructor",
                    variable.at,
                )
        return variables
