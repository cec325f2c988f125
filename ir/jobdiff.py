"""What changes in how targets are built, beside what their values say."""

from __future__ import annotations

from operator import attrgetter

from bakec.ir.changes import Change, Effect
from bakec.ir.columns import RECORDS
from bakec.ir.fields import RESOURCE_ATTRS
from bakec.ir.plan import FrontendSolve, Job, LlbSolve, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any, Final

    from bakec.ir.plan import Solve


class Builds:
    """How the targets of two plans are built, beside what their values say."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self._old = old
        self._new = new
        self._before = _by_target(old)
        self._after = _by_target(new)

    def between(self, was: str, name: str, differing: Collection[str], shown: Collection[str]) -> list[Change]:
        """What differs in the jobs of one target, but for what follows from the attributes that are `differing`, or
        is among the values that are `shown`."""
        before, after = self._before.get(was, ()), self._after.get(name, ())
        found = [
            change
            for old, new in zip(before, after)  # noqa: B905 - what is left over is said below
            for change in self._of_job(old, new, differing, shown)
        ]
        if len(before) != len(after):
            names = [[job.id for job in jobs] or None for jobs in (before, after)]
            found.append(Change(path="job", old=names[0], new=names[1], effects=(Effect.REBUILDS, Effect.PUBLISHES)))
        return found

    def _of_job(self, before: Job, after: Job, differing: Collection[str], shown: Collection[str]) -> Iterator[Change]:
        old, new = before.solve, after.solve
        if isinstance(old, LlbSolve) and isinstance(new, LlbSolve):
            from bakec.ir.llbdiff import Graphs

            yield from Graphs(self._old, self._new).between(old, new, differing, shown)
        # Which frontend it is may be an argument.
        follows = isinstance(old, FrontendSolve) and isinstance(new, FrontendSolve) and "args" in differing
        if _maker(old) != _maker(new) and not follows:
            yield Change(path="solve", old=_told(old), new=_told(new), effects=(Effect.REBUILDS,))
        yield from _rest(before, after, differing)


def _by_target(plan: Plan) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = {}
    for job in plan.jobs:
        found.setdefault(job.target, []).append(job)
    return found


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
    "platforms": (Effect.REBUILDS, Effect.PUBLISHES, Effect.PLATFORM),
    "attrs.label:": (Effect.PUBLISHES,),
    "attrs.attest:": (Effect.PUBLISHES,),
}
"""What it means that a part of a job differs; of all others that steps run again. A `:` at the end stands for whatever
follows."""
_NEEDS: Final = frozenset((Effect.PRIVILEGE, Effect.SECRET, Effect.PLATFORM))
"""What only something new means."""

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
"""What each part of a job follows from, of the attributes of its target."""
_HELD: Final = tuple([name for name in RECORDS[Job] if name not in ("id", "target", "solve")])
_held: Final = attrgetter(*_HELD)


def _rest(before: Job, after: Job, differing: Collection[str]) -> Iterator[Change]:
    """The fields that differ, and the attributes one by one, which nothing accounts for that is shown already."""
    fields = zip(_HELD, _held(before), _held(after), strict=True)
    paths = [name for name, old, new in fields if old != new]
    if type(before.solve) is type(after.solve):  # others have other attributes for the same
        left, right = before.solve.attrs, after.solve.attrs
        paths += sorted([f"attrs.{key}" for key in {**left, **right} if left.get(key) != right.get(key)])
    paths = [path for path in paths if not any(one in differing for one in _SOURCES.get(_family(path), ()))]
    old, new = (_fields(job) if paths else {} for job in (before, after))
    for path in paths:
        was, now = old.get(path), new.get(path)
        yield Change(path=f"job.{path}", old=was, new=now, effects=_effects(path, was, now))


def _effects(path: str, old: Any, new: Any) -> tuple[Effect, ...]:
    effects = _EFFECTS.get(_family(path), (Effect.REBUILDS,))
    if _NEEDS.isdisjoint(effects) or any(one not in (old or ()) for one in new or ()):
        return effects
    return tuple([effect for effect in effects if effect not in _NEEDS])


def _family(path: str) -> str:
    name, colon, _ = path.partition(":")
    return name + colon


def _fields(job: Job) -> dict[str, Any]:
    """What a job holds, as JSON by path."""
    from bakec.ir.codec import wire

    fields: dict[str, Any] = wire(Plan(requested=(), jobs=(job,)))["jobs"][0]
    return fields | {f"attrs.{name}": value for name, value in job.solve.attrs.items()}
