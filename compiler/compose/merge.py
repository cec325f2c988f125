"""How a later document meets an earlier one, and a service what it extends."""

from __future__ import annotations

from collections.abc import Callable

from bakec.compiler.compose.nodes import Listing, Node, Scalar, Table, is_null, text_of, type_name
from bakec.compiler.compose.patterns import compiled
from bakec.ir.codes.compose import OVERRIDE, STRUCTURE
from bakec.ir.diagnostics import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final, TypeAlias

    from bakec.compiler.compose.patterns import Pattern

Index: TypeAlias = Callable[[Node, str], str]
"""The key of an element; the text is where it stands."""

Merger: TypeAlias = Callable[[Node, Node, str, "Pattern[Merger] | None"], Node]


def merge(base: Table, over: Table) -> Table:
    """`over` on top of `base`: mappings key by key, lists one behind the other, all else replaced."""
    return _merge_tables(base, over, "", _MERGERS)


def merge_at(path: str, base: Node, over: Node) -> Node:
    """The same for two nodes that stand at `path`."""
    return _merge(base, over, path, _MERGERS.at(path))


def _merge(base: Node, over: Node, path: str, rules: Pattern[Merger] | None) -> Node:
    if rules and rules.action:
        return rules.action(base, over, path, rules)
    if is_null(over):
        return base
    match base, over:
        case Table(), Table():
            return _merge_tables(base, over, path, rules)
        case Listing(), Listing():
            return Listing((*base.items, *over.items), over.span)
        case ((Table() | Listing()), _):
            raise fail(OVERRIDE.at(over.span, path=path))
        case _:
            return over


def _merge_tables(base: Table, over: Table, path: str, rules: Pattern[Merger] | None) -> Table:
    items = dict(base.items)
    for key, item in over.items.items():
        if key in items:
            below = f"{path}.{key}" if path else key
            items[key] = _merge(items[key], item, below, rules and rules.step(key))
        else:
            items[key] = item
    return Table(items, over.span, {**base.keys, **over.keys})


def _replace(_base: Node, over: Node, _path: str, _rules: object) -> Node:
    return over


def _merge_lists(base: Node, over: Node, _path: str, _rules: object) -> Node:
    return Listing((*_sequence(base), *_sequence(over)), over.span)


def _merge_hosts(base: Node, over: Node, _path: str, _rules: object) -> Node:
    known = {text_of(item) for item in _sequence(base)}
    added = [item for item in _sequence(over) if text_of(item) not in known]
    return Listing((*_sequence(base), *added), over.span)


def _merge_builds(base: Node, over: Node, path: str, rules: Pattern[Merger] | None) -> Node:
    return _merge_tables(_build_table(base), _build_table(over), path, rules)


def _build_table(node: Node) -> Table:
    """A build in its long form; what is neither that nor a string says nothing."""
    if isinstance(node, Table):
        return node
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return Table({"context": node}, node.span)
    return Table({}, node.span)


def _sequence(node: Node) -> tuple[Node, ...]:
    """A mapping as a sorted list of `key=value`, a string as a list of itself."""
    match node:
        case Listing(items=items):
            return items
        case Table():
            return tuple(sorted(_pairs(node), key=text_of))
        case Scalar(value=str()):
            return (node,)
        case _:
            return ()


def _pairs(table: Table) -> Iterable[Node]:
    for key, item in table.items.items():
        if is_null(item):
            yield Scalar(key, item.span)
        else:
            for value in item.items if isinstance(item, Listing) else (item,):
                inputs = value.inputs if isinstance(value, Scalar) else ()
                yield Scalar(f"{key}={text_of(value)}", value.span, inputs)


