"""One job on a daemon: a build that is driven from here through the gateway, in three steps.

Every job is built this way, linked or not, by a frontend or from LLB. The daemon's `Solve` call stays open
for the whole of it; a step ends early with its error when that call does.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from bakec.ir.codes.lock import BAD_OP, LACKS_CAPABILITY
from bakec.ir.diagnostics import fail
from bakec.ir.plan import LlbSolve
from bakec.ir.records import dataclass, field
from bakec.runtime import errors, layout
from bakec.runtime.buildkit.control import Control, Gateway
from bakec.runtime.buildkit.proto import control_pb2 as control
from bakec.runtime.buildkit.proto import gateway_pb2 as gateway
from bakec.runtime.buildkit.rpc import RpcError
from bakec.runtime.buildkit.services import auth, filesend, filesync, ssh
from bakec.runtime.buildkit.session import Session, make_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from bakec.ir.plan import Dockerfile, JobId, OpMeta, PlatformBuild
    from bakec.runtime.buildkit.channel import Connection
    from bakec.runtime.buildkit.proto.ops_pb2 import Definition
    from bakec.runtime.buildkit.tree import Single
    from bakec.runtime.dockerconfig import Credentials
    from bakec.runtime.llb import Client
    from bakec.runtime.request import Request

STATUS_SECONDS = 5.0
"""How long the daemon may be silent about a build that has ended before its last words are given up."""
ERROR_SECONDS = 5.0
CONFIG = "containerimage.config"
BASE_CONFIG = "containerimage.base.config"
EPOCH = "source.date.epoch"
PLATFORMS = "refs.platforms"
MANIFEST = "cache.manifest"
DESCRIPTOR = "containerimage.descriptor"
IMAGE_NAME = "image.name"

T = TypeVar("T")
Watcher = Callable[[control.StatusResponse], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A daemon, as all builds on it share it."""

    connection: Connection
    control: Control
    look_up: Callable[[str], Credentials]
    env: Mapping[str, str] = field(repr=False)
    ops: Mapping[str, bytes] = field(repr=False, default_factory=dict)
    op_meta: Mapping[str, OpMeta] = field(repr=False, default_factory=dict)
    dockerfiles: tuple[Dockerfile, ...] = field(repr=False, default=())
    groups: Mapping[JobId, JobId] = field(default_factory=dict)
    """Job -> a name for all jobs that it is linked with, which have to be built by the same daemon."""
    introduce: Callable[[str, str, str], None] | None = None
    """Told of each step of a lowered job before it is submitted: its digest, its target and its line."""
    clients: dict[tuple[str, str], Client] = field(default_factory=dict)
    """Who serves a directory, by its name and its path in the plan: the graph of a job holds those of others."""


@dataclass(frozen=True, slots=True)
class Input:
    """The result of job `target`, to be used as the named context `context`."""

    context: str
    target: str
    result: gateway.Result


