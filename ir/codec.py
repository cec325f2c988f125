"""Plans as bytes. The only module that knows the wire form; the table of columns below is that form.

A plan is one canonical msgpack map: keys sorted, defaults left out, no floats. `digest` is the SHA-256 of the rest
without `produced-by`. What a newer format adds as optional fields is kept in `Plan.extra` by its path and written
back. Reading is bounded and checks every type: a plan may come from anywhere.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, NamedTuple, TypeAlias

import msgpack

from bakec.ir.plan import (
    FORMAT,
    Cache,
    Exporter,
    FrontendSolve,
    Group,
    InputFile,
    InputVariable,
    Job,
    LlbSolve,
    LocalDir,
    Need,
    OpMeta,
    OriginRecord,
    Pin,
    Plan,
    PlatformBuild,
    Secret,
    Ssh,
    Target,
)

FEATURES: Final = frozenset({"llb"})
"""What this version understands beyond the basic format."""

MAX_BYTES: Final = 1 << 28
MAX_DEPTH: Final = 64


class WireError(ValueError):
    """The bytes are no plan; the message says where and why."""


class NewerFormat(WireError):
    """The plan has a higher format number."""


class MissingFeature(WireError):
    """The plan needs features that this version does not have."""


class DigestMismatch(WireError):
    """The body is not the one that the digest was made of."""


# --- the table ------------------------------------------------------------------------------------------------


class Leaf(NamedTuple):
    """A value that is the same in memory and on the wire."""

    name: str
    type: type


class ListOf(NamedTuple):
    item: "Shape"


class MapOf(NamedTuple):
    item: "Shape"


class RecordOf(NamedTuple):
    record: type


class Choice(NamedTuple):
    """One of several records, told apart by the key `kind`."""

    options: dict[str, type]


class Tree(NamedTuple):
    """Any value that JSON has, floats excepted."""


Shape: TypeAlias = Leaf | ListOf | MapOf | RecordOf | Choice | Tree

TEXT, INT, FLAG, BYTES = Leaf("text", str), Leaf("int", int), Leaf("flag", bool), Leaf("bytes", bytes)
TEXTS, TABLE = ListOf(TEXT), MapOf(TEXT)

RECORDS: Final[dict[type, dict[str, Shape]]] = {
    Plan: {
        "requested": TEXTS,
        "files": ListOf(RecordOf(InputFile)),
        "variables": ListOf(RecordOf(InputVariable)),
        "origins": ListOf(RecordOf(OriginRecord)),
        "groups": ListOf(RecordOf(Group)),
        "targets": ListOf(RecordOf(Target)),
        "ops": MapOf(BYTES),
        "op_meta": MapOf(RecordOf(OpMeta)),
        "jobs": ListOf(RecordOf(Job)),
        "lock": ListOf(RecordOf(Pin)),
    },
    InputFile: {"path": TEXT, "digest": TEXT},
    InputVariable: {"name": TEXT, "source": TEXT, "value": TEXT, "origin": INT},
    OriginRecord: {"kind": TEXT, "name": TEXT, "file": TEXT, "line": INT, "inputs": ListOf(INT)},
    Group: {"name": TEXT, "targets": TEXTS, "description": TEXT},
    Target: {"name": TEXT, "view": Tree(), "origins": MapOf(INT), "linked": FLAG},
    Job: {
        "id": TEXT,
        "target": TEXT,
        "solve": Choice({"frontend": FrontendSolve, "llb": LlbSolve}),
        "platforms": TEXTS,
        "needs": ListOf(RecordOf(Need)),
        "tags": TEXTS,
        "exports": ListOf(RecordOf(Exporter)),
        "cache_from": ListOf(RecordOf(Cache)),
        "cache_to": ListOf(RecordOf(Cache)),
        "locals": ListOf(RecordOf(LocalDir)),
        "oci_layouts": TABLE,
        "dockerfile_inline": TEXT,
        "secrets": ListOf(RecordOf(Secret)),
        "ssh": ListOf(RecordOf(Ssh)),
        "entitlements": TEXTS,
        "pull": FLAG,
        "provenance_default": FLAG,
        "call": TEXT,
        "description": TEXT,
    },
    Need: {"context": TEXT, "job": TEXT},
    Exporter: {"type": TEXT, "attrs": TABLE, "dest": TEXT},
    Cache: {"type": TEXT, "attrs": TABLE},
    LocalDir: {"name": TEXT, "path": TEXT},
    Secret: {"id": TEXT, "src": TEXT, "env": TEXT},
    Ssh: {"id": TEXT, "paths": TEXTS},
    FrontendSolve: {"frontend": TEXT, "attrs": TABLE, "reason": TEXT},
    LlbSolve: {"builds": ListOf(RecordOf(PlatformBuild))},
    PlatformBuild: {"platform": TEXT, "ops": TEXTS, "config": BYTES},
    OpMeta: {"description": TABLE, "caps": TEXTS, "ignore_cache": FLAG, "progress_group": ListOf(Tree())},
    Pin: {"ref": TEXT, "digest": TEXT, "origin": TEXT},
}
"""Every record and the shape of each of its fields. Fields of `Plan` stand in the top map, beside the header."""

_HEADER: Final = ("format", "features", "produced-by", "digest")


# --- writing --------------------------------------------------------------------------------------------------


def dump(plan: Plan, produced_by: str = "") -> bytes:
    """The canonical bytes of `plan`. `produced_by` is informative and outside the digest."""
    body = _body(plan)
    whole = {**body, "digest": _digest(body)}
    if produced_by:
        whole["produced-by"] = produced_by
    return _pack(_sorted(whole))


def digest(plan: Plan) -> str:
    """`sha256:` digest of the canonical body: equal plans, equal digests, whatever wrote them."""
    return _digest(_body(plan))


def wire(plan: Plan) -> dict[str, Any]:
    """The plan as plain maps and lists, keys sorted: what `dump` packs, without the digest."""
    plain: dict[str, Any] = _sorted(_body(plan))
    return plain


def _body(plan: Plan) -> dict[str, Any]:
    body = {"format": FORMAT, "features": sorted(plan.features), **_record_to_wire(plan)}
    for path, value in plan.extra.items():
        _plant(body, path.split("/"), value)
    return body


def _plant(node: Any, path: list[str], value: Any) -> None:
    """Put back an optional field of a newer format at its path."""
    *parents, name = path
    for step in parents:
        node = node[int(step)] if isinstance(node, list) else node[step]
    node[name] = value


def _digest(body: Mapping[str, Any]) -> str:
    return "sha256:" + hashlib.sha256(_pack(_sorted(body))).hexdigest()


def _pack(data: Any) -> bytes:
    packed: bytes = msgpack.packb(data, use_bin_type=True)
    return packed


def _sorted(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _sorted(data[key]) for key in sorted(data)}
    if isinstance(data, list | tuple):
        return [_sorted(item) for item in data]
    return data


def _defaults(record: type) -> dict[str, Any]:
    """The defaults of a record's fields; a field without one is always written."""
    found: dict[str, Any] = {}
    for one in fields(record):
        if one.default is not MISSING:
            found[one.name] = one.default
        elif one.default_factory is not MISSING:
            found[one.name] = one.default_factory()
    return found


