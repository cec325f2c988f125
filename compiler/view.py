"""A resolved target as `bakec print` shows it: the reference's JSON object, keys in its order."""

from __future__ import annotations

from collections.abc import Mapping

from bakec.ir import numbers
from bakec.ir.fields import FIELDS, RESOURCES, Kind
from bakec.ir.module import Entry
from bakec.ir.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, TypeAlias

    from bakec.ir.fields import Field
    from bakec.ir.module import FieldValue, GroupDef, Target, TargetDef
    from bakec.ir.origin import Origin

    View: TypeAlias = dict[str, Any]

_ORDERED: Final = {"secret": ("id", "src", "env"), "ssh": ("id", "paths")}
"""Entries that print in this order; all others print sorted."""


def target_view(target: Target) -> View:
    """The printed object; empty lists and maps and empty descriptions are left out, empty texts are not."""
    fields = target.fields
    return {name: shown for name, field in FIELDS.items() if (shown := _shown(field, fields.get(name))) is not None}


def group_view(group: GroupDef) -> View:
    view: View = {"description": group.description} if group.description else {}
    view["targets"] = None if group.targets is None else [member.text for member in group.targets]
    return view


def _shown(field: Field, value: FieldValue | None) -> Any:
    if value is None:
        return None
    if isinstance(value, Value):
        raw = _text(field, value.raw)
        return raw if raw or field.name != "description" else None
    if isinstance(value, Mapping):
        return _shown_mapping(field, value)
    if field.name == "policy":
        return [_policy(item.attrs) for item in value if isinstance(item, Entry)] or None
    items = [_entry(field, item) if isinstance(item, Entry) else _text(field, item.raw) for item in value]
    return items or None


def _text(field: Field, raw: object) -> object:
    """The dollar and percent signs that start a sequence are doubled, so that the output can be read back."""
    if field.escape and isinstance(raw, str):
        return raw.replace("${", "$${").replace("%{", "%%{")
    return raw


def _shown_mapping(field: Field, value: Mapping[str, Value]) -> View | None:
    if field.kind is Kind.RESOURCES:
        return {name: _number(value[name]) for name in RESOURCES if name in value}
    return {name: _text(field, value[name].raw) for name in sorted(value)} or None


def _number(value: Value) -> object:
    return numbers.truncate(value.raw) if isinstance(value.raw, numbers.Float) else value.raw


def _entry(field: Field, entry: Entry) -> View:
    attrs = entry.attrs
    order = [name for name in _ORDERED[field.name] if name in attrs] if field.name in _ORDERED else sorted(attrs)
    return {name: list(part) if isinstance(part := attrs[name], tuple) else part for name in order}


def _policy(attrs: Mapping[str, Any]) -> View:
    """The reference prints the names and nulls of its own record here."""
    return {
        "Files": [{"Filename": name, "Data": None} for name in attrs["filename"]] or None,
        "Reset": attrs.get("reset", False),
        "Disabled": attrs.get("disabled", False),
        "Strict": attrs.get("strict"),
        "LogLevel": attrs.get("log-level"),
    }


def origins(target: Target | TargetDef) -> dict[str, Origin]:
    """Where each value of a target comes from: field path (`args.VERSION`, `tags[0]`, `context`) to origin."""
    found: dict[str, Origin] = {}
    for name, value in target.fields.items():
        if isinstance(value, Value):
            _note(found, name, value.origin)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                _note(found, f"{name}.{key}", item.origin)
        else:
            origins_ = [part.origin for part in value if isinstance(part, Value | Entry)]
            for at, origin in enumerate(origins_):
                _note(found, f"{name}[{at}]", origin)
    return found


def _note(found: dict[str, Origin], path: str, origin: Origin | None) -> None:
    if origin is not None:
        found[path] = origin
