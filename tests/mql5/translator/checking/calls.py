"""Calls: which functions they may mean, and whether the arguments fit their parameters' kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.names import DATETIME, NameChecker
from tests.mql5.translator.checking.symbols import Shape
from tests.mql5.translator.errors import Mql5Error, Position
from tests.mql5.translator.language.names import (
    DATETIME_FUNCTIONS,
    FIELDS,
    FUNCTIONS,
    PRINTERS,
    STRUCTURES,
    is_datetime_field,
)
from tests.mql5.translator.language.words import SIMPLE_TYPES
from tests.mql5.translator.syntax import Meaning


class CallChecker(NameChecker):
    """Checks calls and members; what an expression is, its heir's `visit` says."""

    def visit(self, expression: syntax.Expression) -> Shape | None:
        raise NotImplementedError

    def call(self, call: syntax.Call) -> Shape | None:
        callee = call.callee
        substitution: Mapping[str, syntax.Type] = {}
        match callee:
            case syntax.Name():
                candidates = self.callee(callee)
            case syntax.Member():
                candidates, substitution = self._method(callee)
            case _:
                raise Mql5Error(call.at, "only a function or a method can be called")
        shapes = [self.visit(argument) for argument in call.arguments]
        if isinstance(callee, syntax.Name) and self._means_builtin(callee, candidates, len(shapes)):
            callee.meaning = Meaning.BUILTIN
            return self._builtin(call, callee.text, shapes)
        name = callee.text if isinstance(callee, syntax.Name) else callee.name
        self.check_arguments(candidates, name, call.arguments, shapes, call.at)
        return _result(candidates, substitution)

    @staticmethod
    def _means_builtin(
        name: syntax.Name, candidates: Sequence[syntax.Function], count: int
    ) -> bool:
        """Whether a call is of MQL5's own function, perhaps beside overloads of the program."""
        if name.meaning is Meaning.FUNCTION and name.text in FUNCTIONS:
            return not any(each.arity[0] <= count <= each.arity[1] for each in candidates)
        return name.meaning is Meaning.BUILTIN

    def _builtin(
        self, call: syntax.Call, name: str, shapes: Sequence[Shape | None]
    ) -> Shape | None:
        if name == "GetPointer" and len(shapes) == 1:
            self.check_pointable(call.arguments[0], shapes[0])
            shape = shapes[0]
            if shape:
                type_ = shape.type
                return Shape(syntax.Type(type_.name, type_.arguments, True, type_.const))
        if name in PRINTERS:
            call.times = tuple(i for i, each in enumerate(shapes) if _is_time(each))
        return DATETIME if name in DATETIME_FUNCTIONS else None

    def check_pointable(self, operand: syntax.Expression, shape: Shape | None) -> None:
        """A pointer can be had to an object of a class only."""
        if not self.is_lvalue(operand, shape):
            raise Mql5Error(operand.at, "a pointer can be had to a variable only")
        if shape is None:
            return
        declared = self.symbols.classes.get(shape.type.name)
        of_class = declared is not None and not declared.is_struct
        if shape.dimensions or not (of_class or shape.type.name in self.template):
            raise Mql5Error(
                operand.at, "MQL5 has pointers to objects of classes only: pass by reference (&)"
            )

    # ---- members

    def member(self, member: syntax.Member) -> Shape | None:
        """A member that is not called."""
        shape = self._object(member)
        if shape is None or not self._is_open_to_look(shape):
            self._check_known_name(member, shape)
            time = shape is not None and is_datetime_field(shape.type.name, member.name)
            return DATETIME if time else None
        found = self.symbols.member(shape.type.name, member.name)
        if found is None:
            if self.symbols.methods_of(shape.type.name, member.name):
                raise Mql5Error(member.at, f"'{member.name}' is a method: call it with parentheses")
            raise Mql5Error(member.at, f"'{shape.type.name}' has no member '{member.name}'")
        return _substituted(Shape.of(found[0]), self._substitution(shape))

    def _method(
        self, member: syntax.Member
    ) -> tuple[list[syntax.Function], Mapping[str, syntax.Type]]:
        shape = self._object(member)
        if shape is None or not self._is_open_to_look(shape):
            candidates = self.symbols.methods.get(member.name, [])
            if not candidates:
                raise Mql5Error(member.at, f"no class of the program has a method '{member.name}'")
            return candidates, {}
        found = self.symbols.methods_of(shape.type.name, member.name)
        if not found:
            raise Mql5Error(member.at, f"'{shape.type.name}' has no method '{member.name}'")
        return found, self._substitution(shape)

    def _object(self, member: syntax.Member) -> Shape | None:
        """What the member is taken of; refuses what has no members."""
        shape = self.visit(member.object)
        if shape is None:
            return None
        if shape.dimensions or (
            not shape.type.pointer
            and (shape.type.name in SIMPLE_TYPES or shape.type.name in self.symbols.enums)
        ):
            what = "an array" if shape.dimensions else f"a value of type {shape.type.name}"
            raise Mql5Error(
                member.at,
                f"{what} has no members: use MQL5's functions for it, not '.{member.name}'",
            )
        if shape.type.name in self.template and not shape.type.pointer:
            return None
        member.through_pointer = shape.type.pointer
        if isinstance(member.object, syntax.Call) and not shape.type.pointer:
            raise Mql5Error(member.at, "put what the call returns into a variable first")
        if isinstance(member.object, syntax.This):
            member.through_pointer = False
        return shape

    def _is_open_to_look(self, shape: Shape) -> bool:
        return shape.type.name in self.symbols.classes

    def _check_known_name(self, member: syntax.Member, shape: Shape | None) -> None:
        """A field of a structure of MQL5; of an unknown type, at least of some structure."""
        name = shape.type.name if shape else ""
        fields = STRUCTURES.get(name, "").split()
        if fields and member.name not in fields:
            raise Mql5Error(member.at, f"'{name}' has no member '{member.name}'")
        if member.name in FIELDS:
            return
        for declared in self.symbols.classes.values():
            if any(variable.name == member.name for variable in declared.variables()):
                return
        raise Mql5Error(member.at, f"no structure or class has a member '{member.name}'")

    def _substitution(self, shape: Shape) -> Mapping[str, syntax.Type]:
        declared = self.symbols.classes.get(shape.type.name)
        if declared is None or len(declared.template) != len(shape.type.arguments):
            return {}
        return dict(zip(declared.template, shape.type.arguments, strict=True))

    # ---- arguments

    def check_construction(
        self,
        type_: syntax.Type,
        arguments: Sequence[syntax.Expression],
        shapes: Sequence[Shape | None],
        at: Position,
    ) -> None:
        if type_.pointer:
            return
        constructors = self.symbols.constructors(type_.name)
        if not constructors:
            declared = self.symbols.classes.get(type_.name)
            if arguments and declared and not declared.is_struct:
                same = len(shapes) == 1 and shapes[0] and shapes[0].type.name == type_.name
                if not same:
                    raise Mql5Error(at, f"'{type_.name}' has no constructor that takes arguments")
            return
        if len(shapes) == 1 and shapes[0] and shapes[0].type.name == type_.name:
            return  # a copy
        self.check_arguments(constructors, type_.name, arguments, shapes, at)

    def check_default_construction(
        self, type_: syntax.Type, at: Position, *, has_parentheses: bool = False
    ) -> None:
        """An object without arguments needs a constructor without parameters.

        One whose parameters all have default values is no default constructor in MQL5; only
        `new CFoo()` calls it.
        """
        constructors = self.symbols.constructors(type_.name)
        if type_.pointer or not constructors:
            return
        least = min(each.arity[0 if has_parentheses else 1] for each in constructors)
        if least > 0:
            raise Mql5Error(
                at,
                f"'{type_.name}' has no default constructor (one whose parameters all have default "
                "values is none): pass the arguments",
            )

    def check_arguments(
        self,
        candidates: Sequence[syntax.Function],
        name: str,
        arguments: Sequence[syntax.Expression],
        shapes: Sequence[Shape | None],
        at: Position,
    ) -> None:
        """Refuse what no candidate takes: by number, and values where variables are needed."""
        count = len(arguments)
        fitting = [each for each in candidates if each.arity[0] <= count <= each.arity[1]]
        if not fitting:
            takes = " or ".join(sorted({_arity_text(each) for each in candidates}))
            raise Mql5Error(at, f"'{name}' takes {takes}, not {count}")
        for place, (argument, shape) in enumerate(zip(arguments, shapes, strict=True)):
            refusals = [self._refusal(each.parameters[place], argument, shape) for each in fitting]
            if all(refusals):
                raise Mql5Error(argument.at, f"argument {place + 1} of '{name}': {refusals[0]}")

    def _refusal(
        self, parameter: syntax.Variable, argument: syntax.Expression, shape: Shape | None
    ) -> str:
        """Why an argument cannot stand for a parameter, or nothing."""
        if not parameter.reference:
            if shape and shape.dimensions:
                return "an array cannot be passed by value"
            return ""
        if shape and shape.is_pointer and not parameter.type.pointer:
            return ""  # MQL5 follows the pointer
        if not self.is_lvalue(argument, shape):
            return "what is passed by reference must be a variable, so put the value into one"
        if self.is_input(argument) and not parameter.type.const:
            return f"'{_name_of(argument)}' is an input and cannot be changed"
        if parameter.dimensions and shape and not shape.dimensions:
            return "" if shape.type.name in self.template else "an array is needed"
        return ""

    def is_lvalue(self, expression: syntax.Expression, shape: Shape | None) -> bool:
        match expression:
            case syntax.Name():
                return expression.meaning not in (Meaning.ENUMERATOR, Meaning.FUNCTION) and (
                    expression.meaning is not Meaning.BUILTIN or shape is not None
                )
            case syntax.Member() | syntax.This():
                return True
            case syntax.Index():
                return not (expression.of_string or expression.overloaded)
            case syntax.Paren():
                return self.is_lvalue(expression.inner, shape)
        return False

    def is_input(self, expression: syntax.Expression) -> bool:
        while isinstance(expression, syntax.Paren):
            expression = expression.inner
        return isinstance(expression, syntax.Name) and expression.meaning is Meaning.INPUT


def _is_time(shape: Shape | None) -> bool:
    return shape is not None and shape.type.name == "datetime" and not shape.dimensions


def _name_of(expression: syntax.Expression) -> str:
    while isinstance(expression, syntax.Paren):
        expression = expression.inner
    return expression.text if isinstance(expression, syntax.Name) else "this"


def _arity_text(function: syntax.Function) -> str:
    least, most = function.arity
    if least == most:
        return f"{least} argument{'s' * (least != 1)}" if least else "no arguments"
    return f"{least} to {most} arguments"


def _result(
    candidates: Sequence[syntax.Function], substitution: Mapping[str, syntax.Type]
) -> Shape | None:
    """What a call gives, where all that it may mean agree."""
    results = {each.result for each in candidates if not each.template}
    if len(results) != 1 or any(each.template for each in candidates):
        return None
    result = results.pop()
    return _substituted(Shape(result), substitution) if result else None


def _substituted(shape: Shape, substitution: Mapping[str, syntax.Type]) -> Shape:
    replacement = substitution.get(shape.type.name)
    if replacement is None:
        return shape
    return Shape(replacement, shape.dimensions)
