"""JSON values as definitions: which properties are blocks, and strings that are templates."""

from __future__ import annotations

from bakec.compiler.hcl.parse import parse_expression, parse_template
from bakec.compiler.hcl.templates import literal
from bakec.compiler.json.tree import Array, Invalid, Object, Scalar, String
from bakec.compiler.render.ranges import range_text
from bakec.ir import syntax
from bakec.ir.codes import syntax as codes
from bakec.ir.diagnostics import Diagnostics
from bakec.ir.quoting import quote
from bakec.ir.records import replace
from bakec.ir.syntax import Attribute, Block, Body, File, ObjectItem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.compiler.json.tree import Node, Property
    from bakec.ir.span import Source, Span
    from bakec.ir.syntax import Expr

# The blocks of a body, by its own type: their type, and what their one label is called, if they have one.
_BLOCKS: Final[dict[str, dict[str, str]]] = {
    "": {"group": "name", "target": "name", "variable": "name", "function": "name"},
    "variable": {"validation": ""},
}
_STATIC: Final = {"variable": ("type",), "function": ("params", "variadic_params")}
"""Arguments whose strings are names and types in native syntax, not templates."""


def lower_file(source: Source, root: Node, sink: Diagnostics) -> File:
    lower = _Lower(source, sink)
    body = lower.body(root, "")
    if isinstance(root, Array) and not sink.failed:
        lower.wrong_type(root, "A JSON object is required here, setting the arguments for this block")
    return File(source, body)


class _Lower:
    def __init__(self, source: Source, sink: Diagnostics) -> None:
        self.source = source
        self.sink = sink

    def wrong_type(self, node: Node, needed: str) -> None:
        self.sink.add(codes.JSON_WRONG_TYPE.at(node.start, needed=needed))

    # --- bodies -----------------------------------------------------------------------------------------------

    def body(self, node: Node, block_type: str) -> Body:
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        nested = _BLOCKS.get(block_type, {})
        for item in self.properties(node, "to define arguments and child blocks"):
            if item.name in nested:
                self.blocks(item, nested[item.name], blocks)
            elif item.name != "//":
                static = item.name in _STATIC.get(block_type, ())
                value = self.static(item.value) if static else self.expr(item.value)
                self.attribute(item, value, attributes, "argument" if block_type else "attribute definition")
        return Body(attributes, tuple(blocks), node.close if isinstance(node, Object) else node.start, node.span)

    def properties(self, node: Node, purpose: str) -> list[Property]:
        """Those of an object, or of all the objects of an array."""
        match node:
            case Object(properties=properties):
                return properties
            case Array(items=items):
                return [one for item in items for one in self.item_properties(item, purpose)]
            case Scalar(value=value) if value.is_null:
                return []
            case _:
                needed = "Either a JSON object or JSON array of objects is required here"
                self.wrong_type(node, f"{needed}, {purpose}")
                return []

    def item_properties(self, item: Node, purpose: str) -> list[Property]:
        if isinstance(item, Object):
            return item.properties
        self.wrong_type(item, f"A JSON object is required here, {purpose}")
        return []

    def attribute(self, item: Property, value: Expr, attributes: dict[str, Attribute], what: str) -> None:
        whole = item.name_span.to(item.value.span)
        existing = attributes.get(item.name)
        if existing:
            place = range_text(existing.span)
            self.sink.add(codes.JSON_DUPLICATE.at(item.name_span, what=what, name=quote(item.name), place=place))
        else:
            attributes[item.name] = Attribute(item.name, value, item.name_span, whole)

    # --- blocks -----------------------------------------------------------------------------------------------

    def blocks(self, item: Property, label: str, blocks: list[Block]) -> None:
        """The blocks that a property holds: itself, or one for each property of its value if they have a label."""
        if not label:
            self.bodies(item, (), item.value, blocks)
            return
        labels = self.properties(item.value, f"to specify {label} labels for this block")
        if not labels:
            self.sink.add(codes.JSON_MISSING_LABEL.at(item.value.start, type=item.name, label=label))
        for one in labels:
            self.bodies(item, (one,), one.value, blocks)

    def bodies(self, item: Property, labels: tuple[Property, ...], node: Node, blocks: list[Block]) -> None:
        """One block for an object, one for each item of an array, none for null."""
        match node:
            case Object():
                blocks.append(self.block(item, labels, node, node))
            case Array(items=items):
                blocks += [self.block(item, labels, one, node) for one in items]
            case Scalar(value=value) if value.is_null:
                pass
            case _:
                what = f"representing the contents of one or more {quote(item.name)} blocks"
                self.wrong_type(node, f"Either a JSON object or a JSON array is required, {what}")

    def block(self, item: Property, labels: tuple[Property, ...], node: Node, whole: Node) -> Block:
        names = tuple([label.name for label in labels])
        spans = tuple([label.name_span for label in labels])
        body = self.body(node, item.name)
        span = (spans or (item.name_span,))[-1].to(node.span)
        return Block(item.name, names, spans, body, item.name_span, whole.start, span)

    # --- expressions ------------------------------------------------------------------------------------------

    def expr(self, node: Node) -> Expr:
        match node:
            case String(text=text, span=span):
                return self.template(text, span)
            case Scalar(value=value, span=span):
                return syntax.Literal(value, span)
            case Array(items=items, open=open_):
                return syntax.TupleCons(tuple([self.expr(item) for item in items]), open_, node.span)
            case Object(open=open_):
                return syntax.ObjectCons(self.items(node), open_, node.span)
            case Invalid(span=span):
                return syntax.ErrorExpr((), span)

    def static(self, node: Node) -> Expr:
        """Strings in native syntax where that makes a name or a call; the ranges are those of the strings."""
        match node:
            case Array(items=items, open=open_):
                return syntax.TupleCons(tuple([self.static(item) for item in items]), open_, node.span)
            case String(text=text, span=span):
                made = parse_expression(self.source, Diagnostics(), text, span.start)
                if isinstance(made, syntax.ScopeTraversal | syntax.Call | syntax.Literal):
                    return replace(made, span=span)
        return self.expr(node)

    def items(self, node: Object) -> tuple[ObjectItem, ...]:
        """The second of two equal names is an error when it is evaluated; those with a template in them are equal
        or not only then, and the later one wins."""
        seen: dict[str, Span] = {}
        items = []
        for name, value, span in node.properties:
            key = self.template(name, span)
            match key:
                case syntax.Template(parts=(syntax.Literal(value=known),)):
                    first = seen.setdefault(known.text, span)
                    if first is not span:
                        fault = codes.JSON_DUPLICATE_KEY.at(span, name=quote(known.text), place=range_text(first))
                        key = syntax.ErrorExpr((fault,), span)
            items.append(ObjectItem(key, self.expr(value)))
        return tuple(items)

    def template(self, text: str, span: Span) -> Expr:
        """A string is a template. One that is broken is reported when it is evaluated, as it may never be.

        Places in it are counted in the text without JSON's escapes, as the reference counts them.
        """
        if "${" not in text and "%{" not in text:
            return syntax.Template((literal(text, span),), span)
        sink = Diagnostics()
        made = parse_template(self.source, text, span.start + 1, span, sink)
        if sink.failed:
            return syntax.ErrorExpr(tuple(sink), span)
        match made:
            case syntax.Template(parts=(syntax.Literal(value=value),)):
                return syntax.Template((literal(value.text, span),), span)
            case _:
                return made
