"""Plans as bytes. `ir.columns` is the table of what stands where, `ir.packed` knows msgpack.

A plan is one canonical msgpack map: keys sorted, defaults left out, the shortest form of every value, no floats.
`digest` is the SHA-256 of the rest without `produced-by`. What a newer format adds as optional fields is kept in
`Plan.extra` by its path and written back. Reading is bounded, checks every type, and accepts canonical bytes alone:
a plan may come from anywhere, and `dump(load(data))` is `data`.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from functools import partial
from itertools import chain, count, islice
from operator import attrgetter

from bakec.ir.columns import DEFAULTS, HEADER, RECORDS, TEXT, Choice, Leaf, ListOf, MapOf, RecordOf, TableOf, Tree
from bakec.ir.packed import (
    DISORDER,
    MANY,
    MAX_DEPTH,
    MissingFeature,
    NewerFormat,
    Packed,
    WireError,
    body_digest,
    join,
    pack,
)
from bakec.ir.plan import FORMAT, Plan
from bakec.ir.records import Rows, assign, blanks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
    from typing import Any, Final, TypeAlias

    from bakec.ir.columns import Shape

    # How a value becomes what is packed; and many of one shape back, with a list for the names of fields that are not
    # known. Reading all at once takes a third of the time of one by one. An error of several does not say which one.
    Writer: TypeAlias = Callable[[Any], Any]
    Reader: TypeAlias = Callable[[Sequence[Any], list[str]], Sequence[Any]]

FEATURES: Final = frozenset({"llb"})
"""What this version understands beyond the basic format."""

_MISSING: Final = object()


# --- writing --------------------------------------------------------------------------------------------------


def dump(plan: Plan, produced_by: str = "") -> bytes:
    """The canonical bytes of `plan`. `produced_by` is informative and outside the digest."""
    return seal(plan, produced_by)[0]


def seal(plan: Plan, produced_by: str = "") -> tuple[bytes, str]:
    """The bytes, as `dump` gives them, and their digest."""
    chunks = _chunks(wire(plan))
    digest = body_digest(chunks)
    chunks["digest"] = pack(digest)
    if produced_by:
        chunks["produced-by"] = pack(produced_by)
    return join(chunks), digest


def digest(plan: Plan) -> str:
    """`sha256:` digest of the canonical body: equal plans, equal digests, whatever wrote them."""
    return body_digest(_chunks(wire(plan)))


def wire(plan: Plan) -> dict[str, Any]:
    """The plan as plain maps and lists, keys sorted: what `dump` packs, without the digest.

    Raises `ValueError` where `plan.extra` belongs to records that are no longer there.
    """
    body = {"format": FORMAT, **_WRITERS[Plan](plan)}
    if plan.features:
        body["features"] = sorted(plan.features)
    for path, value in plan.extra.items():
        _plant(body, path, value)
    return dict(sorted(body.items()))


def _plant(body: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    """Put back an optional field of a newer format at its path."""
    *parents, name = path
    node: Any = body
    try:
        for step in parents:
            node = node[step]
        items = sorted([*node.items(), (name, value)])
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"the plan no longer has the record of {'/'.join(map(str, path))}") from error
    node.clear()
    node.update(items)


def _chunks(body: Mapping[str, Any]) -> dict[str, bytes]:
    """The value of each top key, packed once: the digest and the file are made of the same chunks."""
    return {name: pack(value) for name, value in body.items()}


def _writer(shape: Shape) -> Writer | None:
    """What turns a value of this shape into plain maps and lists; None where it is plain already."""
    match shape:
        case Leaf():
            return None
        case Tree():
            return _sorted
        case ListOf(item):
            return partial(_write_list, _writer(item))
        case MapOf(item):
            return partial(_write_map, _writer(item))
        case RecordOf(record):
            return _WRITERS[record]
        case TableOf(record):
            return partial(_write_table, record)
        case Choice(options):
            return partial(_write_choice, {option: name for name, option in options.items()})


def _write_list(item: Writer | None, value: Iterable[Any]) -> list[Any]:
    return list(value) if item is None else [item(one) for one in value]


def _write_map(item: Writer | None, value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value[key] if item is None else item(value[key]) for key in sorted(value)}


def _write_choice(kinds: Mapping[type, str], value: Any) -> dict[str, Any]:
    return dict(sorted({"kind": kinds[type(value)], **_WRITERS[type(value)](value)}.items()))


def _sorted(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _sorted(data[key]) for key in sorted(data)}
    if isinstance(data, list | tuple):
        return [_sorted(item) for item in data]
    return data


def _write_table(record: type, rows: Iterable[Any]) -> dict[str, Any]:
    rows = list(rows)
    texts: dict[str, int] = {}
    table: dict[str, Any] = {}
    for name, column in RECORDS[record].items():
        values = list(map(attrgetter(name), rows))
        default = DEFAULTS[record].get(name, _MISSING)
        if all(value == default for value in values):
            continue
        if column.shape is TEXT:
            table[name] = [texts.setdefault(value, len(texts)) for value in values]
        else:
            table[name] = values if column.shape != ListOf(Leaf("int", int)) else list(map(list, values))
    return dict(sorted({**table, "texts": list(texts)}.items()))


def _record_writer(record: type) -> Writer:
    defaults = DEFAULTS[record]
    rows = [
        (name, attrgetter(name), defaults.get(name, _MISSING), _writer(column.shape))
        for name, column in sorted(RECORDS[record].items())
    ]

    def write(value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, get, default, convert in rows:
            one = get(value)
            if one != default:
                found[name] = one if convert is None else convert(one)
        return found

    return write


# --- reading --------------------------------------------------------------------------------------------------


def load(data: bytes) -> Plan:
    """The plan in `data`. Raises `WireError` and its kin; never runs anything, and takes memory in proportion to
    `MAX_VALUES` at most."""
    return unseal(data)[0]


def unseal(data: bytes, left_out: Collection[str] = ()) -> tuple[Plan, str]:
    """The plan, as `load` gives it, and its digest. Of the fields in `left_out` only the digest is checked, and they
    keep their defaults."""
    collects = gc.isenabled()
    gc.disable()  # a plan holds no cycles, and looking for them takes as long as reading it
    try:
        return _load(data, left_out)
    finally:
        if collects:
            gc.enable()


def _load(data: bytes, left_out: Collection[str]) -> tuple[Plan, str]:
    packed = Packed(data)
    header = {name: packed.value(name) for name in HEADER if name in packed.spans}
    _check_format(header)
    packed.check_digest(header.get("digest"))
    if type(header.get("produced-by", "")) is not str:
        raise WireError("expected text").under("produced-by")
    features = tuple(header.get("features", ()))
    wanted = [name for name in packed.spans if name not in HEADER and name not in left_out]
    unknown = [name for name in wanted if name not in RECORDS[Plan]]
    fields = _read_fields(packed, wanted, unknown)
    extra: dict[tuple[str | int, ...], Any] = {}
    if unknown:
        again = Packed(data)  # whose count begins anew
        extra.update(_extras(RecordOf(Plan), {name: again.value(name) for name in wanted}, ()))
    for path, value in extra.items():
        _check_tree(value, MAX_DEPTH, "/".join(map(str, path)))
    return Plan(**fields, features=features, extra=extra), header["digest"]


def _read_fields(packed: Packed, wanted: Container[str], unknown: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, column in RECORDS[Plan].items():
        default = DEFAULTS[Plan].get(name, _MISSING)
        try:
            if name in wanted:
                fields[name] = _read_field(packed, name, column.shape, unknown)
                if fields[name] == default:
                    raise WireError("a default is left out")
            elif default is _MISSING:
                raise WireError("is missing")
        except WireError as error:
            raise error.under(name) from None
    return fields


def _read_field(packed: Packed, name: str, shape: Shape, unknown: list[str]) -> Any:
    if isinstance(shape, ListOf) and isinstance(shape.item, RecordOf):
        return tuple(_read_parts(_RECORD_READERS[shape.item.record], packed.blocks(name), count(), unknown))
    (value,) = _reader(shape)([packed.value(name)], unknown)
    return value


_known_keys: Final[set[tuple[str, ...]]] = set()
"""Keys that were found to be sound: a plan has few kinds of maps and many of each."""
_MAX_KNOWN: Final = 1 << 10
_FEW_KEYS: Final = 64


def _keys(wires: Iterable[Any]) -> set[tuple[str, ...]]:
    """The different keys of `wires`, each of which is a map with keys that are text and in order. That no key occurs
    twice shows when the bytes are compared."""
    if not set(map(type, wires)) <= {dict}:
        raise WireError("expected a map")
    found = set(map(tuple, wires))
    for keys in found - _known_keys:
        try:
            sound = list(keys) == sorted(keys) and (not keys or type(keys[0]) is str)
        except TypeError:  # text and bytes do not compare
            sound = False
        if not sound:
            raise WireError(DISORDER)
        if len(_known_keys) < _MAX_KNOWN and len(keys) < _FEW_KEYS:
            _known_keys.add(keys)
    return found


def _check_format(body: Mapping[str, Any]) -> None:
    number = body.get("format")
    if type(number) is not int or number < 1:
        raise WireError("it has no format number")
    if number > FORMAT:
        raise NewerFormat(str(number))
    features = body.get("features", [])
    if not isinstance(features, list) or not all(isinstance(name, str) for name in features):
        raise WireError("expected a list of text").under("features")
    missing = [name for name in features if name not in FEATURES]
    if missing:
        raise MissingFeature(", ".join(missing))
    if features != sorted(set(features)) or ("features" in body and not features):
        raise WireError("expected names in order, each once").under("features")


def _reader(shape: Shape) -> Reader:
    match shape:
        case Leaf(name, kind):
            return partial(_read_leaf, name, kind)
        case Tree():
            return _read_tree
        case ListOf(Leaf(name, kind)):
            return partial(_read_leaves, name, kind)
        case ListOf(item):
            return partial(_read_list, _reader(item))
        case MapOf(Leaf(name, kind)):
            return partial(_read_leaf_map, name, kind)
        case MapOf(Tree()):
            return _read_tree_map
        case MapOf(item):
            return partial(_read_map, _reader(item))
        case RecordOf(record):
            return _RECORD_READERS[record]
        case TableOf(record):
            return partial(_read_table, record)
        case Choice(options):
            return partial(_read_choice, {kind: _record_reader(record, ("kind",)) for kind, record in options.items()})


def _read_leaf(name: str, kind: type, wires: Sequence[Any], _: list[str]) -> Sequence[Any]:
    if not set(map(type, wires)) <= {kind}:
        raise WireError(f"expected {name}")
    return wires


def _read_leaves(name: str, kind: type, wires: Sequence[Any], _: list[str]) -> Sequence[Any]:
    if not (set(map(type, wires)) <= {list} and set(map(type, chain.from_iterable(wires))) <= {kind}):
        raise WireError(f"expected a list of {name}")
    return list(map(tuple, wires))


def _read_leaf_map(name: str, kind: type, wires: Sequence[Any], _: list[str]) -> Sequence[Any]:
    _keys(wires)
    if not set(map(type, chain.from_iterable(map(dict.values, wires)))) <= {kind}:
        raise WireError(f"expected a map of {name}")
    return wires


def _read_list(item: Reader, wires: Sequence[Any], unknown: list[str]) -> Sequence[Any]:
    if not set(map(type, wires)) <= {list}:
        raise WireError("expected a list")
    parts = list(chain.from_iterable(wires))
    steps = range(len(parts)) if len(wires) == 1 else ()
    found = _read_parts(item, _blocks(parts), steps, unknown)
    return [tuple(islice(found, len(wire))) for wire in wires]


def _read_map(item: Reader, wires: Sequence[Any], unknown: list[str]) -> Sequence[Any]:
    _keys(wires)
    parts = list(chain.from_iterable(map(dict.values, wires)))
    steps = wires[0] if len(wires) == 1 else ()
    found = _read_parts(item, _blocks(parts), steps, unknown)
    return [dict(zip(wire, found)) for wire in wires]  # noqa: B905 - what is found goes on to the next


def _blocks(parts: list[Any]) -> Iterator[list[Any]]:
    return (parts[start : start + MANY] for start in range(0, len(parts), MANY))


def _read_parts(
    item: Reader, blocks: Iterable[list[Any]], steps: Iterable[object], unknown: list[str]
) -> Iterator[Any]:
    """What is in lists or maps. An error names the step to the first bad part if `steps` are given, which are those of
    one list or map: where many are read at once, whoever gave them looks for it again in each alone."""
    names = iter(steps)
    for block in blocks:
        here = list(islice(names, len(block)))
        try:
            yield from item(block, unknown)
        except WireError:
            for step, part in zip(here, block):  # noqa: B905 - no steps, no names
                try:
                    item([part], unknown)
                except WireError as error:
                    raise error.under(step) from None
            raise


def _read_choice(options: Mapping[str, Reader], wires: Sequence[Any], unknown: list[str]) -> Sequence[Any]:
    _keys(wires)
    kinds = [wire.get("kind") for wire in wires]
    if not (set(map(type, kinds)) <= {str} and options.keys() >= set(kinds)):
        raise WireError(f"expected a map of kind {' or '.join(options)}")
    groups = {kind: [wire for wire in wires if wire["kind"] == kind] for kind in set(kinds)}
    found = {kind: iter(options[kind](group, unknown)) for kind, group in groups.items()}
    return [next(found[kind]) for kind in kinds]


def _record_reader(record: type, tags: tuple[str, ...] = ()) -> Reader:
    """What reads records, whose keys may also be `tags`, which are no fields."""
    defaults = DEFAULTS[record]
    rows = [
        (name, _reader(column.shape), defaults.get(name, _MISSING)) for name, column in sorted(RECORDS[record].items())
    ]
    known = {*RECORDS[record], *tags}
    required = frozenset(RECORDS[record].keys() - defaults.keys())

    def read(wires: Sequence[Any], unknown: list[str]) -> Sequence[Any]:
        kinds = _keys(wires)
        used: set[str] = set().union(*kinds)
        unknown += used - known
        full = {name for name in RECORDS[record] if all(name in keys for keys in kinds)}
        made = blanks(record, len(wires), full)
        for name, reader, default in rows:
            if name not in used:
                continue
            owners, column = made, wires
            if name not in full:
                column = [wire for wire in wires if name in wire]
                owners = [one for one, wire in zip(made, wires, strict=True) if name in wire]
            try:
                values = reader([wire[name] for wire in column], unknown)
            except WireError as error:
                raise error.under(name) from None
            if default is not _MISSING and default in values:
                raise WireError("a default is left out").under(name)
            assign(record, name, owners, values)
        missing: set[str] = set().union(*map(required.difference, kinds))
        if missing:
            raise WireError("is missing").under(min(missing))
        return made

    return read


def _read_table(record: type, wires: Sequence[Any], unknown: list[str]) -> Sequence[Any]:
    return [_table(record, wire, unknown) for wire in wires]


def _table(record: type, wire: Any, unknown: list[str]) -> Rows:
    _keys([wire])
    (texts,) = _read_leaves("text", str, [wire.get("texts")], unknown)
    shapes = {name: column.shape for name, column in RECORDS[record].items()}
    unknown += wire.keys() - shapes.keys() - {"texts"}
    columns: dict[str, list[Any]] = {}
    used: dict[int, None] = {}
    for name in (name for name in shapes if name in wire):
        _check_column(shapes[name], wire[name], name)
        columns[name] = wire[name]
        if shapes[name] is TEXT:
            indexes = dict.fromkeys(wire[name])
            if indexes and not 0 <= min(indexes) <= max(indexes) < len(texts):
                raise WireError("a text is missing").under(name)
            used.update(indexes)
            columns[name] = list(map(texts.__getitem__, wire[name]))
        elif isinstance(shapes[name], ListOf):
            columns[name] = list(map(tuple, wire[name]))
    if len(set(map(len, columns.values()))) > 1 or not columns:
        raise WireError("columns differ in length")
    if list(used) != list(range(len(texts))) or len(set(texts)) < len(texts):
        raise WireError("expected each text once, in the order of use").under("texts")
    missing = shapes.keys() - columns.keys() - DEFAULTS[record].keys()
    if missing:
        raise WireError("is missing").under(min(missing))
    return _rows(record, columns)


def _check_column(shape: Shape, wire: Any, name: str) -> None:
    lists = isinstance(shape, ListOf)
    if type(wire) is not list or not set(map(type, wire)) <= {list if lists else int}:
        raise WireError("expected a list of lists" if lists else "expected a list of int").under(name)
    if lists and not set(map(type, chain.from_iterable(wire))) <= {int}:
        raise WireError("expected lists of int").under(name)


def _rows(record: type, columns: Mapping[str, list[Any]]) -> Rows:
    defaults = DEFAULTS[record]
    for name, column in columns.items():
        if name in defaults and all(value == defaults[name] for value in column):
            raise WireError("a column of defaults is left out").under(name)
    count = len(next(iter(columns.values())))
    return Rows(record, {name: columns.get(name) or [defaults[name]] * count for name in RECORDS[record]})


def _read_tree(wires: Sequence[Any], _: list[str]) -> Sequence[Any]:
    try:
        _check_trees(wires)
    except WireError:
        for wire in wires:
            _check_tree(wire, MAX_DEPTH, "")
        raise
    return wires


def _read_tree_map(wires: Sequence[Any], unknown: list[str]) -> Sequence[Any]:
    _keys(wires)
    try:
        _check_trees(chain.from_iterable(map(dict.values, wires)))
    except WireError:
        _read_map(_read_tree, wires, unknown)  # says where
        raise
    return wires


_PLAIN: Final = frozenset({str, int, bool, type(None)})


def _check_trees(wires: Iterable[Any]) -> None:
    """What `_check_tree` does for one, a level of all of them at a time. It does not say where an error is."""
    level = wires
    for _ in range(MAX_DEPTH + 1):
        level = [one for one in level if type(one) is not str]
        kinds = set(map(type, level))
        if kinds <= _PLAIN:
            return
        if not kinds <= _PLAIN | {dict, list}:
            break
        maps = [one for one in level if type(one) is dict]
        _keys(maps)
        lists = (one for one in level if type(one) is list)
        level = chain(chain.from_iterable(map(dict.values, maps)), chain.from_iterable(lists))
    raise WireError("expected a value of JSON")


def _check_tree(wire: Any, depth: int, where: str) -> None:
    """A value of JSON: no floats, no bytes, not too deep."""
    if type(wire) in _PLAIN:
        return
    if depth == 0:
        raise WireError("it is nested too deeply").under(where)
    if type(wire) is dict:
        _keys([wire])
        for key, one in wire.items():
            _check_tree(one, depth - 1, f"{where}/{key}" if where else key)
    elif type(wire) is list:
        for one in wire:
            _check_tree(one, depth - 1, where)
    else:
        problem = WireError("expected text, a number, a bool, null, a list or a map")
        raise problem.under(where) if where else problem


# --- what a newer format added --------------------------------------------------------------------------------


def _extras(shape: Shape, wire: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The fields that no row of the table names, with their paths. After reading: every known part is sound."""
    match shape:
        case RecordOf(record):
            shapes = {name: column.shape for name, column in RECORDS[record].items()}
            yield from _unknown_fields(shapes, wire, path)
        case TableOf(record):
            known = {**dict.fromkeys(RECORDS[record], TEXT), "texts": TEXT}
            yield from _unknown_fields(known, wire, path)
        case Choice(options):
            shapes = {name: column.shape for name, column in RECORDS[options[wire["kind"]]].items()}
            yield from _unknown_fields({**shapes, "kind": TEXT}, wire, path)
        case ListOf(item):
            for at, one in enumerate(wire):
                yield from _extras(item, one, (*path, at))
        case MapOf(item):
            for key, one in wire.items():
                yield from _extras(item, one, (*path, key))
        case Leaf() | Tree():
            return


def _unknown_fields(
    shapes: Mapping[str, Shape], wire: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    for name, value in wire.items():
        if name in shapes:
            yield from _extras(shapes[name], value, (*path, name))
        else:
            yield (*path, name), value


# A record stands in the table before those it holds: made from the end, each finds them.
_WRITERS: Final[dict[type, Writer]] = {}
_RECORD_READERS: Final[dict[type, Reader]] = {}
for _record in reversed(RECORDS):
    _WRITERS[_record] = _record_writer(_record)
    _RECORD_READERS[_record] = _record_reader(_record)
