"""`--set`: parsing the specifications and applying them to a target."""

from __future__ import annotations

from collections.abc import Mapping

from bakec.compiler.entries import EntryError, parse_entries
from bakec.compiler.merge import merge_field
from bakec.compiler.patterns import PatternError, matches
from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.fields import RESOURCES, SETTABLE, Kind, SetMode
from bakec.ir.module import Entry, entries
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.records import dataclass
from bakec.ir.strconv import NumberError, parse_bool, parse_int
from bakec.ir.values import boolean, integer, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Final

    from bakec.compiler.merge import Fields
    from bakec.ir.fields import Field
    from bakec.ir.values import Value


@dataclass(frozen=True, slots=True)
class Override:
    """What all specifications of one key say: the last text, all texts, and whether the last one appends."""

    texts: tuple[str, ...]
    append: bool

    @property
    def text(self) -> str:
        return self.texts[-1]


Overrides = dict[str, dict[str, Override]]
"""By target name, then by key (`args.VERSION`, `platform`)."""


class OverrideProblem(Exception):
    """A specification that cannot be used; the message is the reference's."""


def parse_overrides(specs: Iterable[str], names: Sequence[str], env: Mapping[str, str] | None) -> Overrides:
    """Read `TARGET.KEY[.NAME][+]=VALUE` specifications for the targets `names`.

    `env` gives the value of `args.NAME` without one; None where environment look-up is switched off. Raises `Failed`.
    """
    known = frozenset(names)
    found: Overrides = {}
    for spec in specs:
        left, equals, value = spec.partition("=")
        append = left.endswith("+")
        path = left.removesuffix("+")
        keys = path.split(".", 2)
        if len(keys) < 2:
            raise fail(codes.BAD_OVERRIDE.at(None, reason=f"invalid override key {path}, expected target.name"))
        if not equals and keys[1] != "args":
            raise fail(codes.BAD_OVERRIDE.at(None, reason=f"invalid override {spec}, expected target.name=value"))
        targets = _expand(keys[0], names, known)
        text = _text(left, keys, value if equals else None, env, append=append)
        if text is None:
            continue
        key = ".".join(keys[1:])
        for name in targets:
            earlier = found.setdefault(name, {}).get(key)
            found[name][key] = Override((*(earlier.texts if earlier else ()), text), append)
    return found


def _expand(pattern: str, names: Sequence[str], known: frozenset[str]) -> Sequence[str]:
    if pattern in known:
        return (pattern,)
    try:
        hits = [name for name in names if matches(pattern, name)]
    except PatternError as error:
        raise fail(codes.SET_PATTERN.at(None, pattern=pattern)) from error
    if not hits:
        raise fail(codes.NO_SET_MATCH.at(None, pattern=pattern))
    return hits


def _text(
    left: str, keys: Sequence[str], value: str | None, env: Mapping[str, str] | None, *, append: bool
) -> str | None:
    """The text of one specification; None for an `args.NAME` that the environment does not have."""
    kind = keys[1]
    if kind in ("args", "contexts", "resources", "secret") and len(keys) < 3:
        raise fail(codes.BAD_OVERRIDE.at(None, reason=f"invalid key {left}, {kind} requires name"))
    if append and kind in ("resources", "secret"):
        raise fail(codes.BAD_OVERRIDE.at(None, reason=f"invalid key {left}, {kind} does not support append"))
    if value is None:
        return "" if env is None else env.get(keys[2])
    return value


def apply(fields: Fields, overrides: Mapping[str, Override]) -> Fields:
    """`fields` with the overrides of one target, in one fixed order. Raises `OverrideProblem`."""
    result = dict(fields)
    for key, override in sorted(overrides.items(), key=_order):
        name, dot, item = key.partition(".")
        change = _SPECIAL.get(name)
        if change is not None:
            change(result, name, item, override)
        else:
            _set(result, name, item if dot else None, override)
    return result


def _order(entry: tuple[str, Override]) -> tuple[int, str]:
    """`load` and `push` change what `output` says, `secret.ID` what `secrets` says: those come last."""
    name = entry[0].partition(".")[0]
    return ("load", "push", "secret").index(name) + 1 if name in ("load", "push", "secret") else 0, entry[0]


def _origin(key: str, text: str) -> Origin:
    return Origin(OriginKind.SET, f"{key}={text}", None)


def _set(fields: Fields, name: str, item: str | None, override: Override) -> None:
    field = SETTABLE.get(name)
    if field is None:
        raise OverrideProblem(f"unknown key: {name}")
    match field.set_mode:
        case SetMode.TEXT:
            fields[field.name] = string(override.text).with_origin(_origin(name, override.text))
        case SetMode.FLAG:
            fields[field.name] = boolean(_flag(name, override.text)).with_origin(_origin(name, override.text))
        case SetMode.LOST:
            _lose(fields, field, override)
        case SetMode.ITEM:
            _set_item(fields, field, item, override.text)
        case _:
            _set_list(fields, field, override)


def _lose(fields: Fields, field: Field, override: Override) -> None:
    if field.kind is Kind.TEXT:
        fields[field.name] = string("").with_origin(_origin(field.set_key, override.text))
    elif not override.append:
        fields[field.name] = ()


