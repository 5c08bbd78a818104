"""What names mean, where they are used."""

from __future__ import annotations

from difflib import get_close_matches

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.constants import UNKNOWN, Constant, constant
from tests.mql5.translator.checking.symbols import Scopes, Shape, Symbols
from tests.mql5.translator.errors import Mql5Error
from tests.mql5.translator.language.constants import CONSTANTS
from tests.mql5.translator.language.names import FUNCTIONS, VARIABLES
from tests.mql5.translator.language.words import REFUSED_FUNCTIONS
from tests.mql5.translator.syntax import Meaning

REAL = Shape(syntax.Type("double"))
INTEGER = Shape(syntax.Type("int"))
DATETIME = Shape(syntax.Type("datetime"))
BOOLEAN = Shape(syntax.Type("bool"))
STRING = Shape(syntax.Type("string"))


class NameChecker:
    """Where the checker stands (class, function, blocks), and what names mean there."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self.scopes = Scopes()
        self.class_: syntax.Class | None = None
        self.function: syntax.Function | None = None
        self._defined_members: set[tuple[str, str]] = set()

    @property
    def template(self) -> tuple[str, ...]:
        """The parameters of the templates around."""
        outer = self.class_.template if self.class_ else ()
        return outer + (self.function.template if self.function else ())

    def constant(self, expression: syntax.Expression) -> Constant | None:
        return constant(expression, self._constant_name)

    def is_constant(self, expression: syntax.Expression) -> bool:
        """Whether a global may start with it: numbers, and also strings, and NULL."""
        match expression:
            case syntax.String() | syntax.Null():
                return True
            case syntax.Paren():
                return self.is_constant(expression.inner)
            case syntax.Binary(operator="+"):
                parts = (expression.left, expression.right)
                return all(self.is_constant(part) for part in parts)
            case syntax.Name(meaning=Meaning.GLOBAL):
                variable = self.symbols.globals[expression.text]
                if variable.type.name == "string":
                    return variable.type.const
        return self.constant(expression) is not None

    def _constant_name(self, name: syntax.Name) -> Constant | None:
        match name.meaning:
            case Meaning.ENUMERATOR | Meaning.GLOBAL:
                return self.symbols.constants.get(name.text)
            case Meaning.LOCAL:
                variable = self.scopes.find(name.text)
                if variable and variable.type.const and variable.initializer:
                    return self.constant(variable.initializer)
            case Meaning.BUILTIN:
                return UNKNOWN if name.text in CONSTANTS else None
        return None

    # ---- variables

    def name(self, name: syntax.Name) -> Shape | None:
        """Find what a name that is not called means."""
        if name.scope:
            return self._scoped_name(name)
        if name.scope is None:
            local = self.scopes.find(name.text)
            if local:
                name.meaning = Meaning.LOCAL
                return Shape.of(local)
            member = self._member_name(name)
            if member:
                return member
        found = self.symbols.globals.get(name.text)
        if found:
            is_input = found.kind in ("input", "sinput")
            name.meaning = Meaning.INPUT if is_input else Meaning.GLOBAL
            return Shape.of(found)
        if name.text in self.symbols.enumerators:
            name.meaning = Meaning.ENUMERATOR
            return Shape(syntax.Type(self.symbols.enumerators[name.text]))
        if name.text in VARIABLES or name.text in CONSTANTS:
            name.meaning = Meaning.BUILTIN
            return Shape(syntax.Type(VARIABLES[name.text])) if name.text in VARIABLES else None
        if self._is_function(name.text):
            raise Mql5Error(name.at, f"'{name.text}' is a function: call it with parentheses")
        raise Mql5Error(name.at, f"'{name.text}' is not declared{self._suggestion(name.text)}")

    def _member_name(self, name: syntax.Name) -> Shape | None:
        if not self.class_:
            return None
        found = self.symbols.member(self.class_.name, name.text)
        if not found:
            return None
        variable, owner = found
        if self.function and self.function.static and variable.kind != "static":
            raise Mql5Error(
                name.at, f"a static method has no object, and '{name.text}' belongs to one"
            )
        name.meaning = Meaning.MEMBER
        name.in_dependent_base = owner is not self.class_ and bool(self.class_.template)
        return Shape.of(variable)

    def _scoped_name(self, name: syntax.Name) -> Shape | None:
        assert name.scope
        name.base = self._base(name.scope)
        enum = self.symbols.enums.get(name.scope)
        if enum and any(value[1] == name.text for value in enum.values):
            name.meaning = Meaning.ENUMERATOR
            return Shape(syntax.Type(name.scope))
        found = self.symbols.member(name.scope, name.text)
        if not found:
            raise Mql5Error(name.at, f"'{name.scope}' has no member '{name.text}'")
        name.meaning = Meaning.STATIC_MEMBER
        return Shape.of(found[0])

    def _base(self, scope: str) -> syntax.Type | None:
        base = self.class_.base if self.class_ else None
        return base if base and base.name == scope else None

    # ---- functions

    def _is_function(self, name: str) -> bool:
        return name in self.symbols.functions or name in FUNCTIONS or name in self.symbols.imported

    def callee(self, name: syntax.Name) -> list[syntax.Function]:
        """Find what a name that is called means; the functions that it may be, none of MQL5's."""
        text = name.text
        if name.scope:
            name.base = self._base(name.scope)
            found = self.symbols.methods_of(name.scope, text)
            if not found:
                raise Mql5Error(name.at, f"'{name.scope}' has no method '{text}'")
            name.meaning = Meaning.STATIC_MEMBER
            return found
        if name.scope is None:
            local = self.scopes.find(text)
            if local:
                name.meaning = Meaning.LOCAL
                return self.called_object(name, Shape.of(local))
            if self.class_ and (found := self.symbols.methods_of(self.class_.name, text)):
                name.meaning = Meaning.MEMBER
                owner = self.symbols.method_class(self.class_.name, text)
                name.in_dependent_base = owner is not self.class_ and bool(self.class_.template)
                return found
            if self.class_ and (member := self.symbols.member(self.class_.name, text)):
                name.meaning = Meaning.MEMBER
                return self.called_object(name, Shape.of(member[0]))
        if text in self.symbols.functions:
            name.meaning = Meaning.FUNCTION
            return self.symbols.functions[text]
        if text in self.symbols.imported:
            name.meaning = Meaning.IMPORTED
            return [self.symbols.imported[text]]
        if text in FUNCTIONS:
            name.meaning = Meaning.BUILTIN
            return []
        if text in self.symbols.globals:
            name.meaning = Meaning.GLOBAL
            return self.called_object(name, Shape.of(self.symbols.globals[text]))
        if text in REFUSED_FUNCTIONS:
            raise Mql5Error(name.at, REFUSED_FUNCTIONS[text])
        raise Mql5Error(
            name.at,
            f"'{text}' is neither a function of the program nor one of MQL5's"
            f"{self._suggestion(text)}",
        )

    def called_object(self, name: syntax.Name, shape: Shape) -> list[syntax.Function]:
        found = self.symbols.methods_of(shape.type.name, "operator()")
        if not found or shape.dimensions:
            raise Mql5Error(name.at, f"'{name.text}' is a variable and cannot be called")
        return found

    def _suggestion(self, name: str) -> str:
        known = [
            *FUNCTIONS,
            *CONSTANTS,
            *VARIABLES,
            *self.symbols.functions,
            *self.symbols.globals,
            *self.symbols.enumerators,
        ]
        close = get_close_matches(name, known, n=1, cutoff=0.85)
        return f" (is it '{close[0]}'?)" if close else ""
