"""The tree that the parser builds, the checker annotates and the emitter writes out.

Every node knows its place. What the checker finds out (what a name means, what type an expression
has) it writes into the fields that say so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.mql5.translator.errors import Position


@dataclass(frozen=True)
class Type:
    """A type as written: `const CFoo<int> *` and the like.

    Attributes:
        name: of a simple type, a class, a structure, an enum or a template's parameter.
        arguments: a class template's.
        const: whether the value (of a pointer: the object pointed to) is constant.
        fixed: of a pointer, whether it itself is constant: `CFoo *const p`.
    """

    name: str
    arguments: tuple[Type, ...] = ()
    pointer: bool = False
    const: bool = False
    fixed: bool = False


# ---- expressions


@dataclass
class Expression:
    at: Position


@dataclass
class Integer(Expression):
    text: str


@dataclass
class Real(Expression):
    text: str


@dataclass
class String(Expression):
    value: str


@dataclass
class Character(Expression):
    value: str


@dataclass
class Boolean(Expression):
    value: bool


@dataclass
class Datetime(Expression):
    """D'2020.01.01 10:00', as seconds since 1970."""

    seconds: int


@dataclass
class Color(Expression):
    """C'255,0,0', as 0xBBGGRR."""

    value: int


@dataclass
class Null(Expression):
    pass


class Meaning(Enum):
    """What a name turns out to be."""

    LOCAL = "a variable of this function"
    MEMBER = "a member of this class"
    GLOBAL = "a variable of the program"
    INPUT = "an input"
    FUNCTION = "a function of the program"
    ENUMERATOR = "an enum's value"
    IMPORTED = "a function of a DLL"
    BUILTIN = "MQL5's own"
    STATIC_MEMBER = "a member named by its class"


@dataclass
class Name(Expression):
    """A name, alone or after `::` (scope "") or `CFoo::` (scope "CFoo").

    `base` is the whole type where the scope is the base class, which may be made of a template.
    """

    text: str
    scope: str | None = None
    meaning: Meaning | None = None
    base: Type | None = None
    in_dependent_base: bool = False


@dataclass
class This(Expression):
    class_name: str = ""
    is_struct: bool = False
    is_const: bool = False


@dataclass
class Paren(Expression):
    inner: Expression


@dataclass
class Member(Expression):
    """`object.name`; `through_pointer` is None where the object's type is not known."""

    object: Expression
    name: str
    through_pointer: bool | None = None


@dataclass
class Index(Expression):
    """`array[index]`; `overloaded` where it calls an operator[], through a pointer perhaps."""

    array: Expression
    index: Expression
    of_string: bool = False
    overloaded: bool = False
    through_pointer: bool = False


@dataclass
class Call(Expression):
    """A call; `times` are the places of arguments to be printed that are datetimes."""

    callee: Expression
    arguments: list[Expression]
    times: tuple[int, ...] = ()


@dataclass
class Prefix(Expression):
    operator: str
    operand: Expression


@dataclass
class Postfix(Expression):
    operator: str
    operand: Expression


@dataclass
class Binary(Expression):
    operator: str
    left: Expression
    right: Expression
    safe_divisor: bool = False


@dataclass
class Assignment(Expression):
    operator: str
    target: Expression
    value: Expression
    safe_divisor: bool = False


@dataclass
class Conditional(Expression):
    condition: Expression
    yes: Expression
    no: Expression


@dataclass
class Comma(Expression):
    items: list[Expression]


@dataclass
class Cast(Expression):
    type: Type
    operand: Expression
    of_datetime: bool = False


@dataclass
class DynamicCast(Expression):
    type: Type
    operand: Expression


@dataclass
class New(Expression):
    type: Type
    arguments: list[Expression]
    has_parentheses: bool = True


@dataclass
class SizeOf(Expression):
    operand: Type | Expression


@dataclass
class TypeNameOf(Expression):
    operand: Type | Expression


@dataclass
class Braces(Expression):
    """`{1, 2, 3}`, which only initialises."""

    items: list[Expression]


# ---- declarations