_DEFAULTS: Final = {record: _defaults(record) for record in RECORDS}


def _record_to_wire(record: Any) -> dict[str, Any]:
    kind = type(record)
    defaults = _DEFAULTS[kind]
    wire: dict[str, Any] = {}
    for name, shape in RECORDS[kind].items():
        value = getattr(record, name)
        if name not in defaults or value != defaults[name]:
            wire[name] = _to_wire(shape, value)
    return wire


def _to_wire(shape: Shape, value: Any) -> Any:
    match shape:
        case Leaf() | Tree():
            return value
        case ListOf(Leaf()):
            return None if value is None else list(value)
        case ListOf(item):
            return None if value is None else [_to_wire(item, one) for one in value]
        case MapOf(item):
            return {key: _to_wire(item, one) for key, one in value.items()}
        case RecordOf():
            return _record_to_wire(value)
        case Choice(options):
            kind = next(name for name, option in options.items() if option is type(value))
            return {"kind": kind, **_record_to_wire(value)}


# --- reading --------------------------------------------------------------------------------------------------


def load(data: bytes) -> Plan:
    """The plan in `data`. Raises `WireError` and its kin; never runs anything, never takes more memory than a small
    multiple of `data`."""
    if len(data) > MAX_BYTES:
        raise WireError(f"it is larger than {MAX_BYTES >> 20} MiB")
    body = _unpack(data)
    if not isinstance(body, dict) or not isinstance(body.get("format"), int) or body["format"] is True:
        raise WireError("it has no format number")
    if body["format"] > FORMAT:
        raise NewerFormat(str(body["format"]))
    missing = [name for name in _features(body) if name not in FEATURES]
    if missing:
        raise MissingFeature(", ".join(missing))
    _check_digest(body)
    extra: dict[str, Any] = {}
    known = {name: body[name] for name in body if name not in _HEADER}
    try:
        return _Reader(extra).plan(known, tuple(body.get("features", ())))
    except RecursionError as error:
        raise WireError("it is nested too deeply") from error


