"""What images and repositories stand for now, asked of a builder: it has the network, and it will build with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from bakec.ir import platforms
from bakec.ir.codes.lock import CANNOT_RESOLVE
from bakec.ir.codes.run import LOST
from bakec.ir.diagnostics import fail
from bakec.ir.llb.state import State
from bakec.ir.records import dataclass
from bakec.runtime import builders, dockerconfig, errors
from bakec.runtime.buildkit.channel import connect
from bakec.runtime.buildkit.control import Control, Gateway
from bakec.runtime.buildkit.proto import control_pb2 as control
from bakec.runtime.buildkit.proto import gateway_pb2 as gateway
from bakec.runtime.buildkit.proto import ops_pb2 as ops
from bakec.runtime.buildkit.rpc import RpcError
from bakec.runtime.buildkit.services import auth, secrets
from bakec.runtime.buildkit.session import Session, make_id
from bakec.runtime.fetch import git_secrets
from bakec.runtime.site import platform_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from bakec.ir.diagnostics import Failed
    from bakec.runtime.buildkit.channel import Connection

END_SECONDS = 5.0


Question: TypeAlias = tuple[str, str]
"""The normalized reference of an image, and a platform."""
Answer: TypeAlias = tuple[str, str]
"""The digest of the index or manifest, and the config as JSON text."""

More = Callable[[str, Mapping[Question, Answer]], Iterable[Question]]
"""The platform of the builder and all answers so far -> what else to ask. An answer may lead to more questions."""

Repositories = Callable[[], Mapping[str, State]]
"""The checkouts, with their `.git` folder, of what is asked for when all images are known, by URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`platform` is what the builder builds for, `commits` are those of repositories by URL."""

    platform: str
    images: Mapping[Question, Answer]
    commits: Mapping[str, str]


def resolve(builder: str, env: Mapping[str, str], repositories: Repositories, more: More) -> Found:
    """Ask a builder until there is nothing more to ask, and then for `repositories`. Raises `Failed` for what cannot be
    found."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_resolve(builder, env, repositories, more))


async def _resolve(builder: str, env: Mapping[str, str], repositories: Repositories, more: More) -> Found:
    config = dockerconfig.load(env)
    driver = builders.choose(builder, env, config).nodes[0].driver
    async with connect(driver) as connection, AsyncExitStack() as stack:
        try:
            workers = await Control(connection.channel).workers()
            lookup = _Lookup(connection, await _open(stack, connection, config, env))
        except RpcError as error:
            reason = await errors.explain(error, Control(connection.channel))
            raise fail(LOST.at(None, endpoint=driver.place, reason=reason)) from error
        platform = platform_of(workers)
        answers: dict[Question, Answer] = {}
        while questions := [one for one in dict.fromkeys(more(platform, answers)) if one not in answers]:
            found = await asyncio.gather(*map(lookup.image, questions))
            answers |= zip(questions, found, strict=True)
        wanted = repositories()
        if wanted:
            # A session of its own: only now it is known which logins it needs.
            lookup = _Lookup(connection, await _open(stack, connection, config, env, wanted))
        commits = await asyncio.gather(*map(lookup.commit, wanted, wanted.values()))
        return Found(platform=platform, images=answers, commits=dict(zip(wanted, commits, strict=True)))


async def _open(
    stack: AsyncExitStack,
    connection: Connection,
    config: dockerconfig.DockerConfig,
    env: Mapping[str, str],
    urls: Iterable[str] = (),
) -> Gateway:
    """A build that only answers questions."""
    session = Session()
    session.allow(auth.services(config.credentials))
    logins = {secret.id: secret for url in urls for secret in git_secrets(url, env)}
    session.allow(secrets.services(list(logins.values()), Path(), env))
    await stack.enter_async_context(session.open(connection.dial_session))
    ref = make_id()
    solve = Control(connection.channel).solve(control.SolveRequest(Ref=ref, Session=session.id, Internal=True))
    solving = asyncio.create_task(solve)
    stack.callback(solving.cancel)
    bridge = Gateway(connection.channel, ref)
    await bridge.ping()
    stack.push_async_callback(_end, bridge, solving)
    return bridge


async def _end(bridge: Gateway, solving: asyncio.Task[Mapping[str, str]]) -> None:
    if not solving.done():
        await bridge.finish(gateway.ReturnRequest(result=gateway.Result()))
    await asyncio.wait((solving,), timeout=END_SECONDS)


class _Lookup:
    def __init__(self, connection: Connection, gateway_: Gateway) -> None:
        self._connection = connection
        self._gateway = gateway_

    async def image(self, question: Question) -> Answer:
        ref, name = question
        wanted = platforms.parse(name)
        request = gateway.ResolveImageConfigRequest(
            Ref=ref,
            Platform=ops.Platform(OS=wanted.os, Architecture=wanted.architecture, Variant=wanted.variant),
            # What is in the registry: an image of that name in the engine's own store may be another one.
            ResolveMode="pull",
            LogName=f"resolve {ref}",
        )
        try:
            found = await self._gateway.resolve_image(request)
        except RpcError as error:
            raise await self._explained(error, ref) from error
        return found.Digest, json.dumps(_config(found.Config, ref), ensure_ascii=False)

    async def commit(self, url: str, state: State) -> str:
        definition = ops.Definition()
        getattr(definition, "def").extend(state.marshal().ops)
        request = gateway.SolveRequest(Definition=definition, allowResultReturn=True, allowResultArrayRef=True)
        try:
            result = await self._gateway.solve(request)
            head = await self._gateway.read_file(result.ref.id, ".git/HEAD")
            name = head.decode().strip()
            if name.startswith("ref: "):
                name = (await self._gateway.read_file(result.ref.id, f".git/{name[5:]}")).decode().strip()
        except RpcError as error:
            raise await self._explained(error, url) from error
        return name

    async def _explained(self, error: RpcError, ref: str) -> Failed:
        reason = await errors.explain(error, Control(self._connection.channel))
        if isinstance(reason, errors.ConnectionLostError):
            return fail(LOST.at(None, endpoint=self._connection.driver.place, reason=reason))
        return fail(CANNOT_RESOLVE.at(None, ref=ref, reason=str(reason).partition("\n")[0]))


def _config(data: bytes, ref: str) -> object:
    try:
        config: object = json.loads(data)
    except ValueError as error:
        raise fail(CANNOT_RESOLVE.at(None, ref=ref, reason=f"its config is no JSON: {error}")) from error
    return config
