"""Definitions as a plan stores them: ops by digest, their metadata beside them."""

from __future__ import annotations

from bakec.ir.digests import digest_of
from bakec.ir.llb.graph import LlbError
from bakec.ir.llb.ops import NO_ENTRIES, Definition, OpMetadata, ProgressGroup
from bakec.ir.plan import OpMeta, PlatformBuild
from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class StoredBuild(NamedTuple):
    """One platform of a job, and what it adds to `Plan.ops` and `Plan.op_meta`."""

    build: PlatformBuild
    ops: dict[str, bytes]
    meta: dict[str, OpMeta]


def to_plan(definition: Definition, platform: str, config: bytes) -> StoredBuild:
    """The stored form of one platform's definition. Raises `LlbError` for metadata that a plan has no place for."""
    ops = {digest_of(op): op for op in definition.ops}
    meta = {name: _stored(definition.metadata[name]) for name in ops if name in definition.metadata}
    return StoredBuild(PlatformBuild(platform=platform, ops=tuple(ops), config=config), ops, meta)


def _stored(metadata: OpMetadata) -> OpMeta:
    if metadata.linux_resources or metadata.export_cache:
        raise LlbError("resource limits and cache export marks of single steps cannot be stored in a plan")
    group = metadata.progress_group
    return OpMeta(
        description=dict(metadata.description),
        caps=tuple(sorted(metadata.caps)),
        ignore_cache=metadata.ignore_cache,
        progress_group=(group.id, group.name, group.weak) if group else None,
    )


def from_plan(build: PlatformBuild, ops: Mapping[str, bytes], meta: Mapping[str, OpMeta] = NO_ENTRIES) -> Definition:
    """The definition that `to_plan` stored, without its source map."""
    return Definition(
        ops=tuple(ops[name] for name in build.ops),
        metadata={name: _loaded(meta[name]) for name in build.ops if name in meta},
    )


def _loaded(meta: OpMeta) -> OpMetadata:
    group = meta.progress_group
    return OpMetadata(
        description=meta.description,
        caps=dict.fromkeys(meta.caps, True),
        ignore_cache=meta.ignore_cache,
        progress_group=ProgressGroup(id=group[0], name=group[1], weak=group[2]) if group else None,
    )
