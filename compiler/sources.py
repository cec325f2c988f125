"""Which definition files there are, and what is in them. The only module of the compiler that opens files."""

from __future__ import annotations

import os

from bakec.ir.codes import define as codes
from bakec.ir.diagnostics import fail
from bakec.ir.span import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from bakec.compiler.host import Host
    from bakec.compiler.remote import Remote
    from bakec.ir.diagnostics import Failed

DEFAULT_NAMES: Final = (
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
)
"""Looked for in the working folder only; all that exist are read, in this order."""

MAX_BYTES: Final = 64 << 20


def read_sources(names: Iterable[str], host: Host, remote: Remote | None = None) -> list[Source]:
    """The files named with `-f`, else in `BUILDX_BAKE_FILE`, else those of the default names that exist. Files that
    were fetched come first, and of this machine then only those that are named `cwd://NAME`.

    An empty file counts as absent, empty standard input does not. Raises `Failed`.
    """
    given = list(names)
    if remote is not None:
        found = [Source(name, _decode(name, data)) for name, data in remote.files if data]
        here = (name for name in given if name.startswith("cwd://"))
        found += [source for name in here if (source := _read_named(name, host, "open"))]
    elif given:
        found = [source for name in given if (source := _read_named(name, host, "open"))]
    elif host.env.get("BUILDX_BAKE_FILE", "").strip():
        found = [source for name in _environment_names(host) if (source := _read_named(name, host, "stat"))]
    else:
        found = [source for name in DEFAULT_NAMES if (source := _read_optional(name, host))]
    if not found:
        raise fail(codes.NO_DEFINITION.at(None))
    return found


def _environment_names(host: Host) -> Iterator[str]:
    separator = host.env.get("BUILDX_BAKE_PATH_SEPARATOR") or os.pathsep
    for name in host.env["BUILDX_BAKE_FILE"].split(separator):
        if name.strip():
            yield name.strip()


def _read_named(name: str, host: Host, action: str) -> Source | None:
    if name == "-":
        return Source("-", _decode("-", host.stdin()))
    path = name.removeprefix("cwd://")
    data = read_bytes(path, host)
    if data is None:
        raise fail(codes.CANNOT_READ.at(None, action=action, path=path, reason="no such file or directory"))
    return Source(path, _decode(path, data)) if data else None


def _read_optional(name: str, host: Host) -> Source | None:
    data = read_bytes(name, host)
    return Source(name, _decode(name, data)) if data else None


def read_bytes(path: str, host: Host) -> bytes | None:
    """The bytes of a file below the working folder or anywhere else; None if there is none. Raises `Failed`."""
    try:
        with open(host.path(path), "rb") as file:  # noqa: PTH123 - a third of the time of Path.open, and this is start-up
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(data) > MAX_BYTES:
        raise fail(codes.CANNOT_READ.at(None, action="read", path=path, reason=f"larger than {MAX_BYTES >> 20} MiB"))
    return data


def _unreadable(path: str, error: OSError | ValueError) -> Failed:
    number = getattr(error, "errno", None)
    action = "read" if isinstance(error, IsADirectoryError) else "open"
    reason = os.strerror(number).lower() if number else "invalid argument"
    return fail(codes.CANNOT_READ.at(None, action=action, path=path, reason=reason))


def is_text(source: Source) -> bool:
    """Whether all bytes of the file were UTF-8."""
    return source.text.isascii() or not any("\ud800" <= char <= "\udfff" for char in source.text)


def _decode(name: str, data: bytes) -> str:
    """Bytes that are not UTF-8 become lone surrogates, which the front ends report where they stand."""
    if name.lower().endswith((".yml", ".yaml")):
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise fail(codes.NOT_TEXT.at(None, path=name)) from error
    return data.decode("utf-8", "surrogateescape")
