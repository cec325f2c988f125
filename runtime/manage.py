"""What is known of builders, and what is done to them besides building: start, stop, remove."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from bakec.ir.codes.builder import BAD_BUILDER, NOT_REMOVED
from bakec.ir.codes.run import LOST
from bakec.ir.diagnostics import Failed, fail
from bakec.ir.platforms import Platform, normalize
from bakec.ir.records import dataclass
from bakec.runtime import builders, contexts, errors
from bakec.runtime.buildkit.channel import connect
from bakec.runtime.buildkit.control import Control
from bakec.runtime.buildkit.proto.worker_pb2 import WorkerRecord
from bakec.runtime.buildkit.rpc import UNIMPLEMENTED, RpcError
from bakec.runtime.drivers.base import SILENT, Managed
from bakec.runtime.drivers.local import folder_of
from bakec.runtime.progress.display import make_display
from bakec.runtime.progress.step import BootStep
from bakec.runtime.store import StoredBuilder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import TextIO

    from bakec.ir.diagnostics import Diagnostic
    from bakec.runtime.buildkit.channel import Connection
    from bakec.runtime.buildkit.proto.worker_pb2 import CDIDevice, GCPolicy
    from bakec.runtime.drivers.base import Boot, Driver, Features
    from bakec.runtime.scene import Scene
    from bakec.runtime.store import StoredNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """What a daemon that runs tells of itself."""

    version: str
    ids: tuple[str, ...]
    platforms: tuple[Platform, ...]
    labels: Mapping[str, str]
    policies: tuple[GCPolicy, ...]
    devices: tuple[CDIDevice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """`status` is that of `drivers.base.Status`, or `error` with a reason in `error`."""

    stored: StoredNode
    status: str
    error: str = ""
    features: Features | None = None
    daemon: Daemon | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuilderState:
    """`error` says why nothing else is known of it."""

    stored: StoredBuilder
    is_current: bool = False
    activity: datetime | None = None
    nodes: tuple[NodeState, ...] = ()
    error: str = ""


async def inspect(name: str, scene: Scene) -> BuilderState:
    """The builder of that name, or the current one. Raises `Failed` when there is none."""
    return await _state(builders.lookup(name, scene.env, scene.config), scene, is_current=False)


async def every(scene: Scene) -> list[BuilderState]:
    """All builders of the store, and those of contexts, by name. One that cannot be read is told of in its state."""
    found: dict[str, StoredBuilder | Failed] = {}
    for name in scene.store.names():
        found[name] = _read(name, scene)
    local = [builders.LOCAL] if folder_of(scene.env).exists() else []
    for name in (*contexts.names(scene.config), *local):
        found.setdefault(name, _read(name, scene))
    current = _current_name(scene)
    states = (
        _failed(name, builder) if isinstance(builder, Failed) else _state(builder, scene, builder.name == current)
        for name, builder in found.items()
    )
    return await asyncio.gather(*states)


def _read(name: str, scene: Scene) -> StoredBuilder | Failed:
    try:
        return builders.lookup(name, scene.env, scene.config)
    except Failed as failure:
        return failure


def _current_name(scene: Scene) -> str:
    try:
        return builders.lookup("", scene.env, scene.config).name
    except Failed:
        return ""


async def _failed(name: str, failure: Failed) -> BuilderState:
    return BuilderState(stored=StoredBuilder(name=name, driver=""), error=str(failure))


async def _state(builder: StoredBuilder, scene: Scene, is_current: bool) -> BuilderState:
    known = builders.with_driver(builder, scene.env, scene.config)
    nodes = await asyncio.gather(*(_node_state(known, node, scene) for node in known.nodes))
    activity = scene.store.activity(known.name)
    return BuilderState(stored=known, is_current=is_current, activity=activity, nodes=tuple(nodes))


async def _node_state(builder: StoredBuilder, node: StoredNode, scene: Scene) -> NodeState:
    try:
        async with asyncio.timeout(scene.seconds):
            return await _ask(scene.driver(builder, node), node, scene)
    except TimeoutError:
        return NodeState(stored=node, status="error", error=f"no answer in {scene.seconds:g} seconds")
    except Failed as failure:
        return NodeState(stored=node, status="error", error=str(failure))


async def _ask(driver: Driver, node: StoredNode, scene: Scene) -> NodeState:
    """What a node is doing. A daemon that is not here to be started and does not answer is inactive."""
    if isinstance(driver, Managed):
        status = await driver.status()
        if status != "running":
            await driver.close()
            return NodeState(stored=node, status=status, features=driver.features({}))
    try:
        async with reached(driver) as connection:
            daemon = await _daemon(connection, scene.seconds)
            return NodeState(stored=node, status="running", features=driver.features(daemon.labels), daemon=daemon)
    except Failed:
        if driver.name == "remote":
            return NodeState(stored=node, status="inactive", features=driver.features({}))
        raise


async def _daemon(connection: Connection, seconds: float) -> Daemon:
    control = Control(connection.channel)
    workers = await control.workers(seconds=seconds)
    first = workers[0] if workers else WorkerRecord()
    return Daemon(
        version=await _version(control, seconds),
        ids=tuple(sorted(worker.ID for worker in workers)),
        platforms=_platforms(workers),
        labels=dict(first.Labels),
        policies=tuple(first.GCPolicy),
        devices=tuple(device for worker in workers for device in worker.CDIDevices),
    )


async def _version(control: Control, seconds: float) -> str:
    """Empty for a daemon that is too old to tell."""
    try:
        return await control.version(seconds=seconds)
    except RpcError as error:
        if error.code == UNIMPLEMENTED:
            return ""
        raise


def _platforms(workers: Iterable[WorkerRecord]) -> tuple[Platform, ...]:
    found = (
        normalize(
            Platform(
                os=one.OS,
                architecture=one.Architecture,
                variant=one.Variant,
                os_version=one.OSVersion,
                os_features=tuple(one.OSFeatures),
            )
        )
        for worker in workers
        for one in worker.platforms
    )
    return tuple(dict.fromkeys(found))


@asynccontextmanager
async def reached(driver: Driver, boot: Boot = SILENT) -> AsyncIterator[Connection]:
    """A connection on which errors of gRPC are `Failed`."""
    async with connect(driver, boot) as connection:
        try:
            yield connection
        except RpcError as error:
            reason = await errors.explain(error, Control(connection.channel))
            raise fail(LOST.at(None, endpoint=driver.place, reason=reason)) from error


async def bootstrap(name: str, scene: Scene, stream: TextIO, progress: str = "auto") -> StoredBuilder:
    """Make all daemons of a builder ready, and show how on `stream`. Raises `Failed`."""
    builder = builders.with_driver(builders.lookup(name, scene.env, scene.config), scene.env, scene.config)
    display = make_display(progress, stream, ())

    async def boot(node: StoredNode) -> None:
        prefix = node.name if len(builder.nodes) > 1 else ""
        step = BootStep(lambda response: display.update(prefix, response))
        try:
            async with reached(scene.driver(builder, node), step) as connection:
                await Control(connection.channel).workers(seconds=scene.seconds)
            step.end()
        except Failed as failure:
            step.end(str(failure))
            raise

    try:
        await _all(boot(node) for node in builder.nodes)
    finally:
        display.close()
    return builder


async def stop(name: str, scene: Scene) -> None:
    """Let the daemons of a builder end. Those that are somebody else's go on. Raises `Failed`."""
    builder = builders.with_driver(builders.lookup(name, scene.env, scene.config), scene.env, scene.config)
    await _each_managed(builder, scene, lambda driver: driver.stop())


