"""Names: what an expression can see, and the budget it may spend."""

from __future__ import annotations

from bakec.ir.static import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.syntax import Expr, ScopeTraversal
    from bakec.ir.values import Value

MAX_STEPS = 2_000_000
MAX_TEXT = 64 << 20


class LimitExceeded(Exception):
    """The evaluation would take unreasonable time or memory; the message says of what."""


class Budget:
    """What one compilation may spend: iterations and calls, and characters of one string."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise LimitExceeded(f"the definitions take more than {MAX_STEPS} iterations and calls")

    @staticmethod
    def check_text(length: int) -> None:
        if length > MAX_TEXT:
            raise LimitExceeded(f"a string would be longer than {MAX_TEXT} characters")


class DependencyFailed(Exception):
    """A name that the expression needs has no value; `diagnostics` say why. Ends the whole expression."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(*self.diagnostics)


class UserFunction(Protocol):
    """A `function` block. `parameters` are its names, `variadic` the last one's or empty."""

    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> tuple[str, ...]: ...
    @property
    def variadic(self) -> str: ...
    @property
    def result(self) -> Expr: ...


class World(Protocol):
    """The names outside of expressions. Looking one up may evaluate it; a failure raises `DependencyFailed`."""

    budget: Budget
    traces: bool
    """Whether the result of a call says what it comes from."""

    def variable(self, name: str) -> Value | None:
        """The value of a variable, global attribute or built-in."""
        ...

    def is_block_type(self, name: str) -> bool:
        """Whether `name.X.Y` refers to blocks now."""
        ...

    def reference(self, traversal: ScopeTraversal) -> tuple[Value, int] | Diagnostic:
        """The value that the first steps of `target.NAME.ATTR…` lead to, and how many steps that took."""
        ...

    def function(self, name: str) -> UserFunction | None: ...

    def variable_names(self) -> Iterable[str]: ...

    def function_names(self) -> Iterable[str]: ...

    def timestamp(self) -> float: ...

    def random_bytes(self, count: int) -> bytes: ...

    @property
    def env(self) -> Mapping[str, str]: ...


ITEM = ""
"""The name under which a scope holds the current element of a splat."""


class Scope:
    """Local names over those of `parent`, and below all the `World`."""

    __slots__ = ("names", "parent", "world")

    def __init__(self, world: World, names: Mapping[str, Value] | None = None, parent: Scope | None = None) -> None:
        self.world = world
        self.names = names or {}
        self.parent = parent

    def child(self, names: Mapping[str, Value]) -> Scope:
        return Scope(self.world, names, self)

    def local(self, name: str) -> Value | None:
        scope: Scope | None = self
        while scope is not None:
            value = scope.names.get(name)
            if value is not None:
                return value
            scope = scope.parent
        return None

    def lookup(self, name: str) -> Value | None:
        value = self.local(name)
        return self.world.variable(name) if value is None else value

    def visible(self) -> Iterable[str]:
        """All variable names, nearest first: candidates for a suggestion."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.parent
        yield from self.world.variable_names()
