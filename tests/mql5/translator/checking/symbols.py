"""What a program declares: its classes, functions, variables, and how names are found in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.constants import Constant
from tests.mql5.translator.language.names import FUNCTIONS


@dataclass(frozen=True)
class Shape:
    """What is known of an expression's type, and of how many dimensions the array is."""

    type: syntax.Type
    dimensions: int = 0

    @property
    def is_pointer(self) -> bool:
        return self.type.pointer and not self.dimensions

    @classmethod
    def of(cls, variable: syntax.Variable) -> Shape:
        return cls(variable.type, len(variable.dimensions))


@dataclass
class Symbols:
    """A program's declarations by name.

    Functions and classes are all there from the start, as MQL5 finds them wherever they stand;
    variables and enumerators appear as the checker comes to them.

    Attributes:
        methods: of all classes, by name.
        outside: definitions of methods outside of their classes, by class and name.
        enumerators: with the enum of each.
        constants: global constants and enumerators, with their values where they are known.
    """

    classes: dict[str, syntax.Class] = field(default_factory=dict)
    functions: dict[str, list[syntax.Function]] = field(default_factory=lambda: defaultdict(list))
    methods: dict[str, list[syntax.Function]] = field(default_factory=lambda: defaultdict(list))
    outside: dict[tuple[str, str], list[syntax.Function]] = field(
        default_factory=lambda: defaultdict(list)
    )
    imported: dict[str, syntax.Function] = field(default_factory=dict)
    enums: dict[str, syntax.EnumDeclaration] = field(default_factory=dict)
    globals: dict[str, syntax.Variable] = field(default_factory=dict)
    enumerators: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Constant] = field(default_factory=dict)

    @classmethod
    def collect(cls, declarations: Sequence[syntax.Declaration]) -> Symbols:
        symbols = cls()
        for each in declarations:
            match each:
                case syntax.Class():
                    symbols.classes[each.name] = each
                    for function in each.functions():
                        symbols.methods[function.name].append(function)
                case syntax.EnumDeclaration():
                    symbols.enums[each.name] = each
                case syntax.Function() if each.owner:
                    symbols.outside[each.owner, each.name].append(each)
                case syntax.Function():
                    symbols.functions[each.name].append(each)
                case syntax.Import():
                    for function in each.functions:
                        symbols.imported[function.name] = function
        return symbols

    def lineage(self, name: str) -> Iterator[syntax.Class]:
        """A class and its bases, from the class up."""
        found = self.classes.get(name)
        while found:
            yield found
            found = self.classes.get(found.base.name) if found.base else None

    def member(self, class_name: str, name: str) -> tuple[syntax.Variable, syntax.Class] | None:
        """A member variable and the class that it belongs to, a base perhaps."""
        for each in self.lineage(class_name):
            for variable in each.variables():
                if variable.name == name:
                    return variable, each
        return None

    def methods_of(self, class_name: str, name: str) -> list[syntax.Function]:
        """The methods of this name that the class has itself, or else those of its bases."""
        for each in self.lineage(class_name):
            found = [function for function in each.functions() if function.name == name]
            if found:
                return found
        return []

    def method_class(self, class_name: str, name: str) -> syntax.Class | None:
        for each in self.lineage(class_name):
            if any(function.name == name for function in each.functions()):
                return each
        return None

    def pure_methods(self, class_name: str) -> list[str]:
        """The names of methods that a class inherits or declares without a body anywhere."""
        written: set[tuple[str, int]] = set()
        unwritten = []
        for each in self.lineage(class_name):
            for function in each.functions():
                key = (function.name, len(function.parameters))
                if function.pure and key not in written:
                    unwritten.append(function.name)
                written.add(key)
        return unwritten

    def constructors(self, class_name: str) -> list[syntax.Function]:
        found = self.classes.get(class_name)
        return [each for each in found.functions() if each.name == class_name] if found else []

    @property
    def overloaded_builtins(self) -> frozenset[str]:
        """MQL5's own functions that the program has overloads of."""
        return FUNCTIONS & self.functions.keys()


class Scopes:
    """The variables of the function being checked, block within block."""

    def __init__(self) -> None:
        self._blocks: list[dict[str, syntax.Variable]] = []
        self._found: set[int] = set()

    def enter(self) -> None:
        self._blocks.append({})

    def leave(self) -> list[syntax.Variable]:
        """Leave a block; its variables that nobody asked for."""
        return [each for each in self._blocks.pop().values() if id(each) not in self._found]

    def add(self, variable: syntax.Variable) -> None:
        self._blocks[-1][variable.name] = variable

    def find(self, name: str) -> syntax.Variable | None:
        for block in reversed(self._blocks):
            if name in block:
                self._found.add(id(block[name]))
                return block[name]
        return None
