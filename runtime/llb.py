"""LLB of a plan made ready for a daemon: local sources get the session that serves them.

Without a session a daemon may give two builds each other's files. The session changes the bytes of a source,
and with them the digests of all that is built on it; digests have one length, so they are exchanged in place.
"""

import hashlib
from collections.abc import Callable, Mapping

from bakec.ir.plan import OpMeta, PlatformBuild
from bakec.runtime.buildkit.proto.ops_pb2 import Definition, Op, OpMetadata, ProgressGroup, SourceOp

SESSION = "local.session"
SESSION_CAP = "source.local.sessionid"

SessionOf = Callable[[str, str], str]
"""Mount name and owning job (empty: the job itself) -> the id of the session that serves it."""


def define(
    build: PlatformBuild, ops: Mapping[str, bytes], meta: Mapping[str, OpMeta], session_of: SessionOf
) -> Definition:
    """The definition of one platform. A source whose `local.session` holds the id of a job belongs to that
    job."""
    definition = Definition()
    parts = getattr(definition, "def")  # a keyword of Python
    renamed: dict[bytes, bytes] = {}
    for digest in build.ops:
        data = _with_inputs(ops[digest], renamed)
        data, gained = _with_session(data, session_of)
        fresh = "sha256:" + hashlib.sha256(data).hexdigest()
        if fresh != digest:
            renamed[digest.encode()] = fresh.encode()
        parts.append(data)
        _describe(definition.metadata[fresh], meta.get(digest), has_session=gained)
    return definition


def _with_inputs(data: bytes, renamed: Mapping[bytes, bytes]) -> bytes:
    if not renamed:
        return data
    for each in Op.FromString(data).inputs:
        old = each.digest.encode()
        if old in renamed:
            data = data.replace(old, renamed[old])
    return data


def _with_session(data: bytes, session_of: SessionOf) -> tuple[bytes, bool]:
    """The op with its session, and whether it is a local source."""
    if b"local://" not in data:
        return data, False
    op = Op.FromString(data)
    if not op.source.identifier.startswith("local://"):
        return data, False
    source = op.source
    source.attrs[SESSION] = session_of(source.identifier.removeprefix("local://"), source.attrs.get(SESSION, ""))
    return _encode(op), True


def _encode(op: Op) -> bytes:
    """In the order that the reference's runtime writes: members of a oneof, as the source is, come last."""
    tail = Op(source=SourceOp(identifier=op.source.identifier, attrs=op.source.attrs))
    op.ClearField("source")
    return bytes(op.SerializeToString(deterministic=True) + tail.SerializeToString(deterministic=True))


def _describe(target: OpMetadata, meta: OpMeta | None, *, has_session: bool) -> None:
    if meta is not None:
        target.ignore_cache = meta.ignore_cache
        target.description.update(meta.description)
        target.caps.update(dict.fromkeys(meta.caps, True))
        if meta.progress_group is not None:
            group, name, weak = meta.progress_group
            target.progress_group.CopyFrom(ProgressGroup(id=group, name=name, weak=weak))
    if has_session:
        target.caps[SESSION_CAP] = True
