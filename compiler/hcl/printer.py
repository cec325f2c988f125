"""Trees to native HCL, in one plain style. Parsing the text gives the tree again, with other spans."""

from __future__ import annotations

import re

from bakec.ir import numbers, syntax
from bakec.ir.codes import syntax as codes
from bakec.ir.diagnostics import fail
from bakec.ir.syntax import Attribute, Block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from bakec.ir.syntax import Body, Expr, File, ObjectItem, Step
    from bakec.ir.values import Raw

WIDTH: Final = 100
"""Tuples and objects that fit into this many columns stay on one line."""

_INDENT: Final = "  "
_MARKER: Final = "EOT"
_SPECIAL: Final = re.compile(r'[$%](?=\{)|["\\]|[^\x20-\x7e]')
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "$": "$$", "%": "%%"}
# Lines of a heredoc: printable, and no marker among them.
_PLAIN_LINES: Final = re.compile(rf"(?:(?!\s*{_MARKER}\s*\n)[^\x00-\x08\x0b-\x1f\x7f]*\n)+")


def print_file(file: File) -> str:
    """The text of `file`. Raises `Failed` if it is nested too deeply for that."""
    try:
        return "".join(_body(file.body, ""))
    except RecursionError:
        raise fail(codes.NESTED_TOO_DEEP.at(file.body.span)) from None


def print_expr(expr: Expr) -> str:
    """The text of `expr` on one line. Raises `Failed` likewise."""
    try:
        return _expr(expr)
    except RecursionError:
        raise fail(codes.NESTED_TOO_DEEP.at(expr.span)) from None


# --- structure ------------------------------------------------------------------------------------------------


def _body(body: Body, indent: str) -> Iterable[str]:
    items: list[Attribute | Block] = sorted([*body.attributes.values(), *body.blocks], key=lambda item: item.span.start)
    for before, item in zip([None, *items], items, strict=False):
        if before is not None and (isinstance(item, Block) or isinstance(before, Block)):
            yield "\n"
        if isinstance(item, Attribute):
            yield f"{indent}{item.name} = {_value(item.expr, indent)}\n"
        else:
            yield from _block(item, indent)


def _block(block: Block, indent: str) -> Iterable[str]:
    header = " ".join([block.type, *map(_quoted, block.labels)])
    yield f"{indent}{header} {{\n"
    yield from _body(block.body, indent + _INDENT)
    yield f"{indent}}}\n"


def _value(expr: Expr, indent: str) -> str:
    """An expression where it may take several lines."""
    inner = indent + _INDENT
    match expr:
        case syntax.Template(parts=(syntax.Literal(value=value),)) if _PLAIN_LINES.fullmatch(value.text):
            lines = re.sub(r"[$%](?=\{)", lambda found: found[0] * 2, value.text)
            return f"<<{_MARKER}\n{lines}{_MARKER}"
        case syntax.TupleCons(items=items) if items:
            line = _expr(expr)
            return line if _fits(line, indent) else _lines("[", [_value(item, inner) for item in items], indent)
        case syntax.ObjectCons(items=items) if items:
            line = _expr(expr)
            pairs = [_pair(item, _value(item.value, inner)) for item in items]
            return line if _fits(line, indent) else _lines("{", pairs, indent)
        case _:
            return _expr(expr)


def _fits(line: str, indent: str) -> bool:
    return len(indent) + len(line) <= WIDTH and "\n" not in line


def _lines(bracket: str, items: list[str], indent: str) -> str:
    """Items on lines of their own. A heredoc as an item of a tuple has its comma on the line after."""
    comma = "," if bracket == "[" else ""
    text = "".join([f"{indent}{_INDENT}{item}{_line_end(item, comma)}\n" for item in items])
    return f"{bracket}\n{text}{indent}{'}' if bracket == '{' else ']'}"


def _line_end(item: str, comma: str) -> str:
    return f"\n{comma}" if comma and item.endswith(f"\n{_MARKER}") else comma


# --- expressions ----------------------------------------------------------------------------------------------


def _expr(expr: Expr) -> str:
    match expr:
        case syntax.Literal(value=value):
            return _literal(value.raw)
        case syntax.Template(parts=parts):
            return f'"{_parts(parts)}"'
        case syntax.TemplateWrap(wrapped=wrapped):
            return f'"${{{_expr(wrapped)}}}"'
        case syntax.TemplateJoin():
            return f'"{_directive(expr)}"'
        case syntax.ObjectKey(name=name, wrapped=wrapped):
            return name or _expr(wrapped)
        case syntax.ErrorExpr(span=span):
            return span.text
        case syntax.TupleCons() | syntax.ObjectCons() | syntax.For() | syntax.Call() | syntax.Parentheses():
            return _bracketed(expr)
        case syntax.Conditional(condition=condition, true=true, false=false):
            return f"{_expr(condition)} ? {_expr(true)} : {_expr(false)}"
        case syntax.Binary(operator=operator, left=left, right=right):
            return f"{_expr(left)} {operator} {_expr(right)}"
        case syntax.Unary(operator=operator, operand=operand):
            return operator + _expr(operand)
        case _:
            return _traversal(expr)


