"""Functions in C++: their prototypes, their declarations in classes, their definitions."""

from __future__ import annotations

from tests.mql5.translator import syntax
from tests.mql5.translator.emitting.expressions import safe_name
from tests.mql5.translator.emitting.statements import StatementEmitter


class FunctionEmitter(StatementEmitter):
    """Writes functions."""

    def prototype(self, function: syntax.Function) -> str:
        """A function that stands alone, with its default values."""
        head = self._head(function, safe_name(function.name), with_defaults=True)
        return template_head(function.template) + head

    def in_class(self, function: syntax.Function, declared: syntax.Class) -> str:
        """A method as its class declares it."""
        is_destructor = function.name.startswith("~")
        words = "static " * function.static
        words += "virtual " * (function.virtual or (is_destructor and not declared.is_struct))
        if function.name == declared.name and _converts(function):
            words += "explicit "  # MQL5 makes no objects by itself to pass them
        head = self._head(function, _method_name(function), with_defaults=True)
        end = " override" * function.override + " final" * function.final + " = 0" * function.pure
        return f"{template_head(function.template)}{words}{head}{end};"

    def definition(self, function: syntax.Function) -> None:
        """A function or method, outside of its class, with its body."""
        assert function.body
        name = _method_name(function)
        template = template_head(function.template)
        if function.owner:
            owner = self.symbols.classes[function.owner]
            own = f"<{', '.join(owner.template)}>" if owner.template else ""
            name = f"{safe_name(owner.name)}{own}::{name}"
            # Outside of a class template MQL5 writes its parameters as if they were the method's.
            if not (function.outside and owner.template):
                template = template_head(owner.template) + template
        self.out.line(template + self._head(function, name, in_definition=True), function.at)
        if function.initializers:
            listed = ", ".join(
                f"{self._initialized(function, member)}({self.list_text(arguments)})"
                for _, member, arguments in function.initializers
            )
            self.out.line(f": {listed}", function.initializers[0][0])
        self.statement(function.body)

    def _initialized(self, function: syntax.Function, name: str) -> str:
        owner = self.symbols.classes[function.owner]
        if owner.base and owner.base.name == name:
            return self.type_text(owner.base)
        return safe_name(name)

    def imported(self, function: syntax.Function, library: str) -> str:
        """A function of a DLL: a call through the runtime."""
        for place, parameter in enumerate(function.parameters):
            parameter.name = parameter.name or f"argument{place + 1}"
        assert function.result
        arguments = "".join(f", {_passed(each)}" for each in function.parameters)
        result = self.type_text(function.result)
        name = safe_name(function.name)
        head = self._head(function, name, with_defaults=True, in_definition=True)
        call = f'mql::dll_call<{result}>({library}, "{function.name}"{arguments})'
        return f"inline {head} {{ return {call}; }}"

    def parameter_types(self, function: syntax.Function) -> str:
        """What tells overloads apart: template and parameters' types, without outer consts."""
        types = []
        for parameter in function.parameters:
            text = self.parameter_type(parameter)
            if not parameter.reference and not parameter.dimensions:
                text = text.removeprefix("const ")
            types.append(text)
        return f"{len(function.template)}({', '.join(types)})"

    def _head(
        self,
        function: syntax.Function,
        name: str,
        *,
        with_defaults: bool = False,
        in_definition: bool = False,
    ) -> str:
        """A function from its result to its parameters, and its `const`."""
        parameters = []
        for parameter in function.parameters:
            text = self.parameter_type(parameter)
            text += "" if text.endswith("&") or not parameter.name else " "
            text += safe_name(parameter.name)
            if with_defaults and parameter.initializer is not None:
                text += f" = {self.text(parameter.initializer)}"
            # A parameter that nobody reads is fine in MQL5.
            parameters.append(f"[[maybe_unused]] {text}" if in_definition else text)
        result = "" if function.result is None else self.type_text(function.result) + " "
        return f"{result}{name}({', '.join(parameters)}){' const' * function.const}"


def template_head(parameters: tuple[str, ...]) -> str:
    if not parameters:
        return ""
    return f"template <{', '.join(f'typename {each}' for each in parameters)}> "


def _method_name(function: syntax.Function) -> str:
    name = function.name
    if name.startswith("operator"):
        return name
    return "~" + safe_name(name[1:]) if name.startswith("~") else safe_name(name)


def _converts(constructor: syntax.Function) -> bool:
    """Whether C++ would take the constructor for a conversion from another type."""
    least, most = constructor.arity
    if least > 1 or most < 1:
        return False
    return constructor.parameters[0].type.name != constructor.name


def _passed(parameter: syntax.Variable) -> str:
    """How a parameter goes on to a DLL: by its address where the DLL is to fill it."""
    address = "&" * (parameter.reference and not parameter.dimensions)
    return address + safe_name(parameter.name)
