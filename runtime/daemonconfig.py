"""The configuration that a new builder's daemon gets: `buildkitd.toml`, and the certificates that it names."""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path

from bakec.ir.codes.builder import BAD_CONFIG
from bakec.ir.diagnostics import fail
from bakec.runtime import toml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from bakec.ir.diagnostics import Failed

FILE = "buildkitd.toml"
FOLDER = "/etc/buildkit"
"""Where the files are in the daemon's file system."""
SIZE = 1 << 20
"""Bytes that are read of a file."""
NOT_FOUND = "buildkit configuration file not found"
INVALID = "invalid buildkit configuration file"
NOT_IN_PATHS = re.compile(r"[^a-zA-Z0-9.-]+")


def entitlements(path: str) -> tuple[str, ...]:
    """What the file lets builds do. Raises `Failed`."""
    return tuple(map(str, _parse(path).get("insecure-entitlements") or ()))


def load(path: str) -> dict[str, bytes]:
    """The files of the daemon's configuration by their name below `FOLDER`: `buildkitd.toml` with the paths of
    certificates changed to those that they have there, and the certificates. Raises `Failed`."""
    document = _parse(path)
    files: dict[str, bytes] = {}
    registries = document.get("registry") or {}
    if not isinstance(registries, dict):
        raise _bad(INVALID, path, "registry is no table")
    for name, registry in registries.items():
        if not isinstance(registry, dict):
            raise _bad(INVALID, path, f'invalid registry config for "{name}"')
        _move_certificates(path, registry, posixpath.join("certs", NOT_IN_PATHS.sub("_", name)), files)
    return {FILE: toml.dumps(document).encode(), **files}


def _parse(path: str) -> dict[str, Any]:
    data = _read(path, "failed to read buildkit configuration file" if Path(path).exists() else NOT_FOUND)
    try:
        return tomllib.loads(data.decode())
    except ValueError as error:
        raise _bad("failed to parse buildkit configuration file", path, str(error)) from error


def _move_certificates(path: str, registry: dict[str, Any], folder: str, files: dict[str, bytes]) -> None:
    for place, key in _named(path, registry):
        source = place[key]
        name = posixpath.join(folder, posixpath.basename(str(source)))
        files[name] = _read(str(source), "failed to read certificate file")
        place[key] = posixpath.join(FOLDER, name)


def _named(path: str, registry: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Where certificates are named: a list or table, and the key of it."""
    authorities, pairs = registry.get("ca") or [], registry.get("keypair") or []
    if not all(isinstance(one, str) for one in authorities) or not all(isinstance(one, dict) for one in pairs):
        raise _bad(INVALID, path, "ca is a list of files, keypair a list of tables")
    yield from ((authorities, index) for index in range(len(authorities)))
    yield from ((pair, key) for pair in pairs for key in ("key", "cert") if pair.get(key))


def _read(path: str, problem: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(SIZE)
    except OSError as error:
        raise _bad(problem, path, error.strerror or str(error)) from error


def _bad(what: str, path: str, reason: str) -> Failed:
    return fail(BAD_CONFIG.at(None, what=what, path=path, reason=reason))
