"""Expressions as text, evaluated with the standard functions alone: what the tables of examples are run with."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bakec.compiler.eval.evaluate import evaluate
from bakec.compiler.eval.scope import Budget, Scope
from bakec.compiler.hcl.parse import parse_expression
from bakec.compiler.jsonwriter import encode
from bakec.ir.diagnostics import Diagnostic, Diagnostics
from bakec.ir.span import Source
from bakec.ir.syntax import ScopeTraversal
from bakec.ir.values import Value


class FixedWorld:
    """Names, a clock that stands still, bytes that are all zero."""

    def __init__(self, variables: Mapping[str, Value] | None = None) -> None:
        self.budget = Budget()
        self.traces = True
        self.variables = variables or {}
        self.env = {"HOME": "/home/ada"}

    def variable(self, name: str) -> Value | None:
        return self.variables.get(name)

    def is_block_type(self, name: str) -> bool:
        return False

    def reference(self, traversal: ScopeTraversal) -> tuple[Value, int] | Diagnostic:
        raise AssertionError("there are no blocks")

    def function(self, name: str, *_: object) -> None:
        return None

    def variable_names(self) -> Iterable[str]:
        return self.variables

    def function_names(self) -> Iterable[str]:
        return ()

    def timestamp(self) -> float:
        return 1_700_000_000.9

    def random_bytes(self, count: int) -> bytes:
        return bytes(count)


def value_of(text: str, variables: Mapping[str, Value] | None = None) -> Value:
    """The value of an expression that has one."""
    value, problems = outcome(text, variables)
    assert not problems, (text, problems)
    return value


def outcome(text: str, variables: Mapping[str, Value] | None = None) -> tuple[Value, list[str]]:
    """The value of an expression, and the messages that were reported."""
    syntax_problems = Diagnostics()
    expr = parse_expression(Source("expression", text), syntax_problems)
    assert not syntax_problems.items, (text, [item.message for item in syntax_problems])
    problems: list[Diagnostic] = []
    value = evaluate(expr, Scope(FixedWorld(variables)), problems)
    return value, [item.message for item in problems]


class Example(NamedTuple):
    """`left -> right` on one line of a table, the value as JSON, or `left !! message` for the first error."""

    left: str
    right: str
    fails: bool
    line: int

    def check(self) -> None:
        value, problems = outcome(self.left)
        if self.fails:
            assert problems[:1] == [self.right]
        else:
            assert (problems, encode(value)) == ([], self.right)


def examples(path: Path) -> Iterator[Example]:
    """The lines of a table; those that are empty or start with `#` are text for the reader."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        mark = " !! " if " !! " in line else " -> "
        left, found, right = line.rpartition(mark)
        assert found, f"{path.name}:{number} has neither mark"
        yield Example(left.strip(), right, mark == " !! ", number)
