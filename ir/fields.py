"""The attributes of a target: one row each. Decoding, merging, `--set`, printing, the plan, diffs and the docs all
read these rows."""

from __future__ import annotations

from bakec.ir.records import Enum, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Kind(Enum):
    """The shape of an attribute's value (see `ir.module.FieldValue`)."""

    TEXT = "string"
    FLAG = "bool"
    LIST = "list of string"
    MAP = "map of string"
    ENTRIES = "list of entries"
    RESOURCES = "object"


class Merge(Enum):
    """How the newer of two definitions of one target meets the older."""

    REPLACE = "replace"
    APPEND = "append"
    BY_KEY = "by key"
    """Maps: key by key, nulls skipped. Entries: an entry of the same key takes the older one's place."""


class SetMode(Enum):
    """What `--set TARGET.KEY=VALUE` does."""

    NONE = "cannot be set"
    TEXT = "text"
    FLAG = "bool"
    LIST = "list"
    """Repeated values accumulate; they replace the list, or with `+=` extend it."""
    EXTEND = "extend"
    """Repeated values accumulate and always extend the list."""
    LOST = "lost"
    """The reference drops the value: a text becomes empty, a list too unless `+=` is used."""
    ITEM = "item"
    """`TARGET.KEY.NAME=VALUE` sets one item of a map."""


class Dedup(Enum):
    """How duplicates leave a list when a target is normalized."""

    NONE = "none"
    FIRST = "first"
    """Empty and repeated strings go, the first stays."""
    KEYED = "keyed"
    """A later entry of the same key replaces the earlier at its place."""
    SWAP = "swap"
    """Equal entries go; the last one moves into the gap, so that the order can change (as in the reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One attribute.

    `key` names the entry attribute that identifies an entry (`Merge.BY_KEY`, `Dedup.KEYED`). `escape`: `${` and
    `%{` are doubled when printed. `ordered`: the order of a list means something (a diff compares others as sets).
    `rebuilds`: a change runs build steps again; `publishes`: it changes what is published.
    """

    name: str
    kind: Kind
    doc: str
    merge: Merge = Merge.REPLACE
    set_key: str = ""
    set_mode: SetMode = SetMode.NONE
    dedup: Dedup = Dedup.NONE
    key: str = ""
    escape: bool = False
    ordered: bool = False
    rebuilds: bool = False
    publishes: bool = False


