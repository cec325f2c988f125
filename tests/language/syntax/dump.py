"""Tokens, trees and diagnostics as text that a reader of a golden file can follow."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from bakec.compiler.hcl.kinds import KINDS
from bakec.compiler.hcl.lexer import Tokens
from bakec.compiler.render.ranges import message, position
from bakec.ir import numbers
from bakec.ir.diagnostics import Diagnostic, Diagnostics
from bakec.ir.span import Span
from bakec.ir.syntax import Attribute, Block, Body, ObjectItem
from bakec.ir.values import Value


def dump_tokens(tokens: Tokens) -> str:
    pairs = zip(tokens.kinds, tokens.spans, strict=True)
    return "".join(f"{place(span)} {KINDS[kind]} {span.text!r}\n" for kind, span in pairs)


def dump_body(body: Body) -> str:
    return "".join(f"{line}\n" for line in _body(body, ""))


def dump_diagnostics(sink: Diagnostics) -> str:
    return "".join(f"{one.rule.code} {message(one)}\n" for one in sink)


def place(span: Span) -> str:
    """`line:column-column`, or `line:column-line:column`."""
    line, column = position(span.source, span.start)
    last, end = position(span.source, span.end)
    return f"{line}:{column}-{end}" if line == last else f"{line}:{column}-{last}:{end}"


def _body(body: Body, indent: str) -> Iterator[str]:
    items: list[Attribute | Block] = [*body.attributes.values(), *body.blocks]
    for item in sorted(items, key=lambda item: item.span.start):
        if isinstance(item, Block):
            pairs = zip(item.labels, item.label_spans, strict=True)
            labels = "".join(f" {label!r} {place(span)}" for label, span in pairs)
            missing = f"missing items at {place(item.body.end)}"
            yield f"{indent}block {item.type}{labels} [{place(item.span)}, header {place(item.header)}, {missing}]"
            yield from _body(item.body, indent + "  ")
        else:
            yield f"{indent}attribute {item.name} [{place(item.span)}, name {place(item.name_span)}]"
            yield from _node(item.expr, indent + "  ", "")


def _node(node: object, indent: str, label: str) -> Iterator[str]:
    if isinstance(node, ObjectItem):
        yield from _node(node.key, indent, "key ")
        yield from _node(node.value, indent, "value ")
        return
    if isinstance(node, tuple) and not hasattr(node, "_fields"):
        for item in node:
            yield from _node(item, indent, label)
        return
    parts = _parts(node)
    words = [f"{name}={_word(part)}" for name, part in parts if name != "span" and _is_word(part)]
    span = dict(parts)["span"]
    assert isinstance(span, Span)
    yield " ".join([f"{indent}{label}{type(node).__name__}", *words, f"[{place(span)}]"])
    for name, part in parts:
        if not _is_word(part):
            yield from _node(part, indent + "  ", f"{name} ")


def _parts(node: object) -> list[tuple[str, object]]:
    if is_dataclass(node):
        return [(field.name, getattr(node, field.name)) for field in fields(node)]
    assert isinstance(node, tuple)
    return list(zip(node._fields, node, strict=True))  # type: ignore[attr-defined]


def _is_word(part: object) -> bool:
    if isinstance(part, tuple) and not isinstance(part, Span):
        return bool(part) and isinstance(part[0], Diagnostic)
    return part is None or isinstance(part, str | bool | Span | Value)


def _word(part: object) -> str:
    if isinstance(part, Span):
        return place(part)
    if isinstance(part, Value):
        raw = part.raw
        return numbers.to_text(raw) if isinstance(raw, int | numbers.Float) and not isinstance(raw, bool) else repr(raw)
    if isinstance(part, tuple):
        return " ".join(f"({one.rule.code} {message(one)})" for one in part)
    return repr(part)
