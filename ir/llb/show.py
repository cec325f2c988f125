"""LLB as JSON for people: the form `buildctl debug dump-llb` prints, and protobuf's own JSON form."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from bakec.ir.digests import digest_of
from bakec.ir.llb.ops import SCHEMA, FileAction, Op, OpMetadata, UserOpt, decode_op
from bakec.ir.llb.wire import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from bakec.ir.llb.ops import Definition
    from bakec.ir.llb.wire import Field

Json: TypeAlias = str | int | bool | list["Json"] | dict[str, "Json"] | None


def dump_definition(definition: Definition) -> list[dict[str, Json]]:
    """One object an op: `digest`, `op`, `metadata`, in the order of the definition."""
    shown = []
    for data in definition.ops:
        name = digest_of(data)
        metadata = definition.metadata.get(name, OpMetadata())
        shown.append({"digest": name, "op": dump_op(decode_op(data)), "metadata": dump(metadata)})
    return shown


def dump_op(op: Op) -> Json:
    """An op with its kind under `Op`, numbers as numbers and enums as numbers; zeros are left out."""
    return dump(op)


def dump(record: object) -> Json:
    """Any record of the schema in the same form."""
    shown: dict[str, Json] = {}
    inner: dict[str, Json] = {}
    for field in SCHEMA[type(record)].fields:
        value = getattr(record, field.attr)
        if field.oneof:
            if _is_member(field, value) and (value or field.kind is Kind.MESSAGE) and field.name != "symlink":
                inner[field.name if field.name != "byID" else "byId"] = _plain(value)
        elif value or (isinstance(record, FileAction) and field.name in _ALWAYS) or _is_set(field, value):
            shown[field.name] = _plain(value)
    holder = _HOLDERS.get(type(record))
    return {**shown, holder: inner} if holder else shown


_ALWAYS = ("input", "secondaryInput", "output")
_HOLDERS = {Op: "Op", FileAction: "Action", UserOpt: "User"}


def _is_member(field: Field, value: object) -> bool:
    return value is not None and (field.of is None or type(value) is field.of)


def _is_set(field: Field, value: object) -> bool:
    return field.kind is Kind.MESSAGE and value is not None


def _plain(value: object) -> Json:
    match value:
        case bool() | int() | str():
            return value
        case bytes():
            return base64.b64encode(value).decode()
        case Mapping():
            return {key: _plain(value[key]) for key in sorted(value)}
        case tuple() if type(value) is tuple:
            return [_plain(item) for item in value]
        case _:
            return dump(value)


def proto_json(record: object) -> dict[str, Json]:
    """`record` as protobuf's JSON mapping: lower camel case, 64-bit numbers as strings, enums by name."""
    shown: dict[str, Json] = {}
    for field in sorted(SCHEMA[type(record)].fields, key=lambda field: field.number):
        value = getattr(record, field.attr)
        if _is_member(field, value) if field.oneof else value or _is_set(field, value):
            shown[_camel(field.name)] = _proto_value(field, value)
    return shown


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)


def _proto_value(field: Field, value: object) -> Json:
    match field.kind, value:
        case Kind.INT64, int():
            return str(value)
        case Kind.INTS, tuple():
            return [str(item) for item in value]
        case Kind.ENUM, int():
            return field.names[value]
        case ((Kind.MESSAGES | Kind.MESSAGE), _):
            return [proto_json(item) for item in value] if type(value) is tuple else proto_json(value)
        case Kind.MESSAGES_BY_NAME, Mapping():
            return {key: proto_json(value[key]) for key in sorted(value)}
        case _:
            return _plain(value)
