"""Trees without their places, to compare what different texts mean."""

from dataclasses import fields, is_dataclass

from bakec.ir.span import Span
from bakec.ir.syntax import Body, ErrorExpr
from bakec.ir.values import Value


def bare(node: object) -> object:
    """`node` without spans and origins, as lists."""
    match node:
        case Span():
            return None
        case Value():
            return node
        case ErrorExpr():
            return ["ErrorExpr", node.span.text]
        case Body():
            attributes = {name: bare(item) for name, item in node.attributes.items()}
            return ["Body", attributes, [bare(block) for block in node.blocks]]
        case tuple() | list():
            return [type(node).__name__, *map(bare, node)]
        case _ if is_dataclass(node):
            return [type(node).__name__, *(bare(getattr(node, field.name)) for field in fields(node))]
        case _:
            return node
