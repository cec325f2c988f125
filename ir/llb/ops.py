"""The messages of LLB as frozen records, and the table (`SCHEMA`) that says how each is written.

Field numbers and names are those of BuildKit's `solver/pb/ops.proto`. Records are named tuples, which are cheap to
define and to build; make them with keyword arguments, and what is left out is protobuf's zero.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TypeVar, cast

from bakec.ir.digests import digest_of
from bakec.ir.llb.wire import Field, Kind, Message, Reader, Writer
from bakec.ir.platforms import Platform
from bakec.ir.records import NamedTuple, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final, TypeAlias

    from bakec.ir.llb.wire import Schema

NO_ENTRIES: Final[Mapping[str, Any]] = MappingProxyType({})
"""The map of a record that was given none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """The output `index` of the op with this digest. No tuple, because `index` is a method of those."""

    digest: str = ""
    index: int = 0


class WorkerConstraints(NamedTuple):
    filter: tuple[str, ...] = ()


class SourceOp(NamedTuple):
    identifier: str = ""
    attrs: Mapping[str, str] = NO_ENTRIES


class ProxyEnv(NamedTuple):
    http_proxy: str = ""
    https_proxy: str = ""
    ftp_proxy: str = ""
    no_proxy: str = ""
    all_proxy: str = ""


class HostIP(NamedTuple):
    host: str = ""
    ip: str = ""


class Ulimit(NamedTuple):
    name: str = ""
    soft: int = 0
    hard: int = 0


class Meta(NamedTuple):
    """The process of an exec op."""

    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    cwd: str = ""
    user: str = ""
    proxy_env: ProxyEnv | None = None
    extra_hosts: tuple[HostIP, ...] = ()
    hostname: str = ""
    ulimit: tuple[Ulimit, ...] = ()
    cgroup_parent: str = ""
    remove_mount_stubs_recursive: bool = False
    valid_exit_codes: tuple[int, ...] = ()


class TmpfsOpt(NamedTuple):
    size: int = 0


class CacheOpt(NamedTuple):
    id: str = ""
    sharing: int = 0


class SecretOpt(NamedTuple):
    id: str = ""
    uid: int = 0
    gid: int = 0
    mode: int = 0
    optional: bool = False


class SshOpt(NamedTuple):
    id: str = ""
    uid: int = 0
    gid: int = 0
    mode: int = 0
    optional: bool = False


class Mount(NamedTuple):
    """A mount of an exec op. `input` indexes the inputs of the op, -1 for none; `output` -1 means it is dropped."""

    input: int = 0
    selector: str = ""
    dest: str = ""
    output: int = 0
    readonly: bool = False
    mount_type: int = 0
    tmpfs_opt: TmpfsOpt | None = None
    cache_opt: CacheOpt | None = None
    secret_opt: SecretOpt | None = None
    ssh_opt: SshOpt | None = None
    result_id: str = ""
    content_cache: int = 0


class SecretEnv(NamedTuple):
    id: str = ""
    name: str = ""
    optional: bool = False


class CdiDevice(NamedTuple):
    name: str = ""
    optional: bool = False


class ExecOp(NamedTuple):
    meta: Meta | None = None
    mounts: tuple[Mount, ...] = ()
    network: int = 0
    security: int = 0
    secret_env: tuple[SecretEnv, ...] = ()
    cdi_devices: tuple[CdiDevice, ...] = ()


class NamedUser(NamedTuple):
    name: str = ""
    input: int = 0


class UserOpt(NamedTuple):
    """A user or group: a `NamedUser` looked up in an input, or a number."""

    by_name: NamedUser | None = None
    by_id: int | None = None


class ChownOpt(NamedTuple):
    user: UserOpt | None = None
    group: UserOpt | None = None


class FileActionCopy(NamedTuple):
    src: str = ""
    dest: str = ""
    owner: ChownOpt | None = None
    mode: int = 0
    follow_symlink: bool = False
    dir_copy_contents: bool = False
    attempt_unpack: bool = False
    create_dest_path: bool = False
    allow_wildcard: bool = False
    allow_empty_wildcard: bool = False
    timestamp: int = 0
    include_patterns: tuple[str, ...] = ()
    exclude_patterns: tuple[str, ...] = ()
    always_replace: bool = False
    mode_str: str = ""
    required_paths: tuple[str, ...] = ()


class FileActionMkFile(NamedTuple):
    path: str = ""
    mode: int = 0
    data: bytes = b""
    owner: ChownOpt | None = None
    timestamp: int = 0


