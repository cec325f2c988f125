"""What the Compose specification says about the parts of a project that a build uses.

Of all that is wrong the most specific is reported, the one whose path is longest, as the reference does.
"""

from __future__ import annotations

import re
from math import isfinite

from bakec.compiler.compose.nodes import Listing, Scalar, Table, Timestamp, plain_text
from bakec.compiler.suggest import nearest
from bakec.ir.codes.compose import NUMBER, SCHEMA
from bakec.ir.diagnostics import fail
from bakec.ir.quoting import quote
from bakec.ir.records import NamedTuple, dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from bakec.compiler.compose.nodes import Node
    from bakec.ir.span import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What a node may be: of one of `types` (any if there are none), and if that is a mapping or an array, with
    what is in it. `keys` is a pattern to find in the keys that are not in `properties`; with `closed` there are no
    others, except `x-…` where `extensible`. `one_of`: as one of these instead."""

    types: tuple[str, ...] = ()
    properties: Mapping[str, Schema] = field(default_factory=dict)
    keys: str = ""
    values: Schema | None = None
    closed: bool = False
    extensible: bool = False
    required: tuple[str, ...] = ()
    items: Schema | None = None
    unique: bool = False
    one_of: tuple[Schema, ...] = ()


class _Problem(NamedTuple):
    path: tuple[str, ...]
    text: str
    span: Span
    specificity: int
    hint: str = ""


def _type(*names: str) -> Schema:
    return Schema(types=names)


def _closed(properties: Mapping[str, Schema], *, required: tuple[str, ...] = ()) -> Schema:
    return Schema(types=("object",), properties=properties, closed=True, extensible=True, required=required)


def _array(items: Schema, *, unique: bool = False) -> Schema:
    return Schema(types=("array",), items=items, unique=unique)


def _map(values: Schema, *, keys: str = ".", closed: bool = True) -> Schema:
    return Schema(types=("object",), keys=keys, values=values, closed=closed)


_TEXT: Final = _type("string")
_FLAG: Final = _type("boolean", "string")
_COUNT: Final = _type("integer", "string")
_TEXTS: Final = _array(_TEXT)
_UNIQUE: Final = _array(_TEXT, unique=True)
_PAIRS: Final = Schema(one_of=(_map(_type("string", "number", "boolean", "null")), _UNIQUE))
_MOUNT: Final = _closed(
    {"source": _TEXT, "target": _TEXT, "uid": _TEXT, "gid": _TEXT, "mode": _type("number", "string")}
)
_LIMIT: Final = _closed({"hard": _COUNT, "soft": _COUNT}, required=("soft", "hard"))

_BUILD: Final = _closed(
    {
        **dict.fromkeys(("context", "dockerfile", "dockerfile_inline", "isolation", "network", "target"), _TEXT),
        **dict.fromkeys(("no_cache", "privileged", "provenance", "pull", "sbom"), _FLAG),
        **dict.fromkeys(("cache_from", "cache_to", "entitlements", "platforms", "tags"), _TEXTS),
        **dict.fromkeys(("additional_contexts", "args", "labels", "ssh"), _PAIRS),
        "extra_hosts": Schema(one_of=(_map(Schema(one_of=(_TEXT, _TEXTS))), _UNIQUE)),
        "no_cache_filter": Schema(one_of=(_TEXT, _UNIQUE)),
        "secrets": _array(Schema(one_of=(_TEXT, _MOUNT))),
        "shm_size": _COUNT,
        "ulimits": _map(Schema(one_of=(_COUNT, _LIMIT)), keys=r"\A[a-z]+\Z", closed=False),
    }
)
_ENV_FILE: Final = Schema(
    types=("object",),
    properties={"path": _TEXT, "format": _TEXT, "required": _FLAG},
    closed=True,
    required=("path",),
)
_SERVICE: Final = _closed(
    {
        "image": _TEXT,
        "build": Schema(one_of=(_TEXT, _BUILD)),
        "environment": _PAIRS,
        "env_file": Schema(one_of=(_TEXT, _array(Schema(one_of=(_TEXT, _ENV_FILE))))),
    }
)
_SECRET: Final = _closed(
    {
        **dict.fromkeys(("name", "environment", "file", "driver", "template_driver"), _TEXT),
        "external": Schema(types=("boolean", "string", "object"), properties={"name": _TEXT}),
        "labels": _PAIRS,
        "driver_opts": _map(_type("string", "number"), closed=False),
    }
)
_NAME: Final = r"\A[a-zA-Z0-9._-]+\Z"
_PROJECT: Final = _closed({"services": _map(_SERVICE, keys=_NAME), "secrets": _map(_SECRET, keys=_NAME)})


def check_schema(project: Table) -> None:
    """Raise `Failed` with the most specific of what is wrong with `project`, which has `services` and `secrets`
    only."""
    _check_numbers(project)
    worst = max(_problems(_PROJECT, project, ()), key=lambda problem: problem.specificity, default=None)
    if worst:
        raise fail(SCHEMA.at(worst.span, path=".".join(worst.path), problem=worst.text, hint=worst.hint))


def _check_numbers(node: Node) -> None:
    match node:
        case Scalar(value=float(value)):
            if not isfinite(value):
                raise fail(NUMBER.at(node.span, value=plain_text(value)))
        case Table(items=items):
            for item in items.values():
                _check_numbers(item)
        case Listing(items=elements):
            for item in elements:
                _check_numbers(item)


def _problems(schema: Schema, node: Node, path: tuple[str, ...]) -> Iterator[_Problem]:
    if schema.one_of:
        yield from _none_of(schema.one_of, node, path)
    elif schema.types and not _types_of(node).intersection(schema.types):
        yield _Problem(path, f"must be a {_human(schema.types)}", node.span, len(path))
    elif isinstance(node, Table):
        yield from _table_problems(schema, node, path)
    elif isinstance(node, Listing):
        yield from _list_problems(schema, node, path)


def _none_of(schemas: tuple[Schema, ...], node: Node, path: tuple[str, ...]) -> Iterator[_Problem]:
    """What is wrong with `node` under each of `schemas`, if there is none that it fits."""
    found: list[_Problem] = []
    for schema in schemas:
        problems = list(_problems(schema, node, path))
        if not problems:
            return
        found += problems
    yield from found


def _table_problems(schema: Schema, table: Table, path: tuple[str, ...]) -> Iterator[_Problem]:
    missing = [key for key in schema.required if key not in table.items]
    if missing:
        what = "property" if len(missing) == 1 else "properties"
        yield _Problem(path, f"missing {what} {_quoted(missing)}", table.span, len(path))
    unknown: list[str] = []
    for key, item in table.items.items():
        inner = schema.properties.get(key)
        if inner is None and schema.values and re.search(schema.keys, key):
            inner = schema.values
        if inner is not None:
            yield from _problems(inner, item, (*path, key))
        elif schema.closed and not (schema.extensible and key.startswith("x-")):
            unknown.append(key)
    if unknown:
        text = f"additional properties {_quoted(unknown)} not allowed"
        known = nearest(unknown[0], schema.properties)
        hint = f"did you mean `{known}`?" if known else ""
        yield _Problem(path, text, table.key_span(unknown[0]), len(path) + 1, hint)


def _list_problems(schema: Schema, listing: Listing, path: tuple[str, ...]) -> Iterator[_Problem]:
    if schema.unique:
        yield from _repeats(listing, path)
    for at, item in enumerate(listing.items):
        if schema.items:
            yield from _problems(schema.items, item, (*path, str(at)))


def _repeats(listing: Listing, path: tuple[str, ...]) -> Iterator[_Problem]:
    first: dict[object, int] = {}
    for at, item in enumerate(listing.items):
        if isinstance(item, Scalar):
            before = first.setdefault((type(item.value), item.value), at)
            if before != at:
                yield _Problem(path, f"items at {before} and {at} are equal", item.span, len(path))
                return


def _types_of(node: Node) -> set[str]:
    match node:
        case Table():
            return {"object"}
        case Listing():
            return {"array"}
        case Scalar(value=bool()):
            return {"boolean"}
        case Scalar(value=None):
            return {"null"}
        case Scalar(value=(str() | Timestamp())):
            return {"string"}
        case Scalar(value=(int() | float()) as value):
            return {"number", "integer"} if value == int(value) else {"number"}
    raise AssertionError(node)


def _human(types: tuple[str, ...]) -> str:
    names = sorted("mapping" if name == "object" else name for name in types)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _quoted(names: list[str]) -> str:
    return ", ".join("'" + quote(name)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'" for name in names)
