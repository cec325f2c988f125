"""The wire form of a plan as a table: every record, each of its fields, its shape, and what it is for.

`ir.codec` reads and writes by these rows; docs/plan-format.md and docs/plan.schema.json are made from them.
"""

from __future__ import annotations

from bakec.ir.plan import (
    Cache,
    Dockerfile,
    Exporter,
    FrontendSolve,
    Group,
    InputFile,
    InputVariable,
    Job,
    LlbSolve,
    LocalDir,
    Need,
    OpMeta,
    OriginRecord,
    Pin,
    Plan,
    PlatformBuild,
    Secret,
    Ssh,
    Target,
)
from bakec.ir.records import Enum, NamedTuple, defaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final, TypeAlias


class Leaf(NamedTuple):
    """A value that is the same in memory and on the wire."""

    name: str
    type: type


class ListOf(NamedTuple):
    item: Shape


class MapOf(NamedTuple):
    item: Shape


class RecordOf(NamedTuple):
    record: type


class TableOf(NamedTuple):
    """A list of records, stored by column: a map of lists of equal length. Text stands as an index into the list
    `texts`, which holds each text once, in the order of first use; a column that holds defaults alone is left out."""

    record: type


class Choice(NamedTuple):
    """One of several records, told apart by the key `kind`."""

    options: Mapping[str, type]


class Tree(NamedTuple):
    """Any value that JSON has, floats excepted."""


Shape: TypeAlias = Leaf | ListOf | MapOf | RecordOf | TableOf | Choice | Tree

TEXT, INT, FLAG, BYTES = Leaf("text", str), Leaf("int", int), Leaf("flag", bool), Leaf("bytes", bytes)
TEXTS, TABLE = ListOf(TEXT), MapOf(TEXT)


class Use(Enum):
    """Who may use a field."""

    RUN = "run"
    """The runtime acts on it."""
    REVIEW = "review"
    """For people and their tools: `show`, `diff`, `explain`. It must not change what a run does."""
    BOTH = "run, review"


class Column(NamedTuple):
    """One field. `since` is the number of the format in which it appeared."""

    shape: Shape
    doc: str
    use: Use = Use.BOTH
    since: int = 1


HEADER: Final = {
    "format": Column(INT, "Number of the format. A reader refuses a number above the ones it knows."),
    "features": Column(
        TEXTS, "Names of what a reader must understand, sorted. A reader refuses a plan with one it does not know."
    ),
    "digest": Column(TEXT, "`sha256:` and 64 hex digits over the whole plan without `digest` and `produced-by`."),
    "produced-by": Column(TEXT, "Program and version that wrote the file. Outside the digest.", Use.REVIEW),
}
"""Keys of the top map that are no fields of `Plan`."""

