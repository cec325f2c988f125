"""Syntax nodes from what the grammar matched: one method for each alias of `grammar.lark`.

A method gets the values of the symbols on the right of its rule: a `Span` for a token, what was made before for all
else. What is wrong but does not keep the parser from going on is reported from here.
"""

from __future__ import annotations

import re

from bakec.compiler.hcl.machine import MAX_PENDING
from bakec.compiler.hcl.tables import RULES
from bakec.compiler.hcl.templates import Ending, For, If, Interpolation, Text, assemble, dedent, strip
from bakec.compiler.render.ranges import range_text
from bakec.ir import numbers, syntax
from bakec.ir.codes import syntax as codes
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.quoting import quote
from bakec.ir.records import NamedTuple
from bakec.ir.span import Span
from bakec.ir.syntax import Attribute, AttrStep, Block, Body, IndexStep, ObjectItem, Step
from bakec.ir.values import UNKNOWN_VALUE, boolean, null, number, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final, TypeAlias, TypeVar

    from bakec.compiler.hcl.templates import Part
    from bakec.ir.diagnostics import Diagnostics
    from bakec.ir.span import Source
    from bakec.ir.syntax import Expr
    from bakec.ir.values import Value

    T = TypeVar("T")

PRECEDENCE: Final = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("==", "!="), 3),
    **dict.fromkeys(("<", "<=", ">", ">="), 4),
    **dict.fromkeys("+-", 5),
    **dict.fromkeys("*/%", 6),
}