async def remove(name: str, scene: Scene, *, keep_state: bool = False, keep_daemon: bool = False) -> None:
    """Take a builder out of the store, and its daemons out of the world. What cannot be removed of them is told of by
    `Failed`, and the builder is gone all the same."""
    builder = _removable(name, scene)
    try:
        if builder is not None and not keep_daemon:
            await _each_managed(builder, scene, lambda driver: driver.remove(keep_state=keep_state))
    except Failed as failure:
        raise Failed([NOT_REMOVED.at(None, name=name, reason=one.message) for one in failure.diagnostics]) from failure
    finally:
        with scene.store.transaction() as change:
            change.remove(builder.name if builder is not None else name)


def _removable(name: str, scene: Scene) -> StoredBuilder | None:
    """None for one that cannot be read: only its file can be removed."""
    if name in scene.store.names():
        found = _read(name, scene)
        return None if isinstance(found, Failed) else found
    builder = builders.lookup(name, scene.env, scene.config)
    if not builder.driver:
        reason = f"context builder cannot be removed, run `docker context rm {builder.name}` to remove this context"
        raise fail(BAD_BUILDER.at(None, reason=reason))
    return builder


async def idle(scene: Scene) -> list[str]:
    """The builders of the store of which no daemon runs."""
    states = [state for state in await every(scene) if state.stored.driver and not state.error]
    stored = set(scene.store.names())
    return [
        state.stored.name
        for state in states
        if state.stored.name.lower() in stored and all(node.status != "running" for node in state.nodes)
    ]


async def _each_managed(builder: StoredBuilder, scene: Scene, act: Callable[[Managed], Awaitable[None]]) -> None:
    async def one(node: StoredNode) -> None:
        driver = scene.driver(builder, node)
        try:
            if isinstance(driver, Managed):
                await act(driver)
        finally:
            await driver.close()

    await _all(one(node) for node in builder.nodes)


async def _all(works: Iterable[Awaitable[None]]) -> None:
    """All of them to their end; raises one `Failed` with everything that went wrong."""
    results: Sequence[BaseException | None] = await asyncio.gather(*works, return_exceptions=True)
    found: list[Diagnostic] = []
    for result in results:
        if isinstance(result, Failed):
            found.extend(result.diagnostics)
        elif result is not None:
            raise result
    if found:
        raise Failed(found)