class Build:
    """`async with Build(...) as build:` then `solve`, `evaluate` if others use the result, and `finish`."""

    def __init__(self, node: Node, request: Request, load: filesend.Consumer | None, watch: Watcher) -> None:
        self.ref = make_id()
        self.result = gateway.Result()
        self._node = node
        self._request = request
        self._load = load
        self._watch = watch
        self._stack = AsyncExitStack()
        self._session = Session(request.shared_key)
        self._seen = 0
        self._problems: list[str] = []

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._allow(stack)
            channel = await stack.enter_async_context(self._node.connection.lane(self._group()))
            dial = functools.partial(self._node.connection.dial_session, channel=channel)
            await stack.enter_async_context(self._session.open(dial))
            if not self._request.frontend:
                places = ((local.name, local.path) for local in self._request.job.locals)
                self._node.clients.update(dict.fromkeys(places, self._client()))
            self._stack = stack.pop_all()
        daemon = Control(channel)
        self._gateway = Gateway(channel, self.ref)
        self._submitted = asyncio.create_task(daemon.solve(self._solve_request()))
        self._watching = asyncio.create_task(self._watch_status(daemon))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Cancelling the call is what stops the daemon; waiting for a task alone would let it build on.
        self._submitted.cancel()
        if kind is asyncio.CancelledError:
            self._watching.cancel()
        await asyncio.wait((self._submitted,))
        await self._drain_status()
        await self._stack.aclose()

    async def solve(self, inputs: list[Input]) -> gateway.Result:
        """Make LLB; nothing is run yet. Raises `errors.SolveError` or `errors.ConnectionLostError`."""
        solve = self._request.job.solve
        if isinstance(solve, LlbSolve):
            pong = await self._step(self._gateway.ping())
            self.result = await self._step(self._solve_llb(solve, {cap.ID for cap in pong.LLBCaps if cap.Enabled}))
        else:
            self.result = await self._step(self._gateway.solve(self._frontend_request(inputs)))
        return self.result

    async def evaluate(self) -> None:
        """Run the steps of the build now, on behalf of this job."""
        refs = [ref.id for ref in refs_of(self.result).values() if ref.id]
        await self._step(asyncio.gather(*map(self._gateway.evaluate, refs)))

    async def finish(self) -> dict[str, str]:
        """Export, and end the build; returns what the exporters said."""
        await self._step(self._gateway.finish(gateway.ReturnRequest(result=self.result)))
        response = await self._answer()
        if self._request.indexes or any(output.store is not None for output in self._request.outputs):
            await asyncio.to_thread(self._write_indexes, response)
        if self._request.job.call:
            texts = {key: value.decode(errors="replace") for key, value in self.result.metadata.items()}
            response.update(texts)
        return response

    # The request

    async def _allow(self, stack: AsyncExitStack) -> None:
        request, session = self._request, self._session
        own: dict[str, Path | Single] = {
            name: path for name, path in request.mounts.items() if name not in request.local_sessions
        }
        if request.dockerfile is not None:
            own["dockerfile"] = request.dockerfile
        session.allow(auth.services(self._node.look_up))
        if own:
            session.allow(filesync.services(own))
        if request.job.secrets:
            from bakec.runtime.buildkit.services import secrets

            session.allow(secrets.services(request.job.secrets, request.root, self._node.env))
        if request.job.ssh:
            agents = ssh.agents(request.job.ssh, request.root, self._node.env)
            session.allow(ssh.services(await stack.enter_async_context(agents)))
        targets = {index: output.target or self._load for index, output in enumerate(request.outputs)}
        wanted = {index: target for index, target in targets.items() if target and self._sends(index)}
        if wanted:
            session.allow(filesend.services(wanted, self._problems))
        if request.stores:
            from bakec.runtime.buildkit.services import content

            stores = {name: content.Store(path) for name, path in request.stores.items()}
            for store in stores.values():
                stack.callback(store.discard)
            session.allow(content.services(stores))

    def _sends(self, index: int) -> bool:
        output = self._request.outputs[index]
        return output.load or output.target is not None

    def _solve_request(self) -> control.SolveRequest:
        request = self._request
        exporters = [control.Exporter(Type=each.type, Attrs=each.attrs) for each in request.outputs]
        caches = control.CacheOptions(
            Exports=[control.CacheOptionsEntry(Type=kind, Attrs=attrs) for kind, attrs in request.cache_exports],
            Imports=[control.CacheOptionsEntry(Type=kind, Attrs=attrs) for kind, attrs in request.cache_imports],
        )
        first = request.outputs[0] if request.outputs else None
        return control.SolveRequest(
            Ref=self.ref,
            Session=self._session.id,
            FrontendAttrs=self._attrs(),
            Exporters=exporters,
            # Daemons from before there could be several read these two.
            ExporterDeprecated=first.type if first else "",
            ExporterAttrsDeprecated=first.attrs if first else {},
            Cache=caches,
            Entitlements=request.entitlements,
            Internal=bool(request.job.call),
        )

    def _attrs(self) -> dict[str, str]:
        shared = self._request.local_sessions
        return self._request.attrs | {f"local-sessionid:{name}": session for name, session in shared.items()}

    def _frontend_request(self, inputs: list[Input]) -> gateway.SolveRequest:
        attrs = self._attrs()
        definitions: dict[str, Definition] = {}
        for each in inputs:
            _add_input(each, attrs, definitions)
        return gateway.SolveRequest(
            Frontend=self._request.frontend,
            FrontendOpt=attrs,
            FrontendInputs=definitions,
            allowResultReturn=True,
            allowResultArrayRef=True,
        )

    async def _solve_llb(self, solve: LlbSolve, caps: set[str]) -> gateway.Result:
        from bakec.runtime.llb import missing_caps, with_labels

        lacking = missing_caps(solve.builds, self._node.op_meta, caps)
        if lacking and caps:
            raise fail(LACKS_CAPABILITY.at(None, target=self._request.job.target, caps=", ".join(lacking)))
        results = await asyncio.gather(*map(self._solve_platform, solve.builds))
        several = len(solve.builds) > 1 or self._request.attrs.get("multi-platform") == "true"
        result = gateway.Result()
        for build, part in zip(solve.builds, results, strict=True):
            suffix = f"/{build.platform}" if several else ""
            if several:
                result.refs.refs[build.platform].CopyFrom(part.ref)
            else:
                result.ref.CopyFrom(part.ref)
            values = {BASE_CONFIG: build.base_config, EPOCH: build.epoch.encode()}
            result.metadata[CONFIG + suffix] = with_labels(build.config, self._request.labels)
            for key, value in values.items():
                if value:
                    result.metadata[key + suffix] = value
        listed = [{"ID": build.platform, "Platform": _platform(build.platform)} for build in solve.builds]
        result.metadata[PLATFORMS] = json.dumps({"Platforms": listed}, separators=(",", ":")).encode()
        return result

    async def _solve_platform(self, build: PlatformBuild) -> gateway.Result:
        from bakec.ir.llb.wire import WireError
        from bakec.runtime import llb

        request, node = self._request, self._node
        imports = [gateway.CacheOptionsEntry(Type=kind, Attrs=attrs) for kind, attrs in request.cache_imports]
        place = llb.Place(
            own=self._client(),
            clients=node.clients,
            mode=request.attrs.get("image-resolve-mode", ""),
            proxies=request.proxies,
        )
        try:
            definition = llb.define(build, node.ops, node.op_meta, node.dockerfiles, place)
        except (WireError, LookupError) as error:
            raise fail(BAD_OP.at(None, target=request.job.target, reason=error)) from error
        if node.introduce is not None:
            for digest, line in llb.lines_of(definition):
                node.introduce(digest, request.job.target, line)
        return await self._gateway.solve(
            gateway.SolveRequest(
                Definition=definition, allowResultReturn=True, allowResultArrayRef=True, CacheImports=imports
            )
        )

    def _client(self) -> Client:
        from bakec.runtime.llb import Client

        prefix = "sharedkey:localdir:"
        attrs = self._request.attrs
        keys = {key.removeprefix(prefix): value for key, value in attrs.items() if key.startswith(prefix)}
        return Client(session=self._session.id, shared=self._request.local_sessions, keys=keys)

    # The steps

    async def _step(self, work: Awaitable[T]) -> T:
        """Do one call of the gateway, or fail with the build."""
        call = asyncio.ensure_future(work)
        try:
            await asyncio.wait((call, self._submitted), return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                await self._answer()  # the build has ended under the call: normally with its error
            return await call
        except RpcError as error:
            raise await self._give_up(error) from error
        finally:
            call.cancel()
            call.add_done_callback(_forget)

    def _group(self) -> str:
        job = self._request.job.id
        return self._node.groups.get(job, job)

    async def _explain(self, error: RpcError) -> errors.SolveError | errors.ConnectionLostError:
        reason = await errors.explain(error, self._node.control)
        return errors.with_trouble(reason, error, self._node.connection.trouble)

    async def _give_up(self, error: RpcError) -> Exception:
        """End the build with the error of one of its calls; the daemon's own word on it is the better one."""
        reason = await self._explain(error)
        if isinstance(reason, errors.ConnectionLostError):
            return reason
        try:
            if not self._submitted.done():
                await self._gateway.finish(gateway.ReturnRequest(error=reason.status))
            async with asyncio.timeout(ERROR_SECONDS):
                await self._answer()
        except errors.SolveError as final:
            return final if final.sources or not reason.sources else reason
        except errors.ConnectionLostError as lost:
            return lost
        except (RpcError, TimeoutError):
            return reason
        return reason

    async def _answer(self) -> dict[str, str]:
        try:
            return dict(await asyncio.shield(self._submitted))
        except RpcError as error:
            reason = await self._explain(error)
            raise errors.at_home(reason, self._problems) from error

    async def _watch_status(self, daemon: Control) -> None:
        try:
            async for response in daemon.status(self.ref):
                self._seen += 1
                self._watch(response)
        except RpcError:
            return  # only what is shown suffers; the build itself says what is wrong

    async def _drain_status(self) -> None:
        """The daemon ends the stream after a build; one that does not is left after a silence."""
        before = -1
        while not self._watching.done() and self._seen != before:
            before = self._seen
            await asyncio.wait((self._watching,), timeout=STATUS_SECONDS)
        self._watching.cancel()
        await asyncio.wait((self._watching,))

    def _write_indexes(self, response: Mapping[str, str]) -> None:
        if MANIFEST in response:
            for path, tag in self._request.indexes:
                layout.write_index(path, json.loads(response[MANIFEST]), [], tag)
        for output in self._request.outputs:
            if output.store is not None and DESCRIPTOR in response:
                names = [name for name in response.get(IMAGE_NAME, "").split(",") if name]
                layout.write_index(output.store, json.loads(base64.b64decode(response[DESCRIPTOR])), names)


def _forget(call: asyncio.Future[T]) -> None:
    """Nobody asks any more how the call ended."""
    if not call.cancelled():
        call.exception()


def refs_of(result: gateway.Result) -> dict[str, gateway.Ref]:
    """The refs of a result by platform; one without platforms has the key ``."""
    if result.HasField("refs"):
        return dict(result.refs.refs)
    return {"": result.ref}


def _add_input(each: Input, attrs: dict[str, str], definitions: dict[str, Definition]) -> None:
    """Link the result of another job: its LLB as an input, its image config beside it."""
    name = f"0-{each.target}"
    for platform, ref in refs_of(each.result).items():
        suffix = f"::{platform}" if platform else ""
        attrs[f"context:{each.context}{suffix}"] = f"input:{name}{suffix}"
        definitions[name + suffix] = getattr(ref, "def")
        config = each.result.metadata.get(f"{CONFIG}/{platform}" if platform else CONFIG)
        if config:
            value = {CONFIG: base64.b64encode(config).decode()}
            attrs[f"input-metadata:{name}{suffix}"] = json.dumps(value, separators=(",", ":"))


def _platform(text: str) -> dict[str, str]:
    """`os/architecture/variant` as the JSON of OCI."""
    keys = ("os", "architecture", "variant")
    values = dict(zip(keys, text.split("/"), strict=False))
    return {key: values[key] for key in ("architecture", "os", "variant") if key in values}