class FileActionMkDir(NamedTuple):
    path: str = ""
    mode: int = 0
    make_parents: bool = False
    owner: ChownOpt | None = None
    timestamp: int = 0


class FileActionRm(NamedTuple):
    path: str = ""
    allow_not_found: bool = False
    allow_wildcard: bool = False


class FileActionSymlink(NamedTuple):
    old_path: str = ""
    new_path: str = ""
    owner: ChownOpt | None = None
    timestamp: int = 0


Action: TypeAlias = FileActionCopy | FileActionMkFile | FileActionMkDir | FileActionRm | FileActionSymlink


class FileAction(NamedTuple):
    input: int = 0
    secondary_input: int = 0
    output: int = 0
    action: Action | None = None


class FileOp(NamedTuple):
    actions: tuple[FileAction, ...] = ()


class OpInput(NamedTuple):
    """An index into the inputs of the op, where merge, diff and build ops refer to one."""

    input: int = 0


class MergeOp(NamedTuple):
    inputs: tuple[OpInput, ...] = ()


class DiffOp(NamedTuple):
    lower: OpInput | None = None
    upper: OpInput | None = None


class PassthroughOp(NamedTuple):
    id: str = ""
    outputs: tuple[int, ...] = ()


class ExportCache(NamedTuple):
    value: bool = False


class ProgressGroup(NamedTuple):
    """Ops shown as one line; a `weak` member does not keep the group alive on its own."""

    id: str = ""
    name: str = ""
    weak: bool = False


class LinuxResources(NamedTuple):
    """Limits of the process: bytes, relative weight, microseconds, and cpuset lists."""

    memory: int = 0
    memory_swap: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""


class OpMetadata(NamedTuple):
    """What is said about an op beside it, keyed by its digest: never part of its identity."""

    ignore_cache: bool = False
    description: Mapping[str, str] = NO_ENTRIES
    export_cache: ExportCache | None = None
    caps: Mapping[str, bool] = NO_ENTRIES
    progress_group: ProgressGroup | None = None
    linux_resources: LinuxResources | None = None

    def merged(self, later: OpMetadata) -> OpMetadata:
        """The metadata of one op that was described twice; what `later` says wins."""
        return OpMetadata(
            ignore_cache=self.ignore_cache or later.ignore_cache,
            description={**self.description, **later.description},
            export_cache=later.export_cache or self.export_cache,
            caps={**self.caps, **dict.fromkeys(later.caps, True)},
            progress_group=later.progress_group or self.progress_group,
            linux_resources=later.linux_resources or self.linux_resources,
        )


class Position(NamedTuple):
    line: int = 0
    character: int = 0


class Range(NamedTuple):
    start: Position | None = None
    end: Position | None = None


class Location(NamedTuple):
    source_index: int = 0
    ranges: tuple[Range, ...] = ()


class Locations(NamedTuple):
    locations: tuple[Location, ...] = ()


class SourceInfo(NamedTuple):
    """One file that locations point into; `definition` is the LLB it was read from."""

    filename: str = ""
    data: bytes = b""
    definition: Definition | None = None
    language: str = ""


class SourceMap(NamedTuple):
    locations: Mapping[str, Locations] = NO_ENTRIES
    infos: tuple[SourceInfo, ...] = ()


class Definition(NamedTuple):
    """A whole graph: the bytes of its ops, inputs before users and the terminal op last; none for scratch."""

    ops: tuple[bytes, ...] = ()
    metadata: Mapping[str, OpMetadata] = NO_ENTRIES
    source: SourceMap | None = None

    @property
    def terminal(self) -> Input | None:
        """What the terminal op points at: the result. None for scratch."""
        return decode_op(self.ops[-1]).inputs[0] if self.ops else None

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(digest_of(op) for op in self.ops)


class BuildOp(NamedTuple):
    builder: int = 0
    inputs: Mapping[str, OpInput] = NO_ENTRIES
    definition: Definition | None = None
    attrs: Mapping[str, str] = NO_ENTRIES


OpKind: TypeAlias = ExecOp | SourceOp | FileOp | BuildOp | MergeOp | DiffOp | PassthroughOp


class Op(NamedTuple):
    """One vertex of the graph; its digest is the SHA-256 of its bytes."""

    inputs: tuple[Input, ...] = ()
    op: OpKind | None = None
    platform: Platform | None = None
    constraints: WorkerConstraints | None = None


