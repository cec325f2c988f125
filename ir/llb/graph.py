"""The graph behind a state: vertices, their outputs, and how a graph becomes a definition.

A vertex is compared by identity: two equal ones are marshaled one after the other, and the second adds its metadata
and locations to the first. That is how the reference merges equal steps of different stages.
"""

from __future__ import annotations

from bakec.ir.digests import digest_of
from bakec.ir.llb import ops
from bakec.ir.llb.ops import NO_ENTRIES, Definition, Input, Location, Locations, Op, OpMetadata, SourceMap
from bakec.ir.paths import keep_slash, under
from bakec.ir.platforms import AMD64
from bakec.ir.records import NamedTuple, dataclass
from bakec.ir.static import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final, TypeAlias

    from bakec.ir.llb.ops import Range
    from bakec.ir.platforms import Platform

EMPTY: Final = -1
"""Index of no input, and of a dropped output."""


class LlbError(ValueError):
    """A graph that cannot be marshaled; the text is the reference's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceFile:
    """A file that ops were made from. `definition` is the LLB it was read from."""

    filename: str
    language: str
    data: bytes
    definition: Definition | None = None

    def same(self, other: SourceFile) -> bool:
        mine, theirs = self.definition, other.definition
        if mine and theirs and mine.ops and mine.ops[-1:] != theirs.ops[-1:]:
            return False
        return (self.filename, self.language, self.data) == (other.filename, other.language, other.data)


class SourceLocation(NamedTuple):
    file: SourceFile
    ranges: tuple[Range, ...]


class Defaults(NamedTuple):
    """What holds for a whole marshal: the platform of ops that have none, the capabilities of the daemon that
    are missing, and the id given to local sources without a session."""

    platform: Platform = AMD64
    missing_caps: frozenset[str] = frozenset()
    caps_known: bool = True
    local_unique: str = ""


class Marshaled(NamedTuple):
    digest: str
    data: bytes
    metadata: OpMetadata | None
    locations: tuple[SourceLocation, ...] = ()


class Vertex(Protocol):
    def inputs(self) -> Sequence[Output]: ...

    def marshal(self, context: Marshaler) -> Marshaled: ...


class Output(Protocol):
    """One result of a vertex. Compared by identity."""

    def vertex(self) -> Vertex: ...

    def index(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Output `position` of `of`."""

    of: Vertex
    position: int = 0

    def vertex(self) -> Vertex:
        return self.of

    def index(self) -> int:
        return self.position


@dataclass(slots=True, eq=False)
class Late:
    """An output that is decided after the graph was built around it: `decide` is called once, when marshaled."""

    decide: Callable[[], Output]
    decided: Output | None = None

    def _output(self) -> Output:
        if self.decided is None:
            self.decided = self.decide()
        return self.decided

    def vertex(self) -> Vertex:
        return self._output().vertex()

    def index(self) -> int:
        return self._output().index()


class About(NamedTuple):
    """What is said beside an op: its metadata and where it came from."""

    description: Mapping[str, str] = NO_ENTRIES
    ignore_cache: bool = False
    progress_group: ops.ProgressGroup | None = None
    linux_resources: ops.LinuxResources | None = None
    export_cache: ops.ExportCache | None = None
    locations: tuple[SourceLocation, ...] = ()

    def metadata(self, caps: Sequence[str]) -> OpMetadata:
        return OpMetadata(
            ignore_cache=self.ignore_cache,
            description=self.description,
            export_cache=self.export_cache,
            caps=dict.fromkeys(sorted(caps), True),
            progress_group=self.progress_group,
            linux_resources=self.linux_resources,
        )


NOTHING: Final = About()


def named(name: str) -> About:
    """Metadata of a display name alone."""
    return About(description={"llb.customname": name})


