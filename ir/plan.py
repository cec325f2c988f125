"""The plan: what `bakec compile` writes, a review reads and `bakec run` performs.

Everything here is portable: paths are relative to the plan's root (the folder that was compiled in, `.`),
there is no clock, no host name and no secret value. `ir.codec` alone knows how these records look as bytes.
"""

from __future__ import annotations

from bakec.ir.records import dataclass, field
from bakec.ir.static import NewType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any, TypeAlias

JobId = NewType("JobId", str)
TargetName = NewType("TargetName", str)

FORMAT = 1
"""The number of the format this version writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A definition file that was read: path relative to the root, and `sha256:` digest of its bytes."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputVariable:
    """A variable that the definitions declare, and what it was compiled with.

    `source` is `variable default`, `global attribute`, `environment`, `--var`, `.env` or `built-in`. `value` is the
    value as `bakec list --variables` shows it.
    """

    name: str
    source: str
    value: str
    origin: int | None = None


@dataclass(frozen=True, slots=True)
class OriginRecord:
    """One interned step of provenance; `inputs` are indexes into `Plan.origins`, all smaller than its own."""

    kind: str
    name: str = ""
    file: str = ""
    line: int = 0
    inputs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    name: str
    targets: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resolved target as `bakec print` shows it. `view` is that JSON object (keys in print order);
    `origins` maps a field path (`args.GO_VERSION`, `tags[0]`) to an index into `Plan.origins`."""

    name: TargetName
    view: Mapping[str, Any]
    origins: Mapping[str, int] = field(default_factory=dict)
    linked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDir:
    """A directory of the client that the build reads, under the `name` that the frontend asks for (`context`,
    `dockerfile`, or that of a named context). `path` is relative to the root."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """An edge: the result of job `job` is the named context `context` of this job."""

    context: str
    job: JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret by reference. At run time the value is read from environment variable `env`, else file
    `src`."""

    id: str
    src: str = ""
    env: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ssh:
    """An agent forwarded to the build: sockets or key files; none means `SSH_AUTH_SOCK`."""

    id: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """An output as asked for: `type` before any driver-specific translation. `dest` is relative to the
    root."""

    type: str
    attrs: Mapping[str, str] = field(default_factory=dict)
    dest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A cache to import or export; local paths in `attrs` are relative to the root."""

    type: str
    attrs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendSolve:
    """Let a frontend make the LLB at run time: `frontend` is `dockerfile.v0` or `gateway.v0`. `attrs` are all
    that do not depend on the driver or the session. `reason` says why it was not lowered to LLB."""

    frontend: str
    attrs: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformBuild:
    """The LLB of one platform. `ops` are digests into `Plan.ops`, inputs before users, the terminal op last;
    empty for an empty result. `config` is the image config's exact bytes, `base_config` that of the base image,
    `epoch` the time to stamp the image with, in Unix seconds."""

    platform: str
    ops: tuple[str, ...]
    config: bytes
    base_config: bytes = b""
    epoch: str = ""
    meta: Mapping[str, OpMeta] = field(default_factory=dict)
    """Metadata of ops by digest where this build's differ from `Plan.op_meta`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlbSolve:
    """LLB made at compile time, one build per platform. `attrs` are those frontend attributes that the
    daemon reads itself, without a frontend (`attest:*`, `build-arg:SOURCE_DATE_EPOCH`). `builder` is the platform
    of the builder that the LLB was made for, empty where any will do.

    Three values stand for what only a run knows, and are exchanged when the job is submitted: `local.session` of a
    directory holds its path as in `LocalDir`, `local.sharedkeyhint` of a named context ends in `-`, and
    `image.resolvemode` of an image is `local`."""

    builds: tuple[PlatformBuild, ...]
    attrs: Mapping[str, str] = field(default_factory=dict)
    builder: str = ""


Solve: TypeAlias = FrontendSolve | LlbSolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One build: a target, ready for BuildKit but for what only the driver and the session know."""

    id: JobId
    target: TargetName
    solve: Solve
    platforms: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    tags: tuple[str, ...] = ()
    exports: tuple[Exporter, ...] = ()
    cache_from: tuple[Cache, ...] = ()
    cache_to: tuple[Cache, ...] = ()
    locals: tuple[LocalDir, ...] = ()
    oci_layouts: Mapping[str, str] = field(default_factory=dict)
    """Named contexts of scheme `oci-layout://`: context name -> the value without its scheme."""
    dockerfile_inline: str | None = None
    """The text of an inline Dockerfile, sent as the local directory `dockerfile`."""
    secrets: tuple[Secret, ...] = ()
    ssh: tuple[Ssh, ...] = ()
    entitlements: tuple[str, ...] = ()
    pull: bool = False
    provenance_default: bool = True
    """No provenance was configured: the runtime adds the reference's default where the daemon can attest."""
    call: str = ""
    """A sub-request (`check`, `outline`, `targets`, …) instead of a build."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A reference that was pinned, with the digest used and the file it came from."""

    ref: str
    digest: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpMeta:
    """What BuildKit calls op metadata, kept beside the op so that names do not change its identity. `places` are
    the lines it was made from: index into `Plan.dockerfiles`, first and last line, from 1."""

    description: Mapping[str, str] = field(default_factory=dict)
    caps: tuple[str, ...] = ()
    ignore_cache: bool = False
    progress_group: tuple[str, str, bool] | None = None
    places: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A Dockerfile that was lowered: path relative to the root (`TARGET (inline)` for one without a file) and the
    exact bytes, for the places of errors and changes."""

    path: str
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One plan. `ops` maps the digest of an LLB op to its exact bytes, shared by all jobs. `requested` are
    the target names asked for; `jobs` stand in an order in which every job comes after those it needs."""

    requested: tuple[str, ...]
    files: tuple[InputFile, ...] = ()
    variables: tuple[InputVariable, ...] = ()
    origins: Sequence[OriginRecord] = ()
    inherits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What each target inherits from, also targets that only others inherit."""
    groups: tuple[Group, ...] = ()
    targets: tuple[Target, ...] = ()
    ops: Mapping[str, bytes] = field(default_factory=dict)
    op_meta: Mapping[str, OpMeta] = field(default_factory=dict)
    dockerfiles: tuple[Dockerfile, ...] = ()
    jobs: tuple[Job, ...] = ()
    lock: tuple[Pin, ...] = ()
    features: tuple[str, ...] = ()
    """Names of what a reader must understand to run this plan."""
    extra: Mapping[tuple[str | int, ...], Any] = field(default_factory=dict)
    """Optional fields of a newer format by their path (`("jobs", 0, "weight")`), carried through untouched. Good for
    these very records: whoever replaces some leaves the extras of those out."""

    @staticmethod
    def load(source: bytes | str | PathLike[str]) -> Plan:
        """The plan in a file or in bytes, checked. Raises `Failed` with exit code 4 for anything but a sound plan."""
        from bakec.ir.loading import load

        return load(source)

    def dump(self) -> bytes:
        """Its canonical bytes: what `bakec compile` writes."""
        from bakec import __version__
        from bakec.ir import codec

        return codec.dump(self, f"bakec {__version__}")
