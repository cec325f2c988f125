"""Which builder a run uses: an address, a builder of the store, or the engine of a docker context."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from bakec.ir.codes.builder import OTHER_CONTEXT
from bakec.ir.codes.run import UNKNOWN_BUILDER, UNSUPPORTED_DRIVER
from bakec.ir.diagnostics import fail
from bakec.ir.records import dataclass, replace
from bakec.runtime import contexts
from bakec.runtime.dockerconfig import DockerConfig
from bakec.runtime.drivers.base import Driver, bad_option
from bakec.runtime.store import NAME, Store, StoredBuilder, StoredNode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.ir.platforms import Platform
    from bakec.runtime.drivers.docker import DockerDriver

LOCAL: Final = "local"
"""A daemon that is started from a program at hand."""
PROBE_SECONDS: Final = 5.0
PROBE: Final = b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
SWITCHED: Final = b"101"


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
    """`name` is `--builder`: empty for BUILDX_BUILDER, or the current builder. An address is a daemon of its own
    (`remote`). Raises `Failed`."""
    name = name or env.get("BUILDX_BUILDER", "")
    if "://" in name:
        driver = _remote(name, {}, env, config)
        return alone(name, driver)
    stored = lookup(name, env, config)
    if not stored.driver and stored.name != contexts.current_name(env, config):
        raise fail(OTHER_CONTEXT.at(None, name=stored.name))
    stored = with_driver(stored, env, config)
    nodes = (
        BuilderNode(name=node.name, driver=make_driver(stored, node, env, config), platforms=node.platforms or ())
        for node in stored.nodes
    )
    return Builder(name=stored.name, driver=stored.driver, nodes=tuple(nodes))


def lookup(name: str, env: Mapping[str, str], config: DockerConfig) -> StoredBuilder:
    """The builder of the store, else that of the docker context: one node, whose driver is not named yet. An empty name
    is the current builder. Raises `Failed` when there is none."""
    store = Store(env, config)
    if not name:
        key = contexts.current_endpoint(env, config)
        return store.current(key) or lookup(_implicit(env, config), env, config)
    stored = store.builder(name) if NAME.fullmatch(name) else None
    if stored is not None:
        return stored
    if name == LOCAL:
        from bakec.runtime.drivers.local import folder_of

        node = StoredNode(name=LOCAL, endpoint=f"unix://{folder_of(env)}/socket")
        return StoredBuilder(name=LOCAL, driver=LOCAL, nodes=(node,))
    if name == "docker":
        name = contexts.current_name(env, config)
    if contexts.find(name, env, config) is None:
        raise fail(UNKNOWN_BUILDER.at(None, name=name))
    return StoredBuilder(name=name, driver="", nodes=(StoredNode(name=name, endpoint=name),))


def _implicit(env: Mapping[str, str], config: DockerConfig) -> str:
    """The builder where nobody has chosen one: the engine of the current context. Where that is the usual engine of a
    machine that runs none, and a daemon can be started, it is `local`."""
    name = contexts.current_name(env, config)
    is_chosen = name != contexts.DEFAULT or env.get("DOCKER_HOST")
    if is_chosen or _is_served(contexts.DEFAULT_HOST):
        return name
    from bakec.runtime.drivers.local import program

    return LOCAL if program(env) else name


def _is_served(host: str) -> bool:
    """Whether somebody may be reached at a socket of this machine."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PROBE_SECONDS)
        connection.connect(urlsplit(host).path)
        return True
    return False


def with_driver(stored: StoredBuilder, env: Mapping[str, str], config: DockerConfig) -> StoredBuilder:
    """The builder of a context gets the docker driver; where the engine has no BuildKit, it is run in a container. Any
    other builder is returned as it is."""
    if stored.driver:
        return stored
    context = contexts.find(stored.nodes[0].endpoint, env, config)
    driver = "docker" if context is None or _has_buildkit(context.host) else "docker-container"
    return replace(stored, driver=driver)