NET_MODES: Final = ("UNSET", "HOST", "NONE")
SECURITY_MODES: Final = ("SANDBOX", "INSECURE")
MOUNT_TYPES: Final = ("BIND", "SECRET", "SSH", "CACHE", "TMPFS")
SHARING_MODES: Final = ("SHARED", "PRIVATE", "LOCKED")
CONTENT_CACHE: Final = ("DEFAULT", "ON", "OFF")

_STR, _BYTES, _I64, _I32, _BOOL, _ENUM = Kind.STRING, Kind.BYTES, Kind.INT64, Kind.INT32, Kind.BOOL, Kind.ENUM
_MSG, _STRS, _MSGS, _INTS, _MAP = Kind.MESSAGE, Kind.STRINGS, Kind.MESSAGES, Kind.INTS, Kind.MAP


def _field(number: int, name: str, kind: Kind, attr: str = "", of: type | None = None) -> Field:
    return Field(number, name, kind, attr or name, of)


def _enum(number: int, name: str, names: tuple[str, ...], attr: str = "") -> Field:
    return Field(number, name, _ENUM, attr or name, None, names)


def _member(number: int, name: str, of: type, attr: str) -> Field:
    return Field(number, name, _MSG, attr, of, (), True)


_OPTIONAL_FILE = (
    _field(1, "ID", _STR, "id"),
    _field(2, "uid", _I32),
    _field(3, "gid", _I32),
    _field(4, "mode", _I32),
    _field(5, "optional", _BOOL),
)
_INDEX = (_field(1, "input", _I64),)

