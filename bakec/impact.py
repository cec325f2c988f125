"""Which targets of a plan a change touches, and why: their values, files that they read, other targets that they use.

Of a context those files count that some step of the Dockerfile copies or mounts; every one that no ignore file keeps
out, where that cannot be told.
"""

from __future__ import annotations

import os
from functools import cache
from itertools import takewhile

from bakec.compiler import reading
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.ignore import read_patterns
from bakec.compiler.host import Host
from bakec.compiler.lowering import Reader
from bakec.ir.changes import Action
from bakec.ir.diff import diff
from bakec.ir.plan import LlbSolve
from bakec.ir.records import NamedTuple, dataclass
from bakec.runtime.buildkit.patterns import SPECIAL
from bakec.runtime.buildkit.tree import Filter, make_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from bakec.ir.changes import TargetDiff
    from bakec.ir.plan import Job, Plan

_DOCKERFILE: Final = "dockerfile"
"""The mount of the folder of the Dockerfile."""
_IGNORE: Final = ".dockerignore"


class Cause(NamedTuple):
    """Why a target is affected. `kind` is `new`, `value` (its path), `step` (its title), `file` (relative to the root),
    `target` (that it uses) or `definitions` (a file of them, where there are no older ones to compare with)."""

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A target that a change touches. `linked` ones are only built as a part of others."""

    name: str
    linked: bool
    causes: tuple[Cause, ...]


def affected(plan: Plan, changed: Iterable[str], root: str, old: Plan | None = None) -> list[Affected]:
    """The targets of `plan` that differ from `old`, or read one of the files `changed` (relative to `root`, the plan's
    folder), or use a target that does; each after those it uses. Without `old` a file of the definitions that changed
    affects all."""
    files, reader = _Changed(root, changed), Reader(Host(cwd=root))
    values = {} if old is None else {one.name: list(_of_values(one)) for one in diff(old, plan).targets}
    everywhere = [] if old is not None else [Cause("definitions", name) for name in _definitions(plan, files)]
    found: dict[str, list[Cause]] = {}
    linked: dict[str, bool] = {target.name: target.linked for target in plan.targets}
    names = {job.id: job.target for job in plan.jobs}
    for job in plan.jobs:
        used = (names[need.job] for need in job.needs)
        causes = [
            *everywhere,
            *values.get(job.target, ()),
            *(Cause("file", name) for name in _read(plan, job, files, reader, is_compared=old is not None)),
            *(Cause("target", name) for name in used if name in found),
        ]
        if causes:
            found.setdefault(job.target, []).extend(causes)
    return [
        Affected(name=name, linked=linked.get(name, False), causes=tuple(dict.fromkeys(causes)))
        for name, causes in found.items()
    ]


def _of_values(one: TargetDiff) -> Iterator[Cause]:
    """The changes that mean something for what is built or published, as a comparison of plans says it."""
    if one.action in (Action.ADDED, Action.RENAMED):
        yield Cause("new")
    elif one.action is not Action.REMOVED:
        for change in one.changes:
            if change.effects or change.path == "call":
                is_step = change.path == "step"
                yield Cause("step", str(change.new or change.old)) if is_step else Cause("value", change.path)


def _definitions(plan: Plan, files: _Changed) -> Iterator[str]:
    return (path for path in (*(file.path for file in plan.files), ".env", "bakec.lock") if any(files.on_the_way(path)))


# --- files ----------------------------------------------------------------------------------------------------


class _Changed:
    """The files that changed, by the directories above them. A whole directory may stand for what is in it: a
    submodule does."""

    def __init__(self, root: str, changed: Iterable[str]) -> None:
        self._root = os.path.realpath(root)
        self._names = {self._own_place(name): name for name in changed}
        self._order = {path: at for at, path in enumerate(self._names)}
        self._below: dict[str, list[str]] = {}
        for path in self._names:
            for folder in _above(path):
                self._below.setdefault(folder, []).append(path)
        self._within = cache(self._find_within)

    def _own_place(self, name: str) -> str:
        """Where a file is itself, also one that is a link."""
        folder, base = os.path.split(os.path.normpath(os.path.join(self._root, name)))  # noqa: PTH118
        return os.path.join(os.path.realpath(folder), base)  # noqa: PTH118

    def place(self, path: str) -> str:
        """Where a path of the plan leads."""
        return os.path.realpath(os.path.join(self._root, path))  # noqa: PTH118

    def within(self, folder: str, exclude: tuple[str, ...] = (), follow: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Those that are sent of a folder of the plan."""
        return self._within(folder, exclude, follow)

    def _find_within(self, folder: str, exclude: tuple[str, ...], follow: tuple[str, ...]) -> tuple[str, ...]:
        place = self.place(folder)
        chosen = _filter(place, exclude, follow)
        inside = place.rstrip("/") + "/"
        starts = [_start(place, pattern.text) for pattern in chosen.include.patterns] if chosen.include else [place]
        near = {path for start in starts for path in (start, *self._below.get(start, ()))}
        holders = {above for start in starts for above in _above(start)}
        found = [
            path
            for path in sorted((near | holders) & self._names.keys(), key=self._order.__getitem__)
            # What a whole folder stands for is not known.
            if path.startswith(inside)
            and (path in holders or chosen.takes(path.removeprefix(inside)) or os.path.isdir(path))  # noqa: PTH112
        ]
        return (*self.on_the_way(folder), *(self._names[path] for path in found))

    def on_the_way(self, path: str) -> Iterator[str]:
        """What has changed of a path: itself, a directory above it, a link that it goes through."""
        seen, rest, place = 0, path.split("/"), "/" if path.startswith("/") else self._root
        yield from (self._names[above] for above in (place, *_above(place)) if above in self._names)
        while rest and seen < _MOST_LINKS:
            name = rest.pop(0)
            place = os.path.normpath(os.path.join(place, name))  # noqa: PTH118
            if name not in ("", ".", "..") and place in self._names:
                yield self._names[place]
            if os.path.islink(place):  # noqa: PTH114
                seen += 1
                target = os.readlink(place)  # noqa: PTH115
                rest = [*target.split("/"), *rest]
                place = "/" if target.startswith("/") else os.path.dirname(place)  # noqa: PTH120