def _has_buildkit(host: str) -> bool:
    """False if an engine answers on a socket of this machine and refuses. Others are taken at their word."""
    url = urlsplit(host)
    if url.scheme != "unix":
        return True
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PROBE_SECONDS)
        connection.connect(url.path)
        connection.sendall(PROBE)
        answer = connection.recv(64).split(b" ", 2)
        return len(answer) < 2 or answer[1] == SWITCHED
    return True


# Drivers


def make_driver(stored: StoredBuilder, node: StoredNode, env: Mapping[str, str], config: DockerConfig) -> Driver:
    """Raises `Failed` for a driver that is not known, and for options that make no sense."""
    maker = DRIVERS.get(stored.driver)
    if maker is None:
        raise fail(UNSUPPORTED_DRIVER.at(None, name=stored.name, driver=stored.driver))
    return maker(node, env, config)


def engine_at(endpoint: str, env: Mapping[str, str], config: DockerConfig) -> DockerDriver:
    """The engine of a context, or at an address."""
    from bakec.runtime.drivers.docker import DockerDriver

    context = contexts.find(endpoint, env, config)
    if context is None:
        return DockerDriver(endpoint)
    return DockerDriver(context.host, context.certificates, skip_verify=context.skip_verify)


def _docker(node: StoredNode, env: Mapping[str, str], config: DockerConfig) -> DockerDriver:
    if node.files:
        reason = "setting config file is not supported for docker driver, use dockerd configuration file"
        raise bad_option(reason)
    return engine_at(node.endpoint, env, config)


def _remote_at(node: StoredNode, env: Mapping[str, str], config: DockerConfig) -> Driver:
    for what, given in (("config file", node.files), ("buildkit flags", node.flags)):
        if given:
            raise bad_option(f"setting {what} is not supported for remote driver")
    return _remote(node.endpoint, node.options or {}, env, config)


def _remote(address: str, options: Mapping[str, str], env: Mapping[str, str], config: DockerConfig) -> Driver:
    from bakec.runtime.drivers.remote import RemoteDriver

    images = engine_at(contexts.current_name(env, config), env, config).images
    return RemoteDriver(address, options, images=images, env=dict(env))


def alone(name: str, driver: Driver) -> Builder:
    """A builder of one daemon, which is not in the store."""
    return Builder(name=name, driver=driver.name, nodes=(BuilderNode(name=name, driver=driver),))


def _container(node: StoredNode, env: Mapping[str, str], config: DockerConfig) -> Driver:
    from bakec.runtime.drivers.container import ContainerDriver
    from bakec.runtime.github import actions_context

    return ContainerDriver(
        engine=engine_at(node.endpoint, env, config),
        node=node.name,
        options=node.options or {},
        flags=node.flags or (),
        files=node.files or {},
        more_files=lambda: actions_context(env),
        login=config.auth_for_push,
        env=env,
    )


def _kubernetes(node: StoredNode, env: Mapping[str, str], config: DockerConfig) -> Driver:
    from bakec.runtime.drivers.kubernetes import KubernetesDriver

    return KubernetesDriver(
        node=node.name,
        url=node.endpoint,
        options=node.options or {},
        flags=node.flags or (),
        files=node.files or {},
        platforms=node.platforms or (),
        directory=str(Path.cwd()),
        env=env,
        engine=engine_at(contexts.current_name(env, config), env, config),
    )


def _local(node: StoredNode, env: Mapping[str, str], config: DockerConfig) -> Driver:
    from bakec.runtime.drivers.docker import DockerDriver
    from bakec.runtime.drivers.local import LocalDriver, folder_of, program
    from bakec.runtime.drivers.remote import RemoteDriver

    del config
    found = program(env)
    inner = RemoteDriver(node.endpoint) if found.endswith("/buildkitd") else DockerDriver(node.endpoint)
    return LocalDriver(folder=folder_of(env), program=found, inner=inner, env=env)


Maker = Callable[[StoredNode, Mapping[str, str], DockerConfig], Driver]
DRIVERS: Mapping[str, Maker] = {
    "docker": _docker,
    "docker-container": _container,
    "kubernetes": _kubernetes,
    "remote": _remote_at,
    LOCAL: _local,
}
"""Driver name -> how to make one for a node, in an environment."""
