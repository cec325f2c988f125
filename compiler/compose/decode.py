"""The values of a service, understood: booleans, sizes, hosts, and the two ways to write a mapping."""

from __future__ import annotations

from collections.abc import Mapping

from bakec.compiler.compose.interpolate import CastError, to_boolean
from bakec.compiler.compose.nodes import Listing, Scalar, Table, text_of, type_name
from bakec.compiler.quantities import QuantityError, parse_size
from bakec.ir.codes.compose import VALUE
from bakec.ir.diagnostics import Diagnostics
from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

    from bakec.compiler.compose.interpolate import Environment
    from bakec.compiler.compose.nodes import Node
    from bakec.ir.origin import Origin
    from bakec.ir.span import Span

Scalars = Mapping[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A service's `build`. Values of `args` may be null; `hosts` holds addresses joined by commas, `limits`
    `soft:hard`, `secrets` the names of project secrets, `bake` what is under `x-bake`."""

    texts: Scalars
    flags: Scalars
    lists: Mapping[str, tuple[Scalar, ...]]
    args: Scalars
    labels: Scalars
    contexts: Scalars
    ssh: Scalars
    hosts: Scalars
    limits: Scalars
    secrets: tuple[Scalar, ...]
    shm_size: Scalar | None
    bake: Node | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`environment` has what its files give it, too; null where nobody gives a value."""

    name: str
    span: Span
    image: Scalar | None
    build: Build | None
    environment: dict[str, Scalar]


_TEXTS: Final = ("context", "dockerfile", "dockerfile_inline", "isolation", "network", "target", "provenance", "sbom")
_FLAGS: Final = ("no_cache", "pull", "privileged")
_LISTS: Final = ("cache_from", "cache_to", "tags", "platforms")


class _ValueError(Exception):
    """The node has no such value; the message is the reference's."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.span = span


class Decoder:
    """Understands values; collects what it cannot understand, so that all of it is reported."""

    def __init__(self, env: Environment) -> None:
        self.errors = Diagnostics()
        self._env = env

    def service(self, name: str, node: Node, used: Table) -> tuple[Service, tuple[Table, ...]]:
        """The service, and the files that its `env_file` names."""
        assert isinstance(node, Table)
        services = used.items["services"]
        path = f"services[{name}]"
        build = node.items.get("build")
        service = Service(
            name=name,
            span=services.key_span(name) if isinstance(services, Table) else node.span,
            image=self._texts(node, ("image",), path).get("image"),
            build=self._build(build, f"{path}.build") if isinstance(build, Table) else None,
            environment=self._decoded(node, "environment", path, pairs),
        )
        files = node.items.get("env_file")
        tables = files.items if isinstance(files, Listing) else ()
        return service, tuple(table for table in tables if isinstance(table, Table))

    def _build(self, build: Table, path: str) -> Build:
        secrets = build.items.get("secrets")
        return Build(
            texts=self._texts(build, _TEXTS, path),
            flags={key: flag for key in _FLAGS if (flag := self._flag(build, key, path))},
            lists={key: self._list(build, key, path) for key in _LISTS},
            args=self._decoded(build, "args", path, pairs),
            labels=self._decoded(build, "labels", path, _labels),
            contexts=self._decoded(build, "additional_contexts", path, _labels),
            ssh=self._decoded(build, "ssh", path, _labels),
            hosts=self._decoded(build, "extra_hosts", path, _hosts),
            limits=self._decoded(build, "ulimits", path, _limits),
            secrets=tuple(map(_source, secrets.items)) if isinstance(secrets, Listing) else (),
            shm_size=self._decoded(build, "shm_size", path, _size).get(""),
            bake=build.items.get("x-bake"),
        )

    def _refuse(self, path: str, problem: object, span: Span) -> None:
        self.errors.add(VALUE.at(span, path=path, problem=problem))

    def _decoded(
        self, table: Table, key: str, path: str, decode: Callable[[Node], dict[str, Scalar]]
    ) -> dict[str, Scalar]:
        node = table.items.get(key)
        if node is None:
            return {}
        try:
            return decode(node)
        except _ValueError as error:
            self._refuse(f"{path}.{key}", error, error.span)
            return {}

    def _texts(self, table: Table, keys: Iterable[str], path: str) -> dict[str, Scalar]:
        found: dict[str, Scalar] = {}
        for key in keys:
            node = table.items.get(key)
            if isinstance(node, Scalar) and isinstance(node.value, str):
                found[key] = node
            elif node is not None:
                self._refuse(f"{path}.{key}", _unconvertible("string", node), node.span)
        return found

    def _flag(self, table: Table, key: str, path: str) -> Scalar | None:
        node = table.items.get(key)
        if not isinstance(node, Scalar) or isinstance(node.value, bool):
            return node if isinstance(node, Scalar) else None
        try:
            return Scalar(to_boolean(text_of(node)), node.span, node.inputs)
        except CastError as error:
            self._refuse(f"{path}.{key}", error, node.span)
            return None

    def _list(self, table: Table, key: str, path: str) -> tuple[Scalar, ...]:
        node = table.items.get(key)
        found: list[Scalar] = []
        for item in node.items if isinstance(node, Listing) else ():
            if isinstance(item, Scalar) and isinstance(item.value, str):
                found.append(item)
            else:
                self._refuse(f"{path}.{key}", "invalid type []interface {} for string list", item.span)
        return tuple(found)


def _unconvertible(wanted: str, node: Node) -> str:
    return f"expected type '{wanted}', got unconvertible type '{type_name(node)}'"


def _text(node: Node) -> Scalar:
    """A scalar as text; null stays null."""
    if isinstance(node, Scalar):
        return node if node.value is None else Scalar(text_of(node), node.span, node.inputs)
    return Scalar(text_of(node), node.span)


def pairs(node: Node) -> dict[str, Scalar]:
    """`key: value` or a list of `key=value`; null for a key without a value."""
    if isinstance(node, Table):
        return {key: _text(item) for key, item in node.items.items()}
    found: dict[str, Scalar] = {}
    for item in node.items if isinstance(node, Listing) else ():
        key, equals, value = text_of(item).partition("=")
        if key and key[-1].isspace():
            raise _ValueError(f"environment variable {key} is declared with a trailing space", item.span)
        inputs = item.inputs if isinstance(item, Scalar) else ()
        found[key] = Scalar(value if equals else None, item.span, inputs)
    return found


def _labels(node: Node) -> dict[str, Scalar]:
    """The same, where a key without a value has an empty one."""
    if isinstance(node, Table):
        found = {key: _text(item) for key, item in node.items.items()}
    else:
        items = node.items if isinstance(node, Listing) else ()
        cut = [(text_of(item).partition("="), item) for item in items]
        found = {key: Scalar(value, item.span, _inputs(item)) for (key, _, value), item in cut}
    return {key: Scalar("", item.span) if item.value is None else item for key, item in found.items()}


def _inputs(node: Node) -> tuple[Origin, ...]:
    return node.inputs if isinstance(node, Scalar) else ()


def _hosts(node: Node) -> dict[str, Scalar]:
    found: dict[str, list[str]] = {}
    origins: dict[str, Node] = {}
    for host, address in _host_pairs(node):
        found.setdefault(host, []).extend(_addresses(address, split=isinstance(node, Listing)))
        origins.setdefault(host, address)
    for host in found:
        if not host or ":" in host or "=" in host:
            raise _ValueError(f"bad host name '{host}'", origins[host].span)
    return {host: Scalar(",".join(found[host]), origins[host].span, _inputs(origins[host])) for host in found}


def _host_pairs(node: Node) -> Iterable[tuple[str, Node]]:
    if isinstance(node, Table):
        yield from node.items.items()
    for item in node.items if isinstance(node, Listing) else ():
        text = text_of(item)
        separator = next((mark for mark in "=:" if mark in text), None)
        if separator is None:
            raise _ValueError(f"invalid additional host, missing IP: {text}", item.span)
        host, _, address = text.partition(separator)
        yield host, Scalar(address, item.span, _inputs(item))


def _addresses(node: Node, *, split: bool) -> list[str]:
    """Addresses without the brackets of IPv6."""
    texts = list(map(text_of, node.items)) if isinstance(node, Listing) else [text_of(node)]
    if split:
        texts = texts[0].split(",")
    return [text[1:-1] if len(text) > 2 and text[0] == "[" and text[-1] == "]" else text for text in texts]


def _limits(node: Node) -> dict[str, Scalar]:
    """A limit of one number gives `0:0`, as it does in the reference."""
    found: dict[str, Scalar] = {}
    for name, item in node.items.items() if isinstance(node, Table) else ():
        soft, hard = "0", "0"
        if isinstance(item, Table):
            soft, hard = (_whole(item.items.get(key)) for key in ("soft", "hard"))
        found[name] = Scalar(f"{soft}:{hard}", item.span)
    return found


def _whole(node: Node | None) -> str:
    if isinstance(node, Scalar) and type(node.value) is int:
        return str(node.value)
    assert node is not None
    raise _ValueError(_unconvertible("int", node), node.span)


def _size(node: Node) -> dict[str, Scalar]:
    """Bytes, under the empty name."""
    assert isinstance(node, Scalar)
    value: object = node.value
    if isinstance(value, str):
        try:
            value = int(value) if value.lstrip("+-").isdecimal() else parse_size(value)
        except (QuantityError, ValueError) as error:
            raise _ValueError(str(error), node.span) from error
    return {"": Scalar(value, node.span, node.inputs)} if type(value) is int and value > 0 else {}


def _source(secret: Node) -> Scalar:
    source = secret.items.get("source") if isinstance(secret, Table) else None
    return source if isinstance(source, Scalar) else Scalar("", secret.span)
