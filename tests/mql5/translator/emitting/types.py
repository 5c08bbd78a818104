"""Enums, classes and the signatures of functions in C++."""

from __future__ import annotations

from tests.mql5.translator import syntax
from tests.mql5.translator.emitting.expressions import safe_name
from tests.mql5.translator.emitting.output import utf16_literal
from tests.mql5.translator.emitting.statements import StatementEmitter


class ClassEmitter(StatementEmitter):
    """Writes the definitions of types."""

    def forward(self, declared: syntax.Class) -> None:
        word = "class" if declared.kind == "interface" else declared.kind
        self.out.line(f"{_template(declared.template)}{word} {safe_name(declared.name)};")

    def enum(self, enum: syntax.EnumDeclaration) -> None:
        name = safe_name(enum.name)
        self.out.open(f"enum {name} : int32_t {{", enum.at)
        for at, value_name, value in enum.values:
            text = "" if value is None else f" = {self.text(value)}"
            self.out.line(f"{safe_name(value_name)}{text},", at)
        self.out.close("};")
        names = ", ".join(
            f"{{{safe_name(each)}, {utf16_literal(each)}}}" for _, each, _ in enum.values
        )
        self.out.line(f"inline constexpr mql::host::EnumName names_of_{name}[] = {{{names}}};")
        span = "std::span<const mql::host::EnumName>"
        self.out.line(f"constexpr {span} enum_names({name}) {{ return names_of_{name}; }}")

    def class_(self, declared: syntax.Class) -> None:
        name = safe_name(declared.name)
        word = "class" if declared.kind == "interface" else declared.kind
        final = " final" if declared.final else ""
        base = ""
        if declared.base:
            base = f" : {declared.base_access} {self.type_text(declared.base)}"
        if declared.pack > 1:
            self.out.line(f"#pragma pack(push, {declared.pack})")
        self.out.open(f"{_template(declared.template)}{word} {name}{final}{base} {{", declared.at)
        access = "private" if word == "class" else "public"
        if not declared.is_struct and not self._has_destructor(declared):
            access = "public"
            self.out.line("public:")
            self.out.line(f"virtual ~{name}() = default;")
        for member_access, member in declared.members:
            if member_access != access:
                access = member_access
                self.out.line(f"{access}:", member.at)
            if isinstance(member, syntax.Variable):
                self.out.line(self.variable_text(member), member.at)
            else:
                self.out.line(self._declared(declared, member), member.at)
        self.out.close("};")
        if declared.pack > 1:
            self.out.line("#pragma pack(pop)")

    @staticmethod
    def _has_destructor(declared: syntax.Class) -> bool:
        return any(function.name.startswith("~") for function in declared.functions())

    def _declared(self, declared: syntax.Class, function: syntax.Function) -> str:
        """A method's declaration inside of its class."""
        is_destructor = function.name.startswith("~")
        virtual = function.virtual or (is_destructor and not declared.is_struct)
        words = "static " * function.static + "virtual " * virtual
        text = self.signature(function, with_defaults=True, in_class=True)
        template, _, rest = text.rpartition("\n")
        text = f"{template}{' ' if template else ''}{words}{rest}"
        text += " override" * function.override + " final" * function.final
        return text + (" = 0;" if function.pure else ";")

    # ---- functions

    def signature(
        self,
        function: syntax.Function,
        *,
        with_defaults: bool = False,
        in_definition: bool = False,
        in_class: bool = False,
    ) -> str:
        """A function from its result to its parameters, and its `const`."""
        parameters = ", ".join(
            self._parameter(each, with_defaults=with_defaults, used=not in_definition)
            for each in function.parameters
        )
        result = "" if function.result is None else self.type_text(function.result) + " "
        name = function.name
        if not name.startswith("operator"):
            tilde = "~" if name.startswith("~") else ""
            name = tilde + safe_name(name.removeprefix("~"))
        template = _template(function.template)
        if function.owner and not in_class:
            owner = self.symbols.classes[function.owner]
            own = f"<{', '.join(owner.template)}>" if owner.template else ""
            name = f"{safe_name(owner.name)}{own}::{name}"
            # Outside of a class template, MQL5 says its parameters once for class and method.
            template = _template(owner.template)
            inner = self._inner_template(function, owner)
            template += _template(inner)
        elif in_class and template:
            template = template.rstrip() + "\n"
        const = " const" if function.const else ""
        return f"{template}{result}{name}({parameters}){const}"

    @staticmethod
    def _inner_template(function: syntax.Function, owner: syntax.Class) -> tuple[str, ...]:
        """A method's own template parameters, besides those of its class."""
        if not owner.template:
            return function.template
        return function.template if not function.outside else ()

    def parameter_types(self, function: syntax.Function) -> str:
        """What tells overloads apart: template and parameters' types, without outer consts."""
        types = []
        for parameter in function.parameters:
            text = self.parameter_type(parameter)
            if not parameter.reference and not parameter.dimensions:
                text = text.removeprefix("const ")
            types.append(text)
        return f"{len(function.template)}({', '.join(types)})"

    def _parameter(self, parameter: syntax.Variable, *, with_defaults: bool, used: bool) -> str:
        text = self.parameter_type(parameter)
        text += "" if text.endswith("&") or not parameter.name else " "
        text += safe_name(parameter.name)
        if with_defaults and parameter.initializer is not None:
            text += f" = {self.text(parameter.initializer)}"
        return text if used else f"[[maybe_unused]] {text}"

    # ---- sizes

    def packed_size(self, declared: syntax.Class) -> None:
        """What the structure's members take without padding, for code that shares its layout."""
        sizes = self._member_sizes(declared)
        if sizes is None or declared.template or declared.pack > 1:
            return
        name = safe_name(declared.name)
        if declared.kind == "union":
            total = f"std::max<size_t>({{{', '.join(sizes)}}})"
        else:
            total = " + ".join(sizes) or "0"
        self.out.line(f"constexpr size_t packed_{name} = {total};")
        self.out.line("}")
        known = f"mql::packed_size<program::{name}> = program::packed_{name}"
        self.out.line(f"template <> constexpr size_t {known};")
        self.out.line("namespace program {")

    def _member_sizes(self, declared: syntax.Class) -> list[str] | None:
        if not declared.is_struct:
            return None
        sizes = []
        if declared.base:
            sizes.append(f"mql::packed_size<{safe_name(declared.base.name)}>")
        for variable in declared.variables():
            if variable.kind == "static":
                continue
            if variable.type.name == "string" or variable.type.pointer:
                return None
            if None in variable.dimensions:
                return None
            inner = self.symbols.classes.get(variable.type.name)
            if inner and self._member_sizes(inner) is None:
                return None
            type_ = self.type_text(variable.type)
            size = f"mql::packed_size<{type_}>"
            for dimension in variable.dimensions:
                assert dimension is not None
                size += f" * ({self.text(dimension)})"
            sizes.append(size)
        return sizes


def _template(parameters: tuple[str, ...]) -> str:
    if not parameters:
        return ""
    return f"template <{', '.join(f'typename {each}' for each in parameters)}> "
