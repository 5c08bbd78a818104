"""Types and expressions in C++."""

from __future__ import annotations

from collections.abc import Sequence

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.symbols import Symbols
from tests.mql5.translator.emitting.output import utf16_literal
from tests.mql5.translator.language.names import ENUMS, STRUCTS
from tests.mql5.translator.language.words import SIMPLE_TYPES, is_troublesome
from tests.mql5.translator.syntax import Meaning

_PREDEFINED_VARIABLES = {
    "_Symbol": "mql::Symbol()",
    "_Period": "mql::Period()",
    "_Point": "mql::Point()",
    "_Digits": "mql::Digits()",
    "_LastError": "mql::GetLastError()",
    "_StopFlag": "mql::IsStopped()",
    "_UninitReason": "mql::UninitializeReason()",
}
_CHECKED = {"/": "div", "%": "mod", "/=": "div_assign", "%=": "mod_assign"}
_MOST_LONG = 2**63 - 1


def safe_name(name: str) -> str:
    """The name, changed where it would trip C++."""
    return name + "_" if is_troublesome(name) else name


class ExpressionEmitter:
    """Writes out types and expressions of a checked program."""

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols

    # ---- types

    def type_text(self, type_: syntax.Type) -> str:
        """A type's name, without `const`."""
        name = type_.name
        if name in SIMPLE_TYPES:
            return SIMPLE_TYPES[name]
        text = f"mql::{name}" if name in STRUCTS or name in ENUMS else safe_name(name)
        if name in self.symbols.classes or name in self.symbols.enums:
            text = safe_name(name)
        if type_.arguments:
            text += "<" + ", ".join(self.type_text(each) for each in type_.arguments) + ">"
        if type_.pointer:
            return f"mql::Ptr<{'const ' if type_.const else ''}{text}>"
        return text

    def qualified(self, type_: syntax.Type) -> str:
        """A variable's type with its `const`."""
        const = type_.fixed if type_.pointer else type_.const
        return ("const " if const else "") + self.type_text(type_)

    def variable_type(self, variable: syntax.Variable) -> str:
        """A variable's type, an array's too."""
        if not variable.dimensions:
            return self.qualified(variable.type)
        text = self.type_text(variable.type)
        dimensions = list(variable.dimensions)
        if dimensions[0] is None and isinstance(variable.initializer, syntax.Braces):
            count = str(len(variable.initializer.items))
            text = self._inner(text, dimensions[1:])
            text = f"mql::Fixed<{text}, {count}>"
        else:
            text = self._inner(text, dimensions)
        const = variable.type.const and not variable.type.pointer
        return ("const " if const else "") + text

    def _inner(self, element: str, dimensions: Sequence[syntax.Expression | None]) -> str:
        for size in reversed(dimensions):
            element = (
                f"mql::Array<{element}>"
                if size is None
                else f"mql::Fixed<{element}, {self.text(size)}>"
            )
        return element

    def parameter_type(self, parameter: syntax.Variable) -> str:
        if parameter.dimensions:
            element = self._inner(self.type_text(parameter.type), parameter.dimensions[1:])
            const = parameter.type.const and not parameter.type.pointer
            return f"mql::ArrayRef<{'const ' if const else ''}{element}>"
        text = self.qualified(parameter.type)
        return f"{text} &" if parameter.reference else text

    # ---- expressions

    def text(self, expression: syntax.Expression) -> str:
        """An expression in C++."""
        match expression:
            case syntax.Integer():
                return _integer(expression.text)
            case syntax.Real():
                return expression.text
            case syntax.String():
                return f"mql::string({utf16_literal(expression.value)})"
            case syntax.Character():
                literal = utf16_literal(expression.value, "'")
                return f"static_cast<uint16_t>({literal})"
            case syntax.Boolean():
                return "true" if expression.value else "false"
            case syntax.Datetime():
                return f"static_cast<mql::datetime>({expression.seconds}LL)"
            case syntax.Color():
                return f"static_cast<mql::color>(0x{expression.value:06X})"
            case syntax.Null():
                return "mql::null"
            case syntax.Name():
                return self._name(expression)
            case syntax.This():
                return self._this(expression)
            case syntax.Paren():
                return f"({self.text(expression.inner)})"
            case syntax.Member():
                return self._member(expression)
            case syntax.Index():
                return self._index(expression)
            case syntax.Call():
                return self._call(expression)
            case syntax.Prefix():
                return self._prefix(expression)
            case syntax.Postfix():
                return self.text(expression.operand) + expression.operator
            case syntax.Binary():
                return self._binary(expression)
            case syntax.Assignment():
                return self._assignment(expression)
            case syntax.Conditional():
                parts = (expression.condition, expression.yes, expression.no)
                condition, yes, no = (self.text(part) for part in parts)
                return f"{condition} ? {yes} : {no}"
            case syntax.Comma():
                return self.list_text(expression.items)
            case syntax.Cast():
                return self._cast(expression)
            case syntax.DynamicCast():
                const = "const " if expression.type.const else ""
                target = const + self.type_text(_pointee(expression.type))
                return f"mql::dynamic<{target}>({self.text(expression.operand)})"
            case syntax.New():
                type_ = self.type_text(expression.type)
                return f"mql::create<{type_}>({self.list_text(expression.arguments)})"
            case syntax.SizeOf():
                return f"mql::size_of<{self._asked(expression.operand)}>()"
            case syntax.TypeNameOf():
                return f"mql::type_name<{self._asked(expression.operand)}>()"
        raise AssertionError(f"{type(expression).__name__} stands where no expression can")

    def list_text(self, expressions: Sequence[syntax.Expression]) -> str:
        return ", ".join(self.text(each) for each in expressions)

    def _asked(self, operand: syntax.Type | syntax.Expression) -> str:
        if isinstance(operand, syntax.Type):
            return self.type_text(operand)
        return f"decltype({self.text(operand)})"

    def _name(self, name: syntax.Name) -> str:
        if name.meaning is Meaning.BUILTIN:
            return _PREDEFINED_VARIABLES.get(name.text, name.text)
        text = safe_name(name.text)
        if name.scope:
            scope = self.type_text(name.base) if name.base else safe_name(name.scope)
            return f"{scope}::{text}"
        if name.scope == "":
            return f"program::{text}"
        return f"this->{text}" if name.in_dependent_base else text

    def _this(self, this: syntax.This) -> str:
        if this.is_struct:
            return "(*this)"
        const = "const " if this.is_const else ""
        return f"mql::Ptr<{const}{safe_name(this.class_name)}>(this)"

    def _member(self, member: syntax.Member) -> str:
        name = safe_name(member.name)
        if isinstance(member.object, syntax.This):
            return f"this->{name}"
        text = self.text(member.object)
        if member.through_pointer is False:
            return f"{text}.{name}"
        return f"mql::deref({text}).{name}"

    def _index(self, index: syntax.Index) -> str:
        array, place = self.text(index.array), self.text(index.index)
        if index.overloaded:
            return f"mql::deref({array})[{place}]" if index.through_pointer else f"{array}[{place}]"
        return f"mql::index({array}, {place})"

    def _call(self, call: syntax.Call) -> str:
        callee = call.callee
        if isinstance(callee, syntax.Name):
            name = safe_name(callee.text)
            match callee.meaning:
                case Meaning.BUILTIN:
                    text = f"mql::{callee.text}"
                    if callee.text == "GetPointer":
                        text = "mql::pointer_to"
                case Meaning.FUNCTION | Meaning.IMPORTED:
                    text = f"program::{name}"
                case _:
                    text = self._name(callee)
        else:
            text = self.text(callee)
        arguments = [
            f"mql::datetime_text({self.text(each)})" if place in call.times else self.text(each)
            for place, each in enumerate(call.arguments)
        ]
        return f"{text}({', '.join(arguments)})"

    def _cast(self, cast: syntax.Cast) -> str:
        operand = self.text(cast.operand)
        if cast.of_datetime and cast.type.name == "string":
            return f"mql::datetime_text({operand})"
        return f"mql::cast<{self.type_text(cast.type)}>({operand})"

    def _prefix(self, prefix: syntax.Prefix) -> str:
        operand = self.text(prefix.operand)
        if prefix.operator == "&":
            return f"mql::pointer_to({operand})"
        space = " " if operand.startswith(prefix.operator[0]) else ""
        return f"{prefix.operator}{space}{operand}"

    def _binary(self, binary: syntax.Binary) -> str:
        left, right = self.text(binary.left), self.text(binary.right)
        if binary.operator in _CHECKED and not binary.safe_divisor:
            return f"mql::{_CHECKED[binary.operator]}({left}, {right})"
        return f"{left} {binary.operator} {right}"

    def _assignment(self, assignment: syntax.Assignment) -> str:
        target, value = self.text(assignment.target), self.text(assignment.value)
        if assignment.operator in _CHECKED and not assignment.safe_divisor:
            return f"mql::{_CHECKED[assignment.operator]}({target}, {value})"
        return f"{target} {assignment.operator} {value}"

    # ---- initialisers

    def initializer(self, variable: syntax.Variable) -> str:
        """What a variable starts with, in braces where the source has them."""
        value = variable.initializer
        assert value is not None
        if isinstance(value, syntax.Braces):
            return self._braces(value, variable.type, len(variable.dimensions))
        return self.text(value)

    def _braces(self, braces: syntax.Braces, type_: syntax.Type, dimensions: int) -> str:
        items = braces.items
        if dimensions:
            inner = [self._item(item, type_, dimensions - 1) for item in items]
            nested = dimensions == 1 or all(isinstance(item, syntax.Braces) for item in items)
            if not inner:
                return "{}"
            # A Fixed holds a C++ array: its braces come twice, unless all are left out.
            return "{{" + ", ".join(inner) + "}}" if nested else "{" + ", ".join(inner) + "}"
        zero = len(items) == 1 and isinstance(items[0], syntax.Integer) and items[0].text == "0"
        if zero:
            return "{}"
        declared = self.symbols.classes.get(type_.name)
        fields = declared.variables() if declared else []
        inner = []
        for place, item in enumerate(items):
            if place < len(fields):
                field = fields[place]
                inner.append(self._item(item, field.type, len(field.dimensions)))
            else:
                inner.append(self._item(item, syntax.Type(""), 0))
        return "{" + ", ".join(inner) + "}"

    def _item(self, item: syntax.Expression, type_: syntax.Type, dimensions: int) -> str:
        if isinstance(item, syntax.Braces):
            return self._braces(item, type_, dimensions)
        return self.text(item)


def _pointee(type_: syntax.Type) -> syntax.Type:
    return syntax.Type(type_.name, type_.arguments)


def _integer(text: str) -> str:
    """An integer's literal; one that only ulong holds says so."""
    return f"UINT64_C({text})" if text.isdigit() and int(text) > _MOST_LONG else text