def _distinct(outputs: Sequence[Output]) -> list[Output]:
    return list(dict.fromkeys(outputs))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """An image, git repository, URL, OCI layout or client directory."""

    identifier: str
    attrs: dict[str, str]
    caps: tuple[str, ...]
    platform: Platform | None = None
    about: About = NOTHING

    def inputs(self) -> Sequence[Output]:
        return ()

    def marshal(self, context: Marshaler) -> Marshaled:
        attrs, caps = self.attrs, self.caps
        if self.identifier.startswith("local://") and "local.session" not in attrs:
            attrs = {**attrs, "local.unique": context.defaults.local_unique}
            caps = (*caps, "source.local.unique")
        platform = None
        if self.identifier.startswith(("docker-image://", "oci-layout://")):
            platform = self.platform or context.defaults.platform
        op = ops.SourceOp(identifier=self.identifier, attrs=attrs)
        return context.finish(op, (), platform, self.about, caps)


class MountSpec(NamedTuple):
    """A mount as asked for. `cache` is (id, sharing mode), `tmpfs` a size in bytes (0 for no limit)."""

    dest: str
    source: Output | None = None
    selector: str = ""
    readonly: bool = False
    no_output: bool = False
    cache: tuple[str, int] | None = None
    tmpfs: int | None = None

    @property
    def kept(self) -> bool:
        """Whether the mount is an output of the op."""
        return not (self.no_output or self.readonly or self.cache or self.tmpfs is not None)

    @property
    def caps(self) -> tuple[str, ...]:
        selector = ("exec.mount.selector",) if self.selector else ()
        if self.cache:
            return (*selector, "exec.mount.cache", "exec.mount.cache.sharing")
        if self.tmpfs is not None:
            return (*selector, "exec.mount.tmpfs", *(("exec.mount.tmpfs.size",) if self.tmpfs > 0 else ()))
        return (*selector, "exec.mount.bind") if self.source else selector


class SecretSpec(NamedTuple):
    """A secret given as the file `target` or the variable `env`, or as both."""

    id: str
    target: str | None = None
    env: str | None = None
    uid: int = 0
    gid: int = 0
    mode: int = 0o400
    optional: bool = False


