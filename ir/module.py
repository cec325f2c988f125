"""The module: what the definition files say, evaluated, before and after targets are resolved."""

from __future__ import annotations

from collections.abc import Mapping

from bakec.ir.records import NamedTuple, dataclass, field
from bakec.ir.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from bakec.ir.origin import Origin
    from bakec.ir.span import Span


class Entry(NamedTuple):
    """One element of a structured attribute. `attrs` is the object that is printed: strings, but `disabled` of an
    attestation (`True`) and `paths` of an SSH entry (a tuple of strings)."""

    attrs: Mapping[str, str | bool | tuple[str, ...]]
    origin: Origin | None = None


FieldValue: TypeAlias = Value | tuple[Value, ...] | Mapping[str, Value] | tuple[Entry, ...]
"""By kind: TEXT and FLAG a string or bool `Value`; LIST a tuple of string Values; MAP and RESOURCES string (or
number) Values by key, a null for an unset one; ENTRIES a tuple of `Entry`. Every Value carries its origin."""


def entries(value: FieldValue | None) -> tuple[Entry, ...]:
    """The entries of an attribute of kind ENTRIES; none if it is unset."""
    return tuple(item for item in value if isinstance(item, Entry)) if isinstance(value, tuple) else ()


def values(value: FieldValue | None) -> tuple[Value, ...]:
    """The elements of an attribute of kind LIST; none if it is unset."""
    return tuple(item for item in value if isinstance(item, Value)) if isinstance(value, tuple) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetDef:
    """A target as its files define it: own attributes only, by the names of `ir.fields.FIELDS`; absent = unset.

    `bases` tells file-relative mode the folder of the file that gave `context` and `contexts`, and under the empty
    name that of the file whose block came last; `default_context` is what it makes of that.
    """

    name: str
    fields: Mapping[str, FieldValue]
    inherits: tuple[Value, ...] = ()
    span: Span | None = None
    bases: Mapping[str, str] = field(default_factory=dict)
    default_context: str = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDef:
    name: str
    targets: tuple[Value, ...] | None
    """Member names; `None` for a Compose project without a build, which prints as null."""
    description: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableInfo:
    """A declared variable after evaluation. `type` is the friendly constraint name if it was declared with one;
    `shown` is its value as text for `--list` (None for null)."""

    name: str
    value: Value
    source: str
    description: str = ""
    type: str = ""
    shown: str | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """All files together: targets and groups in definition order, names unique."""

    targets: tuple[TargetDef, ...]
    groups: tuple[GroupDef, ...]
    variables: tuple[VariableInfo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resolved target: inherited, overridden and normalized. `linked`: only reached over a `target:` link."""

    name: str
    fields: Mapping[str, FieldValue]
    linked: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What was asked for, resolved: all targets that take part and all groups met, by name."""

    requested: tuple[str, ...]
    targets: Mapping[str, Target]
    groups: Mapping[str, GroupDef]
