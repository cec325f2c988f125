"""What changes in how targets are built: the steps that run, and whatever their values do not say."""

from __future__ import annotations

from operator import attrgetter

from bakec.ir.changes import Change, Effect
from bakec.ir.columns import RECORDS
from bakec.ir.digests import digest_of
from bakec.ir.fields import RESOURCE_ATTRS
from bakec.ir.plan import Job, LlbSolve, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any, Final

    from bakec.ir.plan import PlatformBuild, Solve


class Builds:
    """How the targets of two plans are built, beside what their values say."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self._old = old
        self._new = new
        self._before: dict[str, Job] = {job.target: job for job in old.jobs}
        self._after: dict[str, Job] = {job.target: job for job in new.jobs}

    def between(self, was: str, name: str, differing: Collection[str]) -> list[Change]:
        """What differs in the job of one target, but for what follows from the attributes that are `differing`."""
        before, after = self._before.get(was), self._after.get(name)
        if before is None or after is None:
            return []
        found = [*self._solves(before.solve, after.solve), *_rest(before, after, differing)]
        if not found and not differing and _essence(before.solve) != _essence(after.solve):
            found.append(_unnamed(before, after))
        return found

    def _solves(self, before: Solve, after: Solve) -> Iterator[Change]:
        if isinstance(before, LlbSolve) and isinstance(after, LlbSolve):
            yield from self._steps(before, after) or self._gone(before, after)
            yield from _configs(before, after)
        if _maker(before) != _maker(after):
            yield Change(path="solve", old=_told(before), new=_told(after), effects=(Effect.REBUILDS,))

    def _steps(self, before: LlbSolve, after: LlbSolve) -> list[Change]:
        """The steps of the new job that the old one did not have: those are the ones that run. A step that is new for
        what it builds on alone names that step."""
        known = {digest for build in before.builds for digest in build.ops}
        seen: set[str] = set()
        found: list[Change] = []
        for build in after.builds:
            titles: dict[str, str] = {}
            for digest in build.ops[:-1]:
                if digest not in known:
                    title, place = _title(self._new, build, digest)
                    causes = [titles[one] for one in self._inputs(digest) if one in titles]
                    titles[digest] = place or title or next(iter(causes), "")
                    if title and digest not in seen:
                        reasons = tuple(f"after {cause}" for cause in dict.fromkeys(causes) if cause)
                        shown = f"{title} ({place})" if place else title
                        found.append(
                            Change(path="step", old=None, new=shown, reasons=reasons, effects=(Effect.REBUILDS,))
                        )
                    seen.add(digest)
        return found

    def _gone(self, before: LlbSolve, after: LlbSolve) -> Iterator[Change]:
        """The steps that the old job has and the new one does not, where that is all."""
        left = {digest for build in after.builds for digest in build.ops}
        for build in before.builds:
            for digest in build.ops[:-1]:
                title, place = _title(self._old, build, digest)
                if title and digest not in left:
                    left.add(digest)
                    shown = f"{title} ({place})" if place else title
                    yield Change(path="step", old=shown, new=None, effects=(Effect.PUBLISHES,))

    def _inputs(self, digest: str) -> tuple[str, ...]:
        """What a step builds on; nothing for bytes that are no step."""
        from bakec.ir.llb.ops import decode_op
        from bakec.ir.llb.wire import WireError

        try:
            return tuple(one.digest for one in decode_op(self._new.ops[digest]).inputs)
        except WireError:
            return ()


def _title(plan: Plan, build: PlatformBuild, digest: str) -> tuple[str, str]:
    """The name of a step, and its place in a Dockerfile."""
    meta = build.meta.get(digest) or plan.op_meta.get(digest)
    if meta is None:
        return "", ""
    places = [f"{plan.dockerfiles[file].path}:{line}" for file, line, _ in meta.places[:1]]
    return meta.description.get("llb.customname", ""), "".join(places)


def _maker(solve: Solve) -> tuple[str, str]:
    """Who makes the LLB: a frontend, or we did, for a builder of some platform."""
    return ("llb", solve.builder) if isinstance(solve, LlbSolve) else ("frontend", solve.frontend)


def _told(solve: Solve) -> str:
    if isinstance(solve, LlbSolve):
        return f"llb for a builder of {solve.builder}" if solve.builder else "llb"
    return f"frontend {solve.frontend}: {solve.reason}" if solve.reason else f"frontend {solve.frontend}"


_EFFECTS: Final[dict[str, tuple[Effect, ...]]] = {
    "cache_from": (),
    "cache_to": (),
    "description": (),
    "tags": (Effect.PUBLISHES,),
    "exports": (Effect.PUBLISHES,),
    "provenance_default": (Effect.PUBLISHES,),
    "entitlements": (Effect.PRIVILEGE,),
    "ssh": (Effect.PRIVILEGE,),
    "secrets": (Effect.SECRET,),
    "platforms": (Effect.PLATFORM,),
}
"""What it means that a field of a job differs; of all others that steps run again."""


_SOURCES: Final[dict[str, tuple[str, ...]]] = {
    "platforms": ("platforms",),
    "needs": ("contexts",),
    "tags": ("tags",),
    "exports": ("output", "annotations"),
    "cache_from": ("cache-from",),
    "cache_to": ("cache-to",),
    "locals": ("context", "dockerfile", "dockerfile-inline", "contexts"),
    "oci_layouts": ("contexts",),
    "dockerfile_inline": ("dockerfile-inline",),
    "secrets": ("secret",),
    "ssh": ("ssh", "context"),
    "entitlements": ("entitlements",),
    "pull": ("pull",),
    "provenance_default": ("attest",),
    "call": ("call",),
    "description": ("description",),
    "attrs.build-arg:": ("args",),
    "attrs.label:": ("labels",),
    "attrs.attest:": ("attest",),
    "attrs.context:": ("contexts",),
    "attrs.context": ("context",),
    "attrs.filename": ("context", "dockerfile", "dockerfile-inline"),
    "attrs.dockerfilekey": ("context", "dockerfile", "dockerfile-inline"),
    "attrs.source": ("args",),
    "attrs.cmdline": ("args",),
    "attrs.frontend.caps": ("context", "contexts", "call"),
    "attrs.requestid": ("call",),
    "attrs.target": ("target",),
    "attrs.no-cache": ("no-cache", "no-cache-filter"),
    "attrs.force-network-mode": ("network",),
    "attrs.shm-size": ("shm-size",),
    "attrs.add-hosts": ("extra-hosts",),
    "attrs.ulimit": ("ulimits",),
    "attrs.platform": ("platforms",),
    **{f"attrs.{name}": ("resources",) for name in RESOURCE_ATTRS.values()},
}
"""What each part of a job follows from, of the attributes of its target. A `:` at the end stands for whatever
follows."""
_HELD: Final = tuple([name for name in RECORDS[Job] if name not in ("id", "target", "solve")])
_held: Final = attrgetter(*_HELD)


def _rest(before: Job, after: Job, differing: Collection[str]) -> Iterator[Change]:
    """The fields that differ, and the attributes one by one, which nothing accounts for that is shown already."""
    fields = zip(_HELD, _held(before), _held(after), strict=True)
    paths = [name for name, old, new in fields if old != new]
    if type(before.solve) is type(after.solve):  # others have other attributes for the same
        left, right = before.solve.attrs, after.solve.attrs
        paths += sorted([f"attrs.{key}" for key in {**left, **right} if left.get(key) != right.get(key)])
    paths = [path for path in paths if not any(source in differing for source in _sources(path))]
    old, new = (_fields(job) if paths else {} for job in (before, after))
    for path in paths:
        effects = _EFFECTS.get(path, (Effect.REBUILDS,))
        yield Change(path=f"job.{path}", old=old.get(path), new=new.get(path), effects=effects)


def _sources(path: str) -> tuple[str, ...]:
    family, colon, _ = path.partition(":")
    return _SOURCES.get(family + colon, ())


def _fields(job: Job) -> dict[str, Any]:
    """What a job holds, as JSON by path."""
    from bakec.ir.codec import wire

    fields: dict[str, Any] = wire(Plan(requested=(), jobs=(job,)))["jobs"][0]
    return fields | {f"attrs.{name}": value for name, value in job.solve.attrs.items()}


def _essence(solve: Solve) -> tuple[Any, ...]:
    """What decides what comes of it; names and places of steps do not."""
    builds = solve.builds if isinstance(solve, LlbSolve) else ()
    return tuple((one.platform, one.ops, one.config, one.base_config, one.epoch) for one in builds)


def _unnamed(before: Job, after: Job) -> Change:
    """For what has no name that would tell it from what was there before."""
    old, new = (digest_of(repr(_essence(job.solve)).encode()) for job in (before, after))
    return Change(path="job.llb", old=old, new=new, effects=(Effect.REBUILDS,))


def _configs(before: LlbSolve, after: LlbSolve) -> Iterator[Change]:
    """What differs in the image configs, by platform where there are several. Labels are values of the target."""
    old = {build.platform: build.config for build in before.builds}
    for build in after.builds:
        left, right = _config(old.get(build.platform, b"")), _config(build.config)
        prefix = f"config.{build.platform}." if len(after.builds) > 1 else "config."
        for key in sorted({*left, *right} - {"Labels"}):
            if left.get(key) != right.get(key) and build.platform in old:
                effects = (Effect.PUBLISHES,)
                yield Change(path=prefix + key, old=left.get(key), new=right.get(key), effects=effects)


def _config(data: bytes) -> dict[str, Any]:
    """The part of an image config that containers see; empty where a plan holds none."""
    import json

    try:
        whole = json.loads(data or b"{}")
    except (ValueError, RecursionError):  # a plan may come from anywhere
        return {}
    found = whole.get("config") if isinstance(whole, dict) else None
    return found if isinstance(found, dict) else {}