def _bracketed(expr: syntax.TupleCons | syntax.ObjectCons | syntax.For | syntax.Call | syntax.Parentheses) -> str:
    match expr:
        case syntax.Parentheses(inner=inner):
            return f"({_expr(inner)})"
        case syntax.TupleCons(items=items):
            return f"[{', '.join(map(_expr, items))}]"
        case syntax.ObjectCons(items=()):
            return "{}"
        case syntax.ObjectCons(items=items):
            return f"{{ {', '.join([_pair(item, _expr(item.value)) for item in items])} }}"
        case syntax.Call(name=name, args=args, expand=expand):
            return f"{name}({', '.join(map(_expr, args))}{'...' if expand else ''})"
        case syntax.For():
            return _for(expr)


def _pair(item: ObjectItem, value: str) -> str:
    return f"{_expr(item.key)} = {value}"


def _for(expr: syntax.For) -> str:
    names = f"{expr.key_var}, {expr.value_var}" if expr.key_var else expr.value_var
    value = f"{_expr(expr.key)} => {_expr(expr.value)}" if expr.key else _expr(expr.value)
    group = "..." if expr.group else ""
    condition = f" if {_expr(expr.condition)}" if expr.condition else ""
    inner = f"for {names} in {_expr(expr.collection)} : {value}{group}{condition}"
    return f"{{{inner}}}" if expr.key else f"[{inner}]"


def _literal(raw: Raw) -> str:
    match raw:
        case None:
            return "null"
        case bool():
            return "true" if raw else "false"
        case str():
            return _quoted(raw)
        case int() | numbers.Float():
            return numbers.to_text(raw)
        case _:
            raise TypeError(f"{raw!r} is no literal")


# --- traversals -----------------------------------------------------------------------------------------------


def _traversal(expr: Expr) -> str:
    match expr:
        case syntax.ScopeTraversal(root=root, steps=steps):
            return root + _steps(steps)
        case syntax.RelativeTraversal(source=source, steps=steps):
            return _source(source) + _steps(steps)
        case syntax.Index(collection=collection, key=key):
            return f"{_source(collection)}[{_expr(key)}]"
        case syntax.Splat(source=source, each=each):
            return f"{_source(source)}[*]{_expr(each)}"
        case syntax.SplatItem():
            return ""
        case _:
            raise TypeError(f"{type(expr).__name__} is no expression")


def _source(expr: Expr) -> str:
    """An expression with steps behind it. `[*]` would take them along, so a splat is written `.*`, which does not."""
    if not isinstance(expr, syntax.Splat):
        return _expr(expr)
    steps = expr.each.steps if isinstance(expr.each, syntax.RelativeTraversal) else ()
    return f"{_source(expr.source)}.*{''.join(map(_dotted, steps))}"


def _steps(steps: Iterable[Step]) -> str:
    return "".join(
        [f".{step.name}" if isinstance(step, syntax.AttrStep) else f"[{_literal(step.key.raw)}]" for step in steps]
    )


def _dotted(step: Step) -> str:
    return f".{step.name if isinstance(step, syntax.AttrStep) else _literal(step.key.raw)}"


# --- templates ------------------------------------------------------------------------------------------------


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return _SPECIAL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"


def _parts(parts: tuple[Expr, ...]) -> str:
    printed = [_part(part, alone=len(parts) == 1) for part in parts]
    for at, part in enumerate(parts):
        if not _is_text(part):
            continue
        printed[at] = _guarded(printed[at])
        if not printed[at] and len(parts) > 1:
            _leave_empty(printed, at)
    return "".join(printed)


def _leave_empty(printed: list[str], at: int) -> None:
    """Have the text at `at` be a blank that a tilde of the sequence next to it strips, so that it is there at all."""
    printed[at] = " "
    if at + 1 < len(printed):
        printed[at + 1] = f"{printed[at + 1][:2]}~{printed[at + 1][2:]}"
    else:
        printed[at - 1] = f"{printed[at - 1][:-1]}~}}"


def _guarded(text: str) -> str:
    """Text that does not escape a sequence behind it."""
    return f"{text[:-1]}\\u{ord(text[-1]):04x}" if text.endswith(("$", "%")) else text


def _is_text(part: Expr) -> bool:
    return isinstance(part, syntax.Literal) and isinstance(part.value.raw, str)


def _part(part: Expr, *, alone: bool) -> str:
    """A part of a template. A directive that is `alone` must stay one: as an interpolation it would pass its value
    on unchanged."""
    match part:
        case syntax.Literal(value=value) if isinstance(value.raw, str):
            return _escaped(value.raw)
        case syntax.TemplateJoin():
            return _directive(part)
        case syntax.Conditional(true=syntax.Template(), false=syntax.Template()) if alone:
            return _directive(part)
        case _:
            return f"${{{_expr(part)}}}"


def _directive(expr: syntax.TemplateJoin | syntax.Conditional) -> str:
    match expr:
        case syntax.Conditional(
            condition=condition, true=syntax.Template(parts=true), false=syntax.Template(parts=false)
        ):
            return f"%{{ if {_expr(condition)} }}{_parts(true)}%{{ else }}{_parts(false)}%{{ endif }}"
        case syntax.TemplateJoin(tuple=syntax.For(value=syntax.Template(parts=parts)) as loop):
            names = f"{loop.key_var}, {loop.value_var}" if loop.key_var else loop.value_var
            return f"%{{ for {names} in {_expr(loop.collection)} }}{_parts(parts)}%{{ endfor }}"
        case _:
            raise TypeError(f"{expr!r} is no directive")