class SshSpec(NamedTuple):
    """A forwarded agent. Without a target the socket is `/run/buildkit/ssh_agent.N`."""

    id: str = ""
    target: str = ""
    uid: int = 0
    gid: int = 0
    mode: int = 0o600
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exec:
    """A process. `mounts` has the root first, then as given; `env` and the rest are those of its state."""

    meta: ops.Meta
    env: dict[str, str]
    mounts: tuple[MountSpec, ...]
    secrets: tuple[SecretSpec, ...] = ()
    ssh: tuple[SshSpec, ...] = ()
    devices: tuple[ops.CdiDevice, ...] = ()
    network: int = 0
    security: int = 0
    platform: Platform | None = None
    about: About = NOTHING

    def sorted_mounts(self) -> list[MountSpec]:
        return sorted(self.mounts, key=lambda mount: mount.dest.encode("utf-8", "surrogateescape"))

    def output_of(self, mount: MountSpec) -> int:
        """Which output of the op `mount` is."""
        return [item for item in self.sorted_mounts() if item.kept].index(mount)

    def inputs(self) -> Sequence[Output]:
        return _distinct([mount.source for mount in self.sorted_mounts() if mount.source])

    def marshal(self, context: Marshaler) -> Marshaled:
        if not self.meta.args:
            raise LlbError("arguments are required")
        if not self.meta.cwd:
            raise LlbError("working directory is required")
        inputs: list[Input] = []
        mounts = self._mount_ops(context, inputs)
        sockets = [spec.target or f"/run/buildkit/ssh_agent.{at}" for at, spec in enumerate(self.ssh)]
        op = ops.ExecOp(
            meta=self._meta(context, sockets),
            mounts=(*mounts, *_secret_mounts(self.secrets), *_ssh_mounts(self.ssh, sockets)),
            network=self.network,
            security=self.security,
            secret_env=tuple(
                ops.SecretEnv(id=item.id, name=item.env, optional=item.optional)
                for item in self.secrets
                if item.env is not None
            ),
            cdi_devices=self.devices,
        )
        platform = self.platform or context.defaults.platform
        return context.finish(op, tuple(inputs), platform, self.about, self._caps(context))

    def _meta(self, context: Marshaler, sockets: list[str]) -> ops.Meta:
        env = self.env
        if sockets and "SSH_AUTH_SOCK" not in env:
            env = {**env, "SSH_AUTH_SOCK": sockets[0]}
        defaults = context.defaults
        if "exec.meta.setsdefaultpath" in defaults.missing_caps and defaults.platform.os != "windows":
            env = {**env, "PATH": env.get("PATH", DEFAULT_PATH)}
        return _with_env(self.meta, env)

    def _mount_ops(self, context: Marshaler, inputs: list[Input]) -> list[ops.Mount]:
        made, kept = [], 0
        for mount in self.sorted_mounts():
            if mount.source and mount.tmpfs is not None:
                raise LlbError("tmpfs mounts must use scratch")
            made.append(
                ops.Mount(
                    input=context.index_of(mount.source, inputs) if mount.source else EMPTY,
                    dest=mount.dest,
                    readonly=mount.readonly,
                    output=kept if mount.kept else EMPTY,
                    selector=mount.selector,
                    mount_type=3 if mount.cache else 4 if mount.tmpfs is not None else 0,
                    cache_opt=ops.CacheOpt(id=mount.cache[0], sharing=mount.cache[1]) if mount.cache else None,
                    tmpfs_opt=None if mount.tmpfs is None else ops.TmpfsOpt(size=mount.tmpfs),
                )
            )
            kept += mount.kept
        return made

    def _caps(self, context: Marshaler) -> list[str]:
        defaults = context.defaults
        sets_path = defaults.caps_known and "exec.meta.setsdefaultpath" not in defaults.missing_caps
        wanted = {
            "exec.meta.base": True,
            "exec.meta.setsdefaultpath": sets_path,
            "exec.validexitcode": bool(self.meta.valid_exit_codes),
            "exec.meta.ulimit": bool(self.meta.ulimit),
            "exec.meta.linux.resources": self.about.linux_resources is not None,
            "exec.meta.network": self.network != 0,
            "exec.meta.security": self.security != 0,
            "exec.meta.proxyenv": self.meta.proxy_env is not None,
            "exec.mount.secret": bool(self.secrets),
            "exec.secretenv": any(item.env is not None for item in self.secrets),
            "exec.mount.ssh": bool(self.ssh),
            "exec.meta.cdi": bool(self.devices),
        }
        mounts = {cap for mount in self.mounts for cap in mount.caps}
        return sorted(mounts | {cap for cap, needed in wanted.items() if needed})


DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _with_env(meta: ops.Meta, env: dict[str, str]) -> ops.Meta:
    return ops.Meta(
        args=meta.args,
        env=tuple(f"{key}={value}" for key, value in env.items()),
        cwd=meta.cwd,
        user=meta.user,
        proxy_env=meta.proxy_env,
        extra_hosts=meta.extra_hosts,
        hostname=meta.hostname,
        ulimit=meta.ulimit,
        cgroup_parent=meta.cgroup_parent,
        remove_mount_stubs_recursive=True,
        valid_exit_codes=meta.valid_exit_codes,
    )


def _secret_mounts(secrets: tuple[SecretSpec, ...]) -> list[ops.Mount]:
    return [
        ops.Mount(
            input=EMPTY,
            dest=item.target,
            mount_type=1,
            secret_opt=ops.SecretOpt(id=item.id, uid=item.uid, gid=item.gid, mode=item.mode, optional=item.optional),
        )
        for item in secrets
        if item.target is not None
    ]


def _ssh_mounts(agents: tuple[SshSpec, ...], sockets: list[str]) -> list[ops.Mount]:
    return [
        ops.Mount(
            input=EMPTY,
            dest=socket,
            mount_type=2,
            ssh_opt=ops.SshOpt(id=item.id, uid=item.uid, gid=item.gid, mode=item.mode, optional=item.optional),
        )
        for item, socket in zip(agents, sockets, strict=True)
    ]


class User(NamedTuple):
    """A user or group by name, or by number where `name` is empty."""

    name: str = ""
    id: int = 0

    def op(self, base: int) -> ops.UserOpt:
        if self.name:
            return ops.UserOpt(by_name=ops.NamedUser(name=self.name, input=base))
        return ops.UserOpt(by_id=self.id & 0xFFFFFFFF)


