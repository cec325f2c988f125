"""The contexts of the Docker client: named engines, of which one is current."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from bakec.ir.codes.builder import BAD_CONTEXT
from bakec.ir.diagnostics import fail
from bakec.ir.digests import sha256
from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bakec.runtime.dockerconfig import DockerConfig

DEFAULT = "default"
DEFAULT_HOST = "unix:///var/run/docker.sock"
SECURE_HOST = "tcp://localhost:2376"
PORT = 2375
"""Of an address without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """An engine at `host`. `certificates` is the folder of ca.pem, cert.pem and key.pem, of which any may be missing;
    empty for a plain connection."""

    name: str
    host: str
    certificates: str = ""
    skip_verify: bool = False


def current_name(env: Mapping[str, str], config: DockerConfig) -> str:
    """DOCKER_HOST before DOCKER_CONTEXT before what `docker context use` has written."""
    if env.get("DOCKER_HOST"):
        return DEFAULT
    return env.get("DOCKER_CONTEXT") or str(config.values.get("currentContext") or DEFAULT)


def current(env: Mapping[str, str], config: DockerConfig) -> Context:
    """Raises `Failed` when there is no such context."""
    name = current_name(env, config)
    found = find(name, env, config)
    if found is None:
        raise fail(BAD_CONTEXT.at(None, name=name, reason="it does not exist"))
    return found


def find(name: str, env: Mapping[str, str], config: DockerConfig) -> Context | None:
    """The context of that name. Raises `Failed` for one that cannot be read."""
    if name == DEFAULT:
        return _default(env)
    path = config.folder / "contexts/meta" / _id(name) / "meta.json"
    return _read(path, config) if path.exists() else None


def names(config: DockerConfig) -> tuple[str, ...]:
    """All contexts by name. Raises `Failed` for one that cannot be read."""
    paths = (config.folder / "contexts/meta").glob("*/meta.json")
    return tuple(sorted((DEFAULT, *(_read(path, config).name for path in paths))))


def current_endpoint(env: Mapping[str, str], config: DockerConfig) -> str:
    """What the store calls the current engine: the name of its context, or its address."""
    name = current_name(env, config)
    return _default(env).host if name == DEFAULT else name


def _default(env: Mapping[str, str]) -> Context:
    is_secure = bool(env.get("DOCKER_TLS_VERIFY") or env.get("DOCKER_TLS"))
    folder = env.get("DOCKER_CERT_PATH") or str(Path(env.get("HOME") or Path.home()) / ".docker")
    try:
        host = full_host(env.get("DOCKER_HOST", ""), is_secure=is_secure)
    except ValueError as error:
        raise fail(BAD_CONTEXT.at(None, name=DEFAULT, reason=f"DOCKER_HOST: {error}")) from error
    return Context(
        name=DEFAULT,
        host=host,
        certificates=folder if is_secure else "",
        skip_verify=is_secure and not env.get("DOCKER_TLS_VERIFY"),
    )


def full_host(host: str, *, is_secure: bool = False) -> str:
    """The address of an engine with all that may be left out of it. Raises `ValueError` for what is no address."""
    host = host.strip()
    if not host:
        return SECURE_HOST if is_secure else DEFAULT_HOST
    scheme, mark, rest = host.partition("://")
    if not mark:
        scheme, rest = "tcp", host
    if scheme == "unix":
        return f"unix://{rest}" if rest else DEFAULT_HOST
    if scheme == "tcp":
        return _with_port(rest)
    if scheme not in ("ssh", "npipe", "fd"):
        raise ValueError(f"invalid bind address format: {host}")
    return host


def _with_port(address: str) -> str:
    url = urlsplit(f"tcp://{address}")
    host = f"[{url.hostname}]" if url.hostname and ":" in url.hostname else url.hostname or "localhost"
    return f"tcp://{host}:{url.port or PORT}{url.path}"


def _read(path: Path, config: DockerConfig) -> Context:
    try:
        document: Any = json.loads(path.read_bytes())
        name, endpoint = str(document["Name"]), document["Endpoints"]["docker"]
        host, skip = str(endpoint.get("Host") or DEFAULT_HOST), bool(endpoint.get("SkipTLSVerify"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise fail(BAD_CONTEXT.at(None, name=path.parent.name[:12], reason=f"{path}: {error}")) from error
    certificates = config.folder / "contexts/tls" / _id(name) / "docker"
    return Context(
        name=name, host=host, certificates=str(certificates) if certificates.is_dir() else "", skip_verify=skip
    )


def _id(name: str) -> str:
    return sha256(name.encode())
