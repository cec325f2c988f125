"""How these tests load Compose files: from a dict of texts, to what is easy to read and compare."""

from collections.abc import Mapping
from typing import Any

from bakec.compiler.compose.dotenv import parse_dotenv
from bakec.compiler.compose.load import load_compose
from bakec.ir.diagnostics import Diagnostics, Severity
from bakec.ir.module import Definitions, Entry, FieldValue
from bakec.ir.span import Source
from bakec.ir.values import Value

ENV = {"HOME": "/home/me", "COMPOSE_E": "e"}


def load(
    files: Mapping[str, str], names: tuple[str, ...] = ("compose.yml",), env: Mapping[str, str] = ENV
) -> tuple[Definitions, Diagnostics]:
    """The definitions of the files `names`; `files` is all there is on the disk, a `.env` included."""
    variables = {**parse_dotenv(files[".env"], env), **env} if ".env" in files else env
    sink = Diagnostics()

    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    return load_compose([Source(name, files[name]) for name in names], variables, read, sink), sink


def load_text(text: str, env: Mapping[str, str] = ENV) -> tuple[Definitions, Diagnostics]:
    return load({"compose.yml": text}, env=env)


def errors(sink: Diagnostics) -> str:
    return "\n".join(item.message for item in sink.errors)


def warnings(sink: Diagnostics) -> list[str]:
    return [item.message for item in sink if item.rule.severity is Severity.WARNING]


def fields_of(definitions: Definitions, target: str) -> Mapping[str, FieldValue]:
    return next(item.fields for item in definitions.targets if item.name == target)


def value_at(text: str, field: str, key: str = "", env: Mapping[str, str] = ENV) -> Value:
    """A field of the only target in `text`, or one item of a map."""
    definitions, sink = load_text(text, env)
    assert not errors(sink)
    value = definitions.targets[0].fields[field]
    if key:
        assert isinstance(value, Mapping)
        value = value[key]
    assert isinstance(value, Value)
    return value


def plain(value: FieldValue | Entry) -> Any:
    """A field as JSON has it."""
    match value:
        case Value():
            return value.raw
        case Entry():
            return {key: list(item) if isinstance(item, tuple) else item for key, item in value.attrs.items()}
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return [plain(item) for item in value]


def as_json(definitions: Definitions) -> dict[str, Any]:
    groups = {
        group.name: {"targets": None if group.targets is None else plain(group.targets)} for group in definitions.groups
    }
    targets = {
        target.name: {name: plain(value) for name, value in target.fields.items()} for target in definitions.targets
    }
    return {"group": groups, "target": targets}
