"""Before the first build of a run: what the builder can do, all requests, and the sessions that jobs
share."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from bakec.ir.codes.run import LOST
from bakec.ir.diagnostics import fail
from bakec.ir.plan import LlbSolve
from bakec.runtime.buildkit.control import Control, Gateway
from bakec.runtime.buildkit.proto import control_pb2 as control
from bakec.runtime.buildkit.proto import gateway_pb2 as gateway
from bakec.runtime.buildkit.rpc import RpcError
from bakec.runtime.buildkit.services import filesync
from bakec.runtime.buildkit.session import Session, make_id
from bakec.runtime.errors import explain
from bakec.runtime.exports import Place
from bakec.runtime.request import Site, remote_dockerfile, shared_key, wants_caps
from bakec.runtime.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from contextlib import AsyncExitStack
    from pathlib import Path

    from bakec.ir.plan import Job, Plan
    from bakec.runtime.buildkit.channel import Connection
    from bakec.runtime.buildkit.proto.worker_pb2 import WorkerRecord
    from bakec.runtime.dockerconfig import DockerConfig
    from bakec.runtime.options import RunOptions
    from bakec.runtime.request import Request

ANSWER_SECONDS = 20.0
"""How long a daemon may take to say that it is there."""
MASK_LENGTH = 4
"""Secrets shorter than this are not masked: every log would be full of stars."""


async def survey(connection: Connection, jobs: Collection[Job], options: RunOptions, config: DockerConfig) -> Site:
    """Ask the daemon what it can do. Raises `Failed` when it is gone."""
    try:
        return await _survey(connection, jobs, options, config)
    except RpcError as error:
        reason = await explain(error, Control(connection.channel))
        raise fail(LOST.at(None, endpoint=connection.driver.place, reason=connection.trouble or reason)) from error


async def _survey(connection: Connection, jobs: Collection[Job], options: RunOptions, config: DockerConfig) -> Site:
    driver = connection.driver
    workers = await Control(connection.channel).workers(seconds=ANSWER_SECONDS)
    features = driver.features(workers[0].Labels if workers else {})
    wanted = features.multi_platform and any(map(wants_caps, jobs))
    place = Place(
        root=options.root,
        driver=driver.name,
        features=features,
        env=options.env,
        engine_imports_oci=features.moby and features.oci_exporter,
    )
    return Site(
        place=place,
        config=config,
        node_id=await asyncio.to_thread(Store(options.env, config).node_id),
        caps=await read_caps(connection) if wanted else frozenset(),
        platform=platform_of(workers) if any(isinstance(job.solve, LlbSolve) for job in jobs) else "",
        downloads=await _download(connection, config, set(filter(None, map(remote_dockerfile, jobs)))),
    )


async def _download(connection: Connection, config: DockerConfig, urls: Collection[str]) -> dict[str, bytes | str]:
    """Dockerfiles that are elsewhere: the builder fetches them, as it has the network. What went wrong is text."""
    if not urls:
        return {}
    from bakec.runtime.fetch import fetch_dockerfile

    async def get(url: str) -> bytes | str:
        try:
            return await fetch_dockerfile(connection, config, url)
        except ValueError as error:
            return str(error)

    return dict(zip(urls, await asyncio.gather(*map(get, urls)), strict=True))


def platform_of(workers: Sequence[WorkerRecord]) -> str:
    """The platform that a builder builds for unless it is told another: the first one of its first worker."""
    from bakec.ir.platforms import Platform, full_name, normalize

    for found in workers[0].platforms if workers else ():
        one = Platform(os=found.OS, architecture=found.Architecture, variant=found.Variant)
        return full_name(normalize(one))
    return ""


async def read_caps(connection: Connection) -> frozenset[str]:
    """The daemon's capabilities, which it tells inside of a build only: of one that does nothing."""
    ref = make_id()
    bridge = Gateway(connection.channel, ref)
    request = control.SolveRequest(Ref=ref, Internal=True)
    submitted = asyncio.create_task(Control(connection.channel).solve(request))
    try:
        pong = await bridge.ping()
        await bridge.finish(gateway.ReturnRequest(result=gateway.Result()))
        await submitted
    finally:
        submitted.cancel()
    return frozenset(cap.ID for cap in pong.LLBCaps if cap.Enabled)


async def share(stack: AsyncExitStack, connection: Connection, requests: Iterable[Request], node_id: str) -> None:
    """Directories that several jobs read are served by sessions of their own, and so are sent once. A
    session has one directory of each name; `stack` ends them."""
    requests = tuple(requests)
    homes: dict[tuple[str, Path], str] = {}
    for session, directories in _shared_sessions(requests, node_id):
        session.allow(filesync.services(directories))
        await stack.enter_async_context(session.open(connection.dial_session))
        homes |= dict.fromkeys(directories.items(), session.id)
    for request in requests:
        served = {mount[0]: homes[mount] for mount in request.mounts.items() if mount in homes}
        request.local_sessions.update(served)


def _shared_sessions(requests: Iterable[Request], node_id: str) -> list[tuple[Session, dict[str, Path]]]:
    sessions: list[tuple[Session, dict[str, Path]]] = []
    uses = Counter(mount for request in requests for mount in request.mounts.items())
    for (name, path), count in uses.items():
        if count < 2:
            continue
        found = next((each for each in sessions if name not in each[1]), None)
        if found is None:
            found = (Session(shared_key(path, node_id)), {})
            sessions.append(found)
        found[1][name] = path
    return sessions


def masks_of(plan: Plan, root: Path, env: Mapping[str, str]) -> tuple[bytes, ...]:
    """The lines of all secret values, longest first, so that none is shown. Blocks."""
    wanted = {secret for job in plan.jobs for secret in job.secrets}
    if not wanted:
        return ()
    from bakec.runtime.buildkit.services import secrets

    found: set[bytes] = set()
    for secret in wanted:
        with contextlib.suppress(OSError):  # a file that is missing is reported where it is used
            value = secrets.read(secret, root, env)
            found.update(line.strip() for line in value.splitlines() if len(line.strip()) >= MASK_LENGTH)
    return tuple(sorted(found, key=len, reverse=True))
