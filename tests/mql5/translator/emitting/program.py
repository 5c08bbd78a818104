"""The program in C++: one unit, in an order that C++ accepts.

MQL5 finds functions wherever they stand, C++ only what was declared before. So first come all
types, then prototypes of all functions, then variables, then all bodies; each piece says by `#line`
where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.symbols import Symbols
from tests.mql5.translator.emitting.expressions import safe_name
from tests.mql5.translator.emitting.output import c_string
from tests.mql5.translator.emitting.types import ClassEmitter
from tests.mql5.translator.language.words import SIMPLE_TYPES

_EVENTS = {
    "OnDeinit": "deinit",
    "OnTick": "tick",
    "OnTimer": "timer",
    "OnTrade": "trade",
    "OnTester": "tester",
    "OnChartEvent": "chart_event",
}


def emit(declarations: Sequence[syntax.Declaration], symbols: Symbols) -> str:
    """The C++ of a checked program."""
    return Emitter(declarations, symbols).program()


class Emitter(ClassEmitter):
    """Writes a program's parts in the order that C++ needs."""

    def __init__(self, declarations: Sequence[syntax.Declaration], symbols: Symbols) -> None:
        super().__init__(symbols)
        self._declarations = declarations

    def program(self) -> str:
        self.out.line('#include "mql.hpp"')
        self.out.line("namespace program {")
        self.out.line("using namespace mql;")
        self._borrowed_names()
        self._types()
        self._directives()
        self._prototypes()
        for variable in self._variables():
            if not self._is_constant(variable):
                self._global(variable)
        for function in self._bodies():
            self.definition(function)
        self.out.line("}  // namespace program")
        self._describe()
        return self.out.text()

    # ---- the parts

    def _borrowed_names(self) -> None:
        """A program may overload MQL5's own functions: then both must be found."""
        for name in sorted(self.symbols.overloaded_builtins):
            self.out.line(f"using mql::{name};")

    def _variables(self) -> Iterator[syntax.Variable]:
        for each in self._declarations:
            if isinstance(each, syntax.Globals):
                yield from each.variables

    def _is_constant(self, variable: syntax.Variable) -> bool:
        """Whether it is a constant that types may need: for an array's size, a default value."""
        type_ = variable.type
        simple = type_.name in SIMPLE_TYPES or type_.name in self.symbols.enums
        plain = not (variable.dimensions or variable.owner or variable.kind)
        return type_.const and simple and plain and variable.initializer is not None

    def _types(self) -> None:
        """Types in the program's order, and between them the constants that they may need."""
        for each in self._declarations:
            if isinstance(each, syntax.Class):
                self.forward(each)
        for each in self._declarations:
            match each:
                case syntax.EnumDeclaration():
                    self.enum(each)
                case syntax.Class():
                    self.class_(each)
                    self.packed_size(each)
                case syntax.Globals():
                    for variable in filter(self._is_constant, each.variables):
                        self._global(variable)

    def _directives(self) -> None:
        count = 0
        for each in self._declarations:
            match each:
                case syntax.Property():
                    count += 1
                    pair = f"{c_string(each.name)}, {c_string(each.value)}"
                    self.out.line(f"static const mql::Property property_{count}({pair});", each.at)
                case syntax.Resource(type=type_) if type_ is not None:
                    loaded = f"mql::load_resource({c_string(each.path.as_posix())})"
                    name = safe_name(each.name)
                    self.out.line(f"const mql::Array<uint8_t> {name} = {loaded};", each.at)
                case syntax.Import():
                    count += 1
                    self._import(each, f"import_{count}")

    def _import(self, import_: syntax.Import, name: str) -> None:
        library = c_string(import_.library)
        self.out.line(f"static const mql::ImportedDll {name}({library});", import_.at)
        for function in import_.functions:
            self.out.line(self.imported(function, library), function.at)

    def _prototypes(self) -> None:
        for functions in self.symbols.functions.values():
            seen: dict[str, syntax.Function] = {}
            for function in functions:
                key = self.parameter_types(function)
                earlier = seen.get(key)
                if earlier is None or function.arity[0] < earlier.arity[0]:
                    seen[key] = function  # of several declarations, that with the default values
            for function in seen.values():
                self.out.line(f"{self.prototype(function)};", function.at)

    def _global(self, variable: syntax.Variable) -> None:
        prefix = f"{safe_name(variable.owner)}::" if variable.owner else ""
        if variable.kind in ("input", "sinput"):
            type_ = self.type_text(variable.type)
            value = f"mql::input<{type_}>({c_string(variable.name)}, {self.initializer(variable)})"
            self.out.line(f"const {type_} {safe_name(variable.name)} = {value};", variable.at)
            return
        plain = replace(variable, kind="")
        self.out.line(self.variable_text(plain, prefix), variable.at)

    def _bodies(self) -> Iterator[syntax.Function]:
        for each in self._declarations:
            if isinstance(each, syntax.Class):
                yield from (function for function in each.functions() if function.body)
            elif isinstance(each, syntax.Function) and each.body:
                yield each

    # ---- events

    def _describe(self) -> None:
        found = self.symbols.functions
        self.out.open("void mql::describe([[maybe_unused]] mql::Program &events) {")
        if "OnInit" in found:
            self.out.line(self._lambda("init", "OnInit", "0"))
        if "OnStart" in found:
            self.out.line("events.start = [] { program::OnStart(); };")
        for name, event in _EVENTS.items():
            if name in found:
                self.out.line(f"events.{event} = program::{name};")
        self.out.close("}")

    def _lambda(self, event: str, name: str, value: str) -> str:
        result = self.symbols.functions[name][0].result
        if result and result.name == "void":
            return f"events.{event} = [] {{ program::{name}(); return {value}; }};"
        return f"events.{event} = [] {{ return program::{name}(); }};"
