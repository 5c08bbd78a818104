"""The checker: what names mean, and what MQL5 does not allow that its grammar would.

It walks the program in order, as MetaEditor's compiler does: functions and classes are known
everywhere, variables and enumerators from their declaration on. Types are followed as far as is
needed to know pointers, arrays and objects apart; the rest of type checking is the C++ compiler's.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.classes import ClassChecker
from tests.mql5.translator.checking.constants import Constant
from tests.mql5.translator.checking.symbols import Symbols
from tests.mql5.translator.errors import Mql5Error, Position
from tests.mql5.translator.language.words import EVENT_HANDLERS, OTHER_EVENTS


def check(
    declarations: Sequence[syntax.Declaration], start: Position, *, whole_program: bool
) -> Symbols:
    """Check a program and write into its tree what the emitter needs to know.

    `start` is where the program begins; `whole_program` is false for an include file, which needs
    no event handler.
    """
    symbols = Symbols.collect(declarations)
    checker = Checker(symbols)
    for declaration in declarations:
        checker.declaration(declaration)
    checker.all_defined()
    handled = _check_handlers(symbols)
    if whole_program and not handled:
        raise Mql5Error(
            start, "the program handles no event: it needs OnStart, OnInit, OnTick or the like"
        )
    return symbols


class Checker(ClassChecker):
    """Checks a program's declarations."""

    def declaration(self, declaration: syntax.Declaration) -> None:
        match declaration:
            case syntax.Class():
                self.class_declaration(declaration)
            case syntax.EnumDeclaration():
                self._enum(declaration)
            case syntax.Function():
                self.function_declaration(declaration)
            case syntax.Globals():
                for variable in declaration.variables:
                    self._global(variable)
            case syntax.Resource() if declaration.name:
                self.symbols.globals[declaration.name] = syntax.Variable(
                    declaration.at, syntax.Type("uchar", const=True), declaration.name, (None,)
                )
            case syntax.Import():
                self._import(declaration)

    def _enum(self, enum: syntax.EnumDeclaration) -> None:
        following: int | None = 0
        for at, name, value in enum.values:
            if value is not None:
                self.visit(value)
                found = self.constant(value)
                if found is None:
                    raise Mql5Error(at, f"the value of '{name}' is not constant")
                following = found.value if isinstance(found.value, int) else None
            self.symbols.enumerators[name] = enum.name
            self.symbols.constants[name] = Constant(following)
            following = None if following is None else following + 1

    def _global(self, variable: syntax.Variable) -> None:
        self.variable(variable, lasting=True)
        if variable.owner:
            self.static_member(variable)
            return
        self.symbols.globals[variable.name] = variable
        if variable.type.const and variable.initializer and not variable.dimensions:
            found = self.constant(variable.initializer)
            if found:
                self.symbols.constants[variable.name] = found

    @staticmethod
    def _import(import_: syntax.Import) -> None:
        for function in import_.functions:
            for parameter in function.parameters:
                if parameter.type.pointer:
                    raise Mql5Error(
                        parameter.at,
                        "a DLL takes no pointers to objects: pass a structure or an array",
                    )


def _check_handlers(symbols: Symbols) -> bool:
    """Whether the program answers any event; each handler must have MQL5's own signature."""
    handled = [name for name in symbols.functions if name in EVENT_HANDLERS]
    for name in symbols.functions.keys() & OTHER_EVENTS:
        raise Mql5Error(symbols.functions[name][0].at, f"the host does not call {name}")
    for name in handled:
        results, parameters = EVENT_HANDLERS[name]
        for function in symbols.functions[name]:
            given = tuple(each.type.name + "&" * each.reference for each in function.parameters)
            result = function.result.name if function.result else ""
            if given != parameters or result not in results:
                wanted = f"{results[0]} {name}({', '.join(parameters) or 'void'})"
                raise Mql5Error(function.at, f"the event's handler is {wanted}")
            if name != "OnStart" and "OnStart" in handled:
                raise Mql5Error(function.at, f"a script has OnStart only, no {name}")
    return bool(handled)
