"""Making builders, and changing what they are made of."""

from __future__ import annotations

import asyncio
import csv
import os
import secrets
import shlex
import uuid
from urllib.parse import urlencode, urlsplit

from bakec.ir import platforms
from bakec.ir.codes.builder import BAD_BUILDER, NODE_FAILED, RESTART
from bakec.ir.diagnostics import Failed, fail
from bakec.ir.platforms import Platform, PlatformError
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, replace
from bakec.runtime import builders, contexts, daemonconfig
from bakec.runtime.drivers.base import Managed
from bakec.runtime.drivers.remote import SCHEMES
from bakec.runtime.store import Store, StoredBuilder, StoredNode, check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from bakec.ir.diagnostics import Diagnostics
    from bakec.runtime.dockerconfig import DockerConfig
    from bakec.runtime.store import Change

CREATABLE: Final = ("docker-container", "kubernetes", "remote")
"""Drivers that a builder can be made for."""
IN_CONTAINERS: Final = ("docker-container", "kubernetes")
NETWORK_HOST: Final = "network.host"
ENTITLEMENT: Final = "--allow-insecure-entitlement"
TRIES: Final = 6
ADJECTIVES: Final = ("amber", "brisk", "calm", "deft", "eager", "frank", "gentle", "keen", "lucid", "mellow", "nimble")
NOUNS: Final = ("anvil", "bakery", "crane", "dynamo", "foundry", "kiln", "lathe", "mill", "oven", "press", "smithy")
WITH_TLS: Final = (
    "could not create a builder instance with TLS data loaded from environment. Please use `docker context create "
    "<context-name>` to create a context for current environment and then create a builder instance with context set "
    "to <context-name>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What `builder create` is asked for; the names are those of its flags."""

    name: str = ""
    driver: str = ""
    node: str = ""
    platforms: tuple[str, ...] = ()
    driver_opts: tuple[str, ...] = ()
    buildkitd_flags: str = ""
    buildkitd_config: str = ""
    endpoint: str = ""
    append: bool = False
    use: bool = False


async def create(wanted: Wanted, env: Mapping[str, str], config: DockerConfig, sink: Diagnostics) -> StoredBuilder:
    """Make a builder, add a node to one, or change a node. Raises `Failed`, and then the store is as it was."""
    store = Store(env, config)
    with store.transaction() as change:
        before, name = _find(wanted, store, config)
        driver = _driver(wanted, before, env)
        _check(wanted, before, name, driver)
        old = before or StoredBuilder(name=name, driver=driver)
        new = old.with_node(_node(wanted, old, store, env, config))
        change.save(new)
        try:
            await _try_nodes(new, env, config)
        except BaseException:
            _undo(change, before, new)
            raise
        if before is not None and _needs_restart(before, new):
            sink.add(RESTART.at(None))
        if wanted.use:
            change.use(contexts.current_endpoint(env, config), new.name)
        return new


def _needs_restart(before: StoredBuilder, after: StoredBuilder) -> bool:
    """Whether a daemon may run with settings that have changed. That platforms move between nodes is none of them."""
    pairs = ((before.node(node.name), node) for node in after.nodes)
    return any(old is not None and replace(old, platforms=None) != replace(new, platforms=None) for old, new in pairs)


def leave(name: str, node: str, env: Mapping[str, str], config: DockerConfig) -> None:
    """Take a node out of a builder. Raises `Failed`."""
    for given, what in ((name, "instance"), (node, "node")):
        if not given:
            raise _bad(f"leave requires {what} name")
    store = Store(env, config)
    with store.transaction() as change:
        found = store.builder(name)
        if found is None:
            raise _bad(f"failed to find instance {quote(name)} for leave")
        change.leave(found, node)


def use(
    name: str, env: Mapping[str, str], config: DockerConfig, *, is_global: bool = False, is_default: bool = False
) -> None:
    """Make a builder the current one. Raises `Failed`."""
    store, current = Store(env, config), contexts.current_name(env, config)
    with store.transaction() as change:
        key = contexts.current_endpoint(env, config)
        if store.builder(name) is not None:
            change.use(key, name, is_global=is_global, is_default=is_default)
        elif name == current:
            change.use(key, "")
        elif name == contexts.DEFAULT:
            raise _bad("run `docker context use default` to switch to default context")
        elif contexts.find(name, env, config) is not None:
            raise _bad(f"run `docker context use {name}` to switch to context {name}")
        else:
            raise _bad(f"failed to find instance {quote(name)}")


def _bad(reason: str) -> Failed:
    return fail(BAD_BUILDER.at(None, reason=reason))


def _find(wanted: Wanted, store: Store, config: DockerConfig) -> tuple[StoredBuilder | None, str]:
    """The builder that is meant, if there is one, and its name."""
    if wanted.name == contexts.DEFAULT:
        raise _bad("default is a reserved name and cannot be used to identify builder instance")
    if wanted.append and not wanted.name:
        raise _bad("append requires a builder name")
    name = wanted.name or _new_name(store)
    if not wanted.append and name in contexts.names(config):
        raise _bad(f"instance name {quote(name)} already exists as context builder")
    found = store.builder(name)
    if found is None and wanted.append:
        raise _bad(f"failed to find instance {quote(name)} for append")
    return found, name


def _driver(wanted: Wanted, before: StoredBuilder | None, env: Mapping[str, str]) -> str:
    if wanted.driver or before is not None:
        return wanted.driver or (before.driver if before else "")
    is_remote = urlsplit(wanted.endpoint).scheme in SCHEMES
    return "remote" if is_remote or (not wanted.endpoint and env.get("BUILDKIT_HOST")) else "docker-container"


def _check(wanted: Wanted, before: StoredBuilder | None, name: str, driver: str) -> None:
    if before is not None and not wanted.node and not wanted.append:
        hint = "but no append mode, specify the node name to make changes for existing instances"
        raise _bad(f"existing instance for {quote(name)} {hint}")
    if before is not None and driver != before.driver:
        raise _bad(f"existing instance for {quote(name)} but has mismatched driver {quote(before.driver)}")
    if driver == "docker":
        raise _bad(f"additional instances of driver {quote(driver)} cannot be created")
    if driver not in CREATABLE:
        raise _bad(f"failed to find driver {quote(driver)}")


def _node(
    wanted: Wanted, builder: StoredBuilder, store: Store, env: Mapping[str, str], config: DockerConfig
) -> StoredNode:
    """The node as it is to be stored."""
    options = _options(wanted.driver_opts)
    file = wanted.buildkitd_config or str(store.default_config() or "")
    flags = _flags(wanted.buildkitd_flags, builder.driver, options or {}, file)
    endpoint = _endpoint(wanted, builder, env, config)
    old = builder.node(wanted.node)
    if old is None and builder.nodes and not wanted.append:
        raise _bad(f"node {wanted.node} not found, did you mean to append?")
    found = tuple(_platform(name) for text in wanted.platforms for name in text.split(",")) or None
    files = daemonconfig.load(file) if file else None
    if old is None:
        name = check_name(wanted.node or builder.next_name())
        return StoredNode(
            name=name, endpoint=endpoint, platforms=found, options=options, flags=flags or None, files=files
        )
    is_given = bool(wanted.endpoint) or builder.driver == "remote"
    return replace(
        old,
        endpoint=endpoint if is_given else old.endpoint,
        platforms=found or old.platforms,
        options=old.options if options is None else options,
        flags=flags or old.flags,
        files={**(old.files or {}), **files} if files else old.files,
    )


def _endpoint(wanted: Wanted, builder: StoredBuilder, env: Mapping[str, str], config: DockerConfig) -> str:
    given = wanted.endpoint
    if builder.driver == "kubernetes":
        if given:
            raise _bad(f"kubernetes driver does not support endpoint args {quote(given)}")
        return _cluster(wanted, builder, env)
    if builder.driver == "remote":
        return _address(given or env.get("BUILDKIT_HOST", ""))
    if given:
        return _engine(given, env, config)
    context = contexts.current(env, config)
    if context.name == contexts.DEFAULT and context.certificates:
        raise _bad(WITH_TLS)
    return contexts.current_endpoint(env, config)


def _address(given: str) -> str:
    if not given:
        raise _bad("no remote endpoint provided")
    scheme = urlsplit(given).scheme
    if scheme not in SCHEMES:
        raise _bad(f"unrecognized url scheme {scheme}")
    return given


def _engine(given: str, env: Mapping[str, str], config: DockerConfig) -> str:
    """A context by its name, or the address of an engine."""
    found = contexts.find(given, env, config)
    if found is not None:
        return found.host if given == contexts.DEFAULT else given
    try:
        return contexts.full_host(given)
    except ValueError as error:
        raise _bad(f"failed to parse endpoint {given}: {error}") from error


def _cluster(wanted: Wanted, builder: StoredBuilder, env: Mapping[str, str]) -> str:
    """A name of its own for the deployment, so that no two nodes have one endpoint."""
    deployment = wanted.node or f"buildkit-{uuid.uuid4()}-{secrets.token_hex(3)[:5]}"
    query = urlencode({"deployment": deployment, "kubeconfig": env.get("KUBECONFIG", "")})
    return f"kubernetes:///{builder.name}?{query}"


def _options(texts: Sequence[str]) -> dict[str, str] | None:
    """`k=v,k=v`, each field quoted as in CSV."""
    found: dict[str, str] = {}
    for text in texts:
        for field in _fields(text):
            key, equals, value = field.partition("=")
            if not equals:
                raise _bad(f"invalid value {quote(field)}, expecting k=v")
            found[key] = value
    return found if texts else None


def _fields(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True))
    except (csv.Error, StopIteration) as error:
        raise _bad(f"invalid value {quote(text)}: {error or 'it is empty'}") from error


