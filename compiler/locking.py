"""Making a lock file: which questions the targets of a plan leave open, and what becomes of the answers."""

from __future__ import annotations

from bakec.compiler.dockerfile.gitref import checkout, read_git_reference
from bakec.compiler.lock import Lock, LockedImage, LockedRepository
from bakec.compiler.lowering import Reader, Wanted, platform_name, repositories
from bakec.ir.codes import lock as codes
from bakec.ir.diagnostics import fail
from bakec.ir.llb import named, references
from bakec.ir.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeVar

    from bakec.compiler.host import Host
    from bakec.ir.diagnostics import Diagnostic
    from bakec.ir.llb import State
    from bakec.ir.plan import Plan

    Pin = TypeVar("Pin", LockedImage, LockedRepository)

Question = tuple[str, str]
"""The normalized reference of an image, and a platform."""
ALL = "all"


@dataclass(slots=True)
class Locker:
    """The lock of the targets of `plan`. Pins of `old` are kept, but those of `update`; `builder` is the platform of
    the builders if it was given. `prune` drops what no target uses."""

    plan: Plan
    host: Host
    old: Lock
    update: tuple[str, ...] = ()
    builder: str = ""
    prune: bool = False
    now: str = ""
    """The time to note for what is found, as `resolved` of a pin."""
    warnings: list[Diagnostic] = field(default_factory=list)
    _reader: Reader = field(init=False)
    _kept: Lock = field(init=False)
    _used: dict[str, set[str]] = field(default_factory=dict)
    """Images and repositories that the targets read, and who asks for each."""
    _added: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._reader = Reader(self.host)
        self._kept = self._without_updated()

    def _without_updated(self) -> Lock:
        """Raises `Failed` for a name that nothing has."""
        urls = self.repositories()
        names = {name: _normal(name) for name in self.update if name != ALL}
        for name, ref in names.items():
            if ref not in self.old.images and name not in self.old.repositories and name not in urls:
                raise fail(codes.UNKNOWN_REF.at(None, name=name))
        if ALL in self.update:
            return Lock(builder=self.old.builder)
        gone = {*names, *names.values()}
        return Lock(
            builder=self.old.builder,
            images={ref: image for ref, image in self.old.images.items() if ref not in gone},
            repositories={url: commit for url, commit in self.old.repositories.items() if url not in gone},
        )

    def repositories(self) -> dict[str, State]:
        """The checkouts of the repositories that are contexts, and, when all images are known, of those that ADD
        reads, by URL as written."""
        contexts = (url for job in self.plan.jobs for url in repositories(job))
        found: dict[str, State] = {}
        for url in dict.fromkeys((*contexts, *self._added)):
            reference = read_git_reference(url)
            if reference is not None:
                whole = replace(reference, subdir="")
                about = named(f"resolve {url}")
                found[url] = checkout(whole, keep_git_dir=True, mtime="", checksum=whole.checksum, about=about)
        return found

    def open_repositories(self) -> dict[str, State]:
        """Those whose commit is not known."""
        known = self._kept.repositories
        return {url: state for url, state in self.repositories().items() if url not in known}

    def questions(self, platform: str, answers: Mapping[Question, tuple[str, str]]) -> tuple[Question, ...]:
        """What to ask next, with `answers` (digest and config) to what was asked before. An image that is pinned is
        asked for by its digest."""
        lock = self._lock(platform, answers)
        found: dict[Question, None] = {}
        self.warnings.clear()
        self._used.clear()
        added: dict[str, None] = {}
        for job in self.plan.jobs:
            wanted = Wanted.of(job, self._reader, lock, lock.builder)
            if wanted.reason:
                self.warnings.append(codes.NOT_LOCKABLE.at(None, target=job.target, reason=wanted.reason))
            asked = (*wanted.used, *(request.ref for request in wanted.missing), wanted.syntax, *wanted.added)
            for name in filter(None, asked):
                self._used.setdefault(name, set()).add(wanted.path)
            for url in repositories(job):
                self._used.setdefault(url, set()).add(f"target {job.target}")
            added.update(dict.fromkeys(wanted.added))
            for ref, name in _open(wanted, lock):
                pin = lock.images.get(ref)
                found[f"{ref}@{pin.digest}" if pin and "@" not in ref else ref, name] = None
        self._added = tuple(added)
        return tuple(found)

    def _lock(self, platform: str, answers: Mapping[Question, tuple[str, str]]) -> Lock:
        images = dict(self._kept.images)
        for (asked, name), (digest, config) in answers.items():
            bare, _, pinned = asked.partition("@")
            # Asked for by the digest of its pin, or for a digest that somebody has written.
            ref = bare if bare in images and images[bare].digest == pinned else asked
            configs = images[ref].configs if ref in images else {}
            images[ref] = LockedImage(digest=digest, configs={**configs, name: config})
        return Lock(
            builder=self.builder or self._kept.builder or platform,
            images=images,
            repositories=self._kept.repositories,
        )

    def finished(self, platform: str, answers: Mapping[Question, tuple[str, str]], commits: Mapping[str, str]) -> Lock:
        """The lock, when there are no questions left."""
        lock = self._lock(platform, answers)
        found = {url: LockedRepository(commit=commit) for url, commit in commits.items()}
        repositories = {**lock.repositories, **found}
        return Lock(
            builder=lock.builder,
            images={
                ref: self._dated(ref, image, self.old.images.get(ref), image.digest)
                for ref, image in lock.images.items()
                if not self.prune or ref in self._used
            },
            repositories={
                url: self._dated(url, one, self.old.repositories.get(url), one.commit)
                for url, one in repositories.items()
                if not self.prune or url in self._used
            },
        )

    def _dated(self, name: str, pin: Pin, old: LockedImage | LockedRepository | None, content: str) -> Pin:
        """The pin with its time, which is that of the old one if nothing moved, and with who asks for it."""
        before = old.digest if isinstance(old, LockedImage) else old.commit if old else ""
        resolved = old.resolved if old and before == content else self.now
        others: tuple[str, ...] = old.origins if old and not self.prune else ()
        origins = sorted({*others, *self._used.get(name, ())})
        return replace(pin, resolved=resolved, origins=tuple(origins))


def _open(wanted: Wanted, lock: Lock) -> Iterator[Question]:
    for request in wanted.missing:
        yield request.ref, platform_name(request.platform)
    if wanted.syntax and wanted.syntax not in lock.images:
        yield wanted.syntax, lock.builder or platform_name(None)


def _normal(name: str) -> str:
    try:
        return str(references.parse_normalized(name).tagged())
    except references.ImageNameError:
        return name


def stale(old: Lock, new: Lock) -> Iterator[str]:
    """What of `old` is no longer so, one line each."""
    for ref in sorted({*old.images, *new.images}):
        before, after = old.images.get(ref), new.images.get(ref)
        if after is None:
            continue
        if before is None:
            yield f"{ref} is not pinned"
        elif before.digest != after.digest:
            yield f"{ref} is {after.digest} now, not {before.digest}"
        elif missing := sorted(after.configs.keys() - before.configs.keys()):
            yield f"{ref} is not pinned for {', '.join(missing)}"
    for url in sorted(new.repositories):
        commit, known = new.repositories[url].commit, old.repositories.get(url)
        if known is None or known.commit != commit:
            yield f"{url} is {commit} now, not {known.commit if known else 'pinned'}"