class Owner(NamedTuple):
    user: User | None = None
    group: User | None = None

    def op(self, base: int) -> ops.ChownOpt:
        return ops.ChownOpt(
            user=self.user.op(base) if self.user else None, group=self.group.op(base) if self.group else None
        )


def _owner(owner: Owner | None, base: int) -> ops.ChownOpt | None:
    return owner.op(base) if owner else None


class Mkdir(NamedTuple):
    """`timestamp` in nanoseconds since the epoch, -1 for the time of the build."""

    path: str
    mode: int
    parents: bool = False
    owner: Owner | None = None
    timestamp: int = -1

    def action(self, parent: str, base: int) -> ops.Action:
        return ops.FileActionMkDir(
            path=under(parent, self.path),
            mode=self.mode & 0o777,
            make_parents=self.parents,
            owner=_owner(self.owner, base),
            timestamp=self.timestamp,
        )


class Mkfile(NamedTuple):
    path: str
    mode: int
    data: bytes = b""
    owner: Owner | None = None
    timestamp: int = -1

    def action(self, parent: str, base: int) -> ops.Action:
        return ops.FileActionMkFile(
            path=under(parent, self.path),
            mode=self.mode & 0o777,
            data=self.data,
            owner=_owner(self.owner, base),
            timestamp=self.timestamp,
        )


class Rm(NamedTuple):
    path: str
    allow_not_found: bool = False
    allow_wildcard: bool = False

    def action(self, parent: str, base: int) -> ops.Action:
        del base
        return ops.FileActionRm(
            path=under(parent, self.path),
            allow_not_found=self.allow_not_found,
            allow_wildcard=self.allow_wildcard,
        )


class Symlink(NamedTuple):
    """`new` is made and points to `old`."""

    old: str
    new: str
    owner: Owner | None = None
    timestamp: int = -1

    def action(self, parent: str, base: int) -> ops.Action:
        del parent
        return ops.FileActionSymlink(
            old_path=self.old, new_path=self.new, owner=_owner(self.owner, base), timestamp=self.timestamp
        )


class Copy(NamedTuple):
    """`source` None is scratch; a relative `src` is below `source_dir`. `mode` is a number, a chmod text, or None
    to keep the modes."""

    source: Output | None
    src: str
    dest: str
    source_dir: str = "/"
    mode: int | str | None = None
    owner: Owner | None = None
    follow_symlinks: bool = False
    contents_only: bool = False
    unpack: bool = False
    create_dest: bool = False
    wildcard: bool = False
    empty_wildcard: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    replace: bool = False
    timestamp: int = -1

    def action(self, parent: str, base: int) -> ops.Action:
        return ops.FileActionCopy(
            src=under(self.source_dir, self.src),
            dest=keep_slash(under(parent, self.dest), self.dest),
            owner=_owner(self.owner, base),
            mode=-1 if self.mode is None else self.mode if isinstance(self.mode, int) else 0,
            follow_symlink=self.follow_symlinks,
            dir_copy_contents=self.contents_only,
            attempt_unpack=self.unpack,
            create_dest_path=self.create_dest,
            allow_wildcard=self.wildcard,
            allow_empty_wildcard=self.empty_wildcard,
            timestamp=self.timestamp,
            include_patterns=self.include,
            exclude_patterns=self.exclude,
            always_replace=self.replace,
            mode_str=self.mode if isinstance(self.mode, str) else "",
            required_paths=self.required,
        )


