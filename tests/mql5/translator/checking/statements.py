"""Checking variables and statements."""

from __future__ import annotations

from collections.abc import Sequence

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.expressions import ExpressionChecker
from tests.mql5.translator.errors import Mql5Error
from tests.mql5.translator.language.names import UNCHECKED_RESULTS
from tests.mql5.translator.syntax import Meaning


class StatementChecker(ExpressionChecker):
    """Checks what stands in functions."""

    # ---- variables

    def variable(self, variable: syntax.Variable, *, lasting: bool) -> None:
        """A variable's sizes and its start; `lasting` ones, global or static, start constant."""
        self.dimensions(variable)
        value = variable.initializer
        if isinstance(value, syntax.Braces):
            self._braces(value, lasting=lasting)
            declared = self.symbols.classes.get(variable.type.name)
            of_objects = declared is not None and not declared.is_struct
            if variable.dimensions[:1] == (None,) and of_objects and not variable.type.pointer:
                raise Mql5Error(
                    value.at,
                    f"a dynamic array of '{variable.type.name}' has no initialiser: ArrayResize it",
                )
        elif value is not None:
            if variable.dimensions:
                raise Mql5Error(value.at, "an array is initialised with {...}, or by ArrayCopy")
            self.visit(value)
            if lasting:
                self._starts_constant(value)
        elif variable.constructor is not None:
            shapes = [self.visit(argument) for argument in variable.constructor]
            self.check_construction(variable.type, variable.constructor, shapes, variable.at)
        else:
            self.check_default_construction(variable.type, variable.at)

    def _braces(self, braces: syntax.Braces, *, lasting: bool) -> None:
        for item in braces.items:
            if isinstance(item, syntax.Braces):
                self._braces(item, lasting=lasting)
            else:
                self.visit(item)
                if lasting:
                    self._starts_constant(item)

    def _starts_constant(self, value: syntax.Expression) -> None:
        if not self.is_constant(value):
            raise Mql5Error(
                value.at,
                "a global or static variable starts with a constant: set it in OnInit, in the "
                "constructor, or by an assignment",
            )

    def dimensions(self, variable: syntax.Variable) -> None:
        for size in variable.dimensions:
            if size is None:
                continue
            self.visit(size)
            found = self.constant(size)
            if found is None:
                raise Mql5Error(
                    size.at,
                    f"the size of '{variable.name}' is not constant: declare "
                    f"'{variable.name}[]' and ArrayResize it",
                )
            if found.value is not None and not (isinstance(found.value, int) and found.value > 0):
                raise Mql5Error(size.at, f"the size of '{variable.name}' must be 1 or more")

    def parameter(self, parameter: syntax.Variable) -> None:
        self.dimensions(parameter)
        assert self.function
        if parameter.dimensions and parameter.type.name in self.function.template:
            in_class = self.class_ is not None and parameter.type.name in self.class_.template
            if not in_class:
                raise Mql5Error(
                    parameter.at, "templates over arrays are not used: take an element, or a class"
                )
        value = parameter.initializer
        if value is not None:
            self.visit(value)
            if not self.is_constant(value):
                raise Mql5Error(
                    value.at, f"the default value of '{parameter.name}' is not constant"
                )

    # ---- statements

    def statement(self, statement: syntax.Statement) -> None:
        match statement:
            case syntax.Block():
                self._scoped(statement.statements)
            case syntax.Evaluate():
                self.visit(statement.expression)
                self._refuse_unchecked(statement.expression)
            case syntax.Locals():
                for variable in statement.variables:
                    self.variable(variable, lasting=variable.kind == "static")
                    self.scopes.add(variable)
            case syntax.If():
                self.condition(statement.condition)
                self._branch(statement.yes)
                if statement.no:
                    self._branch(statement.no)
            case syntax.While() | syntax.DoWhile():
                self.condition(statement.condition)
                self._branch(statement.body)
            case syntax.For():
                self._for(statement)
            case syntax.Switch():
                self.visit(statement.subject)
                self._scoped(statement.body.statements)
            case syntax.Case():
                if statement.value is not None:
                    self.visit(statement.value)
                    if self.constant(statement.value) is None:
                        raise Mql5Error(statement.value.at, "the value of a 'case' is constant")
            case syntax.Return():
                self._return(statement)
            case syntax.Delete():
                shape = self.visit(statement.pointer)
                if shape and not shape.is_pointer and shape.type.name not in self.template:
                    raise Mql5Error(statement.at, "'delete' takes a pointer to an object")

    def _scoped(self, statements: Sequence[syntax.Statement]) -> None:
        self.scopes.enter()
        for statement in statements:
            self.statement(statement)
        self.leave_block()

    def leave_block(self) -> None:
        """The end of a block, in which every variable should have been used."""
        for variable in self.scopes.leave():
            declared = self.symbols.classes.get(variable.type.name)
            is_object = declared is not None and not declared.is_struct
            if not is_object or variable.type.pointer:  # an object may do its work by being made
                raise Mql5Error(variable.at, f"'{variable.name}' is never used")

    def _branch(self, statement: syntax.Statement) -> None:
        if isinstance(statement, syntax.Empty):
            raise Mql5Error(
                statement.at,
                "an empty statement, of which MetaEditor warns: write {} if it is meant",
            )
        self._scoped([statement])

    def _for(self, statement: syntax.For) -> None:
        self.scopes.enter()
        if statement.start:
            self.statement(statement.start)
        if statement.condition is not None:
            self.condition(statement.condition)
        if statement.step is not None:
            self.visit(statement.step)
        self._branch(statement.body)
        self.leave_block()

    def _return(self, statement: syntax.Return) -> None:
        assert self.function
        result = self.function.result
        returns_nothing = result is None or (result.name == "void" and not result.pointer)
        if statement.value is None:
            if not returns_nothing:
                raise Mql5Error(statement.at, f"'{self.function.name}' must return a value")
            return
        if returns_nothing:
            raise Mql5Error(statement.at, f"'{self.function.name}' returns nothing")
        shape = self.visit(statement.value)
        if shape and shape.dimensions:
            raise Mql5Error(statement.at, "MQL5 functions return no arrays: fill one by reference")

    @staticmethod
    def _refuse_unchecked(expression: syntax.Expression) -> None:
        match expression:
            case syntax.Call(callee=syntax.Name(text=name, meaning=Meaning.BUILTIN)):
                if name in UNCHECKED_RESULTS:
                    raise Mql5Error(
                        expression.at, f"MetaEditor warns where the result of {name} is not checked"
                    )
