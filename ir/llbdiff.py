"""What changes in the build graphs of a target: the steps that run, and what its image says."""

from __future__ import annotations

from bakec.ir.changes import Change, Effect
from bakec.ir.digests import digest_of
from bakec.ir.fields import FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Any, Final

    from bakec.ir.plan import LlbSolve, Plan, PlatformBuild


class Graphs:
    """The build graphs of two plans."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self._old = old
        self._new = new

    def between(
        self, before: LlbSolve, after: LlbSolve, differing: Collection[str], shown: Collection[str]
    ) -> list[Change]:
        """What differs from one to the other. Attributes that are `differing` account for platforms and for what has
        no name of its own, and values that are `shown`, by their paths, for labels."""
        known, left = _ops(before), _ops(after)
        found = [*(self._steps(known, after) or self._gone(before, left)), *_configs(before, after, shown)]
        if not found and not any(name == "labels" or FIELDS[name].rebuilds for name in differing):
            found += _unnamed(before, after)
        platforms = [[build.platform for build in solve.builds] for solve in (before, after)]
        if platforms[0] != platforms[1] and "platforms" not in differing:
            effects = (Effect.REBUILDS, Effect.PUBLISHES)
            found.append(Change(path="job.llb.platforms", old=platforms[0], new=platforms[1], effects=effects))
        if not {"no-cache", "no-cache-filter"} & set(differing):
            found += self._eager(before, after, known & left)
        return found

    def _eager(self, before: LlbSolve, after: LlbSolve, shared: set[str]) -> Iterator[Change]:
        """The `shared` steps that run whether they are cached or not in one of them."""
        old, new = _eager(self._old, before, shared), _eager(self._new, after, shared)
        if old.keys() != new.keys():
            effects = (Effect.REBUILDS,) if new.keys() - old.keys() else ()
            yield Change(path="job.llb.ignore_cache", old=[*old.values()], new=[*new.values()], effects=effects)

    def _steps(self, known: set[str], after: LlbSolve) -> list[Change]:
        """The steps of the new job that the old one did not have: those are the ones that run. A step that is new for
        what it builds on alone names that step."""
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
                        shown = _shown(self._new, build, digest)
                        found.append(
                            Change(path="step", old=None, new=shown, reasons=reasons, effects=(Effect.REBUILDS,))
                        )
                    seen.add(digest)
        return found

    def _gone(self, before: LlbSolve, left: set[str]) -> Iterator[Change]:
        """The steps that the old job has and the new one does not, where that is all."""
        gone: set[str] = set()
        for build in before.builds:
            for digest in build.ops[:-1]:
                if digest not in left and digest not in gone and _title(self._old, build, digest)[0]:
                    gone.add(digest)
                    shown = _shown(self._old, build, digest)
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


def _shown(plan: Plan, build: PlatformBuild, digest: str) -> str:
    title, place = _title(plan, build, digest)
    return f"{title} ({place})" if place else title


def _eager(plan: Plan, solve: LlbSolve, ops: Collection[str]) -> dict[str, str]:
    """The names of those `ops` that run in this build whether they are cached or not."""
    return {
        digest: _shown(plan, build, digest)
        for build in solve.builds
        for digest in build.ops
        if digest in ops and (meta := build.meta.get(digest) or plan.op_meta.get(digest)) and meta.ignore_cache
    }


def _ops(solve: LlbSolve) -> set[str]:
    return {digest for build in solve.builds for digest in build.ops}


# --- what the image says --------------------------------------------------------------------------------------


def _configs(before: LlbSolve, after: LlbSolve, shown: Collection[str]) -> Iterator[Change]:
    """What differs in the image configs, by platform where there are several."""
    old = {build.platform: build.config for build in before.builds}
    for build in after.builds:
        if build.platform not in old:
            continue
        left, right = _config(old[build.platform]), _config(build.config)
        prefix = f"config.{build.platform}." if len(after.builds) > 1 else "config."
        for key in sorted({*left, *right}):
            label = key.removeprefix("Labels.")
            is_shown = label != key and f"labels.{label}" in shown
            if left.get(key) != right.get(key) and not is_shown:
                effects = (Effect.PUBLISHES,)
                yield Change(path=prefix + key, old=left.get(key), new=right.get(key), effects=effects)


def _config(data: bytes) -> dict[str, Any]:
    """What an image config tells to people and containers, its labels one by one; empty where a plan holds none."""
    import json

    try:
        whole = json.loads(data or b"{}")
    except (ValueError, RecursionError):  # a plan may come from anywhere
        return {}
    if not isinstance(whole, dict) or not _is_shallow(whole, MAX_DEPTH):
        return {}
    own, rest = whole.get("config"), {key: value for key, value in whole.items() if key not in _MADE}
    found = rest | own if isinstance(own, dict) else rest
    labels = found.get("Labels")
    if isinstance(labels, dict):
        del found["Labels"]
        found |= {f"Labels.{key}": value for key, value in labels.items()}
    return found


_MADE: Final = ("config", "history", "rootfs", "created")
"""Keys of an image config that hold more, or what was done and when."""
MAX_DEPTH: Final = 32


def _is_shallow(value: Any, levels: int) -> bool:
    parts: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_shallow(part, levels - 1) for part in parts)


def _unnamed(before: LlbSolve, after: LlbSolve) -> Iterator[Change]:
    """What has no name that would tell it from what was there before, by its digest."""
    for name, effect in _UNNAMED.items():
        old, new = ([getattr(build, name) for build in solve.builds] for solve in (before, after))
        if old != new:
            digests = [digest_of(repr(values).encode()) for values in (old, new)]
            yield Change(path=f"job.llb.{name}", old=digests[0], new=digests[1], effects=(effect,))


_UNNAMED: Final = {
    "ops": Effect.REBUILDS,
    "config": Effect.PUBLISHES,
    "base_config": Effect.PUBLISHES,
    "epoch": Effect.PUBLISHES,
}
