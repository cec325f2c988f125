"""The syntax tree of a definition file, the same for HCL and for HCL-JSON.

Nodes are immutable by agreement, not frozen: they are built by the hundred thousand, and freezing doubles the price
of one. Every node ends with its `span`. Literals hold finished values, so that evaluating one costs nothing.
"""

from __future__ import annotations

from bakec.ir.records import NamedTuple, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final, TypeAlias

    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.span import Source, Span
    from bakec.ir.values import Value


@dataclass(slots=True)
class Literal:
    """A number, bool, null, or the text between the interpolations of a template."""

    value: Value
    span: Span


@dataclass(slots=True)
class Template:
    """A quoted or heredoc template of any number of parts (also a string without interpolation: one `Literal`,
    or none). Always a string. The span of a quoted template holds its quotes."""

    parts: tuple[Expr, ...]
    span: Span


@dataclass(slots=True)
class TemplateWrap:
    """`"${expr}"`: exactly one interpolation and no other text, so the value passes unchanged."""

    wrapped: Expr
    span: Span


@dataclass(slots=True)
class TemplateJoin:
    """`%{ for }` of a template: `tuple` (a `For`) gives strings, which are joined."""

    tuple: Expr
    span: Span


class AttrStep(NamedTuple):
    """`.name` of a traversal."""

    name: str
    span: Span


class IndexStep(NamedTuple):
    """`[key]` (or legacy `.0`) of a traversal, where the key is a literal string or number."""

    key: Value
    span: Span


Step: TypeAlias = AttrStep | IndexStep


@dataclass(slots=True)
class ScopeTraversal:
    """`root.step[0]…`: starts at a name in scope. `root_span` is the range of the name alone."""

    root: str
    root_span: Span
    steps: tuple[Step, ...]
    span: Span


@dataclass(slots=True)
class RelativeTraversal:
    """Literal steps applied to an expression that is not a name in scope."""

    source: Expr
    steps: tuple[Step, ...]
    span: Span


@dataclass(slots=True)
class Index:
    """`collection[key]` with a key that is not a literal. `bracket` is the range from `[` to `]`."""

    collection: Expr
    key: Expr
    bracket: Span
    span: Span


@dataclass(slots=True)
class SplatItem:
    """Stands for the current element inside `Splat.each`."""

    span: Span


@dataclass(slots=True)
class Splat:
    """`source[*]…` and `source.*…`; `each` is an expression around `SplatItem`. `marker` is the range of the
    `[*]` or `.*`."""

    source: Expr
    each: Expr
    marker: Span
    span: Span


@dataclass(slots=True)
class Call:
    """`name(args…)`; `expand` when the last argument has `...`. `open` and `close` are the parentheses."""

    name: str
    name_span: Span
    args: tuple[Expr, ...]
    expand: bool
    open: Span
    close: Span
    span: Span


@dataclass(slots=True)
class Conditional:
    condition: Expr
    true: Expr
    false: Expr
    span: Span


@dataclass(slots=True)
class Binary:
    """`operator` is its spelling: `|| && == != < <= > >= + - * / %`."""

    operator: str
    left: Expr
    right: Expr
    span: Span


@dataclass(slots=True)
class Unary:
    """`operator` is `-` or `!`; `symbol` its range."""

    operator: str
    operand: Expr
    symbol: Span
    span: Span


@dataclass(slots=True)
class Parentheses:
    inner: Expr
    span: Span


@dataclass(slots=True)
class TupleCons:
    """`[a, b]`; `open` is the range of the bracket."""

    items: tuple[Expr, ...]
    open: Span
    span: Span


@dataclass(slots=True)
class ObjectKey:
    """The key of an object item that is a bare word: `name` unless `wrapped` is in parentheses (then `name` is
    empty and `wrapped` is evaluated)."""

    name: str
    wrapped: Expr
    span: Span


class ObjectItem(NamedTuple):
    key: Expr
    value: Expr


@dataclass(slots=True)
class ObjectCons:
    """`{ k = v }`; later duplicates win."""

    items: tuple[ObjectItem, ...]
    open: Span
    span: Span


@dataclass(slots=True)
class For:
    """`[for k, v in c: value if cond]`, or with `key` the object form; `group` is the `...` after the value."""

    key_var: str
    value_var: str
    collection: Expr
    key: Expr | None
    value: Expr
    condition: Expr | None
    group: bool
    open: Span
    close: Span
    span: Span


@dataclass(slots=True)
class ErrorExpr:
    """An expression that could not be parsed where the language says so only on evaluation (HCL-JSON strings):
    evaluating it reports `diagnostics`."""

    diagnostics: tuple[Diagnostic, ...]
    span: Span


Expr: TypeAlias = (
    Literal
    | Template
    | TemplateWrap
    | TemplateJoin
    | ScopeTraversal
    | RelativeTraversal
    | Index
    | SplatItem
    | Splat
    | Call
    | Conditional
    | Binary
    | Unary
    | Parentheses
    | TupleCons
    | ObjectKey
    | ObjectCons
    | For
    | ErrorExpr
)


class Attribute(NamedTuple):
    """`name = expr`. `span` is the whole item without its newline, `name_span` the name alone."""

    name: str
    expr: Expr
    name_span: Span
    span: Span


class Block(NamedTuple):
    """`type "label" { … }`. `header` is the range from the type to the last label (what the reference calls the
    definition range), `body.span` that of the braces and all between."""

    type: str
    labels: tuple[str, ...]
    label_spans: tuple[Span, ...]
    body: Body
    type_span: Span
    header: Span
    span: Span


class Body(NamedTuple):
    """What a file or a block holds. `attributes` keeps source order. `end` is where the reference reports what is
    missing: in native HCL the empty range before the opening brace (in a block on one line, before its attribute),
    in JSON the closing brace."""

    attributes: dict[str, Attribute]
    blocks: tuple[Block, ...]
    end: Span
    span: Span


class File(NamedTuple):
    """One definition file, parsed. Blocks that did not parse are left out; what was wrong was reported."""

    source: Source
    body: Body


def children(node: Expr) -> Iterator[Expr]:
    """The expressions that `node` is made of, in source order."""
    for name in node.__slots__:
        part = getattr(node, name)
        if isinstance(part, _NODES):
            yield part
        elif type(part) is tuple:
            for item in part:
                if isinstance(item, ObjectItem):
                    yield item.key
                    yield item.value
                elif isinstance(item, _NODES):
                    yield item


def walk(node: Expr) -> Iterator[Expr]:
    """`node` and all expressions below it."""
    stack: list[Expr] = [node]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(reversed(list(children(one))))


_NODES: Final = Expr.__args__
