"""Parsing statements and the declarations of variables."""

from __future__ import annotations

from dataclasses import replace

from tests.mql5.translator import syntax
from tests.mql5.translator.parsing.expressions import ExpressionParser
from tests.mql5.translator.reading.tokens import Kind

_TYPE_WORDS = ("class", "struct", "union", "interface", "enum")
_MOST_DIMENSIONS = 4


class StatementParser(ExpressionParser):
    """The part of the parser that knows statements."""

    def block(self) -> syntax.Block:
        at = self.expect("{", "to open a block").at
        statements = []
        while not self.token.is_("}"):
            if self.token.kind is Kind.END:
                self.fail("this '{' has no '}'", at)
            statements.append(self.statement())
        return syntax.Block(at, statements, self.take().at)

    def statement(self) -> syntax.Statement:
        token = self.token
        at = token.at
        if token.kind is Kind.DIRECTIVE:
            self.fail(f"#{token.text} stands outside of functions")
        if token.kind is not Kind.NAME:
            return self._simple_statement()
        match token.text:
            case "if":
                return self._if()
            case "for":
                return self._for()
            case "while":
                self.take()
                condition = self._condition("while")
                return syntax.While(at, condition, self.statement())
            case "do":
                return self._do()
            case "switch":
                self.take()
                subject = self._condition("switch")
                return syntax.Switch(at, subject, self._switch_body())
            case "break" | "continue":
                self.take()
                self.expect(";", f"after '{token.text}'")
                return syntax.Break(at) if token.text == "break" else syntax.Continue(at)
            case "return":
                self.take()
                value = None if self.token.is_(";") else self._returned()
                self.expect(";", "after 'return'")
                return syntax.Return(at, value)
            case "delete":
                return self._delete()
            case "case" | "default":
                self.fail(f"'{token.text}' stands in the braces of a switch")
            case "else":
                self.fail("this 'else' has no 'if'")
            case "template":
                self.fail("templates stand outside of functions")
            case "input" | "sinput":
                self.fail("inputs stand outside of functions")
        if token.text in _TYPE_WORDS:
            self.fail(f"local types are not used: move this {token.text} out of the function")
        return self._simple_statement()

    def _returned(self) -> syntax.Expression:
        if self.token.is_("{"):
            self.fail("'{' initialises a declaration only: return a variable")
        return self.expression()

    def _simple_statement(self) -> syntax.Statement:
        token = self.token
        if token.is_("{"):
            return self.block()
        if self.accept(";"):
            return syntax.Empty(token.at)
        if token.kind is Kind.NAME and self.peek().is_(":") and not self.is_type(token):
            self.fail(f"MQL5 has no labels: '{token.text}:' marks the target of a goto")
        if self._starts_declaration():
            return self._locals()
        expression = self.expression()
        if self.token.kind is Kind.NAME and isinstance(expression, syntax.Name):
            self.fail(
                f"'{expression.text}' is no type that was declared before this line", token.at
            )
        self.expect(";", "at the end of the statement")
        return syntax.Evaluate(expression.at, expression)

    def _starts_declaration(self) -> bool:
        token = self.token
        if token.is_("static") or token.is_("const"):
            return True
        return self.is_type(token) and not (self.peek().is_("(") or self.peek().is_("::"))

    def _locals(self) -> syntax.Locals:
        at = self.token.at
        kind = "static" if self.accept("static") else ""
        base = self.base_type()
        if self.accept("static"):
            kind = "static"
        variables = self.variables(base, kind)
        self.expect(";", "at the end of the declaration")
        return syntax.Locals(at, variables)

    # ---- variables

    def variables(
        self, base: syntax.Type, kind: str, first: syntax.Type | None = None
    ) -> list[syntax.Variable]:
        """`a, *b = NULL, c[3]` after their type, without the ';'.

        `first` is the first one's type where its '*' was read already.
        """
        found = [self.variable(first or self.pointer_to(base), kind)]
        while self.accept(","):
            found.append(self.variable(self.pointer_to(base), kind))
        return found

    def variable(self, type_: syntax.Type, kind: str) -> syntax.Variable:
        if self.token.is_("&") or self.token.is_("&&"):
            self.fail("MQL5 has references as parameters only: copy the value or use its own name")
        if self.token.is_("["):
            self.fail(f"write the array's brackets after its name: {type_.name} name[]")
        if type_.name == "void" and not type_.pointer:
            self.fail("a variable cannot be void")
        name = self.take_name("a variable")
        variable = syntax.Variable(name.at, type_, name.text, kind=kind)
        variable.dimensions = self.dimensions()
        return self.initialized(variable)

    def initialized(self, variable: syntax.Variable) -> syntax.Variable:
        """The variable with what follows its name: `= value`, `= {...}` or `(arguments)`."""
        if self.token.is_("{"):
            self.fail(f"MQL5 initialises with '=': {variable.name} = {{...}}")
        if self.token.is_("("):
            if self.types.get(variable.type.name) in (None, "enum") or variable.dimensions:
                self.fail(f"initialise with '=': {variable.name} = ...")
            if self.peek().is_(")"):
                self.fail(f"declare it without '()': {variable.type.name} {variable.name};")
            return replace(variable, constructor=self.arguments())
        if self.accept("="):
            value = self.braces() if self.token.is_("{") else self.assignment()
            return replace(variable, initializer=value)
        return variable

    def braces(self) -> syntax.Braces:
        at = self.expect("{", "to open the initialiser").at
        items: list[syntax.Expression] = []
        while not self.token.is_("}"):
            if self.token.is_("."):
                self.fail("MQL5 has no designated initialisers: give the values in order")
            items.append(self.braces() if self.token.is_("{") else self.assignment())
            if not self.accept(","):
                break
        self.expect("}", "to close the initialiser")
        return syntax.Braces(at, items)

    def dimensions(self) -> tuple[syntax.Expression | None, ...]:
        found: list[syntax.Expression | None] = []
        at = self.token.at
        while self.accept("["):
            found.append(None if self.token.is_("]") else self.assignment())
            if found[-1] is None and len(found) > 1:
                self.fail("only an array's first dimension can be dynamic")
            self.expect("]", "after the array's size")
        if len(found) > _MOST_DIMENSIONS:
            self.fail(f"MQL5 arrays have at most four dimensions, not {len(found)}", at)
        return tuple(found)

    # ---- compound statements

    def _condition(self, word: str) -> syntax.Expression:
        self.expect("(", f"after '{word}'")
        if self._starts_declaration():
            self.fail(f"declare the variable before the '{word}'")
        condition = self.expression()
        self.expect(")", f"after the condition of '{word}'")
        return condition

    def _if(self) -> syntax.If:
        at = self.take().at
        condition = self._condition("if")
        yes = self.statement()
        no = self.statement() if self.accept("else") else None
        return syntax.If(at, condition, yes, no)

    def _do(self) -> syntax.DoWhile:
        at = self.take().at
        body = self.statement()
        self.expect("while", "after the body of 'do'")
        condition = self._condition("while")
        self.expect(";", "after 'do ... while(...)'")
        return syntax.DoWhile(at, condition, body)

    def _for(self) -> syntax.For:
        at = self.take().at
        self.expect("(", "after 'for'")
        start: syntax.Statement | None = None
        if self._starts_declaration():
            start_at = self.token.at
            base = self.base_type()
            if self.token.is_("&"):
                self.fail("MQL5 has references as parameters only")
            if self.peek().is_(":") or self.peek(2).is_(":"):
                self.fail("MQL5 has no 'for' over ranges: count an index up to ArraySize", at)
            start = syntax.Locals(start_at, self.variables(base, ""))
        elif not self.token.is_(";"):
            start = syntax.Evaluate(self.token.at, self.expression())
        self.expect(";", "after the start of 'for'")
        condition = None if self.token.is_(";") else self.expression()
        self.expect(";", "after the condition of 'for'")
        step = None if self.token.is_(")") else self.expression()
        self.expect(")", "after the head of 'for'")
        return syntax.For(at, start, condition, step, self.statement())

    def _switch_body(self) -> syntax.Block:
        at = self.expect("{", "to open the body of 'switch'").at
        statements: list[syntax.Statement] = []
        while not self.token.is_("}"):
            token = self.token
            if token.kind is Kind.END:
                self.fail("this '{' has no '}'", at)
            if self.accept("case"):
                value = self.assignment()
                if self.token.kind is Kind.PUNCTUATION and self.token.text == "...":
                    self.fail("MQL5 has no ranges in 'case'")
                self.expect(":", "after the value of 'case'")
                statements.append(syntax.Case(token.at, value))
            elif self.accept("default"):
                self.expect(":", "after 'default'")
                statements.append(syntax.Case(token.at, None))
            elif not statements:
                self.fail("a switch begins with 'case' or 'default'")
            else:
                statements.append(self.statement())
        return syntax.Block(at, statements, self.take().at)

    def _delete(self) -> syntax.Delete:
        at = self.take().at
        if self.token.is_("["):
            self.fail("MQL5 has no 'delete[]': ArrayFree empties an array")
        pointer = self.expression()
        self.expect(";", "after 'delete'")
        return syntax.Delete(at, pointer)