def _unpack(data: bytes) -> Any:
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=True)
    except (ValueError, msgpack.exceptions.UnpackException, TypeError) as error:
        raise WireError(str(error) or type(error).__name__) from error


def _features(body: Mapping[str, Any]) -> Iterable[str]:
    features = body.get("features", [])
    if not isinstance(features, list) or not all(isinstance(name, str) for name in features):
        raise WireError("features: expected a list of text")
    return features


def _check_digest(body: dict[str, Any]) -> None:
    claimed = body.get("digest")
    try:
        actual = _digest({name: value for name, value in body.items() if name not in ("digest", "produced-by")})
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise WireError(f"it cannot be written back: {error}") from error
    if claimed != actual:
        raise DigestMismatch


class _Reader:
    """Turns wire values into records; what it does not know goes to `extra`."""

    def __init__(self, extra: dict[str, Any]) -> None:
        self.extra = extra

    def plan(self, wire: dict[str, Any], features: tuple[str, ...]) -> Plan:
        values = self.columns(Plan, wire, "")
        return Plan(**values, features=features, extra=self.extra)

    def columns(self, record: type, wire: Any, path: str) -> dict[str, Any]:
        if not isinstance(wire, dict):
            raise WireError(f"{path or 'plan'}: expected a map")
        shapes = RECORDS[record]
        values: dict[str, Any] = {}
        for name, value in wire.items():
            where = f"{path}/{name}" if path else str(name)
            shape = shapes.get(name)
            if shape is None:
                self.extra[where] = value
            else:
                values[name] = self.value(shape, value, where)
        for name in shapes:
            if name not in values and name not in _DEFAULTS[record]:
                raise WireError(f"{path or 'plan'}: '{name}' is missing")
        return values

    def value(self, shape: Shape, wire: Any, path: str) -> Any:
        match shape:
            case Leaf(name, kind):
                if type(wire) is not kind:
                    raise WireError(f"{path}: expected {name}")
                return wire
            case ListOf(item):
                if wire is None and path.endswith("/targets"):
                    return None
                return tuple(self._items(item, _expect(wire, list, path), path))
            case MapOf(item):
                return {key: self.value(item, one, f"{path}/{key}") for key, one in _table(wire, path).items()}
            case RecordOf(record):
                return record(**self.columns(record, wire, path))
            case Choice(options):
                return self._choice(options, wire, path)
            case Tree():
                _check_tree(wire, path, MAX_DEPTH)
                return wire

    def _items(self, item: Shape, wire: list[Any], path: str) -> Iterable[Any]:
        if isinstance(item, Leaf):
            if any(type(one) is not item.type for one in wire):
                raise WireError(f"{path}: expected a list of {item.name}")
            return wire
        return (self.value(item, one, f"{path}/{at}") for at, one in enumerate(wire))

    def _choice(self, options: dict[str, type], wire: Any, path: str) -> Any:
        table = _table(wire, path)
        record = options.get(table.get("kind", ""))
        if record is None:
            raise WireError(f"{path}: expected kind {' or '.join(options)}")
        rest = {name: value for name, value in table.items() if name != "kind"}
        return record(**self.columns(record, rest, path))


def _expect(wire: Any, kind: type, path: str) -> Any:
    if not isinstance(wire, kind):
        raise WireError(f"{path}: expected a {kind.__name__}")
    return wire


def _table(wire: Any, path: str) -> dict[str, Any]:
    table: dict[str, Any] = _expect(wire, dict, path)
    if not all(isinstance(key, str) for key in table):
        raise WireError(f"{path}: expected text keys")
    return table


def _check_tree(node: Any, path: str, depth: int) -> None:
    if depth < 0:
        raise WireError(f"{path}: nested too deeply")
    if isinstance(node, dict):
        for key, one in _table(node, path).items():
            _check_tree(one, f"{path}/{key}", depth - 1)
    elif isinstance(node, list):
        for one in node:
            _check_tree(one, path, depth - 1)
    elif node is not None and not isinstance(node, str | int):
        raise WireError(f"{path}: expected text, a number, a bool or null")
