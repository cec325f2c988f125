"""From syntax trees to declarations: what every file declares, put together in one scope."""

from __future__ import annotations

from bakec.compiler.declarations import Declarations, FunctionDecl, Validation, VariableDecl, missing_span
from bakec.compiler.eval.ranges import start_span, static_list
from bakec.compiler.eval.typeexpr import keyword
from bakec.compiler.suggest import nearest
from bakec.ir import syntax
from bakec.ir.codes import define as codes
from bakec.ir.fields import BLOCK_TYPES
from bakec.ir.span import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from bakec.ir.diagnostics import Diagnostics
    from bakec.ir.syntax import Attribute, Block, Body, Expr, File

_FUNCTION: Final = ("params", "variadic_params", "result")
_VALIDATION: Final = ("condition", "error_message")


def resolve(files: Iterable[File], reserved: Iterable[str], sink: Diagnostics) -> Declarations:
    """Collect the declarations of `files`.

    After: every block of `Declarations` has one label. `reserved` names (the built-ins) cannot be declared.
    """
    hidden = {*reserved, "target", "group"}
    variables: dict[str, VariableDecl] = {}
    functions: dict[str, Block] = {}
    attributes: dict[str, Attribute] = {}
    blocks: list[Block] = []
    for file in files:
        attributes.update((name, item) for name, item in file.body.attributes.items() if name not in hidden)
        for block in file.body.blocks:
            if block.type not in BLOCK_TYPES or not _has_one_label(block, sink):
                continue
            name = block.labels[0]
            if block.type in ("target", "group"):
                blocks.append(block)
            elif name in hidden:
                continue
            elif block.type == "variable":
                variables[name] = _variable(block, sink)
            else:
                functions[name] = block
    return Declarations(
        variables=variables,
        functions={name: found for name, block in functions.items() if (found := _function(block, sink))},
        attributes=attributes,
        blocks=tuple(blocks),
    )


def _has_one_label(block: Block, sink: Diagnostics) -> bool:
    if len(block.labels) == 1:
        return True
    if block.labels:
        extra = block.label_spans[1]
        sink.add(codes.EXTRA_LABEL.at(extra, context=block.type_span.to(block.label_spans[-1]), type=block.type))
    else:
        at = block.body.span.start
        brace = Span(block.body.span.source, at, at + 1)
        sink.add(codes.MISSING_LABEL.at(brace, context=block.header, type=block.type))
    return False


def _expr(body: Body, name: str) -> Expr | None:
    found = body.attributes.get(name)
    return found.expr if found else None


def _variable(block: Block, sink: Diagnostics) -> VariableDecl:
    body = block.body
    description = _expr(body, "description")
    if description is not None:
        _check_static(description, sink)
    return VariableDecl(
        name=block.labels[0],
        type=_expr(body, "type"),
        default=body.attributes.get("default"),
        description=description,
        validations=tuple(_validation(inner, sink) for inner in body.blocks if inner.type == "validation"),
        missing=missing_span(body),
        span=block.header,
    )


def _check_static(expr: Expr, sink: Diagnostics) -> None:
    for node in syntax.walk(expr):
        if isinstance(node, syntax.ScopeTraversal):
            sink.add(codes.STATIC_VARIABLE.at(node.root_span))
        elif isinstance(node, syntax.Call):
            sink.add(codes.STATIC_FUNCTION.at(node.span))


def _validation(block: Block, sink: Diagnostics) -> Validation:
    _check_strict(block.body, _VALIDATION, sink)
    return Validation(
        condition=_expr(block.body, "condition"),
        error_message=_expr(block.body, "error_message"),
        span=missing_span(block.body),
    )


def _check_strict(body: Body, known: tuple[str, ...], sink: Diagnostics) -> None:
    for name, item in body.attributes.items():
        if name not in known:
            close = nearest(name, known)
            suggestion = f' Did you mean "{close}"?' if close else ""
            sink.add(codes.UNSUPPORTED_ARGUMENT.at(item.name_span, name=name, suggestion=suggestion))
    for block in body.blocks:
        sink.add(codes.UNSUPPORTED_BLOCK.at(block.type_span, name=block.type, suggestion=""))


def _function(block: Block, sink: Diagnostics) -> FunctionDecl | None:
    name = block.labels[0]
    before = len(sink)
    _check_strict(block.body, _FUNCTION, sink)
    params = block.body.attributes.get("params")
    result = block.body.attributes.get("result")
    if params is None or result is None:
        # Without a result the reference points at the parameters, where there are any.
        subject = params.span if params else block.label_spans[0]
        what = "params" if result else "result"
        reason = f"empty {what} not allowed for {name}"
        sink.add(codes.INVALID_FUNCTION.at(subject, context=params.span if params else block.header, reason=reason))
        return None
    parameters = _parameters(params, sink)
    variadic = block.body.attributes.get("variadic_params")
    rest = _parameter(variadic.expr, variadic.span, sink) if variadic else ""
    if len(sink) > before:
        return None
    return FunctionDecl(name=name, parameters=parameters, variadic=rest, result=result.expr, span=block.header)


def _parameters(params: Attribute, sink: Diagnostics) -> tuple[str, ...]:
    items = static_list(params.expr)
    if items is None:
        sink.add(codes.LIST_EXPECTED.at(start_span(params.expr), context=params.expr.span))
        return ()
    return tuple(_parameter(item, item.span, sink) for item in items)


def _parameter(expr: Expr, span: Span, sink: Diagnostics) -> str:
    name = keyword(expr)
    if not name:
        sink.add(codes.INVALID_PARAMETER.at(span))
    return name
