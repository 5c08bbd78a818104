"""Enums, classes, structures and unions in C++."""

from __future__ import annotations

from tests.mql5.translator import syntax
from tests.mql5.translator.emitting.expressions import safe_name
from tests.mql5.translator.emitting.functions import FunctionEmitter, template_head
from tests.mql5.translator.emitting.output import utf16_literal


class ClassEmitter(FunctionEmitter):
    """Writes the definitions of types."""

    def forward(self, declared: syntax.Class) -> None:
        word = "class" if declared.kind == "interface" else declared.kind
        self.out.line(f"{template_head(declared.template)}{word} {safe_name(declared.name)};")

    def enum(self, enum: syntax.EnumDeclaration) -> None:
        name = safe_name(enum.name)
        self.out.open(f"enum {name} : int32_t {{", enum.at)
        for at, value_name, value in enum.values:
            text = "" if value is None else f" = {self.text(value)}"
            self.out.line(f"{safe_name(value_name)}{text},", at)
        self.out.close("};", enum.end)
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
        self.out.open(
            f"{template_head(declared.template)}{word} {name}{final}{base} {{", declared.at
        )
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
                self.out.line(self.in_class(member, declared), member.at)
        self.out.close("};", declared.end)
        if declared.pack > 1:
            self.out.line("#pragma pack(pop)")

    @staticmethod
    def _has_destructor(declared: syntax.Class) -> bool:
        return any(function.name.startswith("~") for function in declared.functions())

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