# The escapes of quoted text, as far as they go, right or wrong; of other text only the last is one.
_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{0,4}|U[0-9a-fA-F]{0,8}|[\s\S]?)|(?:\$\$|%%)(?=\{)")
_SIMPLE: Final = {"\\n": "\n", "\\r": "\r", "\\t": "\t", '\\"': '"', "\\\\": "\\", "$$": "$", "%%": "%"}


class Items(NamedTuple):
    """A body in the making."""

    attributes: dict[str, Attribute]
    blocks: list[Block]


class Label(NamedTuple):
    text: str
    span: Span


class Header(NamedTuple):
    type: Span
    labels: list[Label]


class KeyIndex(NamedTuple):
    """`[key]` with a key to be evaluated."""

    key: Expr
    bracket: Span


class LiteralIndex(NamedTuple):
    """`[0]` and `["name"]`."""

    step: IndexStep


class AttrSplat(NamedTuple):
    """`.*`, which takes the dotted steps that follow along."""

    marker: Span


class FullSplat(NamedTuple):
    """`[*]`, which takes every step that follows along."""

    marker: Span


# A bare `Step` is a dotted one.
AnyStep: TypeAlias = Step | LiteralIndex | KeyIndex | AttrSplat | FullSplat


class ForHead(NamedTuple):
    names: list[Span]
    collection: Expr


class ForBody(NamedTuple):
    key: Expr | None
    value: Expr
    ellipsis: Span | None
    condition: Expr | None = None


class Lower:
    """Makes the nodes of one text, which stands at offset `start` of its source."""

    def __init__(self, source: Source, text: str, start: int, sink: Diagnostics) -> None:
        self.source = source
        self.text = text
        self.start = start
        self.sink = sink

    def makers(self) -> list[Callable[..., object]]:
        """The methods in the order of the rules."""
        return [getattr(self, name) for _, _, name in RULES]

    def text_of(self, span: Span) -> str:
        start = self.start
        return self.text[span[1] - start : span[2] - start]

    def span(self, start: int, end: int) -> Span:
        return tuple.__new__(Span, (self.source, start, end))

    # --- lists ------------------------------------------------------------------------------------------------

    def none(self) -> list[object]:
        return []

    def first(self, value: T, *_: object) -> T:
        return value

    def one(self, value: T) -> list[T]:
        return [value]

    def more(self, values: list[T], value: T) -> list[T]:
        values.append(value)
        return values

    def third_more(self, values: list[T], _separator: Span, value: T) -> list[T]:
        values.append(value)
        return values

    def pair(self, left: T, _separator: Span, right: T) -> list[T]:
        return [left, right]

    def three(self, left: Expr, operator: Span, right: Expr) -> list[Expr | Span]:
        return [left, operator, right]

    def two_more(self, chain: list[Expr | Span], operator: Span, right: Expr) -> list[Expr | Span]:
        chain += (operator, right)
        return chain

    # --- structure --------------------------------------------------------------------------------------------

    def no_items(self) -> Items:
        return Items({}, [])

    def attribute(self, items: Items, name: Span, _equal: Span, expr: Expr, _end: Span) -> Items:
        made = self._attribute(name, expr)
        existing = items.attributes.setdefault(made.name, made)
        if existing is not made:
            place = range_text(existing.name_span)
            self.sink.add(codes.ATTRIBUTE_REDEFINED.at(name, name=quote(made.name), place=place))
        return items

    def _attribute(self, name: Span, expr: Expr) -> Attribute:
        return Attribute(self.text_of(name), expr, name, self.span(name[1], expr.span[2]))

    def block(
        self, items: Items, header: Header, brace: Span, _line: Span, inner: Items, close: Span, _end: Span
    ) -> Items:
        body = Body(inner.attributes, tuple(inner.blocks), brace._replace(end=brace.start), brace.to(close))
        items.blocks.append(self._block(header, body, close))
        return items

    def empty_block(self, items: Items, header: Header, brace: Span, close: Span, end: Span) -> Items:
        return self.block(items, header, brace, end, self.no_items(), close, end)

    def line_block(
        self, items: Items, header: Header, brace: Span, name: Span, _eq: Span, expr: Expr, close: Span, _end: Span
    ) -> Items:
        attribute = self._attribute(name, expr)
        body = Body({attribute.name: attribute}, (), name._replace(end=name.start), brace.to(close))
        items.blocks.append(self._block(header, body, close))
        return items

    def _block(self, header: Header, body: Body, close: Span) -> Block:
        type_span, labels = header
        last = labels[-1].span if labels else type_span
        texts = tuple([label.text for label in labels])
        spans = tuple([label.span for label in labels])
        whole = type_span.to(close)
        return Block(self.text_of(type_span), texts, spans, body, type_span, type_span.to(last), whole)

    def header(self, type_span: Span, labels: list[Label]) -> Header:
        return Header(type_span, labels)

    def word_label(self, token: Span) -> Label:
        return Label(self.text_of(token), token)

    def string_label(self, token: Span) -> Label:
        return Label(self.text_of(token)[1:-1], token)

    def quoted_label(self, quote_: Span, parts: list[Part], close: Span) -> Label:
        for part in parts:
            if not isinstance(part, Text):
                opener = part.span._replace(end=part.span.start + (3 if part.strips_left else 2))
                self.sink.add(codes.TEMPLATE_IN_LITERAL.at(opener, symbol=self.text_of(opener)[0]))
        text = "".join([part.text for part in parts if isinstance(part, Text)])
        return Label(text, quote_.to(close))

    # --- literals and names -----------------------------------------------------------------------------------

    def _origin(self, span: Span) -> Origin:
        return tuple.__new__(Origin, (OriginKind.LITERAL, "", span, ()))

    def plain_string(self, token: Span) -> Expr:
        """A plain string. That of an empty one stands behind the quotes, as the reference has it."""
        _, start, end = token
        text = self.text_of(token)[1:-1]
        inner = self.span(start + 1, end - 1) if text else self.span(end, end)
        value = syntax.Literal(string(text, self._origin(inner)), inner)
        return syntax.Template((value,), token)

    def number_literal(self, token: Span) -> Expr:
        return syntax.Literal(self._number(token), token)

    def _number(self, token: Span) -> Value:
        try:
            value = numbers.parse(self.text_of(token))
        except numbers.TooLargeError:
            self.sink.add(codes.NUMBER_TOO_LARGE.at(token))
            return UNKNOWN_VALUE
        if value is None:
            self.sink.add(codes.INVALID_NUMBER.at(token))
            return UNKNOWN_VALUE
        return number(value, self._origin(token))

    def name(self, token: Span) -> Expr:
        """A variable, or one of the three words that are values."""
        text = self.text_of(token)
        if text in ("true", "false", "null"):
            origin = self._origin(token)
            value = null(origin=origin) if text == "null" else boolean(text == "true", origin)
            return syntax.Literal(value, token)
        return syntax.ScopeTraversal(text, token, (), token)

    # --- templates --------------------------------------------------------------------------------------------

    def quoted_text(self, token: Span) -> Part:
        return Text(self._unescaped(token, self.text_of(token), quoted=True), token)

    def plain_text(self, token: Span) -> Part:
        return Text(self._unescaped(token, self.text_of(token), quoted=False), token)

    def _unescaped(self, token: Span, text: str, *, quoted: bool) -> str:
        def resolve(found: re.Match[str]) -> str:
            escape = found[0]
            if escape[0] == "\\" and not quoted:
                return escape
            return _SIMPLE.get(escape) or self._special(escape, self.span(start + found.start(), start + found.end()))

        start = token.start
        return _ESCAPE.sub(resolve, text) if "\\" in text or "{" in text else text

    def _special(self, escape: str, span: Span) -> str:
        """A Unicode escape, or one that is wrong."""
        selector, digits = escape[1:2], escape[2:]
        if selector not in ("u", "U"):
            self.sink.add(codes.INVALID_ESCAPE.at(span, symbol=quote(escape[1:])))
            return escape[1:]
        if len(digits) != (4 if selector == "u" else 8):
            self.sink.add((codes.SHORT_ESCAPE if selector == "u" else codes.LONG_ESCAPE).at(span))
            return escape
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            self.sink.add(codes.INVALID_CODE_POINT.at(span, code=f"{code:04x}"))
            return escape
        return chr(code)

    def quoted(self, open_: Span, parts: list[Part], close: Span) -> Expr:
        strip(parts)
        return assemble(parts, open_.to(close), close, self.sink)

    def heredoc(self, open_: Span, parts: list[Part], close: Span) -> Expr:
        strip(parts)
        if self.text_of(open_).startswith("<<-"):
            dedent(parts)
        return assemble(parts, open_.to(close), close, self.sink)

    def name_interpolation(self, token: Span) -> Part:
        _, start, end = token
        return Interpolation(self.name(self.span(start + 2, end - 1)), token, False, False)

    def interpolation(self, open_: Span, expr: Expr, close: Span) -> Part:
        return Interpolation(expr, open_.to(close), *_strips(open_, close))

    def if_directive(self, open_: Span, _if: Span, condition: Expr, close: Span) -> Part:
        return If(condition, open_.to(close), *_strips(open_, close))

    def for_directive(
        self, open_: Span, _for: Span, names: list[Span], _in: Span, collection: Expr, close: Span
    ) -> Part:
        return For(*self._names(names), collection, open_.to(close), *_strips(open_, close))

    def end_directive(self, open_: Span, keyword: Span, close: Span) -> Part:
        return Ending(self.text_of(keyword), open_.to(close), *_strips(open_, close))

    # --- operators --------------------------------------------------------------------------------------------

    def unary(self, symbol: Span, operand: Expr) -> Expr:
        return syntax.Unary(self.text_of(symbol), operand, symbol, self.span(symbol.start, operand.span.end))

    def conditional(self, condition: Expr, _question: Span, true: Expr, _colon: Span, false: Expr) -> Expr:
        return syntax.Conditional(condition, true, false, condition.span.to(false.span))

    def binary(self, chain: list[Expr | Span]) -> Expr:
        """Operands and operators by turns, folded by precedence, from left to right."""
        if len(chain) > 2 * MAX_PENDING:
            self.sink.add(codes.NESTED_TOO_DEEP.at(chain[1] if isinstance(chain[1], Span) else None))
        operands: list[Expr] = []
        operators: list[str] = []
        for item in chain:
            if not isinstance(item, Span):
                operands.append(item)
                continue
            operator = self.text_of(item)
            while operators and PRECEDENCE[operators[-1]] >= PRECEDENCE[operator]:
                _combine(operands, operators.pop())
            operators.append(operator)
        while operators:
            _combine(operands, operators.pop())
        return operands[0]

    # --- traversals -------------------------------------------------------------------------------------------

    def attr_step(self, dot: Span, name: Span) -> AnyStep:
        return AttrStep(self.text_of(name), dot.to(name))

    def dotted_index(self, dot: Span, token: Span) -> AnyStep:
        whole, point, fraction = self.text_of(token).partition(".")
        if not point:
            return IndexStep(self._number(token), dot.to(token))
        self.sink.add(codes.LEGACY_INDEX.at(token, splat="", first=whole, second=fraction))
        return IndexStep(UNKNOWN_VALUE, dot.to(token))

    def attr_splat(self, dot: Span, star: Span) -> AnyStep:
        return AttrSplat(dot.to(star))

    def full_splat(self, open_: Span, _star: Span, close: Span) -> AnyStep:
        return FullSplat(open_.to(close))

    def index_step(self, open_: Span, key: Expr, close: Span) -> AnyStep:
        bracket = open_.to(close)
        match key:
            case syntax.Literal(value=value) | syntax.Template(parts=(syntax.Literal(value=value),)):
                return LiteralIndex(IndexStep(value, bracket))
            case _:
                return KeyIndex(key, bracket)

    def name_traversal(self, token: Span, steps: list[AnyStep]) -> Expr:
        return self.traversal(self.name(token), steps)

    def traversal(self, source: Expr, steps: list[AnyStep]) -> Expr:
        """`steps` applied to `source` from left to right, except that what follows a `[*]` is applied to each."""
        if len(steps) > MAX_PENDING:
            self.sink.add(codes.NESTED_TOO_DEEP.at(source.span))
            return source
        tail: tuple[Span, Expr] | None = None
        stop = len(steps)
        for at in range(len(steps) - 1, -1, -1):
            if isinstance(step := steps[at], FullSplat):
                each = self._follow(syntax.SplatItem(step.marker), steps[at + 1 : stop])
                tail, stop = (step.marker, _splat(each, tail)), at
        return _splat(self._follow(source, steps[:stop]), tail)

    def _follow(self, expr: Expr, steps: list[AnyStep]) -> Expr:
        """`steps`, which hold no `[*]`, applied to `expr`."""
        run: list[Step] = []
        marker: Span | None = None  # of the `.*` that `run` follows
        for step in steps:
            match step:
                case AttrStep() | IndexStep():
                    run.append(step)
                    continue
                case AttrSplat(marker=star) if marker:
                    self.sink.add(codes.NESTED_ATTR_SPLAT.at(star._replace(start=star.end - 1)))
            if marker or not isinstance(step, LiteralIndex):
                expr, marker, run = _extended(expr, marker, run), None, []
            match step:
                case LiteralIndex(step=index):
                    run.append(index)
                case KeyIndex(key=key, bracket=bracket):
                    expr = syntax.Index(expr, key, bracket, expr.span.to(bracket))
                case AttrSplat(marker=star):
                    marker = star
        return _extended(expr, marker, run)

    # --- brackets ---------------------------------------------------------------------------------------------

    def parentheses(self, open_: Span, inner: Expr, close: Span) -> Expr:
        return syntax.Parentheses(inner, open_.to(close))

    def plain_call(self, name: Span, open_: Span, args: list[Expr], close: Span) -> Expr:
        return syntax.Call(self.text_of(name), name, tuple(args), False, open_, close, name.to(close))

    def plain_expanded_call(self, name: Span, open_: Span, args: list[Expr], _dots: Span, close: Span) -> Expr:
        return syntax.Call(self.text_of(name), name, tuple(args), True, open_, close, name.to(close))

    def call(self, callee: list[Span], open_: Span, args: list[Expr], close: Span) -> Expr:
        return self._call(callee, args, open_, close, expand=False)

    def expanded_call(self, callee: list[Span], open_: Span, args: list[Expr], _dots: Span, close: Span) -> Expr:
        return self._call(callee, args, open_, close, expand=True)

    def _call(self, callee: list[Span], args: list[Expr], open_: Span, close: Span, *, expand: bool) -> Expr:
        name = "::".join([self.text_of(part) for part in callee])
        first = callee[0]
        return syntax.Call(name, first.to(callee[-1]), tuple(args), expand, open_, close, first.to(close))

    def tuple_cons(self, open_: Span, items: list[Expr], close: Span) -> Expr:
        return syntax.TupleCons(tuple(items), open_, open_.to(close))

    def empty_object(self, open_: Span, close: Span) -> Expr:
        return syntax.ObjectCons((), open_, open_.to(close))

    def object(self, open_: Span, pairs: list[ObjectItem], close: Span) -> Expr:
        return syntax.ObjectCons(tuple(pairs), open_, open_.to(close))

    def separated_object(self, open_: Span, pairs: list[ObjectItem], _separator: Span, close: Span) -> Expr:
        return self.object(open_, pairs, close)

    def first_pair(self, key: Expr, _assign: Span, value: Expr) -> list[ObjectItem]:
        return [ObjectItem(self._key(key), value)]

    def next_pair(
        self, pairs: list[ObjectItem], _separator: Span, key: Expr, _assign: Span, value: Expr
    ) -> list[ObjectItem]:
        pairs.append(ObjectItem(self._key(key), value))
        return pairs

    def _key(self, expr: Expr) -> Expr:
        """A bare word is a name and not a variable; with steps behind it, it could be either."""
        match expr:
            case syntax.ScopeTraversal(root=name, steps=()):
                return syntax.ObjectKey(name, expr, expr.span)
            case syntax.ScopeTraversal(span=span):
                return syntax.ErrorExpr((codes.AMBIGUOUS_KEY.at(span),), span)
            case syntax.Literal(value=value, span=span) if value.raw is None or isinstance(value.raw, bool):
                return syntax.ObjectKey(self.text_of(span), expr, span)
            case syntax.Parentheses(span=span):
                return syntax.ObjectKey("", expr, span)
            case _:
                return expr

    # --- for --------------------------------------------------------------------------------------------------

    def _names(self, names: list[Span]) -> tuple[str, str]:
        """The key variable, or an empty string, and the value variable."""
        *key, value = [self.text_of(name) for name in names]
        return (key[0] if key else ""), value

    def for_head(self, names: list[Span], _in: Span, collection: Expr, _colon: Span) -> ForHead:
        return ForHead(names, collection)

    def for_value(self, value: Expr) -> ForBody:
        return ForBody(None, value, None)

    def for_group(self, value: Expr, ellipsis: Span) -> ForBody:
        return ForBody(None, value, ellipsis)

    def for_pair(self, key: Expr, _arrow: Span, value: Expr) -> ForBody:
        return ForBody(key, value, None)

    def for_pair_group(self, key: Expr, _arrow: Span, value: Expr, ellipsis: Span) -> ForBody:
        return ForBody(key, value, ellipsis)

    def filtered(self, body: ForBody, _if: Span, condition: Expr) -> ForBody:
        return body._replace(condition=condition)

    def for_tuple(self, open_: Span, head: ForHead, body: ForBody, close: Span) -> Expr:
        if body.key:
            self.sink.add(codes.FOR_TUPLE_KEY.at(body.key.span, context=open_.to(close)))
        if body.ellipsis:
            self.sink.add(codes.FOR_TUPLE_GROUP.at(body.ellipsis, context=open_.to(close)))
        return self._for(open_, head, body, close)

    def for_object(self, open_: Span, head: ForHead, body: ForBody, close: Span) -> Expr:
        if not body.key:
            self.sink.add(codes.FOR_OBJECT_KEY.at(body.value.span, context=open_.to(close)))
        return self._for(open_, head, body, close)

    def _for(self, open_: Span, head: ForHead, body: ForBody, close: Span) -> Expr:
        key, value, ellipsis, condition = body
        names, whole = self._names(head.names), open_.to(close)
        return syntax.For(*names, head.collection, key, value, condition, bool(ellipsis), open_, close, whole)


def _strips(open_: Span, close: Span) -> tuple[bool, bool]:
    """Whether a sequence has tildes: `${~ … ~}`."""
    return open_.end - open_.start == 3, close.end - close.start == 2


def _combine(operands: list[Expr], operator: str) -> None:
    right, left = operands.pop(), operands.pop()
    operands.append(syntax.Binary(operator, left, right, left.span.to(right.span)))


def _splat(source: Expr, tail: tuple[Span, Expr] | None) -> Expr:
    """`source`, splatted if something is to be applied to each of its elements."""
    if not tail:
        return source
    marker, each = tail
    return syntax.Splat(source, each, marker, source.span.to(each.span))


def _extended(expr: Expr, marker: Span | None, steps: list[Step]) -> Expr:
    """`expr` with literal steps behind it, or behind the `.*` at `marker`."""
    if marker:
        return _attr_splat(expr, marker, steps)
    if not steps:
        return expr
    span = expr.span.to(steps[-1].span)
    if isinstance(expr, syntax.ScopeTraversal):
        return syntax.ScopeTraversal(expr.root, expr.root_span, tuple(steps), span)
    return syntax.RelativeTraversal(expr, tuple(steps), span)


def _attr_splat(source: Expr, marker: Span, steps: list[Step]) -> Expr:
    item = each = syntax.SplatItem(marker)
    if not steps:
        return syntax.Splat(source, each, marker, source.span.to(marker))
    whole = steps[0].span.to(steps[-1].span)
    return syntax.Splat(source, syntax.RelativeTraversal(item, tuple(steps), whole), marker, source.span.to(whole))