def _flag(name: str, text: str) -> bool:
    try:
        return parse_bool(text)
    except NumberError as error:
        raise OverrideProblem(f"invalid value {text} for boolean key {name}") from error


def _set_item(fields: Fields, field: Field, item: str | None, text: str) -> None:
    if item is None:
        what = "hostname" if field.name == "extra-hosts" else "name"
        value = "ip" if field.name == "extra-hosts" else "value"
        reason = f"invalid format for {field.name}, expecting {field.name}.<{what}>=<{value}>"
        raise OverrideProblem(reason)
    before = fields.get(field.name, {})
    assert isinstance(before, Mapping)
    value_ = _resource(item, text) if field.kind is Kind.RESOURCES else string(text)
    fields[field.name] = {**before, item: value_.with_origin(_origin(f"{field.set_key}.{item}", text))}


def _resource(name: str, text: str) -> Value:
    if name not in RESOURCES:
        raise OverrideProblem(f"unknown resources key {name}")
    if RESOURCES[name] is str:
        return string(text)
    try:
        return integer(parse_int(text))
    except NumberError as error:
        raise OverrideProblem(f"invalid value {text} for int64 key resources.{name}") from error


def _set_list(fields: Fields, field: Field, override: Override) -> None:
    texts = [(text, _origin(field.set_key, text)) for text in override.texts]
    extend = override.append or field.set_mode is SetMode.EXTEND
    before = fields.get(field.name) if extend else None
    if field.kind is Kind.LIST:
        added: tuple[Value, ...] | tuple[Entry, ...] = tuple(string(text).with_origin(at) for text, at in texts)
    else:
        added = tuple(_entries(field.name, texts))
    if extend and isinstance(before, tuple):
        joined = (*before, *added)
        # What is set extends every list of entries, also those that a newer definition would replace.
        merged = merge_field(field, (), joined) if field.kind is Kind.ENTRIES else joined
        fields[field.name] = joined if merged is None else merged
    else:
        fields[field.name] = added


_PREFIXES: Final = {
    "output": "invalid value for outputs: ",
    "secret": "invalid value for outputs: ",
    "ssh": "invalid value for outputs: ",
    "attest": "invalid value for attest: ",
}


def _entries(name: str, texts: Iterable[tuple[str, Origin]]) -> list[Entry]:
    try:
        return parse_entries(name, texts)
    except EntryError as error:
        raise OverrideProblem(f"{_PREFIXES.get(name, '')}{error}") from error


# --- keys that are no attribute of their own ------------------------------------------------------------------


def _outputs(fields: Fields) -> list[Entry]:
    return list(entries(fields.get("output")))


def _push(fields: Fields, key: str, _item: str, override: Override) -> None:
    origin = _origin(key, override.text)
    outputs = _outputs(fields)
    if _flag("push", override.text):
        changed = [_with_push(output, "true", origin) for output in outputs]
        if all(output.attrs["type"] == "docker" for output in outputs):
            changed.append(Entry({"type": "image", "push": "true"}, origin))
        fields["output"] = tuple(changed)
    elif outputs:
        fields["output"] = tuple(_with_push(output, "false", origin) for output in _without_registry(outputs))


def _with_push(output: Entry, value: str, origin: Origin) -> Entry:
    return Entry({**output.attrs, "push": value}, origin) if output.attrs["type"] == "image" else output


def _without_registry(outputs: list[Entry]) -> list[Entry]:
    """The last output moves into the place of one that is dropped, as in the reference."""
    rest = list(outputs)
    at = 0
    while at < len(rest):
        if rest[at].attrs["type"] == "registry":
            rest[at] = rest[-1]
            rest.pop()
        else:
            at += 1
    return rest


def _load(fields: Fields, key: str, _item: str, override: Override) -> None:
    if not _flag("load", override.text):
        return
    outputs = _outputs(fields)
    for output in outputs:
        kind = output.attrs["type"]
        loads = kind == "docker" and not output.attrs.get("dest")
        if loads or kind not in ("docker", "image", "registry", "oci"):
            return
    fields["output"] = (*outputs, Entry({"type": "docker"}, _origin(key, override.text)))


def _secret(fields: Fields, _key: str, item: str, override: Override) -> None:
    if not item:
        raise OverrideProblem("invalid format for secret, expecting secret.<id>=<value>")
    secrets = list(entries(fields.get("secret")))
    at = next((at for at, secret in enumerate(secrets) if secret.attrs.get("id") == item), None)
    if at is None:
        raise OverrideProblem(f'secret "{item}" must be declared before it can be overridden')
    texts = [(override.text, _origin(f"secret.{item}", override.text))]
    try:
        parsed = parse_entries("secret", texts)
    except EntryError as error:
        raise OverrideProblem(str(error)) from error
    attrs = dict(parsed[0].attrs) if parsed else {}
    if attrs.get("id", item) != item:
        raise OverrideProblem(f'secret override id "{attrs["id"]}" does not match declared secret "{item}"')
    secrets[at] = Entry({"id": item, **attrs}, texts[0][1])
    fields["secret"] = tuple(secrets)


_SPECIAL: Final[Mapping[str, Callable[[Fields, str, str, Override], None]]] = {
    "push": _push,
    "load": _load,
    "secret": _secret,
}
