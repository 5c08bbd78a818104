"""Checking classes: their members, how they are made, and that what they promise is there."""

from __future__ import annotations

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.statements import StatementChecker
from tests.mql5.translator.errors import Mql5Error, Position


class ClassChecker(StatementChecker):
    """Checks classes and functions."""

    def class_declaration(self, declared: syntax.Class) -> None:
        self.class_ = declared
        for variable in declared.variables():
            self.dimensions(variable)
        for function in declared.functions():
            if declared.is_struct and (function.virtual or function.pure):
                raise Mql5Error(function.at, f"a {declared.kind} has no virtual methods")
            self.function_declaration(function)
        if not self.symbols.constructors(declared.name):
            self._all_made(declared, set(), declared.at)
        self.class_ = None

    def function_declaration(self, function: syntax.Function) -> None:
        owner = self.symbols.classes.get(function.owner)
        if function.outside:
            if owner is None:
                raise Mql5Error(function.at, f"'{function.owner}' is no class of the program")
            if not any(each.name == function.name for each in owner.functions()):
                raise Mql5Error(function.at, f"class '{owner.name}' declares no '{function.name}'")
        result = self.symbols.classes.get(function.result.name) if function.result else None
        if result and not result.is_struct and function.result and not function.result.pointer:
            raise Mql5Error(
                function.at,
                f"'{function.name}' returns an object: fill one that is passed by reference, or "
                "return a pointer",
            )
        outer, self.class_ = self.class_, owner
        self.function = function
        self.scopes.enter()
        for parameter in function.parameters:
            self.parameter(parameter)
            if parameter.name:
                self.scopes.add(parameter)
        for at, name, arguments in function.initializers:
            self._member_initializer(at, name, arguments)
        if owner and function.body and function.name == owner.name:
            self._all_made(owner, {name for _, name, _ in function.initializers}, function.at)
        if function.body:
            self.statement(function.body)
        self.scopes.leave()
        self.function = None
        self.class_ = outer

    def _member_initializer(
        self, at: Position, name: str, arguments: list[syntax.Expression]
    ) -> None:
        assert self.class_
        shapes = [self.visit(argument) for argument in arguments]
        member = self.symbols.member(self.class_.name, name)
        if member and member[1] is self.class_:
            if member[0].dimensions:
                raise Mql5Error(at, f"'{name}' is an array: fill it in the constructor's body")
            self.check_construction(member[0].type, arguments, shapes, at)
        elif self.class_.base and self.class_.base.name == name:
            self.check_construction(self.class_.base, arguments, shapes, at)
        else:
            raise Mql5Error(
                at, f"'{name}' is neither a member of '{self.class_.name}' nor its base"
            )

    def _all_made(self, owner: syntax.Class, initialized: set[str], at: Position) -> None:
        """Members and base that a constructor does not name must have default constructors."""
        if owner.base and owner.base.name not in initialized:
            self.check_default_construction(owner.base, at)
        for variable in owner.variables():
            if variable.kind != "static" and variable.name not in initialized:
                self.check_default_construction(variable.type, at)

    # ---- what must be defined somewhere

    def static_member(self, variable: syntax.Variable) -> None:
        """A static member's definition, `int CFoo::s_count = 0;`."""
        member = self.symbols.member(variable.owner, variable.name)
        if not member or member[0].kind != "static":
            raise Mql5Error(
                variable.at, f"class '{variable.owner}' has no static member '{variable.name}'"
            )
        self._defined_members.add((variable.owner, variable.name))

    def all_defined(self) -> None:
        """Every static member and every method has its definition."""
        for declared in self.symbols.classes.values():
            for variable in declared.variables():
                defined = (declared.name, variable.name) in self._defined_members
                if variable.kind == "static" and not defined and not declared.template:
                    raise Mql5Error(
                        variable.at,
                        f"the static member '{variable.name}' is never defined: add "
                        f"{variable.type.name} {declared.name}::{variable.name} = ...; "
                        "after the class",
                    )
            for function in declared.functions():
                if function.body is None and not function.pure:
                    self._body_of_method(declared, function)
        for functions in self.symbols.functions.values():
            if not any(each.body for each in functions):
                raise Mql5Error(functions[0].at, f"'{functions[0].name}' is never defined")

    def _body_of_method(self, declared: syntax.Class, function: syntax.Function) -> None:
        for outside in self.symbols.outside.get((declared.name, function.name), []):
            if len(outside.parameters) == len(function.parameters):
                return
        raise Mql5Error(
            function.at, f"the method '{declared.name}::{function.name}' is never defined"
        )
