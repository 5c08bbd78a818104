"""Checking expressions, and finding out as much of their types as the emitter needs."""

from __future__ import annotations

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.calls import CallChecker
from tests.mql5.translator.checking.names import (
    BOOLEAN,
    DATETIME,
    INTEGER,
    REAL,
    STRING,
)
from tests.mql5.translator.checking.symbols import Shape
from tests.mql5.translator.errors import Mql5Error
from tests.mql5.translator.language import word_set
from tests.mql5.translator.language.words import SIMPLE_TYPES
from tests.mql5.translator.syntax import Meaning

_ARITHMETIC = word_set("+ - * / %")
_COMPARISONS = word_set("== != < > <= >= && ||")


class ExpressionChecker(CallChecker):
    """Visits expressions: checks them, and says what is known of each one's type."""

    def visit(self, expression: syntax.Expression) -> Shape | None:
        match expression:
            case syntax.Name():
                return self.name(expression)
            case syntax.This():
                return self._this(expression)
            case syntax.String():
                return STRING
            case syntax.Boolean():
                return BOOLEAN
            case syntax.Integer() | syntax.Character():
                return INTEGER
            case syntax.Real():
                return REAL
            case syntax.Datetime():
                return DATETIME
            case syntax.Color():
                return Shape(syntax.Type("color"))
            case syntax.Paren():
                return self.visit(expression.inner)
            case syntax.Member():
                return self.member(expression)
            case syntax.Call():
                return self.call(expression)
            case syntax.Index():
                return self._index(expression)
            case syntax.Prefix():
                return self._prefix(expression)
            case syntax.Postfix():
                shape = self.visit(expression.operand)
                self._changes(expression.operand, shape, expression.operator)
                return shape
            case syntax.Binary():
                return self._binary(expression)
            case syntax.Assignment():
                return self._assignment(expression)
            case syntax.Conditional():
                return self._conditional(expression)
            case syntax.Comma():
                return [self.visit(item) for item in expression.items][-1]
            case syntax.Cast():
                return self._cast(expression)
            case syntax.DynamicCast():
                shape = self.visit(expression.operand)
                if shape and not shape.is_pointer and shape.type.name not in self.template:
                    raise Mql5Error(expression.at, "dynamic_cast converts pointers only")
                return Shape(expression.type)
            case syntax.New():
                return self._new(expression)
            case syntax.SizeOf() | syntax.TypeNameOf():
                if isinstance(expression.operand, syntax.Expression):
                    self.visit(expression.operand)
                return INTEGER if isinstance(expression, syntax.SizeOf) else STRING
        return None

    def _this(self, this: syntax.This) -> Shape:
        if not self.class_ or not self.function or self.function.static:
            raise Mql5Error(this.at, "'this' has a meaning in methods only, not in static ones")
        this.class_name = self.class_.name
        this.is_struct = self.class_.is_struct
        this.is_const = self._in_const_method()
        arguments = tuple(syntax.Type(name) for name in self.class_.template)
        return Shape(syntax.Type(self.class_.name, arguments, not this.is_struct, this.is_const))

    def _in_const_method(self) -> bool:
        return self.function is not None and self.function.const

    def _new(self, new: syntax.New) -> Shape:
        shapes = [self.visit(argument) for argument in new.arguments]
        declared = self.symbols.classes.get(new.type.name)
        if declared and (unwritten := self.symbols.pure_methods(declared.name)):
            raise Mql5Error(
                new.at, f"'{new.type.name}' is abstract: '{unwritten[0]}' has no body in it"
            )
        if new.arguments:
            self.check_construction(new.type, new.arguments, shapes, new.at)
        else:
            self.check_default_construction(new.type, new.at, has_parentheses=new.has_parentheses)
        return Shape(syntax.Type(new.type.name, new.type.arguments, True))

    def _index(self, index: syntax.Index) -> Shape | None:
        shape = self.visit(index.array)
        self.visit(index.index)
        if shape is None:
            return None
        if shape.dimensions:
            return Shape(shape.type, shape.dimensions - 1)
        if shape.type.name == "string" and not shape.type.pointer:
            index.of_string = True
            return Shape(syntax.Type("ushort"))
        operators = self.symbols.methods_of(shape.type.name, "operator[]")
        if operators:
            index.overloaded, index.through_pointer = True, shape.is_pointer
            result = operators[0].result
            return Shape(result) if result and not operators[0].template else None
        if shape.type.pointer:
            raise Mql5Error(
                index.at, "a pointer of MQL5 is no array: declare an array of pointers, CFoo *a[]"
            )
        if shape.type.name in self.template:
            return None
        raise Mql5Error(index.at, "only arrays and strings have elements")

    def _prefix(self, prefix: syntax.Prefix) -> Shape | None:
        shape = self.visit(prefix.operand)
        match prefix.operator:
            case "&":
                self.check_pointable(prefix.operand, shape)
                if shape is None:
                    return None
                if shape.type.pointer and not isinstance(prefix.operand, syntax.This):
                    raise Mql5Error(prefix.at, "MQL5 has no pointers to pointers")
                type_ = shape.type
                return Shape(syntax.Type(type_.name, type_.arguments, True, type_.const))
            case "!":
                return BOOLEAN
            case "++" | "--":
                self._changes(prefix.operand, shape, prefix.operator)
                return shape
        self._no_arithmetic(prefix.operator, prefix, shape)
        if prefix.operator == "-" and shape is not None and shape.type.name == "ulong":
            raise Mql5Error(
                prefix.at, "MetaEditor warns of '-' before a ulong: write 0 - x, or cast to long"
            )
        return shape

    def _binary(self, binary: syntax.Binary) -> Shape | None:
        left, right = self.visit(binary.left), self.visit(binary.right)
        if binary.operator in ("&&", "||"):
            self.no_pointer(binary.left, left)
            self.no_pointer(binary.right, right)
        if binary.operator in ("==", "!=", "&&", "||"):
            return BOOLEAN
        self._no_arithmetic(binary.operator, binary, left)
        self._no_arithmetic(binary.operator, binary, right)
        if binary.operator in ("/", "%"):
            self.divisor(binary, binary.right)
        if binary.operator in _COMPARISONS:
            return BOOLEAN
        result = self._arithmetic(left, right)
        if binary.operator in _ARITHMETIC and result != STRING:
            for operand, shape in ((binary.left, left), (binary.right, right)):
                if shape is not None and shape.type.name == "bool" and not shape.is_pointer:
                    raise Mql5Error(
                        operand.at,
                        f"MetaEditor warns of a bool in '{binary.operator}': write (x ? 1 : 0)",
                    )
        return result

    def _arithmetic(self, left: Shape | None, right: Shape | None) -> Shape | None:
        """The type of a sum and the like, as far as it matters: times are printed as times."""
        names = {each.type.name for each in (left, right) if each}
        if "string" in names:
            return STRING
        if "datetime" in names and not names & {"double", "float"}:
            return DATETIME
        if left is None or right is None:
            return None
        if any(name not in SIMPLE_TYPES and name not in self.symbols.enums for name in names):
            return None
        return REAL if names & {"double", "float"} else INTEGER

    def divisor(self, node: syntax.Binary | syntax.Assignment, divisor: syntax.Expression) -> None:
        """Note that a divisor is a constant other than 0, so that no check is needed."""
        found = self.constant(divisor)
        if found and found.value is not None:
            if found.value == 0:
                raise Mql5Error(divisor.at, "division by zero")
            node.safe_divisor = True

    def _no_arithmetic(self, operator: str, node: syntax.Expression, shape: Shape | None) -> None:
        if shape and shape.dimensions:
            raise Mql5Error(node.at, f"'{operator}' does not work on arrays, only on elements")
        if shape and shape.is_pointer and not self._overloads(shape, operator):
            raise Mql5Error(
                node.at, f"MQL5 has no pointer arithmetic: '{operator}' does not work on pointers"
            )

    def _overloads(self, shape: Shape, operator: str) -> bool:
        return bool(self.symbols.methods_of(shape.type.name, "operator" + operator))

    def _assignment(self, assignment: syntax.Assignment) -> Shape | None:
        shape = self.visit(assignment.target)
        value = self.visit(assignment.value)
        if assignment.operator == "=" and shape and shape.dimensions:
            raise Mql5Error(assignment.at, "arrays are not assigned with '=': use ArrayCopy")
        if value and value.dimensions:
            raise Mql5Error(assignment.value.at, "an array is no value: use ArrayCopy")
        self._changes(assignment.target, shape, assignment.operator)
        if assignment.operator in ("/=", "%="):
            self.divisor(assignment, assignment.value)
        return shape

    def _changes(self, target: syntax.Expression, shape: Shape | None, operator: str) -> None:
        """Check what an assignment, `++` or `--` writes to."""
        if self.is_input(target):
            raise Mql5Error(target.at, "an input cannot be changed: copy it into a variable")
        if not self.is_lvalue(target, shape) or (
            isinstance(target, syntax.Name) and target.meaning is Meaning.BUILTIN
        ):
            raise Mql5Error(target.at, f"'{operator}' needs a variable on its side")
        if operator != "=":
            self._no_arithmetic(operator, target, shape)

    def _conditional(self, conditional: syntax.Conditional) -> Shape | None:
        self.condition(conditional.condition)
        yes, no = self.visit(conditional.yes), self.visit(conditional.no)
        for branch, shape in ((conditional.yes, yes), (conditional.no, no)):
            if shape and shape.dimensions:
                raise Mql5Error(branch.at, "'?' chooses between values, not arrays")
        return no if isinstance(conditional.yes, syntax.Null) else yes

    def condition(self, condition: syntax.Expression) -> None:
        """An expression that is to be true or false."""
        self.no_pointer(condition, self.visit(condition))

    def no_pointer(self, condition: syntax.Expression, shape: Shape | None) -> None:
        if shape and shape.is_pointer:
            raise Mql5Error(
                condition.at, "a pointer is no condition: compare it with NULL, or use !"
            )

    def _cast(self, cast: syntax.Cast) -> Shape:
        shape = self.visit(cast.operand)
        name = cast.type.name
        declared = self.symbols.classes.get(name)
        if declared and not cast.type.pointer:
            raise Mql5Error(
                cast.at, f"casts are to simple types, enums and pointers, not to {declared.kind}s"
            )
        if shape and shape.dimensions:
            raise Mql5Error(cast.at, "an array cannot be cast")
        if shape and shape.is_pointer and not cast.type.pointer and name not in self.template:
            raise Mql5Error(cast.at, "MQL5 has no addresses: a pointer is no number")
        cast.of_datetime = shape is not None and shape.type.name == "datetime"
        return Shape(cast.type)
