"""Short forms of a model to long ones: `build: .` to `build: {context: .}` and the like.

Ports and volumes are only checked, since no build uses them: a variable that is not set often leaves one that
cannot be read, and the reference refuses the file then.
"""

from __future__ import annotations

from collections.abc import Callable

from bakec.compiler.compose.nodes import Listing, Node, Scalar, Table, plain_text, text_of, type_name
from bakec.compiler.compose.patterns import compiled
from bakec.compiler.compose.shortforms import port_problem, volume_problem
from bakec.ir.codes.compose import DEPRECATED_NAME, STRUCTURE
from bakec.ir.diagnostics import fail
from bakec.ir.quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypeAlias

    from bakec.compiler.compose.patterns import Pattern
    from bakec.ir.diagnostics import Diagnostics, Failed

Transform: TypeAlias = Callable[[Node, str], Node]


def canonical(model: Table, sink: Diagnostics) -> Table:
    """`model` with long forms. Raises `Failed` for a part that is neither form."""
    for key in ("secrets", "volumes", "networks", "configs"):
        _warn_of_names(model.items.get(key), key, sink)
    result = _walk(model, "", _TRANSFORMS)
    assert isinstance(result, Table)
    return result


def with_defaults(model: Table) -> Table:
    """Every build has a context."""
    services = model.items.get("services")
    if not isinstance(services, Table):
        return model
    filled = {name: _default_context(service) for name, service in services.items.items()}
    return model.having({**model.items, "services": services.having(filled)})


def _default_context(service: Node) -> Node:
    build = service.items.get("build") if isinstance(service, Table) else None
    if not isinstance(service, Table) or not isinstance(build, Table) or "context" in build.items:
        return service
    full = build.having({"context": Scalar(".", build.span), **build.items})
    return service.having({**service.items, "build": full})


def _walk(node: Node, path: str, rules: Pattern[Transform]) -> Node:
    if rules.action:
        node = rules.action(node, path)
    if not rules.below:
        return node
    match node:
        case Table():
            items = dict(node.items)
            for key, item in node.items.items():
                below = rules.step(key)
                if below:
                    items[key] = _walk(item, f"{path}.{key}" if path else key, below)
            return node.having(items)
        case Listing() if below := rules.step("[]"):
            return Listing(tuple([_walk(item, f"{path}.[]", below) for item in node.items]), node.span)
        case _:
            return node


def _refuse(node: Node, message: str) -> Failed:
    return fail(STRUCTURE.at(node.span, message=message))


def _build(node: Node, path: str) -> Node:
    match node:
        case Table():
            return node
        case Scalar(value=str()):
            return Table({"context": node}, node.span)
        case _:
            raise _refuse(node, f"{path}: invalid type {type_name(node)} for build")


def _mount(node: Node, path: str) -> Node:
    """A secret of a build."""
    match node:
        case Table():
            return node
        case Scalar(value=str()):
            return Table({"source": node}, node.span)
        case _:
            raise _refuse(node, f"{path}: unsupported type {type_name(node)}")


def _as_text(node: Node, _path: str) -> Node:
    inputs = node.inputs if isinstance(node, Scalar) else ()
    return Scalar(text_of(node), node.span, inputs)


def _key_values(node: Node, path: str) -> Node:
    if isinstance(node, Table):
        return node
    if not isinstance(node, Listing):
        raise _refuse(node, f"{path}: invalid type {type_name(node)}")
    items: dict[str, Node] = {}
    for item in node.items:
        key, equals, value = text_of(item).partition("=")
        if not equals or not isinstance(item, Scalar):
            raise _refuse(item, f"{path}: invalid value {text_of(item)}, expected key=value")
        items[key] = Scalar(value, item.span, item.inputs)
    return Table(items, node.span)


def _ssh(node: Node, path: str) -> Node:
    if isinstance(node, Table):
        return node
    if not isinstance(node, Listing):
        raise _refuse(node, f"{path}: invalid type {type_name(node)} for ssh")
    items: dict[str, Node] = {}
    for item in node.items:
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            raise _refuse(item, f"invalid ssh key type {type_name(item)}")
        name, equals, path = item.value.partition("=")
        if not equals and name != "default":
            raise _refuse(item, f"invalid ssh key {quote(item.value)}")
        items[name] = Scalar(path if equals else None, item.span, item.inputs)
    return Table(items, node.span)