@dataclass
class Variable:
    """A variable, parameter or member.

    Attributes:
        dimensions: of an array; None for one without a size (`a[]`).
        reference: whether a parameter is passed by reference.
        constructor: arguments of `CFoo foo(1, 2)`.
        kind: "", "static", "input" or "sinput".
    """

    at: Position
    type: Type
    name: str
    dimensions: tuple[Expression | None, ...] = ()
    reference: bool = False
    initializer: Expression | None = None
    constructor: list[Expression] | None = None
    kind: str = ""
    owner: str = ""  # of a static member's definition, `int CFoo::s_count = 0;`


@dataclass
class Function:
    """A function or method, its declaration or its definition.

    Attributes:
        name: `operator==` and the like for operators; a destructor's starts with `~`.
        owner: its class, whether it stands inside or is defined outside.
        result: None for constructors and destructors.
        initializers: a constructor's, each with its place, name and arguments.
        outside: whether it is a method defined outside its class.
    """

    at: Position
    result: Type | None
    name: str
    parameters: list[Variable]
    body: Block | None = None
    owner: str = ""
    outside: bool = False
    template: tuple[str, ...] = ()
    initializers: list[tuple[Position, str, list[Expression]]] = field(default_factory=list)
    static: bool = False
    virtual: bool = False
    const: bool = False
    override: bool = False
    final: bool = False
    pure: bool = False

    @property
    def arity(self) -> tuple[int, int]:
        """The least and the most arguments it takes."""
        required = sum(each.initializer is None for each in self.parameters)
        return required, len(self.parameters)


@dataclass
class Class:
    """A class, interface, structure or union.

    Attributes:
        kind: the word it was declared with.
        members: with each one's access: public, protected or private.
    """

    at: Position
    kind: str
    name: str
    template: tuple[str, ...] = ()
    base: Type | None = None
    base_access: str = "private"
    final: bool = False
    pack: int = 1
    end: Position | None = None
    members: list[tuple[str, Variable | Function]] = field(default_factory=list)

    @property
    def is_struct(self) -> bool:
        return self.kind in ("struct", "union")

    def variables(self) -> list[Variable]:
        return [each for _, each in self.members if isinstance(each, Variable)]

    def functions(self) -> list[Function]:
        return [each for _, each in self.members if isinstance(each, Function)]


@dataclass
class EnumDeclaration:
    at: Position
    name: str
    values: list[tuple[Position, str, Expression | None]]
    end: Position


@dataclass
class ForwardDeclaration:
    at: Position
    name: str


@dataclass
class Import:
    """`#import "library.dll"` and the functions under it."""

    at: Position
    library: str
    functions: list[Function]


@dataclass
class Resource:
    """`#resource "file" as uchar name[]`; without `as`, type and name are empty."""

    at: Position
    path: Path
    type: Type | None
    name: str


@dataclass
class Property:
    at: Position
    name: str
    value: str


@dataclass
class Globals:
    """Global variables of one declaration."""

    variables: list[Variable]


Declaration = (
    Class | EnumDeclaration | ForwardDeclaration | Function | Globals | Import | Property | Resource
)

# ---- statements


@dataclass
class Statement:
    at: Position


@dataclass
class Block(Statement):
    statements: list[Statement]
    end: Position


@dataclass
class Evaluate(Statement):
    expression: Expression


@dataclass
class Locals(Statement):
    variables: list[Variable]


@dataclass
class If(Statement):
    condition: Expression
    yes: Statement
    no: Statement | None


@dataclass
class While(Statement):
    condition: Expression
    body: Statement


@dataclass
class DoWhile(Statement):
    condition: Expression
    body: Statement


@dataclass
class For(Statement):
    start: Statement | None
    condition: Expression | None
    step: Expression | None
    body: Statement


@dataclass
class Case(Statement):
    """`case value:`, or `default:` where there is no value."""

    value: Expression | None


@dataclass
class Switch(Statement):
    subject: Expression
    body: Block


@dataclass
class Break(Statement):
    pass


@dataclass
class Continue(Statement):
    pass


@dataclass
class Return(Statement):
    value: Expression | None


@dataclass
class Delete(Statement):
    pointer: Expression


@dataclass
class Empty(Statement):
    pass
