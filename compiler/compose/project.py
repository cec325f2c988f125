"""The model as a project: its services, their values understood, and its secrets."""

from __future__ import annotations

from collections import ChainMap

from bakec.compiler.compose.decode import Decoder
from bakec.compiler.compose.dotenv import DotenvError, parse_dotenv
from bakec.compiler.compose.interpolate import CastError, to_boolean
from bakec.compiler.compose.nodes import Scalar, Table, is_null, text_of
from bakec.compiler.compose.schema import check_schema
from bakec.ir.codes.compose import EMPTY, ENV_FILE, VALUE
from bakec.ir.diagnostics import Failed, fail
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Final

    from bakec.compiler.compose.decode import Service
    from bakec.compiler.compose.interpolate import Environment
    from bakec.compiler.compose.model import Read
    from bakec.compiler.compose.nodes import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    services: Mapping[str, Service]
    secrets: Mapping[str, Table]
    env: Environment


def make_project(model: Table, env: Environment, read: Read) -> Project:
    """The parts of `model` that a build uses. Raises `Failed`."""
    used = _used(model)
    check_schema(used)
    decoder = Decoder(env)
    services = [decoder.service(name, node, used) for name, node in _entries(used, "services")]
    secrets = {name: node for name, node in _entries(used, "secrets") if isinstance(node, Table)}
    if decoder.errors.failed:
        raise Failed(decoder.errors)
    for service, files in services:
        for file in files:
            _read_environment(service, file, env, read)
    return Project(services={service.name: service for service, _ in services}, secrets=secrets, env=env)


_SERVICE_KEYS: Final = ("image", "build", "environment", "env_file")


def _used(model: Table) -> Table:
    items: dict[str, Node] = {}
    services = model.items.get("services")
    if isinstance(services, Table):
        kept = {name: _used_service(node) for name, node in services.items.items()}
        items["services"] = services.having(kept)
    if "secrets" in model.items:
        items["secrets"] = model.items["secrets"]
    if not items:
        raise fail(EMPTY.at(model.span))
    return Table(items, model.span)


def _used_service(node: Node) -> Node:
    if not isinstance(node, Table):
        return Table({}, node.span)
    return node.having({key: node.items[key] for key in _SERVICE_KEYS if key in node.items})


def _entries(table: Table, key: str) -> Iterable[tuple[str, Node]]:
    node = table.items.get(key)
    return node.items.items() if isinstance(node, Table) else ()


def _read_environment(service: Service, file: Table, env: Environment, read: Read) -> None:
    """Add what an `env_file` gives to the variables of `service`; its own win."""
    node = file.items["path"]
    path = text_of(node)
    data = read(path)
    if data is None:
        if not _required(file):
            return
        problem = f"env file {path} not found: stat {path}: no such file or directory"
        raise fail(ENV_FILE.at(node.span, message=problem))
    own = {name: text_of(value) for name, value in service.environment.items() if value.value is not None}
    style = file.items.get("format")
    if style is not None and text_of(style) != "":
        raise fail(ENV_FILE.at(style.span, message=f"unsupported env_file format {quote(text_of(style))}"))
    try:
        text = data.decode("utf-8", "replace").removeprefix("\ufeff")
        variables = parse_dotenv(
            text, ChainMap(own, dict(env.values)), known=own, unset=lambda name: env.warn(name, node.span)
        )
    except DotenvError as error:
        raise fail(ENV_FILE.at(node.span, message=f"failed to read {path}: {error}")) from error
    for name, value in variables.items():
        if name not in service.environment:
            origin = Origin(OriginKind.DOTENV, name, None)
            service.environment[name] = Scalar(value, node.span, (origin,))


def _required(file: Table) -> bool:
    required = file.items.get("required")
    if required is None or is_null(required):
        return True
    try:
        return to_boolean(text_of(required))
    except CastError as error:
        raise fail(VALUE.at(required.span, path="env_file.required", problem=error)) from error
