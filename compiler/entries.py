"""Structured attributes (`output`, `cache-from`, `attest`, `secret`, `ssh`, `policy`) from their string forms.

One parser an attribute; definition files, Compose and `--set` share them. Texts of errors are the reference's.
"""

from __future__ import annotations

from bakec.compiler.csv import CsvError, parse_record
from bakec.ir.module import Entry
from bakec.ir.quoting import quote
from bakec.ir.strconv import NumberError, parse_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Final

    from bakec.ir.origin import Origin

Attrs = dict[str, str | bool | tuple[str, ...]]


class EntryError(Exception):
    """The text is not an entry; the message is the reference's."""


def _record(text: str, *, prefix: str = "") -> list[str]:
    try:
        return parse_record(text)
    except CsvError as error:
        raise EntryError(f"{prefix}{error}") from error


def _pair(field: str) -> tuple[str, str]:
    key, equals, value = field.partition("=")
    if not equals:
        raise EntryError(f"invalid value {field}")
    return key, value


def _flag(field: str, value: str) -> bool:
    try:
        return parse_bool(value)
    except NumberError as error:
        raise EntryError(f"invalid value {field}: {error}") from error


def parse_output(text: str) -> list[Attrs]:
    """`-`, a directory, or `type=…,dest=…,key=value`."""
    fields = _record(text)
    if len(fields) == 1 and fields[0] == text and not text.startswith("type="):
        return [{"type": "tar", "dest": "-"} if text == "-" else {"type": "local", "dest": text}]
    attrs: Attrs = {}
    for field in fields:
        key, value = _pair(field)
        attrs[key.lower().strip()] = value
    return [checked_output(attrs)]


def checked_output(attrs: Attrs) -> Attrs:
    """Drop an empty `dest`; there must be a `type`."""
    if not attrs.get("type"):
        raise EntryError("type is required for output")
    if not attrs.get("dest", "-"):
        del attrs["dest"]
    return attrs


def parse_cache(text: str) -> list[Attrs]:
    """`ref[,ref…]` (one registry entry each) or `type=…,key=value`."""
    return [_cache(one) for one in ([text] if "=" in text else _record(text))]


def _cache(text: str) -> Attrs:
    fields = _record(text)
    if len(fields) == 1 and "=" not in fields[0]:
        return {"type": "registry", "ref": fields[0]}
    attrs: Attrs = {}
    for field in fields:
        key, value = _pair(field)
        attrs[key.lower()] = value
    if not attrs.get("type"):
        raise EntryError(f"type required for {quote(text)}")
    return attrs


def parse_attest(text: str) -> list[Attrs]:
    """`type=…[,disabled=BOOL][,key=value]`; the case of other keys is kept."""
    attrs: Attrs = {}
    for field in _record(text):
        key, value = _pair(field)
        known = key.lower().strip()
        if known == "disabled":
            attrs["disabled"] = _flag(field, value)
        else:
            attrs["type" if known == "type" else key] = value
    if not attrs.get("type"):
        raise EntryError("attestation type not specified")
    if not attrs.get("disabled", True):
        del attrs["disabled"]
    return [attrs]


_SECRET_KEYS: Final = {"id": "id", "source": "src", "src": "src", "env": "env"}


def parse_secret(text: str) -> list[Attrs]:
    """`id=…,src=…` or `id=…,env=…`, with an optional `type=file|env`."""
    attrs: dict[str, str] = {}
    kind = ""
    for field in _record(text, prefix="failed to parse csv secret: "):
        key, equals, value = field.partition("=")
        key = key.lower()
        if not equals:
            raise EntryError(f"invalid field '{field}' must be a key=value pair")
        if key == "type":
            if value not in ("file", "env"):
                raise EntryError(f"unsupported secret type {quote(value)}")
            kind = value
        elif key in _SECRET_KEYS:
            attrs[_SECRET_KEYS[key]] = value
        else:
            raise EntryError(f"unexpected key '{key}' in '{field}'")
    if kind == "env" and not attrs.get("env"):
        attrs["env"] = attrs.pop("src", "")
    return [without_empty(attrs)]


def parse_ssh(text: str) -> list[Attrs]:
    """`id[=path[,path…]]`."""
    name, equals, paths = text.partition("=")
    attrs: Attrs = {"id": name} if name else {}
    if equals:
        attrs["paths"] = tuple(paths.split(","))
    return [attrs]


_POLICY_FLAGS: Final = ("reset", "disabled", "strict")
_LOG_LEVELS: Final = ("panic", "fatal", "error", "warn", "warning", "info", "debug", "trace")


def parse_policy(text: str) -> list[Attrs]:
    """`filename=…` (repeatable), `reset`, `disabled`, `strict`, `log-level`."""
    attrs: Attrs = {}
    files: list[str] = []
    for field in _record(text):
        key, value = _pair(field)
        key = key.lower().strip()
        if key == "filename" and value:
            files.append(value)
        elif key in _POLICY_FLAGS:
            attrs[key] = _flag(field, value)
        elif key == "log-level":
            if value.lower() not in _LOG_LEVELS:
                raise EntryError(f"invalid value {field}: not a valid logrus Level: {quote(value)}")
            attrs[key] = "warning" if value.lower() == "warn" else value.lower()
        else:
            raise EntryError(f"invalid value {field}")
    return [{"filename": tuple(files), **attrs}]


PARSERS: Final[Mapping[str, Callable[[str], list[Attrs]]]] = {
    "attest": parse_attest,
    "cache-from": parse_cache,
    "cache-to": parse_cache,
    "output": parse_output,
    "policy": parse_policy,
    "secret": parse_secret,
    "ssh": parse_ssh,
}
"""The parser of each attribute of kind ENTRIES."""


def parse_entries(name: str, texts: Iterable[tuple[str, Origin | None]]) -> list[Entry]:
    """The entries of attribute `name`, from texts with their origins; empty texts are skipped."""
    parse = PARSERS[name]
    return [Entry(attrs, origin) for text, origin in texts if text for attrs in parse(text)]


def without_empty(attrs: Mapping[str, str]) -> Attrs:
    """The attributes that say something."""
    return {key: value for key, value in attrs.items() if value}
