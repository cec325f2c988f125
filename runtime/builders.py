"""Which builder a run uses: an address, a builder of the store that buildx keeps, or the Docker Engine."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakec.ir.codes.run import UNKNOWN_BUILDER, UNSUPPORTED_DRIVER
from bakec.ir.diagnostics import fail
from bakec.ir.platforms import Platform
from bakec.runtime.dockerconfig import DockerConfig
from bakec.runtime.drivers.base import Driver

if TYPE_CHECKING:
    from bakec.runtime.drivers.docker import DockerDriver


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderNode:
    """A daemon of a builder. `platforms` are those that the store says it is for; none means whatever it can do."""

    name: str
    driver: Driver
    platforms: tuple[Platform, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """What `--builder` names: at least one node, all of one kind of driver."""

    name: str
    driver: str
    nodes: tuple[BuilderNode, ...]

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return self.nodes[0].driver.place if len(self.nodes) == 1 else f"the {len(self.nodes)} nodes of {self.name}"


def choose(name: str, env: Mapping[str, str], config: DockerConfig) -> Builder:
    """`name` is `--builder`: empty for the current builder. Raises `Failed`.

    An address is a daemon of its own (`remote`); `docker` and `default` are the engine that the Docker client
    uses; all else is a name of the store.
    """
    name = name or env.get("BUILDX_BUILDER", "")
    if "://" in name:
        return alone(name, _remote(name, {}, env))
    if name in ("", "docker", "default"):
        stored = _current(env, config) if not name else None
        return _from_store(stored, env) if stored else alone("default", docker_driver(env))
    stored = _read(_store(env, config) / "instances" / name.lower())
    if stored is None:
        raise fail(UNKNOWN_BUILDER.at(None, name=name))
    return _from_store(stored, env)


def docker_host(env: Mapping[str, str]) -> str:
    from bakec.runtime.drivers.docker import DEFAULT_HOST

    return env.get("DOCKER_HOST") or DEFAULT_HOST


def docker_driver(env: Mapping[str, str]) -> "DockerDriver":
    from bakec.runtime.drivers.docker import DockerDriver

    verify = env.get("DOCKER_TLS_VERIFY", "")
    home = str(Path(env.get("HOME") or Path.home()) / ".docker")
    return DockerDriver(docker_host(env), env.get("DOCKER_CERT_PATH", home) if verify else "")


def _remote(address: str, options: Mapping[str, str], env: Mapping[str, str]) -> Driver:
    from bakec.runtime.drivers.docker import EngineImages
    from bakec.runtime.drivers.remote import RemoteDriver

    return RemoteDriver(address, options, images=EngineImages(docker_host(env), ""), env=dict(env))


def alone(name: str, driver: Driver) -> Builder:
    """A builder of one daemon, which is not in the store."""
    return Builder(name=name, driver=driver.name, nodes=(BuilderNode(name=name, driver=driver),))


def _from_store(stored: Mapping[str, Any], env: Mapping[str, str]) -> Builder:
    name, driver = str(stored.get("Name") or ""), str(stored.get("Driver") or "docker")
    maker = DRIVERS.get(driver)
    if maker is None:
        raise fail(UNSUPPORTED_DRIVER.at(None, name=name, driver=driver))
    stored_nodes: Sequence[Mapping[str, Any]] = stored.get("Nodes") or ({},)
    nodes = (
        BuilderNode(name=str(node.get("Name") or name), driver=maker(node, env), platforms=_platforms(node))
        for node in stored_nodes
    )
    return Builder(name=name, driver=driver, nodes=tuple(nodes))


def _platforms(node: Mapping[str, Any]) -> tuple[Platform, ...]:
    return tuple(
        Platform(
            os=str(found.get("os") or ""),
            architecture=str(found.get("architecture") or ""),
            variant=str(found.get("variant") or ""),
            os_version=str(found.get("os.version") or ""),
            os_features=tuple(map(str, found.get("os.features") or ())),
        )
        for found in node.get("Platforms") or ()
    )


def _docker_at(node: Mapping[str, Any], env: Mapping[str, str]) -> "DockerDriver":
    from bakec.runtime.drivers.docker import DockerDriver

    endpoint = str(node.get("Endpoint") or "")
    return DockerDriver(endpoint) if "://" in endpoint else docker_driver(env)


def _remote_at(node: Mapping[str, Any], env: Mapping[str, str]) -> Driver:
    return _remote(str(node.get("Endpoint") or ""), node.get("DriverOpts") or {}, env)


def _container_at(node: Mapping[str, Any], env: Mapping[str, str]) -> Driver:
    from bakec.runtime.drivers.container import ContainerDriver

    options = node.get("DriverOpts") or {}
    files = {name: base64.b64decode(data) for name, data in (node.get("Files") or {}).items()}
    flags = tuple(node.get("Flags") or ())
    return ContainerDriver(_docker_at(node, env), str(node.get("Name") or ""), options, flags, files)


Maker = Callable[[Mapping[str, Any], Mapping[str, str]], Driver]
DRIVERS: Mapping[str, Maker] = {
    "docker": _docker_at,
    "docker-container": _container_at,
    "remote": _remote_at,
}
"""Driver name -> how to make one from a stored node and the environment."""


def _current(env: Mapping[str, str], config: DockerConfig) -> Mapping[str, Any] | None:
    """The builder that `docker buildx use` chose for this engine, or for all."""
    store, key = _store(env, config), docker_host(env)
    current = _read(store / "current") or {}
    name = current.get("Name", "") if current.get("Global") or current.get("Key") == key else ""
    if not name:
        with suppress(OSError):
            name = (store / "defaults" / hashlib.sha256(key.encode()).hexdigest()[:20]).read_text().strip()
    return _read(store / "instances" / str(name)) if name else None


def _store(env: Mapping[str, str], config: DockerConfig) -> Path:
    return Path(env.get("BUILDX_CONFIG") or config.folder / "buildx")


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
