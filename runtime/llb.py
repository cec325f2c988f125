"""LLB of a plan made ready for a daemon: what only a run knows takes the place of its stand-ins.

A directory of the client gets the session that serves it; without one a daemon may give two builds each other's files.
An image gets the resolve mode of the driver, a process the proxies of this machine. That changes the bytes of an op,
and with them the digests of all that is built on it: digests have one length, so they are exchanged in place.
"""

from __future__ import annotations

import json

from bakec.ir.digests import digest_of
from bakec.ir.gojson import dumps
from bakec.ir.llb.ops import ExecOp, Input, ProxyEnv, SourceOp, decode_op, encode
from bakec.ir.plan import OpMeta
from bakec.ir.records import dataclass, field
from bakec.runtime.buildkit.proto.ops_pb2 import Definition, Location, ProgressGroup, Range, SourceInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from typing import Final

    from bakec.ir.llb.ops import Op
    from bakec.ir.plan import Dockerfile, PlatformBuild
    from bakec.runtime.buildkit.proto.ops_pb2 import OpMetadata

SESSION: Final = "local.session"
SESSION_CAP: Final = "source.local.sessionid"
SHARED_KEY: Final = "local.sharedkeyhint"
RESOLVE_MODE: Final = "image.resolvemode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What one job has on this machine: its session, the shared sessions of some of its mounts, and the shared keys
    of its named contexts."""

    session: str
    shared: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    def session_of(self, mount: str) -> str:
        return self.shared.get(mount, self.session)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where LLB is submitted. `own` is the job that submits, `clients` those of the run by what they serve: name and
    path of a directory. `mode` is how the driver resolves images, empty for its default."""

    own: Client
    clients: Mapping[tuple[str, str], Client]
    mode: str = ""
    proxies: Mapping[str, str] = field(default_factory=dict)

    def op(self, op: Op) -> Op:
        """The op with its stand-ins replaced; the same object if it has none."""
        if isinstance(op.op, SourceOp):
            attrs = self._attrs(op.op)
            return op if attrs is None else op._replace(op=op.op._replace(attrs=attrs))
        if self.proxies and isinstance(op.op, ExecOp) and op.op.meta is not None:
            meta = op.op.meta
            return op._replace(op=op.op._replace(meta=meta._replace(proxy_env=self._proxies(meta.proxy_env))))
        return op

    def _attrs(self, source: SourceOp) -> dict[str, str] | None:
        attrs = dict(source.attrs)
        if source.identifier.startswith("local://"):
            mount = source.identifier.removeprefix("local://")
            client = self.clients[mount, attrs[SESSION]] if SESSION in attrs else self.own
            attrs[SESSION] = client.session_of(mount)
            hint = attrs.get(SHARED_KEY, "")
            if hint.startswith("context:") and hint.endswith("-"):
                attrs[SHARED_KEY] = hint + client.keys.get(hint[len("context:") : -1], "")
            return attrs
        if attrs.get(RESOLVE_MODE) == "local" and self.mode != "local":
            del attrs[RESOLVE_MODE]
            return attrs
        return None

    def _proxies(self, own: ProxyEnv | None) -> ProxyEnv:
        own = own or ProxyEnv()
        given = {name.lower(): value for name, value in self.proxies.items()}
        return ProxyEnv(*(value or given.get(name, "") for name, value in zip(own._fields, own, strict=True)))


def define(
    build: PlatformBuild,
    ops: Mapping[str, bytes],
    meta: Mapping[str, OpMeta],
    dockerfiles: Sequence[Dockerfile],
    place: Place,
) -> Definition:
    """The definition of one platform, with the Dockerfiles that its errors will be shown in."""
    definition = Definition()
    parts = getattr(definition, "def")  # a keyword of Python
    sources = _Sources(definition, dockerfiles)
    renamed: dict[str, str] = {}
    for name in build.ops:
        data, is_local = _actual(ops[name], renamed, place)
        fresh = digest_of(data) if data is not ops[name] else name
        if fresh != name:
            renamed[name] = fresh
        parts.append(data)
        about = build.meta.get(name) or meta.get(name) or OpMeta()
        _describe(definition.metadata[fresh], about)
        if is_local:
            definition.metadata[fresh].caps[SESSION_CAP] = True
        sources.add(fresh, about)
    return definition


