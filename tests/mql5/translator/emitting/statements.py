"""Statements in C++, every one on the line that it has in MQL5."""

from __future__ import annotations

from collections.abc import Sequence

from tests.mql5.translator import syntax
from tests.mql5.translator.checking.symbols import Symbols
from tests.mql5.translator.emitting.expressions import ExpressionEmitter, safe_name
from tests.mql5.translator.emitting.output import Output
from tests.mql5.translator.language.names import STRUCTS


class StatementEmitter(ExpressionEmitter):
    """Writes statements to its output."""

    def __init__(self, symbols: Symbols) -> None:
        super().__init__(symbols)
        self.out = Output()

    def statement(self, statement: syntax.Statement) -> None:
        at = statement.at
        match statement:
            case syntax.Block():
                self.out.open("{", at)
                self.statements(statement.statements)
                self.out.close("}", statement.end)
            case syntax.Evaluate():
                self.out.line(f"{self.text(statement.expression)};", at)
            case syntax.Locals():
                for variable in statement.variables:
                    self.out.line(self._local(variable), variable.at)
            case syntax.If():
                self._if(statement, "if")
            case syntax.While():
                self.out.open(f"while({self.text(statement.condition)}) {{", at)
                self._body(statement.body)
            case syntax.DoWhile():
                self.out.open("do {", at)
                self._body(statement.body)
                condition = self.text(statement.condition)
                self.out.line(f"while({condition});", statement.condition.at)
            case syntax.For():
                self._for(statement)
            case syntax.Switch():
                self.out.open(f"switch({self.text(statement.subject)}) {{", at)
                self.statements(statement.body.statements)
                self.out.close("}", statement.body.end)
            case syntax.Case():
                label = (
                    "default" if statement.value is None else f"case {self.text(statement.value)}"
                )
                self.out.line(f"{label}:", at)
            case syntax.Break():
                self.out.line("break;", at)
            case syntax.Continue():
                self.out.line("continue;", at)
            case syntax.Return():
                value = "" if statement.value is None else f" {self.text(statement.value)}"
                self.out.line(f"return{value};", at)
            case syntax.Delete():
                self.out.line(f"mql::destroy({self.text(statement.pointer)});", at)
            case syntax.Empty():
                self.out.line(";", at)

    def statements(self, statements: Sequence[syntax.Statement]) -> None:
        for each in statements:
            self.statement(each)

    def _body(self, body: syntax.Statement) -> None:
        """A loop's or condition's body and its '}': braces are put around single statements too."""
        if isinstance(body, syntax.Block):
            self.statements(body.statements)
            self.out.close("}", body.end)
        else:
            self.statement(body)
            self.out.close("}")

    def _if(self, statement: syntax.If, word: str) -> None:
        self.out.open(f"{word}({self.text(statement.condition)}) {{", statement.at)
        self._body(statement.yes)
        if isinstance(statement.no, syntax.If):
            self._if(statement.no, "else if")
        elif statement.no is not None:
            self.out.open("else {", statement.no.at)
            self._body(statement.no)

    def _for(self, statement: syntax.For) -> None:
        start = ""
        if isinstance(statement.start, syntax.Locals):
            variables = statement.start.variables
            start = self.qualified(variables[0].type) + " "
            start += ", ".join(
                safe_name(each.name) + (f" = {self.initializer(each)}" if each.initializer else "")
                for each in variables
            )
        elif isinstance(statement.start, syntax.Evaluate):
            start = self.text(statement.start.expression)
        condition = "" if statement.condition is None else " " + self.text(statement.condition)
        step = "" if statement.step is None else " " + self.text(statement.step)
        self.out.open(f"for({start};{condition};{step}) {{", statement.at)
        self._body(statement.body)

    # ---- variables

    def _local(self, variable: syntax.Variable) -> str:
        text = self.variable_text(variable)
        if variable.kind != "static" and self._is_poisoned(variable):
            text += f" mql::poison({safe_name(variable.name)});"
        return text

    def _is_poisoned(self, variable: syntax.Variable) -> bool:
        """Whether a local starts with garbage in MQL5 that the host makes recognisable."""
        if variable.initializer is not None or variable.constructor is not None:
            return False
        if variable.dimensions:
            return variable.dimensions[0] is not None
        declared = self.symbols.classes.get(variable.type.name)
        is_struct = declared.is_struct if declared else variable.type.name in STRUCTS
        return is_struct and not variable.type.pointer

    def variable_text(self, variable: syntax.Variable, prefix: str = "") -> str:
        """A variable's definition; `prefix` is what comes before its name: `CFoo::`."""
        static = "static " if variable.kind == "static" and not prefix else ""
        text = f"{static}{self.variable_type(variable)} {prefix}{safe_name(variable.name)}"
        if variable.constructor is not None:
            return f"{text}({self.list_text(variable.constructor)});"
        if variable.initializer is not None:
            return f"{text} = {self.initializer(variable)};"
        return f"{text};"