def _rows() -> tuple[Field, ...]:
    text, flag, lines, table, entries = Kind.TEXT, Kind.FLAG, Kind.LIST, Kind.MAP, Kind.ENTRIES
    return (
        Field(name="description", kind=text, doc="what the target is for"),
        Field(
            name="annotations", kind=lines, merge=Merge.APPEND, set_key="annotations", set_mode=SetMode.EXTEND,
            dedup=Dedup.FIRST, escape=True, publishes=True, doc="`[level[,level]:]key=value` OCI annotations",
        ),
        Field(
            name="attest", kind=entries, merge=Merge.BY_KEY, set_key="attest", set_mode=SetMode.EXTEND,
            dedup=Dedup.KEYED, key="type", publishes=True, doc="attestations (`provenance`, `sbom`)",
        ),
        Field(
            name="context", kind=text, set_key="context", set_mode=SetMode.TEXT, rebuilds=True,
            doc="directory or URL that the build reads; default `.`",
        ),
        Field(
            name="contexts", kind=table, merge=Merge.BY_KEY, set_key="contexts", set_mode=SetMode.ITEM,
            rebuilds=True, doc="named contexts: a path, a URL, `docker-image://`, `oci-layout://` or `target:`",
        ),
        Field(
            name="dockerfile", kind=text, set_key="dockerfile", set_mode=SetMode.TEXT, rebuilds=True,
            doc="path of the Dockerfile below the context, or a URL; default `Dockerfile`",
        ),
        Field(
            name="dockerfile-inline", kind=text, escape=True, rebuilds=True,
            doc="text of the Dockerfile; wins over `dockerfile`",
        ),
        Field(
            name="args", kind=table, merge=Merge.BY_KEY, set_key="args", set_mode=SetMode.ITEM, escape=True,
            rebuilds=True, doc="build arguments",
        ),
        Field(
            name="labels", kind=table, merge=Merge.BY_KEY, set_key="labels", set_mode=SetMode.ITEM, escape=True,
            publishes=True, doc="labels of the image",
        ),
        Field(
            name="tags", kind=lines, set_key="tags", set_mode=SetMode.LIST, dedup=Dedup.FIRST, publishes=True,
            doc="names of the image",
        ),
        Field(
            name="cache-from", kind=entries, merge=Merge.APPEND, set_key="cache-from", set_mode=SetMode.LIST,
            dedup=Dedup.SWAP, ordered=True, doc="caches to import",
        ),
        Field(
            name="cache-to", kind=entries, set_key="cache-to", set_mode=SetMode.LIST, dedup=Dedup.SWAP,
            doc="caches to export",
        ),
        Field(
            name="target", kind=text, set_key="target", set_mode=SetMode.TEXT, rebuilds=True,
            doc="stage of the Dockerfile to build",
        ),
        Field(
            name="secret", kind=entries, merge=Merge.BY_KEY, set_key="secrets", set_mode=SetMode.LIST,
            dedup=Dedup.KEYED, key="id", doc="secrets, from a file or an environment variable",
        ),
        Field(
            name="ssh", kind=entries, merge=Merge.BY_KEY, set_key="ssh", set_mode=SetMode.LIST,
            dedup=Dedup.KEYED, key="id", doc="SSH agents or keys",
        ),
        Field(
            name="platforms", kind=lines, set_key="platform", set_mode=SetMode.LIST, dedup=Dedup.FIRST,
            rebuilds=True, publishes=True, doc="platforms to build for",
        ),
        Field(
            name="output", kind=entries, set_key="output", set_mode=SetMode.LIST, dedup=Dedup.SWAP,
            publishes=True, doc="what to do with the result",
        ),
        Field(
            name="pull", kind=flag, set_key="pull", set_mode=SetMode.FLAG,
            doc="look for newer base images",
        ),
        Field(
            name="no-cache", kind=flag, set_key="no-cache", set_mode=SetMode.FLAG, rebuilds=True,
            doc="run every step again",
        ),
        Field(
            name="network", kind=text, set_key="network", set_mode=SetMode.LOST, rebuilds=True,
            doc="`default`, `host` or `none`",
        ),
        Field(
            name="no-cache-filter", kind=lines, merge=Merge.APPEND, set_key="no-cache-filter",
            set_mode=SetMode.LOST, dedup=Dedup.FIRST, rebuilds=True, doc="stages to run again",
        ),
        Field(
            name="shm-size", kind=text, set_key="shm-size", set_mode=SetMode.TEXT, rebuilds=True,
            doc="size of /dev/shm, in bytes or with a unit (`128m`)",
        ),
        Field(
            name="ulimits", kind=lines, merge=Merge.APPEND, set_key="ulimits", set_mode=SetMode.LOST,
            dedup=Dedup.FIRST, rebuilds=True, doc="`name=soft[:hard]` limits",
        ),
        Field(
            name="resources", kind=Kind.RESOURCES, merge=Merge.BY_KEY, set_key="resources",
            set_mode=SetMode.ITEM, rebuilds=True, doc="limits of memory and processors for a step",
        ),
        Field(
            name="call", kind=text, set_key="call", set_mode=SetMode.TEXT,
            doc="`build`, or a question to the frontend: `check`, `outline`, `targets`",
        ),
        Field(
            name="entitlements", kind=lines, merge=Merge.APPEND, set_key="entitlements",
            set_mode=SetMode.EXTEND, dedup=Dedup.FIRST, doc="privileges that the build needs",
        ),
        Field(
            name="extra-hosts", kind=table, merge=Merge.BY_KEY, set_key="extra-hosts", set_mode=SetMode.ITEM,
            escape=True, rebuilds=True, doc="host names and their addresses during the build",
        ),
        Field(
            name="policy", kind=entries, merge=Merge.APPEND, set_key="policy", set_mode=SetMode.LIST,
            doc="source policies",
        ),
    )  # fmt: skip


FIELDS: Final = {field.name: field for field in _rows()}
"""Every attribute by name, in the order of printing."""

SETTABLE: Final = {field.set_key: field for field in FIELDS.values() if field.set_mode is not SetMode.NONE}
"""The attributes by the key that `--set` uses."""

RESOURCES: Final[dict[str, type[str | int]]] = {
    "memory": str,
    "memory-swap": str,
    "cpu-shares": int,
    "cpu-period": int,
    "cpu-quota": int,
    "cpuset-cpus": str,
    "cpuset-mems": str,
}
"""The keys of `resources`, in the order of printing."""

RESOURCE_ATTRS: Final = {
    "memory": "memory",
    "memory-swap": "memswap",
    "cpu-shares": "cpushares",
    "cpu-period": "cpuperiod",
    "cpu-quota": "cpuquota",
    "cpuset-cpus": "cpusetcpus",
    "cpuset-mems": "cpusetmems",
}
"""What the frontend calls them."""

BLOCK_TYPES: Final = {"target": 1, "group": 1, "variable": 1, "function": 1}
"""Block types of a definition file and their number of labels."""