def lines_of(definition: Definition) -> Iterator[tuple[str, str]]:
    """The digest of each op, and the first line of a Dockerfile that it was made from, as `PATH:LINE`."""
    for name, found in definition.Source.locations.items():
        for location in found.locations:
            path = definition.Source.infos[location.sourceIndex].filename
            yield name, f"{path}:{location.ranges[0].start.line}"
            break


def _actual(data: bytes, renamed: Mapping[str, str], place: Place) -> tuple[bytes, bool]:
    """The op as it is submitted, and whether it is a directory of the client. Most ops need not be written anew."""
    op = decode_op(data)
    fresh = place.op(op)
    inputs = tuple(_renamed(op, renamed)) if renamed else ()
    if inputs and inputs != op.inputs:
        fresh = fresh._replace(inputs=inputs)
    is_local = isinstance(op.op, SourceOp) and op.op.identifier.startswith("local://")
    return (data if fresh is op else encode(fresh)), is_local


def _renamed(op: Op, renamed: Mapping[str, str]) -> Iterator[Input]:
    for each in op.inputs:
        yield Input(digest=renamed[each.digest], index=each.index) if each.digest in renamed else each


def _describe(target: OpMetadata, meta: OpMeta) -> None:
    target.ignore_cache = meta.ignore_cache
    target.description.update(meta.description)
    target.caps.update(dict.fromkeys(meta.caps, True))
    if meta.progress_group is not None:
        group, name, weak = meta.progress_group
        target.progress_group.CopyFrom(ProgressGroup(id=group, name=name, weak=weak))


class _Sources:
    """The source map of a definition: only the Dockerfiles that its ops come from."""

    def __init__(self, definition: Definition, dockerfiles: Sequence[Dockerfile]) -> None:
        self._source = definition.Source
        self._dockerfiles = dockerfiles
        self._indexes: dict[int, int] = {}

    def add(self, name: str, meta: OpMeta) -> None:
        for file, first, last in meta.places:
            location = Location(sourceIndex=self._index(file))
            count = self._dockerfiles[file].text.count(b"\n") + 1
            for line in range(first, min(last, count) + 1):
                one = Range()
                one.start.line = one.end.line = line
                location.ranges.append(one)
            self._source.locations[name].locations.append(location)

    def _index(self, file: int) -> int:
        if file not in self._indexes:
            self._indexes[file] = len(self._indexes)
            found = self._dockerfiles[file]
            self._source.infos.append(SourceInfo(filename=found.path, data=found.text, language="Dockerfile"))
        return self._indexes[file]


_CONFIG_KEYS: Final = (
    "User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal", "ArgsEscaped",
    "Healthcheck", "OnBuild", "Shell",
)  # fmt: skip


def with_labels(config: bytes, labels: Mapping[str, str]) -> bytes:
    """An image config with more labels; the keys stay in the order in which frontends write them."""
    if not labels:
        return config
    whole = json.loads(config)
    own = whole.setdefault("config", {})
    own["Labels"] = dict(sorted({**own.get("Labels", {}), **labels}.items()))
    whole["config"] = {key: own[key] for key in (*_CONFIG_KEYS, *own) if key in own}
    return dumps(whole).encode()


def missing_caps(builds: Sequence[PlatformBuild], meta: Mapping[str, OpMeta], caps: Container[str]) -> tuple[str, ...]:
    """The capabilities that the builds need and the daemon does not have."""
    about = ((build.meta.get(name) or meta.get(name)) for build in builds for name in build.ops)
    return tuple(sorted({cap for one in about if one is not None for cap in one.caps if cap not in caps}))