_TABLE: Final[tuple[tuple[str, type, tuple[Field, ...]], ...]] = (
    (
        "Op",
        Op,
        (
            _field(1, "inputs", _MSGS, of=Input),
            _member(2, "exec", ExecOp, "op"),
            _member(3, "source", SourceOp, "op"),
            _member(4, "file", FileOp, "op"),
            _member(5, "build", BuildOp, "op"),
            _member(6, "merge", MergeOp, "op"),
            _member(7, "diff", DiffOp, "op"),
            _member(8, "passthrough", PassthroughOp, "op"),
            _field(10, "platform", _MSG, of=Platform),
            _field(11, "constraints", _MSG, of=WorkerConstraints),
        ),
    ),
    (
        "Platform",
        Platform,
        (
            _field(1, "Architecture", _STR, "architecture"),
            _field(2, "OS", _STR, "os"),
            _field(3, "Variant", _STR, "variant"),
            _field(4, "OSVersion", _STR, "os_version"),
            _field(5, "OSFeatures", _STRS, "os_features"),
        ),
    ),
    ("Input", Input, (_field(1, "digest", _STR), _field(2, "index", _I64))),
    ("WorkerConstraints", WorkerConstraints, (_field(1, "filter", _STRS),)),
    ("SourceOp", SourceOp, (_field(1, "identifier", _STR), _field(2, "attrs", _MAP))),
    (
        "ExecOp",
        ExecOp,
        (
            _field(1, "meta", _MSG, of=Meta),
            _field(2, "mounts", _MSGS, of=Mount),
            _enum(3, "network", NET_MODES),
            _enum(4, "security", SECURITY_MODES),
            _field(5, "secretenv", _MSGS, "secret_env", SecretEnv),
            _field(6, "cdiDevices", _MSGS, "cdi_devices", CdiDevice),
        ),
    ),
    (
        "Meta",
        Meta,
        (
            _field(1, "args", _STRS),
            _field(2, "env", _STRS),
            _field(3, "cwd", _STR),
            _field(4, "user", _STR),
            _field(5, "proxy_env", _MSG, of=ProxyEnv),
            _field(6, "extraHosts", _MSGS, "extra_hosts", HostIP),
            _field(7, "hostname", _STR),
            _field(9, "ulimit", _MSGS, of=Ulimit),
            _field(10, "cgroupParent", _STR, "cgroup_parent"),
            _field(11, "removeMountStubsRecursive", _BOOL, "remove_mount_stubs_recursive"),
            _field(12, "validExitCodes", _INTS, "valid_exit_codes"),
        ),
    ),
    ("HostIP", HostIP, (_field(1, "Host", _STR, "host"), _field(2, "IP", _STR, "ip"))),
    (
        "Ulimit",
        Ulimit,
        (_field(1, "Name", _STR, "name"), _field(2, "Soft", _I64, "soft"), _field(3, "Hard", _I64, "hard")),
    ),
    (
        "ProxyEnv",
        ProxyEnv,
        (
            _field(1, "http_proxy", _STR),
            _field(2, "https_proxy", _STR),
            _field(3, "ftp_proxy", _STR),
            _field(4, "no_proxy", _STR),
            _field(5, "all_proxy", _STR),
        ),
    ),
    ("SecretEnv", SecretEnv, (_field(1, "ID", _STR, "id"), _field(2, "name", _STR), _field(3, "optional", _BOOL))),
    ("CDIDevice", CdiDevice, (_field(1, "name", _STR), _field(2, "optional", _BOOL))),
    (
        "Mount",
        Mount,
        (
            _field(1, "input", _I64),
            _field(2, "selector", _STR),
            _field(3, "dest", _STR),
            _field(4, "output", _I64),
            _field(5, "readonly", _BOOL),
            _enum(6, "mountType", MOUNT_TYPES, "mount_type"),
            _field(19, "TmpfsOpt", _MSG, "tmpfs_opt", TmpfsOpt),
            _field(20, "cacheOpt", _MSG, "cache_opt", CacheOpt),
            _field(21, "secretOpt", _MSG, "secret_opt", SecretOpt),
            _field(22, "SSHOpt", _MSG, "ssh_opt", SshOpt),
            _field(23, "resultID", _STR, "result_id"),
            _enum(24, "contentCache", CONTENT_CACHE, "content_cache"),
        ),
    ),
    ("TmpfsOpt", TmpfsOpt, (_field(1, "size", _I64),)),
    ("CacheOpt", CacheOpt, (_field(1, "ID", _STR, "id"), _enum(2, "sharing", SHARING_MODES))),
    ("SecretOpt", SecretOpt, _OPTIONAL_FILE),
    ("SSHOpt", SshOpt, _OPTIONAL_FILE),
    ("FileOp", FileOp, (_field(2, "actions", _MSGS, of=FileAction),)),
    (
        "FileAction",
        FileAction,
        (
            _field(1, "input", _I64),
            _field(2, "secondaryInput", _I64, "secondary_input"),
            _field(3, "output", _I64),
            _member(4, "copy", FileActionCopy, "action"),
            _member(5, "mkfile", FileActionMkFile, "action"),
            _member(6, "mkdir", FileActionMkDir, "action"),
            _member(7, "rm", FileActionRm, "action"),
            _member(8, "symlink", FileActionSymlink, "action"),
        ),
    ),
    (
        "FileActionCopy",
        FileActionCopy,
        (
            _field(1, "src", _STR),
            _field(2, "dest", _STR),
            _field(3, "owner", _MSG, of=ChownOpt),
            _field(4, "mode", _I32),
            _field(5, "followSymlink", _BOOL, "follow_symlink"),
            _field(6, "dirCopyContents", _BOOL, "dir_copy_contents"),
            _field(7, "attemptUnpackDockerCompatibility", _BOOL, "attempt_unpack"),
            _field(8, "createDestPath", _BOOL, "create_dest_path"),
            _field(9, "allowWildcard", _BOOL, "allow_wildcard"),
            _field(10, "allowEmptyWildcard", _BOOL, "allow_empty_wildcard"),
            _field(11, "timestamp", _I64),
            _field(12, "include_patterns", _STRS),
            _field(13, "exclude_patterns", _STRS),
            _field(14, "alwaysReplaceExistingDestPaths", _BOOL, "always_replace"),
            _field(15, "modeStr", _STR, "mode_str"),
            _field(16, "required_paths", _STRS),
        ),
    ),
    (
        "FileActionMkFile",
        FileActionMkFile,
        (
            _field(1, "path", _STR),
            _field(2, "mode", _I32),
            _field(3, "data", _BYTES),
            _field(4, "owner", _MSG, of=ChownOpt),
            _field(5, "timestamp", _I64),
        ),
    ),
    (
        "FileActionMkDir",
        FileActionMkDir,
        (
            _field(1, "path", _STR),
            _field(2, "mode", _I32),
            _field(3, "makeParents", _BOOL, "make_parents"),
            _field(4, "owner", _MSG, of=ChownOpt),
            _field(5, "timestamp", _I64),
        ),
    ),
    (
        "FileActionRm",
        FileActionRm,
        (
            _field(1, "path", _STR),
            _field(2, "allowNotFound", _BOOL, "allow_not_found"),
            _field(3, "allowWildcard", _BOOL, "allow_wildcard"),
        ),
    ),
    (
        "FileActionSymlink",
        FileActionSymlink,
        (
            _field(1, "oldpath", _STR, "old_path"),
            _field(2, "newpath", _STR, "new_path"),
            _field(3, "owner", _MSG, of=ChownOpt),
            _field(4, "timestamp", _I64),
        ),
    ),
    ("ChownOpt", ChownOpt, (_field(1, "user", _MSG, of=UserOpt), _field(2, "group", _MSG, of=UserOpt))),
    (
        "UserOpt",
        UserOpt,
        (_member(1, "byName", NamedUser, "by_name"), Field(2, "byID", _I32, "by_id", None, (), True)),
    ),
    ("NamedUserOpt", NamedUser, (_field(1, "name", _STR), _field(2, "input", _I64))),
    ("MergeInput", OpInput, _INDEX),
    ("MergeOp", MergeOp, (_field(1, "inputs", _MSGS, of=OpInput),)),
    ("DiffOp", DiffOp, (_field(1, "lower", _MSG, of=OpInput), _field(2, "upper", _MSG, of=OpInput))),
    (
        "BuildOp",
        BuildOp,
        (
            _field(1, "builder", _I64),
            _field(2, "inputs", Kind.MESSAGES_BY_NAME, of=OpInput),
            _field(3, "def", _MSG, "definition", Definition),
            _field(4, "attrs", _MAP),
        ),
    ),
    ("PassthroughOp", PassthroughOp, (_field(1, "id", _STR), _field(2, "outputs", _INTS))),
    (
        "OpMetadata",
        OpMetadata,
        (
            _field(1, "ignore_cache", _BOOL),
            _field(2, "description", _MAP),
            _field(4, "export_cache", _MSG, of=ExportCache),
            _field(5, "caps", Kind.FLAGS),
            _field(6, "progress_group", _MSG, of=ProgressGroup),
            _field(7, "linux_resources", _MSG, of=LinuxResources),
        ),
    ),
    ("ExportCache", ExportCache, (_field(1, "Value", _BOOL, "value"),)),
    ("ProgressGroup", ProgressGroup, (_field(1, "id", _STR), _field(2, "name", _STR), _field(3, "weak", _BOOL))),
    (
        "LinuxResources",
        LinuxResources,
        (
            _field(1, "memory", _I64),
            _field(2, "memorySwap", _I64, "memory_swap"),
            _field(3, "cpuShares", _I64, "cpu_shares"),
            _field(4, "cpuPeriod", _I64, "cpu_period"),
            _field(5, "cpuQuota", _I64, "cpu_quota"),
            _field(6, "cpusetCpus", _STR, "cpuset_cpus"),
            _field(7, "cpusetMems", _STR, "cpuset_mems"),
        ),
    ),
    (
        "Definition",
        Definition,
        (
            _field(1, "def", Kind.CHUNKS, "ops"),
            _field(2, "metadata", Kind.MESSAGES_BY_NAME, of=OpMetadata),
            _field(3, "Source", _MSG, "source", SourceMap),
        ),
    ),
    (
        "Source",
        SourceMap,
        (_field(1, "locations", Kind.MESSAGES_BY_NAME, of=Locations), _field(2, "infos", _MSGS, of=SourceInfo)),
    ),
    (
        "SourceInfo",
        SourceInfo,
        (
            _field(1, "filename", _STR),
            _field(2, "data", _BYTES),
            _field(3, "definition", _MSG, of=Definition),
            _field(4, "language", _STR),
        ),
    ),
    ("Locations", Locations, (_field(1, "locations", _MSGS, of=Location),)),
    ("Location", Location, (_field(1, "sourceIndex", _I32, "source_index"), _field(2, "ranges", _MSGS, of=Range))),
    ("Range", Range, (_field(1, "start", _MSG, of=Position), _field(2, "end", _MSG, of=Position))),
    ("Position", Position, (_field(1, "line", _I32), _field(2, "character", _I32))),
)

SCHEMA: Final[Schema] = {record: Message(name, record, fields) for name, record, fields in _TABLE}

_writer = Writer(SCHEMA)
_reader = Reader(SCHEMA)
R = TypeVar("R")


def encode(record: object) -> bytes:
    """The exact bytes BuildKit's own client writes for `record`. Raises `WireError` for text that is not Unicode."""
    return _writer.encode(record)


def decode(record: type[R], data: bytes) -> R:
    """A record of class `record` read from `data`. Raises `WireError`."""
    return cast("R", _reader.decode(record, data))


def decode_op(data: bytes) -> Op:
    """The op that `data` holds. Raises `WireError`."""
    return decode(Op, data)
