"""What a conversion is given and what it gives back."""

from __future__ import annotations

from bakec.ir.diagnostics import Failed
from bakec.ir.platforms import AMD64
from bakec.ir.records import dataclass, field
from bakec.ir.static import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakec.compiler.dockerfile.faults import Lines
    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.llb.ops import Definition
    from bakec.ir.platforms import Platform


class UnresolvedError(Exception):
    """What a resolver raises for something it does not know; the text becomes part of the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """A question for the config of an image. `session` and `store` are set for OCI layouts."""

    ref: str
    platform: Platform | None
    resolve_mode: str
    log_name: str
    session: str = ""
    store: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAnswer:
    """`ref` is the reference that was resolved (a policy may have changed it), `digest` that of its index or
    manifest, empty if unknown, `config` the JSON of its config."""

    ref: str
    digest: str
    config: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMetadata:
    """What is known of a git or HTTP source: the raw commit object, the `Last-Modified` time (Unix seconds)."""

    commit: bytes = b""
    last_modified: int | None = None


class Resolver(Protocol):
    """Everything a conversion may ask about the world. Answers come from a lock file, or from a test."""

    def image(self, request: ImageRequest) -> ImageAnswer:
        """The config of an image. Raises `UnresolvedError`."""
        ...

    def remote_file(self, identifier: str, path: str) -> bytes:
        """A file of a git or HTTP source. Raises `UnresolvedError`."""
        ...

    def metadata(self, identifier: str) -> SourceMetadata:
        """When a git or HTTP source was made. Raises `UnresolvedError`."""
        ...

    def pin(self, source: str) -> str:
        """The commit at which to read a repository that ADD names, as written; empty: what the name stands for when
        the build runs. A URL that ADD names without a checksum is asked for too, and has no pin."""
        ...


class NoResolver:
    """Knows nothing: only what is built from scratch and local files can be lowered."""

    def image(self, request: ImageRequest) -> ImageAnswer:
        raise UnresolvedError(f"{request.ref} is not pinned")

    def remote_file(self, identifier: str, path: str) -> bytes:
        raise UnresolvedError(f"{path} of {identifier} is not known at compile time")

    def metadata(self, identifier: str) -> SourceMetadata:
        raise UnresolvedError(f"the time of {identifier} is not known at compile time")

    def pin(self, source: str) -> str:
        del source
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One target to lower.

    `attrs` are the frontend attributes a client would send. `local_files` are the ignore files of local directories
    (name of the directory, path, content). `inputs` are the graphs behind `input:` contexts. `session` is put where
    a real build puts the id of its session. `host` is
    the machine the reference's frontend would run on. `direct` lowers without a gateway, as a library does: no named
    contexts, no ignore file, no session.
    """

    dockerfile: bytes
    attrs: Mapping[str, str] = field(default_factory=dict)
    resolver: Resolver = field(default_factory=NoResolver)
    local_files: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    inputs: Mapping[str, Definition] = field(default_factory=dict)
    session: str = ""
    worker: Platform = AMD64
    host: Platform = AMD64
    missing_caps: frozenset[str] = frozenset()
    direct: bool = False
    source_map: bool = True
    local_unique: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintWarning:
    """A lint warning as the frontend sends it: `short` names rule and line."""

    rule: str
    short: str
    message: str
    detail: str
    url: str
    lines: Lines | None
    diagnostic: Diagnostic


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """The graph of one platform. `id` is empty for a single-platform result. `config` and `base_config` are exact
    JSON bytes, `epoch` Unix seconds."""

    id: str
    platform: Platform
    definition: Definition
    config: bytes
    base_config: bytes | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """The file wants another frontend: what a client would ask the gateway for."""

    frontend: str
    attrs: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Lowered:
    """The result. `pre_solves` are graphs the frontend solves before it converts (to read files), `image_requests`
    the configs it asks for, each once. `metadata` are the entries of the result beside the refs. `scan_targets` are
    the graphs an SBOM scanner would look at beside the result. `scanner` is the image of the scanner if one was asked
    for: the frontend runs it after the build, which a graph alone does not."""

    builds: list[Build] = field(default_factory=list)
    warnings: list[LintWarning] = field(default_factory=list)
    pre_solves: list[Definition] = field(default_factory=list)
    image_requests: list[ImageRequest] = field(default_factory=list)
    metadata: dict[str, bytes] = field(default_factory=dict)
    scan_targets: dict[str, Definition] = field(default_factory=dict)
    subrequest: dict[str, bytes] | None = None
    forward: Forward | None = None
    scanner: str = ""
    arguments: set[str] = field(default_factory=set)
    """The names that the file declares with ARG, where it is read and where a base image does."""
    host_decides: bool = False
    """A platform in the file means the builder's for the most part."""


class LowerFailed(Failed):
    """The Dockerfile cannot be lowered. `message` is the reference's error, `locations` the lines it names,
    `partial` what had been found out before. `unknown` tells that the file may be right, and the resolver did not
    know enough: such a target is left to the frontend at run time."""

    def __init__(
        self,
        diagnostic: Diagnostic,
        *,
        locations: tuple[Lines | None, ...],
        partial: Lowered,
        unknown: bool,
    ) -> None:
        super().__init__([diagnostic])
        self.message = diagnostic.summary
        self.locations = locations
        self.partial = partial
        self.unknown = unknown
