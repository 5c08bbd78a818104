"""Parsing a program: its declarations, from tokens to the tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.mql5.translator import syntax
from tests.mql5.translator.errors import Position
from tests.mql5.translator.language.words import SIMPLE_TYPES
from tests.mql5.translator.parsing.classes import ClassParser
from tests.mql5.translator.reading.tokens import Kind, Token, decode_quoted


def parse(tokens: Sequence[Token], mql5_folder: Path | None) -> list[syntax.Declaration]:
    """The program's declarations, in order; `mql5_folder` is where `\\\\` in #resource begins."""
    return Parser(tokens, mql5_folder).program()


class Parser(ClassParser):
    """Recursive descent over a program's declarations."""

    def __init__(self, tokens: Sequence[Token], mql5_folder: Path | None) -> None:
        super().__init__(tokens)
        self._mql5_folder = mql5_folder

    def program(self) -> list[syntax.Declaration]:
        declarations: list[syntax.Declaration] = []
        while self.token.kind is not Kind.END:
            if self.accept(";"):
                continue
            made = self._declaration()
            if made is not None:
                declarations.append(made)
        return declarations

    def _declaration(self) -> syntax.Declaration | None:
        token = self.token
        if token.kind is Kind.DIRECTIVE:
            return self._directive()
        match token.text if token.kind is Kind.NAME else "":
            case "template":
                return self._template()
            case "class" | "struct" | "union" | "interface":
                return self.class_(())
            case "enum":
                return self._enum()
            case "input" | "sinput":
                return self._input()
            case "public" | "protected" | "private" | "virtual":
                self.fail(f"'{token.text}' stands inside a class")
        return self._function_or_globals(())

    # ---- directives

    def _directive(self) -> syntax.Declaration | None:
        token = self.take()
        match token.text:
            case "property":
                if not token.arguments or token.arguments[0].kind is not Kind.NAME:
                    self.fail("#property needs a name", token.at)
                name, *rest = token.arguments
                value = " ".join(
                    decode_quoted(each) if each.kind is Kind.STRING else each.text for each in rest
                )
                return syntax.Property(token.at, name.text, value)
            case "resource":
                return self._resource(token)
        return self._import(token)

    def _resource(self, token: Token) -> syntax.Resource:
        if not token.arguments or token.arguments[0].kind is not Kind.STRING:
            self.fail('#resource needs a file: #resource "file" as uchar name[]', token.at)
        text = decode_quoted(token.arguments[0]).replace("\\", "/")
        if text.startswith("/"):
            if self._mql5_folder is None:
                self.fail("a resource's path from \\\\ on needs an include folder to start from")
            path = self._mql5_folder / text.lstrip("/")
        else:
            path = Path(token.at.path).parent / text
        if not path.is_file():
            self.fail(f"cannot find the resource '{path.as_posix()}'", token.at)
        rest = [each.text for each in token.arguments[1:]]
        if not rest:
            return syntax.Resource(token.at, path.resolve(), None, "")
        if len(rest) != 5 or rest[0] != "as" or rest[3:] != ["[", "]"]:
            self.fail('write #resource "file" as uchar name[]', token.at)
        if rest[1] != "uchar":
            self.fail(f"a resource is read here as uchar, not as {rest[1]}", token.at)
        return syntax.Resource(token.at, path.resolve(), syntax.Type(rest[1]), rest[2])

    def _import(self, token: Token) -> syntax.Import | None:
        if not token.arguments:
            return None  # the bare #import that ends a list
        if token.arguments[0].kind is not Kind.STRING:
            self.fail('#import needs a library: #import "library.dll"', token.at)
        library = decode_quoted(token.arguments[0])
        if not library.lower().endswith(".dll"):
            self.fail(f"only DLLs are imported here, and '{library}' is none", token.at)
        functions = []
        while self.token.kind is not Kind.DIRECTIVE:
            if self.token.kind is Kind.END:
                self.fail("this #import has no closing #import", token.at)
            type_ = self.full_type()
            function = self.function_rest(type_, (), self.take_name("a function"), "")
            if function.body:
                self.fail("an imported function has no body", function.at)
            functions.append(function)
        if self.token.text != "import":
            self.fail("this #import has no closing #import", token.at)
        return syntax.Import(token.at, library, functions)

    # ---- templates, enums, inputs

    def _template(self) -> syntax.Declaration:
        names = self.template_parameters()
        if any(self.token.is_(word) for word in ("class", "struct")):
            made: syntax.Declaration | None = self.class_(names)
        else:
            made = self._function_or_globals(names)
        for name in names:
            del self.types[name]
        if not isinstance(made, syntax.Class | syntax.Function):
            self.fail("a template is a function or a class")
        return made

    def _enum(self) -> syntax.EnumDeclaration:
        at = self.take().at
        if self.token.is_("class") or self.token.is_("struct"):
            self.fail("MQL5 has no 'enum class': write enum ENUM_NAME and prefix the values")
        if self.token.is_("{"):
            self.fail("MQL5 has no anonymous enums: name it, or use #define or const")
        name = self._new_type("enum", "an enum")
        if self.token.is_(":"):
            self.fail("an enum of MQL5 is an int: drop ': type'")
        self.expect("{", "after the enum's name")
        values: list[tuple[Position, str, syntax.Expression | None]] = []
        while not self.token.is_("}"):
            value = self.take_name("an enum's value")
            values.append((value.at, value.text, self.assignment() if self.accept("=") else None))
            if not self.accept(","):
                break
        end = self.expect("}", "after the enum's values").at
        self.expect(";", "after the enum")
        if not values:
            self.fail("an enum needs a value", at)
        return syntax.EnumDeclaration(at, name.text, values, end)

    def _input(self) -> syntax.Globals | None:
        word = self.take()
        if self.token.is_("group") and self.peek().kind is Kind.STRING:
            self.take()
            self.take()
            self.accept(";")
            return None
        base = self.base_type()
        if base.name not in SIMPLE_TYPES and self.types.get(base.name) != "enum":
            self.fail("an input has a simple type or an enum", word.at)
        variables = self.variables(base, word.text)
        self.expect(";", "after the input")
        for variable in variables:
            if variable.dimensions:
                self.fail("an input cannot be an array", variable.at)
            if variable.initializer is None:
                self.fail(f"the input '{variable.name}' needs a value", variable.at)
        return syntax.Globals(variables)

    def _new_type(self, kind: str, of_what: str) -> Token:
        name = self.take_name(of_what)
        if name.text in self.types:
            self.fail(f"'{name.text}' is a type already", name.at)
        self.types[name.text] = kind
        return name

    # ---- functions and global variables

    def _function_or_globals(self, template: tuple[str, ...]) -> syntax.Function | syntax.Globals:
        token = self.token
        kind = "static" if self.accept("static") else ""
        if self.is_type(self.token) and self.peek().is_("::"):
            owner = self.take().text
            self.take()
            destructor = "~" if self.accept("~") else ""
            name = self.take_name("a method")
            if name.text != owner:
                self.fail(f"'{owner}::{name.text}' needs the type that it returns", token.at)
            name = replace(name, text=destructor + name.text)
            return self.function_rest(None, template, name, owner)
        base = self.base_type()
        type_ = self.pointer_to(base)
        self.refuse_result(type_)
        owner = ""
        if self.is_type(self.token) and self.peek().is_("::"):
            owner = self.take().text
            self.take()
        if self.token.is_("operator"):
            return self.function_rest(type_, template, self.operator_name(), owner)
        name = self.take_name("a function or a variable")
        if self.token.is_("(") and self.are_parameters(type_):
            function = self.function_rest(type_, template, name, owner)
            if kind and not owner:
                self.fail("only methods and variables are static, not functions", token.at)
            return function
        if type_.name == "void" and not type_.pointer:
            self.fail(f"'{name.text}' cannot be void: a function needs '(' here", name.at)
        first = syntax.Variable(name.at, type_, name.text, kind=kind, owner=owner)
        first.dimensions = self.dimensions()
        variables = [self.initialized(first)]
        if self.accept(","):
            variables += self.variables(base, kind)
        self.expect(";", "at the end of the declaration")
        return syntax.Globals(variables)
