"""Constant expressions: what a size, a `case` or a divisor is known to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.mql5.translator import syntax


@dataclass(frozen=True)
class Constant:
    """A constant; its value is None where only the compiler knows it (`sizeof`, `INT_MAX`)."""

    value: int | float | None = None


UNKNOWN = Constant()
_FOLDED: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
}
_MOST_SHIFT = 64


def constant(
    expression: syntax.Expression, known: Callable[[syntax.Name], Constant | None]
) -> Constant | None:
    """The constant that an expression is, or None; `known` answers for names."""
    match expression:
        case syntax.Integer():
            return Constant(int(expression.text, 0))
        case syntax.Real():
            return Constant(float(expression.text))
        case syntax.Character():
            return Constant(ord(expression.value))
        case syntax.Datetime():
            return Constant(expression.seconds)
        case syntax.Boolean() | syntax.Color():
            return Constant(int(expression.value))
        case syntax.SizeOf():
            return UNKNOWN
        case syntax.Name():
            return known(expression)
        case syntax.Paren():
            return constant(expression.inner, known)
        case syntax.Cast():
            inner = constant(expression.operand, known)
            whole = inner is not None and isinstance(inner.value, int)
            return inner if whole or inner is None else UNKNOWN
        case syntax.Prefix():
            inner = constant(expression.operand, known)
            if inner and inner.value is not None and expression.operator in "+-":
                return Constant(-inner.value if expression.operator == "-" else inner.value)
            return UNKNOWN if inner and expression.operator in "!~" else None
        case syntax.Binary():
            left = constant(expression.left, known)
            right = constant(expression.right, known)
            return _fold(expression.operator, left, right) if left and right else None
        case syntax.Conditional():
            parts = (expression.condition, expression.yes, expression.no)
            return UNKNOWN if all(constant(part, known) for part in parts) else None
    return None


def _fold(operator: str, left: Constant, right: Constant) -> Constant:
    a, b = left.value, right.value
    if operator not in _FOLDED or not isinstance(a, int) or not isinstance(b, int):
        return UNKNOWN
    if operator in ("<<", ">>") and not 0 <= b < _MOST_SHIFT:
        return UNKNOWN
    return Constant(_FOLDED[operator](a, b))