FileStep: TypeAlias = Mkdir | Mkfile | Rm | Symlink | Copy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class File:
    """File actions, each on the result of the one before, the first on `base` (None: scratch)."""

    base: Output | None
    dir: str
    steps: tuple[FileStep, ...]
    about: About = NOTHING

    def inputs(self) -> Sequence[Output]:
        sources = [step.source for step in reversed(self.steps) if isinstance(step, Copy) and step.source]
        return _distinct([self.base, *sources] if self.base else sources)

    def marshal(self, context: Marshaler) -> Marshaled:
        inputs: list[Input] = []
        indexes = []
        for step in self.steps:
            base = context.index_of(self.base, inputs) if self.base else EMPTY
            source = step.source if isinstance(step, Copy) else None
            indexes.append((base, context.index_of(source, inputs) if source else EMPTY))
        last = len(self.steps) - 1
        actions = tuple(
            ops.FileAction(
                input=base if at == 0 else len(inputs) + at - 1,
                secondary_input=source,
                output=0 if at == last else EMPTY,
                action=step.action(self.dir, base),
            )
            for at, (step, (base, source)) in enumerate(zip(self.steps, indexes, strict=True))
        )
        caps = {"file.base"} | {"file.symlink.create" for step in self.steps if isinstance(step, Symlink)}
        return context.finish(ops.FileOp(actions=actions), tuple(inputs), None, self.about, sorted(caps))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Merge:
    layers: tuple[Output, ...]
    about: About = NOTHING

    def inputs(self) -> Sequence[Output]:
        return self.layers

    def marshal(self, context: Marshaler) -> Marshaled:
        op = ops.MergeOp(inputs=tuple(ops.OpInput(input=at) for at in range(len(self.layers))))
        inputs = tuple(context.input(layer) for layer in self.layers)
        return context.finish(op, inputs, None, self.about, ("mergeop",))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diff:
    """What `upper` has changed on top of `lower`; None is scratch."""

    lower: Output | None
    upper: Output | None
    about: About = NOTHING

    def inputs(self) -> Sequence[Output]:
        return [side for side in (self.lower, self.upper) if side]

    def marshal(self, context: Marshaler) -> Marshaled:
        inputs: list[Input] = []
        sides = []
        for side in (self.lower, self.upper):
            sides.append(ops.OpInput(input=len(inputs) if side else EMPTY))
            if side:
                inputs.append(context.input(side))
        op = ops.DiffOp(lower=sides[0], upper=sides[1])
        return context.finish(op, tuple(inputs), None, self.about, ("diffop",))


class GivenGraph:
    """A finished definition whose ops are used as they are. One vertex for each (digest, output) of it."""

    def __init__(self, definition: Definition) -> None:
        self.data = {digest_of(op): op for op in definition.ops}
        self.decoded = {digest: ops.decode_op(op) for digest, op in self.data.items()}
        self.metadata = definition.metadata
        self.locations = _given_locations(definition)
        self._vertices: dict[tuple[str, int], Result] = {}
        self.terminal = definition.terminal

    def output(self, digest: str, index: int) -> Result:
        key = (digest, index)
        if key not in self._vertices:
            self._vertices[key] = Result(Given(self, digest), index)
        return self._vertices[key]

    def head(self) -> Result:
        """What the definition results in; marshaling the head of an empty one fails, as it does in the reference."""
        terminal = self.terminal or Input()
        return Result(Given(self, terminal.digest), terminal.index)


def _given_locations(definition: Definition) -> dict[str, tuple[SourceLocation, ...]]:
    if definition.source is None:
        return {}
    files = [
        SourceFile(filename=info.filename, language=info.language, data=info.data, definition=info.definition)
        for info in definition.source.infos
    ]
    return {
        digest: tuple(SourceLocation(files[item.source_index], item.ranges) for item in found.locations)
        for digest, found in definition.source.locations.items()
    }


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    graph: GivenGraph
    digest: str

    def inputs(self) -> Sequence[Output]:
        if not self.digest:
            return ()
        return [self.graph.output(item.digest, item.index) for item in self.graph.decoded[self.digest].inputs]

    def marshal(self, context: Marshaler) -> Marshaled:
        del context
        if not self.digest:
            raise LlbError("cannot marshal empty definition op")
        graph, digest = self.graph, self.digest
        if digest not in graph.data:
            raise LlbError(f'invalid definition op with unknown op "{digest}"')
        return Marshaled(digest, graph.data[digest], graph.metadata.get(digest), graph.locations.get(digest, ()))


