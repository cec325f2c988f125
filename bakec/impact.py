"""Which targets of a plan a change touches, and why: their values, files that they read, other targets that they use.

What is lowered says itself which paths it reads. Of a target that is left to a frontend every file of its contexts
counts, but for what an ignore file keeps out. Names are looked up in the working folder, never what files hold.
"""

from __future__ import annotations

import os
from functools import cache

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.ignore import read_patterns
from bakec.ir.changes import Action
from bakec.ir.diff import diff
from bakec.ir.plan import LlbSolve
from bakec.ir.records import NamedTuple, dataclass
from bakec.runtime.buildkit.tree import Filter, make_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Final

    from bakec.ir.changes import TargetDiff
    from bakec.ir.llb.ops import SourceOp
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
    files = _Files(root, changed)
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
            *(Cause("file", name) for name in _read(plan, job, files, is_compared=old is not None)),
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
    if one.action is Action.ADDED:
        yield Cause("new")
    elif one.action is not Action.REMOVED:
        for change in one.changes:
            if change.effects:
                is_step = change.path == "step"
                yield Cause("step", str(change.new or change.old)) if is_step else Cause("value", change.path)


def _definitions(plan: Plan, files: _Files) -> Iterator[str]:
    lock = ["bakec.lock"] if plan.lock else []
    return (path for path in (*(file.path for file in plan.files), *lock) if files.has(path))


# --- files ----------------------------------------------------------------------------------------------------


class _Files:
    """The files that changed, by the directories above them."""

    def __init__(self, root: str, changed: Iterable[str]) -> None:
        self._root = os.path.realpath(root)
        self._names = {os.path.normpath(os.path.join(self._root, name)): name for name in changed}  # noqa: PTH118
        self._below: dict[str, list[str]] = {}
        for path in self._names:
            for folder in _above(path):
                self._below.setdefault(folder, []).append(path)
        self._within = cache(self._find_within)

    def place(self, path: str) -> str:
        """Where a path of the plan leads."""
        return os.path.realpath(os.path.join(self._root, path))  # noqa: PTH118

    def has(self, path: str) -> bool:
        return os.path.normpath(os.path.join(self._root, path)) in self._names  # noqa: PTH118

    def within(self, folder: str, exclude: tuple[str, ...] = (), follow: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Those that are sent of a folder of the plan."""
        return self._within(folder, exclude, follow)

    def _find_within(self, folder: str, exclude: tuple[str, ...], follow: tuple[str, ...]) -> tuple[str, ...]:
        place = self.place(folder)
        # A change of a whole folder, as of a submodule, comes as its name.
        whole = [self._names[above] for above in (place, *_above(place)) if above in self._names]
        below = self._below.get(place, ())
        chosen = _filter(place, exclude, follow)
        inside = place.rstrip("/") + "/"
        return (*whole, *(self._names[path] for path in below if chosen.takes(path.removeprefix(inside))))


def _above(path: str) -> Iterator[str]:
    while path != "/":
        path = os.path.dirname(path)  # noqa: PTH120 - a path object for each is slower than all else here
        yield path


def _read(plan: Plan, job: Job, files: _Files, *, is_compared: bool) -> Iterator[str]:
    """The files that changed and that the job reads."""
    homes = {one.name: one.path for one in job.locals}
    dockerfile = _dockerfile(job, homes)
    own_ignore = f"{dockerfile}{_IGNORE}" if dockerfile else ""
    if isinstance(job.solve, LlbSolve):
        # What a Dockerfile says is in the plan, where both are compared.
        texts = () if is_compared else (dockerfile, own_ignore, *(_join(home, _IGNORE) for home in homes.values()))
        yield from (text for text in texts if text and files.has(text))
        yield from _followed(plan, job.solve, homes, files)
        return
    lower = [_join(os.path.dirname(dockerfile), "dockerfile")] if _base(dockerfile) == "Dockerfile" else []  # noqa: PTH120
    yield from (text for text in (dockerfile, *lower, own_ignore) if text and files.has(text))
    for mount, home in homes.items():
        if mount != _DOCKERFILE:
            ignore = own_ignore if mount == "context" and os.path.exists(files.place(own_ignore)) else ""  # noqa: PTH110
            ignore = ignore or _join(home, _IGNORE)
            if files.has(ignore):
                yield ignore
            yield from files.within(home, _patterns(files.place(ignore)))


def _dockerfile(job: Job, homes: Mapping[str, str]) -> str:
    """Its path; empty for one that is in no folder of ours."""
    return _join(homes[_DOCKERFILE], job.solve.attrs.get("filename", "Dockerfile")) if _DOCKERFILE in homes else ""


def _followed(plan: Plan, solve: LlbSolve, homes: Mapping[str, str], files: _Files) -> Iterator[str]:
    """What the graph reads of the job's own folders: it holds the graphs of the targets that it uses, too."""
    for digest in dict.fromkeys(digest for build in solve.builds for digest in build.ops):
        source = _source(plan.ops[digest])
        home = homes.get(source.identifier.removeprefix("local://")) if source is not None else None
        if source is not None and home is not None and home == source.attrs.get("local.session"):
            exclude, follow = (_texts(source.attrs.get(f"local.{key}", "")) for key in _LISTS)
            yield from files.within(home, exclude, follow)


_LISTS: Final = ("excludepatterns", "followpaths")


def _source(data: bytes) -> SourceOp | None:
    """A directory that a step of the graph stands for."""
    from bakec.ir.llb.ops import SourceOp, decode_op
    from bakec.ir.llb.wire import WireError

    try:
        op = decode_op(data).op
    except WireError:
        return None  # the plan of a stranger: no builder will take it
    return op if isinstance(op, SourceOp) and op.identifier.startswith("local://") else None


def _texts(json_text: str) -> tuple[str, ...]:
    import json

    try:
        found = json.loads(json_text or "[]")
    except ValueError:
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()


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
