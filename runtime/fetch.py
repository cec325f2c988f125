"""Definition files that are elsewhere: a builder fetches the repository or URL, and its files are read from the
result."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from bakec.ir.codes.run import FETCH, LOST
from bakec.ir.diagnostics import fail
from bakec.ir.llb.graph import Copy
from bakec.ir.llb.sources import http
from bakec.ir.llb.state import scratch
from bakec.ir.plan import Secret, Ssh
from bakec.ir.records import dataclass
from bakec.runtime import builders, dockerconfig, errors
from bakec.runtime.buildkit.channel import connect
from bakec.runtime.buildkit.control import Control, Gateway
from bakec.runtime.buildkit.proto import control_pb2 as control
from bakec.runtime.buildkit.proto import gateway_pb2 as gateway
from bakec.runtime.buildkit.proto.ops_pb2 import Definition
from bakec.runtime.buildkit.rpc import UNAVAILABLE, RpcError
from bakec.runtime.buildkit.services import auth, secrets, ssh
from bakec.runtime.buildkit.session import Session, make_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from bakec.ir.llb.state import State
    from bakec.runtime.buildkit.channel import Connection

MAX_DEFINITION = 2 << 20
"""Bytes of a definition that a plain URL leads to."""
DOWNLOAD = "definition"
"""The name under which a plain URL's file is fetched."""
_MAGIC = (b"BZh", b"\x1f\x8b\x08", b"\xfd7zXZ\x00")

Files = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to fetch. `state` makes the repository's tree, or with `single` one file named `DOWNLOAD`. Of a tree, the
    files `names` are read, else those of `defaults` that exist."""

    url: str
    state: State
    single: bool
    names: Sequence[str]
    defaults: Sequence[str]


@dataclass(frozen=True, slots=True)
class Fetched:
    """Names and contents. `is_tree`: paths in them may refer to other files of the same place."""

    files: Files
    is_tree: bool


def fetch_definitions(wanted: Wanted, builder: str, env: Mapping[str, str]) -> Fetched:
    """Let a builder fetch definition files. Raises `Failed`."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_fetch(wanted, builder, env))


async def fetch_dockerfile(connection: Connection, config: dockerconfig.DockerConfig, url: str) -> bytes:
    """A Dockerfile at a URL. Raises `ValueError` for one that cannot be had."""
    async with AsyncExitStack() as stack:
        try:
            tree = await _Tree.open(stack, connection, config, url, {})
            data = await tree.read_single(http(url, filename=DOWNLOAD))
        except RpcError as error:
            reason = await errors.explain(error, Control(connection.channel))
            raise ValueError(str(reason).partition("\n")[0]) from error
    if len(data) > MAX_DEFINITION:
        raise ValueError("it is bigger than the allowed 2.097MB")
    return data


async def _fetch(wanted: Wanted, builder: str, env: Mapping[str, str]) -> Fetched:
    config = dockerconfig.load(env)
    driver = builders.choose(builder, env, config).nodes[0].driver
    url = wanted.url
    async with connect(driver) as connection:
        try:
            async with AsyncExitStack() as stack:
                tree = await _Tree.open(stack, connection, config, url, env)
                return await tree.read(wanted)
        except RpcError as error:
            reason = await errors.explain(error, Control(connection.channel))
            rule = LOST if isinstance(reason, errors.ConnectionLostError) else FETCH
            raise fail(rule.at(None, endpoint=driver.place, url=url, reason=str(reason).partition("\n")[0])) from error


class _Tree:
    """A build that only reads."""

    def __init__(self, gateway_: Gateway) -> None:
        self._gateway = gateway_

    @classmethod
    async def open(
        cls,
        stack: AsyncExitStack,
        connection: Connection,
        config: dockerconfig.DockerConfig,
        url: str,
        env: Mapping[str, str],
    ) -> _Tree:
        session = Session()
        session.allow(auth.services(config.credentials))
        session.allow(secrets.services(git_secrets(url, env), Path(), env))
        agents = await stack.enter_async_context(_agents(env))
        session.allow(ssh.services(agents))
        await stack.enter_async_context(session.open(connection.dial_session))
        ref = make_id()
        solving = asyncio.create_task(
            Control(connection.channel).solve(control.SolveRequest(Ref=ref, Session=session.id, Internal=True))
        )
        stack.callback(solving.cancel)
        tree = cls(Gateway(connection.channel, ref))
        await tree._gateway.ping()
        stack.push_async_callback(tree._end, solving)
        return tree

    async def _end(self, solving: asyncio.Task[Mapping[str, str]]) -> None:
        if not solving.done():
            await self._gateway.finish(gateway.ReturnRequest(result=gateway.Result()))
        await asyncio.wait((solving,), timeout=5)

    async def read_single(self, state: State) -> bytes:
        return await self._gateway.read_file(await self._solve(state), DOWNLOAD)

    async def read(self, wanted: Wanted) -> Fetched:
        ref = await self._solve(wanted.state)
        if not wanted.single:
            return Fetched(await self._files(ref, wanted), is_tree=True)
        data = await self._gateway.read_file(ref, DOWNLOAD)
        if is_archive(data):
            step = Copy(source=wanted.state.output, src=DOWNLOAD, dest="/", unpack=True)
            return Fetched(await self._files(await self._solve(scratch().file(step)), wanted), is_tree=True)
        if len(data) > MAX_DEFINITION:
            reason = "non-archive definition URL bigger than maximum allowed size (2.097MB)"
            raise fail(FETCH.at(None, url=wanted.url, reason=reason))
        return Fetched([(wanted.url, data)], is_tree=False)

    async def _solve(self, state: State) -> str:
        definition = Definition()
        made = state.marshal()
        getattr(definition, "def").extend(made.ops)
        request = gateway.SolveRequest(Definition=definition, allowResultReturn=True, allowResultArrayRef=True)
        result = await self._gateway.solve(request)
        # Without this a repository that cannot be fetched would look like one without files.
        await self._gateway.evaluate(result.ref.id)
        return str(result.ref.id)

    async def _files(self, ref: str, wanted: Wanted) -> Files:
        found: Files = []
        for name in wanted.names or wanted.defaults:
            try:
                found.append((name, await self._gateway.read_file(ref, name)))
            except RpcError as error:
                if wanted.names or error.code == UNAVAILABLE:
                    raise
        return found


def is_archive(data: bytes) -> bool:
    """Whether the first bytes are those of a tar file or of something compressed."""
    return data.startswith(_MAGIC) or data[257:262] == b"ustar"


def git_secrets(url: str, env: Mapping[str, str]) -> list[Secret]:
    """The secrets by which the builder may read the repository: BUILDX_BAKE_GIT_AUTH_TOKEN and _HEADER."""
    host = _host(url)
    found: list[Secret] = []
    for name in ("GIT_AUTH_TOKEN", "GIT_AUTH_HEADER"):
        variable = next((one for one in env if one.upper() == f"BUILDX_BAKE_{name}"), "")
        if variable and host:
            found.append(Secret(id=f"{name}.{host}", env=variable))
    return found


def _host(url: str) -> str:
    rest = url.partition("://")[2] or url.partition("@")[2] or url
    return rest.partition("/")[0].rpartition("@")[2].partition(":")[0]


def _agents(env: Mapping[str, str]) -> AbstractAsyncContextManager[Mapping[str, str]]:
    paths = tuple(path for path in env.get("BUILDX_BAKE_GIT_SSH", "").split(",") if path)
    wanted = [Ssh(id="default", paths=paths)] if paths or env.get("SSH_AUTH_SOCK") else []
    return ssh.agents(wanted, Path(), env)