_MOST_LINKS: Final = 40


def _start(place: str, pattern: str) -> str:
    """Where what a pattern means begins, going by what is plain in it."""
    plain = takewhile(lambda part: not SPECIAL & set(part), pattern.split("/"))
    return os.path.normpath(os.path.join(place, *plain))  # noqa: PTH118


def _above(path: str) -> Iterator[str]:
    while path != "/":
        path = os.path.dirname(path)  # noqa: PTH120 - a path object for each is slower than all else here
        yield path


def _read(plan: Plan, job: Job, files: _Changed, reader: Reader, *, is_compared: bool) -> Iterator[str]:
    """The files that changed and that the job reads."""
    homes = {one.name: one.path for one in job.locals}
    dockerfile = dockerfile_of(job)
    contexts = {name: home for name, home in homes.items() if name != _DOCKERFILE}
    ignores = [f"{dockerfile}{_IGNORE}" if dockerfile else "", *(_join(home, _IGNORE) for home in contexts.values())]
    is_lowered = isinstance(job.solve, LlbSolve)
    if not (is_lowered and is_compared):  # else what they say is in both plans
        lower = _join(os.path.dirname(dockerfile), "dockerfile") if _base(dockerfile) == "Dockerfile" else ""  # noqa: PTH120
        yield from (found for name in (dockerfile, lower, *ignores) if name for found in files.on_the_way(name))
    yield from _layouts(job, files)
    if not any(map(files.within, contexts.values())):
        return
    readings = reading.of_graph(job, plan) if is_lowered else reading.of_frontend(job, reader)
    if readings is None:
        main = ignores[0] if os.path.exists(files.place(ignores[0])) else ""  # noqa: PTH110
        patterns = {name: _join(home, _IGNORE) for name, home in contexts.items()} | ({"context": main} if main else {})
        readings = [
            reading.Reading(home, (), _patterns(files.place(patterns[name]))) for name, home in contexts.items()
        ]
    for one in readings:
        yield from files.within(one.path, one.exclude, one.follow)


def _layouts(job: Job, files: _Changed) -> Iterator[str]:
    """What has changed of the layouts of images that a job starts from."""
    for value in job.oci_layouts.values():
        path = value.partition("@")[0]
        yield from files.within(path if os.path.isdir(files.place(path)) else path.rpartition(":")[0] or path)  # noqa: PTH112


def dockerfile_of(job: Job) -> str:
    """The path of a job's Dockerfile; empty for one that is in no folder of ours."""
    homes = {one.name: one.path for one in job.locals}
    return _join(homes[_DOCKERFILE], job.solve.attrs.get("filename", "Dockerfile")) if _DOCKERFILE in homes else ""


def _filter(place: str, exclude: tuple[str, ...], follow: tuple[str, ...]) -> Filter:
    """What is sent of a folder. Patterns that mean nothing keep nothing out: the build will say what is wrong."""
    try:
        return make_filter(place, include=(), exclude=exclude, follow=follow)
    except ValueError:
        return Filter()


def _patterns(path: str) -> tuple[str, ...]:
    """Those of an ignore file. One that cannot be read keeps nothing out: the build will say what is wrong."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return read_patterns(file.read(), path)
    except (OSError, DockerfileError):
        return ()


def _join(folder: str, name: str) -> str:
    return os.path.normpath(os.path.join(folder, name))  # noqa: PTH118


def _base(path: str) -> str:
    return path.rpartition("/")[2]