def _flags(text: str, driver: str, options: Mapping[str, str], file: str) -> tuple[str, ...]:
    """The daemon's flags. Builds in containers may use the network of the daemon's container, which is none of the
    host's, unless something else is said."""
    try:
        words = tuple(shlex.split(text, comments=True))
    except ValueError as error:
        raise _bad(f"failed to parse buildkit flags: {error}") from error
    granted = _granted(words)
    in_file = NETWORK_HOST in (daemonconfig.entitlements(file) if file else ())
    is_asked = driver == "docker-container" and options.get("network") == "host" and NETWORK_HOST not in granted
    is_implied = driver in IN_CONTAINERS and not granted and not in_file
    return (*words, f"{ENTITLEMENT}={NETWORK_HOST}") if is_asked or is_implied else words


def _granted(words: Sequence[str]) -> list[str]:
    """The entitlements among the flags, up to the first flag of another kind: buildx sees no further, and what is
    stored has to be the same."""
    found: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if name == ENTITLEMENT and (equals or left):
            found.append(value if equals else left.pop(0))
        elif word.startswith("-") and word != "-":
            break
    return found


def _platform(name: str) -> Platform:
    try:
        if name.lower() == "local":
            return platforms.normalize(Platform(os="linux", architecture=os.uname().machine))
        return platforms.normalize(platforms.parse(name))
    except PlatformError as error:
        raise _bad(str(error)) from error


async def _try_nodes(builder: StoredBuilder, env: Mapping[str, str], config: DockerConfig) -> None:
    """Whether every node's options make sense and its state can be asked for. Raises `Failed`."""
    await asyncio.gather(*(_try_node(builder, node, env, config) for node in builder.nodes))


async def _try_node(builder: StoredBuilder, node: StoredNode, env: Mapping[str, str], config: DockerConfig) -> None:
    try:
        driver = builders.make_driver(builder, node, env, config)
        try:
            if isinstance(driver, Managed):
                await driver.status()
        finally:
            await driver.close()
    except Failed as failure:
        raise fail(NODE_FAILED.at(None, name=builder.name, node=node.name, reason=failure)) from failure


def _undo(change: Change, before: StoredBuilder | None, new: StoredBuilder) -> None:
    if before is None:
        change.remove(new.name)
    else:
        change.save(before)


def _new_name(store: Store) -> str:
    for _ in range(TRIES):
        name = f"{secrets.choice(ADJECTIVES)}_{secrets.choice(NOUNS)}"
        if store.builder(name) is None:
            return name
    return f"{name}{secrets.token_hex(2)}"