_MERGERS: Final[Pattern[Merger]] = compiled(
    {
        "services.*.build": _merge_builds,
        "services.*.build.extra_hosts": _merge_hosts,
        "services.*.extra_hosts": _merge_hosts,
        **dict.fromkeys(
            ("networks.*.labels", "volumes.*.labels", "services.*.annotations", "services.*.build.args",
             "services.*.build.additional_contexts", "services.*.build.labels", "services.*.deploy.labels",
             "services.*.dns", "services.*.dns_opt", "services.*.dns_search", "services.*.env_file",
             "services.*.label_file", "services.*.environment", "services.*.labels",
             "services.*.volumes.*.volume.labels", "services.*.sysctls", "services.*.tmpfs"),
            _merge_lists,
        ),
        # Compose has finer rules for some of these; no build looks at them.
        **dict.fromkeys(
            ("services.*.command", "services.*.depends_on", "services.*.entrypoint", "services.*.healthcheck.test",
             "services.*.logging", "services.*.models", "services.*.networks", "services.*.ulimits.*",
             "networks.*.ipam.config"),
            _replace,
        ),
    }
)  # fmt: skip


# --- lists as sets by key ---------------------------------------------------------------------------------------


def unique(model: Table) -> Table:
    """`model` with one element for each key in its lists of `key=value`: a later one takes the earlier's place.
    Elements of such lists must be strings."""
    return _unique_table(model, "", _KEYED)


def _unique_table(table: Table, path: str, rules: Pattern[Index]) -> Table:
    changed: dict[str, Node] = {}
    for key, item in table.items.items():
        below = rules.step(key)
        if below is None:
            continue
        inner = f"{path}.{key}" if path else key
        if isinstance(item, Table):
            changed[key] = _unique_table(item, inner, below)
        elif isinstance(item, Listing) and below.action:
            changed[key] = _unique_list(item, inner, below.action)
    return table.having({**table.items, **changed}) if changed else table


def _unique_list(listing: Listing, path: str, index: Index) -> Listing:
    found: dict[str, Node] = {}
    for at, item in enumerate(listing.items):
        found[index(item, f"{path}.[{at}]")] = item
    return Listing(tuple(found.values()), listing.span)


def _pair_key(item: Node, path: str) -> str:
    if isinstance(item, Scalar) and isinstance(item.value, str):
        return item.value.partition("=")[0]
    raise fail(STRUCTURE.at(item.span, message=f"{path}: unexpected type {type_name(item)}"))


def _env_file_key(item: Node, path: str) -> str:
    if not isinstance(item, Table):
        return text_of(item)
    if "path" not in item.items:
        raise fail(STRUCTURE.at(item.span, message=f"environment path attribute {path} is missing"))
    return text_of(item.items["path"])


def _mount_key(kind: str) -> Index:
    """Of what no build looks at: it is only checked, and all is kept."""

    def key(item: Node, path: str) -> str:
        target = item.items.get("target") if isinstance(item, Table) else None
        if isinstance(item, Table) and not (isinstance(target, Scalar) and isinstance(target.value, str)):
            raise fail(STRUCTURE.at(item.span, message=f"service {kind} {path} is missing a mount target"))
        return path

    return key


def _port_key(item: Node, path: str) -> str:
    """As above."""
    if isinstance(item, Table) and "target" not in item.items:
        raise fail(STRUCTURE.at(item.span, message=f"service ports {path} is missing a target port"))
    return path


_KEYED: Final[Pattern[Index]] = compiled(
    {
        "services.*.devices": _mount_key("device"),
        "services.*.volumes": _mount_key("volume"),
        "services.*.ports": _port_key,
        "services.*.env_file": _env_file_key,
        **dict.fromkeys(
            ("networks.*.labels", "networks.*.ipam.options", "services.*.annotations", "services.*.build.args",
             "services.*.build.additional_contexts", "services.*.build.tags", "services.*.build.labels",
             "services.*.cap_add", "services.*.cap_drop", "services.*.deploy.labels", "services.*.dns",
             "services.*.dns_opt", "services.*.dns_search", "services.*.environment", "services.*.labels",
             "services.*.links", "services.*.networks.*.aliases", "services.*.networks.*.link_local_ips",
             "services.*.profiles", "services.*.sysctls", "services.*.tmpfs"),
            _pair_key,
        ),
    }
)  # fmt: skip
