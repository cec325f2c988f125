"""Type expressions: `string`, `list(number)`, `object({ name = string, tags = optional(list(string)) })`."""

from __future__ import annotations

from bakec.ir.codes import evaluate as codes
from bakec.ir.quoting import quote
from bakec.ir.syntax import Call, Literal, ObjectCons, ObjectKey, ScopeTraversal, TupleCons
from bakec.ir.types import BOOL, DYNAMIC, NUMBER, STRING, ListType, MapType, ObjectType, SetType, TupleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.span import Span
    from bakec.ir.syntax import Expr
    from bakec.ir.types import Type

_KEYWORDS: dict[str, Type] = {"bool": BOOL, "string": STRING, "number": NUMBER, "any": DYNAMIC}
_COLLECTIONS: dict[str, Callable[[Type], Type]] = {"list": ListType, "set": SetType, "map": MapType}
_ARGUMENT = {
    "object": "the attribute types and values as a map",
    "tuple": "the element types as a list",
    **dict.fromkeys(_COLLECTIONS, "the element type"),
}

_NO_TYPE = "requires the attribute type as its argument"


def type_constraint(expr: Expr, sink: list[Diagnostic]) -> Type:
    """The type that `expr` spells; `any` in place of what is wrong and was reported into `sink`."""
    word = keyword(expr)
    if word:
        return _KEYWORDS.get(word) or _report(sink, expr.span, _bad_keyword(word))
    if not isinstance(expr, Call):
        reason = (
            "A type specification is either a primitive type keyword (bool, number, string) or a complex type "
            "constructor call, like list(string)."
        )
        return _report(sink, expr.span, reason)
    return _constructor(expr, sink)


def keyword(expr: Expr) -> str:
    """The single bare word that `expr` is, or nothing. `true`, `false` and `null` are words too."""
    match expr:
        case ScopeTraversal(root=root, steps=()):
            return root
        case ObjectKey(name=name) if name:
            return name
        case Literal(value=value) if value.raw is None:
            return "null"
        case Literal(value=value) if value.type is BOOL:
            return "true" if value.raw else "false"
        case _:
            return ""


def _report(sink: list[Diagnostic], span: Span, reason: str, context: Span | None = None) -> Type:
    sink.append(codes.INVALID_TYPE.at(span, context=context, reason=reason))
    return DYNAMIC


def _bad_keyword(word: str) -> str:
    if word in _ARGUMENT:
        return f"The {word} type constructor requires one argument specifying {_ARGUMENT[word]}."
    return f"The keyword {quote(word)} is not a valid type specification."


def _constructor(call: Call, sink: list[Diagnostic]) -> Type:
    parentheses = call.open.to(call.close)
    if call.name in _KEYWORDS:
        what = "Type constraint" if call.name == "any" else "Primitive type"
        return _report(sink, parentheses, f"{what} keyword {quote(call.name)} does not expect arguments.")
    if call.name in _ARGUMENT:
        if len(call.args) != 1:
            extra = call.args[1].span.to(call.args[-1].span) if len(call.args) > 1 else parentheses
            return _report(sink, extra, _bad_keyword(call.name), parentheses)
        return _compound(call, call.args[0], sink)
    if call.name == "optional":
        reason = f"Keyword {quote(call.name)} is valid only as a modifier for object type attributes."
        return _report(sink, call.name_span, reason)
    return _report(sink, call.span, f"Keyword {quote(call.name)} is not a valid type constructor.")


def _compound(call: Call, argument: Expr, sink: list[Diagnostic]) -> Type:
    if call.name in _COLLECTIONS:
        return _COLLECTIONS[call.name](type_constraint(argument, sink))
    if call.name == "tuple":
        if not isinstance(argument, TupleCons):
            reason = "Tuple type constructor requires a list of element types."
            return _report(sink, argument.span, reason, call.span)
        return TupleType(tuple([type_constraint(item, sink) for item in argument.items]))
    if not isinstance(argument, ObjectCons):
        reason = (
            "Object type constructor requires a map whose keys are attribute names and whose values are the "
            "corresponding attribute types."
        )
        return _report(sink, argument.span, reason, call.span)
    return _object(call, argument, sink)


def _object(call: Call, argument: ObjectCons, sink: list[Diagnostic]) -> Type:
    attributes: dict[str, Type] = {}
    optional: list[str] = []
    for item in argument.items:
        name = keyword(item.key)
        if not name:
            _report(sink, item.key.span, "Object constructor map keys must be attribute names.", call.span)
        elif name in attributes:
            _report(sink, item.key.span, "Object constructor map keys must be unique.", call.span)
        elif isinstance(item.value, Call) and item.value.name == "optional":
            _optional(name, item.value, attributes, sink)
            optional.append(name)
        else:
            attributes[name] = type_constraint(item.value, sink)
    return ObjectType(dict(sorted(attributes.items())), frozenset(optional))


def _optional(name: str, call: Call, attributes: dict[str, Type], sink: list[Diagnostic]) -> None:
    """`name = optional(type)`, into `attributes`."""
    if len(call.args) != 1:
        wanted = "expects only one argument: the attribute type" if call.args else _NO_TYPE
        _report(sink, call.open.to(call.close), f"Optional attribute modifier {wanted}.", call.span)
    if call.args:
        attributes[name] = type_constraint(call.args[0], sink)