RECORDS: Final[dict[type, dict[str, Column]]] = {
    Plan: {
        "requested": Column(TEXTS, "Names of the targets and groups that were asked for.", Use.REVIEW),
        "files": Column(ListOf(RecordOf(InputFile)), "The definition files that were read, in order.", Use.REVIEW),
        "variables": Column(
            ListOf(RecordOf(InputVariable)),
            "The variables that values of the plan were made from. Others are not recorded.",
            Use.REVIEW,
        ),
        "origins": Column(
            TableOf(OriginRecord),
            "Provenance: every step in the making of a value, each once, inputs before users.",
            Use.REVIEW,
        ),
        "inherits": Column(
            MapOf(TEXTS),
            "Name of a target to the targets it inherits from, in order; also for targets that only others inherit.",
            Use.REVIEW,
        ),
        "groups": Column(ListOf(RecordOf(Group)), "The groups met on the way from the names asked for.", Use.REVIEW),
        "targets": Column(ListOf(RecordOf(Target)), "The resolved targets, by name."),
        "ops": Column(MapOf(BYTES), "LLB operations: digest to the exact bytes, shared by all jobs.", Use.RUN),
        "op_meta": Column(MapOf(RecordOf(OpMeta)), "Digest of an operation to its metadata."),
        "dockerfiles": Column(ListOf(RecordOf(Dockerfile)), "The Dockerfiles that were lowered."),
        "jobs": Column(ListOf(RecordOf(Job)), "The builds; every job comes after those it needs."),
        "lock": Column(ListOf(RecordOf(Pin)), "Pinned references that the plan relies on.", Use.REVIEW),
    },
    InputFile: {
        "path": Column(TEXT, "Path relative to the root, or `-` for standard input.", Use.REVIEW),
        "digest": Column(TEXT, "`sha256:` digest of the text.", Use.REVIEW),
    },
    InputVariable: {
        "name": Column(TEXT, "Name in the definitions.", Use.REVIEW),
        "source": Column(
            TEXT, "`variable default`, `global attribute`, `environment`, `--var`, `.env` or `built-in`.", Use.REVIEW
        ),
        "value": Column(TEXT, "The value it was compiled with, as text.", Use.REVIEW),
        "origin": Column(INT, "Index into `origins`.", Use.REVIEW),
    },
    OriginRecord: {
        "kind": Column(TEXT, "What kind of step; new kinds may appear in any version.", Use.REVIEW),
        "name": Column(TEXT, "The variable, function, flag, axis or target.", Use.REVIEW),
        "file": Column(TEXT, "Definition file, if the step has a place.", Use.REVIEW),
        "line": Column(INT, "Line in `file`, from 1; 0 without a place.", Use.REVIEW),
        "inputs": Column(ListOf(INT), "Indexes of the steps that went in, all smaller than its own.", Use.REVIEW),
    },
    Group: {
        "name": Column(TEXT, "Name of the group.", Use.REVIEW),
        "targets": Column(TEXTS, "Names of its members, targets or groups.", Use.REVIEW),
        "description": Column(TEXT, "What it is for.", Use.REVIEW),
    },
    Target: {
        "name": Column(TEXT, "Name of the target."),
        "view": Column(MapOf(Tree()), "The resolved attributes, as `bakec print` shows them.", Use.REVIEW),
        "origins": Column(
            MapOf(INT), "Field path (`args.GO_VERSION`, `tags[0]`) to an index into `origins`.", Use.REVIEW
        ),
        "linked": Column(FLAG, "Only reached over a `target:` context of another target.", Use.REVIEW),
    },
    Job: {
        "id": Column(TEXT, "Identity of the job, unique in the plan."),
        "target": Column(TEXT, "Name of its target."),
        "solve": Column(
            Choice({"frontend": FrontendSolve, "llb": LlbSolve}), "How the build graph comes to be.", Use.RUN
        ),
        "platforms": Column(TEXTS, "Platforms to build for; none means that of the builder."),
        "needs": Column(ListOf(RecordOf(Need)), "Jobs whose results this one reads."),
        "tags": Column(TEXTS, "Names of the image."),
        "exports": Column(ListOf(RecordOf(Exporter)), "What to do with the result."),
        "cache_from": Column(ListOf(RecordOf(Cache)), "Caches to import, in order."),
        "cache_to": Column(ListOf(RecordOf(Cache)), "Caches to export."),
        "locals": Column(ListOf(RecordOf(LocalDir)), "Directories of the client that the build reads."),
        "oci_layouts": Column(TABLE, "Named context to the OCI layout it reads, without the scheme."),
        "dockerfile_inline": Column(TEXT, "Text of an inline Dockerfile.", Use.RUN),
        "secrets": Column(ListOf(RecordOf(Secret)), "Secrets that the build may read, by reference."),
        "ssh": Column(ListOf(RecordOf(Ssh)), "SSH agents that the build may use."),
        "entitlements": Column(TEXTS, "Privileges that the build needs; a run must grant each."),
        "pull": Column(FLAG, "Look for newer base images."),
        "provenance_default": Column(
            FLAG, "No provenance was configured: the runtime adds the default where the daemon can attest.", Use.RUN
        ),
        "call": Column(TEXT, "A question to the frontend instead of a build."),
        "description": Column(TEXT, "What the target is for.", Use.REVIEW),
    },
    Need: {
        "context": Column(TEXT, "Name of the context that stands for the result."),
        "job": Column(TEXT, "The job that makes it."),
    },
    Exporter: {
        "type": Column(TEXT, "Kind of the output, as asked for."),
        "attrs": Column(TABLE, "Its attributes."),
        "dest": Column(TEXT, "File or directory below the root; `-` for standard output."),
    },
    Cache: {
        "type": Column(TEXT, "Kind of the cache."),
        "attrs": Column(TABLE, "Its attributes; local paths are relative to the root."),
    },
    LocalDir: {
        "name": Column(TEXT, "Name under which the frontend asks for it."),
        "path": Column(TEXT, "Path relative to the root."),
    },
    Secret: {
        "id": Column(TEXT, "Name under which the build asks for it."),
        "src": Column(TEXT, "File that holds it, relative to the root. Read when the plan runs, never before."),
        "env": Column(TEXT, "Name of the environment variable that holds it; wins over `src`."),
    },
    Ssh: {
        "id": Column(TEXT, "Name under which the build asks for it."),
        "paths": Column(TEXTS, "Sockets or key files; none means the agent of the user who runs the plan."),
    },
    FrontendSolve: {
        "frontend": Column(TEXT, "`dockerfile.v0` or `gateway.v0`.", Use.RUN),
        "attrs": Column(TABLE, "Attributes of the solve that depend on neither the driver nor the session.", Use.RUN),
        "reason": Column(TEXT, "Why it was not lowered to LLB.", Use.REVIEW),
    },
    LlbSolve: {
        "builds": Column(ListOf(RecordOf(PlatformBuild)), "One build a platform.", Use.RUN),
        "attrs": Column(TABLE, "Attributes that the daemon reads itself.", Use.RUN),
        "builder": Column(TEXT, "Platform of the builder that it was made for; none means any."),
    },
    PlatformBuild: {
        "platform": Column(TEXT, "The platform.", Use.RUN),
        "ops": Column(TEXTS, "Digests into `ops`, inputs before users, the terminal operation last.", Use.RUN),
        "config": Column(BYTES, "Exact bytes of the image config.", Use.RUN),
        "base_config": Column(BYTES, "Exact bytes of the base image's config.", Use.RUN),
        "epoch": Column(TEXT, "Time to stamp the image with, in Unix seconds.", Use.RUN),
        "meta": Column(MapOf(RecordOf(OpMeta)), "Metadata of operations where it differs from `op_meta`."),
    },
    OpMeta: {
        "description": Column(TABLE, "Names for the progress display."),
        "caps": Column(TEXTS, "Capabilities that the daemon must have.", Use.RUN),
        "ignore_cache": Column(FLAG, "Run the operation again.", Use.RUN),
        "progress_group": Column(ListOf(Tree()), "Id, name and weakness of the group it is shown in.", Use.RUN),
        "places": Column(
            ListOf(ListOf(INT)), "Where it was made: index into `dockerfiles`, first and last line, from 1."
        ),
    },
    Dockerfile: {
        "path": Column(TEXT, "Path relative to the root; `TARGET (inline)` for one without a file."),
        "text": Column(BYTES, "Its exact bytes."),
    },
    Pin: {
        "ref": Column(TEXT, "The reference as written.", Use.REVIEW),
        "digest": Column(TEXT, "The digest used.", Use.REVIEW),
        "origin": Column(TEXT, "The file that pins it.", Use.REVIEW),
    },
}
"""Every record and its fields. Those of `Plan` stand in the top map, beside the header."""


DEFAULTS: Final = {record: defaults(record) for record in RECORDS}
"""The values that are left out on the wire."""