class Marshaler:
    """Marshals each vertex of one graph once, inputs before users."""

    def __init__(self, defaults: Defaults) -> None:
        self.defaults = defaults
        self._done: dict[int, Marshaled] = {}
        self._alive: list[Vertex] = []

    def result(self, vertex: Vertex) -> Marshaled:
        done = self._done.get(id(vertex))
        if done is None:
            done = vertex.marshal(self)
            self._done[id(vertex)] = done
            self._alive.append(vertex)
        return done

    def input(self, output: Output) -> Input:
        return Input(digest=self.result(output.vertex()).digest, index=output.index())

    def index_of(self, output: Output, inputs: list[Input]) -> int:
        """The position of `output` in `inputs`, where it is added if it is new."""
        found = self.input(output)
        if found not in inputs:
            inputs.append(found)
        return inputs.index(found)

    def finish(
        self,
        op: ops.OpKind,
        inputs: tuple[Input, ...],
        platform: Platform | None,
        about: About,
        caps: Sequence[str],
    ) -> Marshaled:
        data = ops.encode(Op(inputs=inputs, op=op, platform=platform, constraints=ops.WorkerConstraints()))
        return Marshaled(digest_of(data), data, about.metadata(caps), about.locations)

    def order(self, head: Vertex) -> list[Vertex]:
        """Depth first, inputs before users, each vertex once. Not recursive: graphs can be thousands deep."""
        seen: set[int] = set()
        ordered: list[Vertex] = []
        stack: list[tuple[Vertex, bool]] = [(head, False)]
        while stack:
            vertex, ready = stack.pop()
            if ready:
                if id(vertex) not in seen:
                    seen.add(id(vertex))
                    ordered.append(vertex)
                    self.result(vertex)
            elif id(vertex) not in seen:
                stack.append((vertex, True))
                self._alive.append(vertex)
                stack.extend((item.vertex(), False) for item in reversed(vertex.inputs()))
        return ordered


def marshal(output: Output | None, defaults: Defaults) -> Definition:
    """The definition whose result is `output`; an empty one for scratch. Raises `LlbError` or `WireError`."""
    if output is None:
        return Definition()
    context = Marshaler(defaults)
    found: dict[str, Marshaled] = {}
    metadata: dict[str, OpMetadata] = {}
    collector = _Locations()
    for vertex in context.order(output.vertex()):
        done = context.result(vertex)
        if done.metadata is not None:
            metadata[done.digest] = metadata.get(done.digest, OpMetadata()).merged(done.metadata)
        collector.add(done)
        found.setdefault(done.digest, done)
    terminal = ops.encode(Op(inputs=(context.input(output),)))
    metadata[digest_of(terminal)] = OpMetadata(caps=_terminal_caps(metadata))
    return Definition(
        ops=(*(done.data for done in found.values()), terminal), metadata=metadata, source=collector.source_map()
    )


def _terminal_caps(metadata: dict[str, OpMetadata]) -> dict[str, bool]:
    present = {
        "constraints": True,
        "platform": True,
        "meta.ignorecache": any(item.ignore_cache for item in metadata.values()),
        "meta.description": any(item.description for item in metadata.values()),
        "meta.exportcache": any(item.export_cache for item in metadata.values()),
    }
    return {cap: True for cap in sorted(present) if present[cap]}


class _Locations:
    """Collects source locations; equal files of different objects count as one."""

    def __init__(self) -> None:
        self._files: list[SourceFile] = []
        self._found: dict[str, list[Location]] = {}

    def add(self, done: Marshaled) -> None:
        found = self._found.setdefault(done.digest, [])
        found += (Location(source_index=self._index(item.file), ranges=item.ranges) for item in done.locations)

    def _index(self, file: SourceFile) -> int:
        for at, known in enumerate(self._files):
            if known is file or known.same(file):
                return at
        self._files.append(file)
        return len(self._files) - 1

    def source_map(self) -> SourceMap:
        infos = tuple(
            ops.SourceInfo(filename=f.filename, data=f.data, definition=f.definition, language=f.language)
            for f in self._files
        )
        return SourceMap(
            locations={digest: Locations(locations=tuple(found)) for digest, found in self._found.items()},
            infos=infos,
        )
