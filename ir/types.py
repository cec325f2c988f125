"""The types of the expression language: three primitives, three collections, two structural types and `any`.

Types are immutable, hashable and compared by structure. Each has two English names, both used in messages:
`friendly_name` for the type of a value ("list of dynamic") and `constraint_name` for what is wanted ("list of
any single type").
"""

from __future__ import annotations

from bakec.ir.static import final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias


@final
class PrimitiveType:
    """`string`, `number` or `bool`: exactly one instance each, so `is` compares them."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def friendly_name(self) -> str:
        return self.name

    def constraint_name(self) -> str:
        return self.name


@final
class DynamicType:
    """Of a value: its type is not known (an untyped null, a failed expression). Of a constraint: any type."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "any"

    def friendly_name(self) -> str:
        return "dynamic"

    def constraint_name(self) -> str:
        return "any type"


STRING = PrimitiveType("string")
NUMBER = PrimitiveType("number")
BOOL = PrimitiveType("bool")
DYNAMIC = DynamicType()


def _element_constraint(element: Type) -> str:
    return "any single type" if element is DYNAMIC else element.constraint_name()


@final
class ListType:
    """Any number of elements of one type, in order."""

    __slots__ = ("element",)
    __match_args__ = ("element",)

    def __init__(self, element: Type) -> None:
        self.element = element

    def __repr__(self) -> str:
        return f"list({self.element!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ListType) and self.element == other.element

    def __hash__(self) -> int:
        return hash(("list", self.element))

    def friendly_name(self) -> str:
        return "list of " + self.element.friendly_name()

    def constraint_name(self) -> str:
        return "list of " + _element_constraint(self.element)


@final
class SetType:
    """Different elements of one type, in the order of their values."""

    __slots__ = ("element",)
    __match_args__ = ("element",)

    def __init__(self, element: Type) -> None:
        self.element = element

    def __repr__(self) -> str:
        return f"set({self.element!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SetType) and self.element == other.element

    def __hash__(self) -> int:
        return hash(("set", self.element))

    def friendly_name(self) -> str:
        return "set of " + self.element.friendly_name()

    def constraint_name(self) -> str:
        return "set of " + _element_constraint(self.element)


@final
class MapType:
    """Elements of one type under string keys."""

    __slots__ = ("element",)
    __match_args__ = ("element",)

    def __init__(self, element: Type) -> None:
        self.element = element

    def __repr__(self) -> str:
        return f"map({self.element!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MapType) and self.element == other.element

    def __hash__(self) -> int:
        return hash(("map", self.element))

    def friendly_name(self) -> str:
        return "map of " + self.element.friendly_name()

    def constraint_name(self) -> str:
        return "map of " + _element_constraint(self.element)


@final
class TupleType:
    """A fixed number of elements, each of its own type."""

    __slots__ = ("elements",)

    def __init__(self, elements: tuple[Type, ...]) -> None:
        self.elements = elements

    def __repr__(self) -> str:
        return f"tuple([{', '.join(map(repr, self.elements))}])"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TupleType) and self.elements == other.elements

    def __hash__(self) -> int:
        return hash(("tuple", self.elements))

    def friendly_name(self) -> str:
        return "tuple"

    def constraint_name(self) -> str:
        return "tuple"


@final
class ObjectType:
    """Named attributes, each of its own type. `optional` names those that a conversion may leave out: it has
    a meaning in constraints only."""

    __slots__ = ("attributes", "optional")

    def __init__(self, attributes: Mapping[str, Type], optional: frozenset[str] = frozenset()) -> None:
        self.attributes = attributes
        self.optional = optional

    def __repr__(self) -> str:
        return f"object({{{', '.join(map(self._attribute, self.attributes))}}})"

    def _attribute(self, name: str) -> str:
        kind = repr(self.attributes[name])
        return f"{name} = optional({kind})" if name in self.optional else f"{name} = {kind}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectType) and self.optional == other.optional and self.attributes == other.attributes

    def __hash__(self) -> int:
        return hash(("object", frozenset(self.attributes.items())))

    def friendly_name(self) -> str:
        return "object"

    def constraint_name(self) -> str:
        return "object"


CollectionType: TypeAlias = ListType | SetType | MapType
Type: TypeAlias = PrimitiveType | DynamicType | CollectionType | TupleType | ObjectType


def has_dynamic(kind: Type) -> bool:
    """Whether `kind` is `any` or holds it anywhere."""
    match kind:
        case DynamicType():
            return True
        case ListType(element=element) | SetType(element=element) | MapType(element=element):
            return has_dynamic(element)
        case TupleType(elements=elements):
            return any(map(has_dynamic, elements))
        case ObjectType(attributes=attributes):
            return any(map(has_dynamic, attributes.values()))
        case _:
            return False


def without_optional(kind: Type) -> Type:
    """`kind` with every optional attribute, at any depth, made an ordinary one: what a value can have."""
    match kind:
        case ListType(element=element):
            return ListType(without_optional(element))
        case SetType(element=element):
            return SetType(without_optional(element))
        case MapType(element=element):
            return MapType(without_optional(element))
        case TupleType(elements=elements):
            return TupleType(tuple(map(without_optional, elements)))
        case ObjectType(attributes=attributes):
            return ObjectType({name: without_optional(item) for name, item in attributes.items()})
        case _:
            return kind