def _limit(node: Node, path: str) -> Node:
    if isinstance(node, Table) or (isinstance(node, Scalar) and type(node.value) is int):
        return node
    raise _refuse(node, f"{path}: invalid type {type_name(node)} for external")


def _env_files(node: Node, path: str) -> Node:
    match node:
        case Scalar(value=str()):
            return Listing((_env_file(node),), node.span)
        case Listing():
            return Listing(tuple(map(_env_file, node.items)), node.span)
        case _:
            raise _refuse(node, f"{path}: invalid type {type_name(node)} for env_file")


def _env_file(node: Node) -> Node:
    match node:
        case Table():
            return node.having({"required": Scalar(True, node.span), **node.items})
        case Scalar(value=str()):
            return Table({"path": node, "required": Scalar(True, node.span)}, node.span)
        case _:
            return Scalar(None, node.span)


def _extends(node: Node, path: str) -> Node:
    match node:
        case Table():
            return node
        case Scalar(value=str()):
            return Table({"service": node}, node.span)
        case _:
            raise _refuse(node, f"{path}: invalid type {type_name(node)} for extends")


def _depends_on(node: Node, path: str) -> Node:
    """Only checked: no build waits for a service."""
    if isinstance(node, Table):
        for name, item in node.items.items():
            if not isinstance(item, Table):
                raise _refuse(item, f"{path}.{name}: unsupported value {text_of(node)}")
    elif not isinstance(node, Listing):
        raise _refuse(node, f"{path}: invalid type {type_name(node)} for depend_on")
    return node


def _secret(node: Node, path: str) -> Node:
    """`external: {name: …}` is `external: true` with a name."""
    external = node.items.get("external") if isinstance(node, Table) else None
    if not isinstance(node, Table) or not isinstance(external, Table):
        return node
    items: dict[str, Node] = {**node.items, "external": Scalar(True, external.span)}
    name = external.items.get("name")
    if name is not None:
        given = items.setdefault("name", name)
        if text_of(given) != text_of(name):
            raise _refuse(name, f"{path}: name and external.name conflict; only use name")
    return node.having(items)


def _warn_of_names(resources: Node | None, key: str, sink: Diagnostics) -> None:
    for name, node in resources.items.items() if isinstance(resources, Table) else ():
        external = node.items.get("external") if isinstance(node, Table) else None
        if isinstance(external, Table) and "name" in external.items:
            sink.add(DEPRECATED_NAME.at(external.key_span("name"), path=f"{key}.{name}"))


def _port(node: Node, path: str) -> Node:
    match node:
        case Table():
            return node
        case Scalar(value=(str() | int()) as value) if not isinstance(value, bool):
            problem = port_problem(plain_text(value))
            if problem:
                raise _refuse(node, problem)
            return node
        case _:
            raise _refuse(node, f"{path.removesuffix('.[]')}: invalid type {type_name(node)} for port")


def _ports(node: Node, path: str) -> Node:
    if not isinstance(node, Listing):
        raise _refuse(node, f"{path}: invalid type {type_name(node)} for port")
    return node


def _volume(node: Node, path: str) -> Node:
    match node:
        case Table():
            return node
        case Scalar(value=str(text)):
            problem = volume_problem(text)
            if problem:
                raise _refuse(node, problem)
            return node
        case _:
            raise _refuse(node, f"{path}: invalid type {type_name(node)} for service volume mount")


_TRANSFORMS: Final[Pattern[Transform]] = compiled(
    {
        "services.*.build": _build,
        "services.*.build.secrets.[]": _mount,
        "services.*.build.provenance": _as_text,
        "services.*.build.sbom": _as_text,
        "services.*.build.additional_contexts": _key_values,
        "services.*.build.ssh": _ssh,
        "services.*.build.ulimits.*": _limit,
        "services.*.depends_on": _depends_on,
        "services.*.env_file": _env_files,
        "services.*.extends": _extends,
        "services.*.ports": _ports,
        "services.*.ports.[]": _port,
        "services.*.volumes.[]": _volume,
        "secrets.*": _secret,
    }
)
