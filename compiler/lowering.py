"""From frontend jobs to LLB: what a builder's Dockerfile frontend would make of a job, made at compile time.

A job is lowered when everything that decides its graph is known here: its Dockerfile and ignore files are on this
machine, and what it starts from is scratch, a lowered target, or an image pinned in the lock file. Anything else stays
a job of the frontend, with the reason written down. `passes.lower` decides whether this module is needed at all.
"""

from __future__ import annotations

import base64
import json
import os
import posixpath
import re

from bakec.compiler.dockerfile.convert import PROXIES
from bakec.compiler.dockerfile.directives import find_syntax
from bakec.compiler.dockerfile.lower import lower
from bakec.compiler.dockerfile.request import ImageAnswer, LowerFailed, Request, UnresolvedError
from bakec.compiler.refs import is_git
from bakec.compiler.sources import read_bytes
from bakec.ir import platforms
from bakec.ir.codes import lock as codes
from bakec.ir.llb import LlbError, State, references, stored
from bakec.ir.llb.graph import Mkdir
from bakec.ir.plan import Dockerfile, FrontendSolve, LlbSolve, Pin
from bakec.ir.records import dataclass, field, replace
from bakec.ir.span import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Final

    from bakec.compiler.dockerfile.request import ImageRequest, Lowered, Resolver, SourceMetadata
    from bakec.compiler.host import Host
    from bakec.compiler.lock import Lock, LockedImage
    from bakec.ir.diagnostics import Diagnostic, Diagnostics
    from bakec.ir.llb import Definition
    from bakec.ir.llb.ops import SourceMap
    from bakec.ir.plan import Job, JobId, OpMeta, Plan
    from bakec.ir.platforms import Platform

NO_BUILDER: Final = "it depends on the builder's platform, which neither the lock file nor --build-platform tells"
MAIN: Final = ("context", "dockerfile")
_FRONTEND: Final = "dockerfile.v0"
_IMAGE: Final = "docker-image://"
_CAP: Final = "moby.buildkit.frontend.contexts+forward"
_STAGE: Final = re.compile(rb"^\s*FROM\s.*\sAS\s+(\S+)", re.IGNORECASE | re.MULTILINE)
_BUILDER: Final = re.compile(rb"\bBUILD(PLATFORM|OS|ARCH|VARIANT)")
"""Variables that make a graph depend on the builder's platform."""
_OPTIONAL_CAPS: Final = {"mergeop": "`--link` is lowered in two ways, and the builder's image store decides"}
"""Capabilities that builders in use lack, with what the frontend makes of that."""
_KEPT: Final = re.compile(
    r"filename$|force-network-mode|build-arg:(SOURCE_DATE_EPOCH|BUILDKIT_INLINE_CACHE|(http|https|ftp|no|all)_proxy)$",
    re.IGNORECASE,
)
"""Attributes that have a meaning without a frontend."""


@dataclass(slots=True)
class Pins:
    """Answers from the lock file; remembers which were used, and what could not be answered."""

    lock: Lock
    used: dict[str, LockedImage] = field(default_factory=dict)
    missing: list[ImageRequest] = field(default_factory=list)
    added: dict[str, str] = field(default_factory=dict)
    """What ADD fetches without saying which version: its URL, and the commit that the lock has for it."""

    def image(self, request: ImageRequest) -> ImageAnswer:
        """Raises `UnresolvedError`."""
        found, platform = self.find(request.ref), platform_name(request.platform)
        config = found.configs.get(platform) if found else None
        if found is None or config is None:
            self.missing.append(request)
            raise UnresolvedError(f"{request.ref} is not pinned" + (f" for {platform}" if found else ""))
        return ImageAnswer(ref=request.ref, digest=found.digest, config=config.encode())

    def find(self, ref: str) -> LockedImage | None:
        """The pin of a reference, itself with a digest or not."""
        bare, _, digest = ref.partition("@")
        for name in (ref, bare):
            found = self.lock.images.get(name)
            if found is not None and digest in ("", found.digest):
                self.used[name] = found
                return found
        return None

    def pin(self, source: str) -> str:
        found = self.lock.repositories.get(source)
        self.added[source] = found.commit if found else ""
        return self.added[source]

    def remote_file(self, identifier: str, path: str) -> bytes:
        raise UnresolvedError(f"{path} of {identifier} is not known before the build")

    def metadata(self, identifier: str) -> SourceMetadata:
        raise UnresolvedError(f"the time of {identifier} is not known before the build")


def platform_name(platform: Platform | None) -> str:
    """A platform as the lock file names it."""
    return platforms.full_name(platforms.normalize(platform or platforms.AMD64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a build reads on this machine to make its graph. `path` of the Dockerfile is relative to the root."""

    path: str
    dockerfile: bytes
    ignores: Mapping[str, Mapping[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """A lowered job; `paths` are the Dockerfiles it and the jobs it uses were made from, by content."""

    lowered: Lowered
    paths: Mapping[bytes, str]


class NotLowered(Exception):
    """Why a job stays with the frontend. `mistake` is what is wrong with its Dockerfile, if that is why."""

    def __init__(self, reason: str, mistake: Diagnostic | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.mistake = mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowering:
    """`mode` is `auto`, `llb` or `frontend`. `builder` is the platform of the builders that the plan is for, empty
    if nobody said. With `locked` nothing that is not pinned in `lock`, the file at `path`, is let through; without
    `pins` it is not looked at. `obstacles` are reasons that are known already, by job."""

    mode: str
    lock: Lock
    path: str
    pins: bool
    locked: bool
    builder: str
    obstacles: Mapping[JobId, str]


def lower_plan(plan: Plan, options: Lowering, host: Host, sink: Diagnostics) -> Plan:
    """The plan with every job lowered that can be, and with the pins that it relies on. Reports into `sink` what
    mode `llb` and `locked` refuse.

    Before: all jobs are jobs of the frontend, in an order in which each comes after those it needs. After: a lowered
    job needs only lowered ones.
    """
    work = _Pass(options, host, sink)
    jobs = tuple(map(work.job, plan.jobs))
    return work.finished(replace(plan, jobs=jobs))


class _Pass:
    """One run of the pass: what has been lowered, and the tables that it fills."""

    def __init__(self, options: Lowering, host: Host, sink: Diagnostics) -> None:
        self._options = options
        self._reader = Reader(host)
        self._sink = sink
        self._lock = options.lock
        self._builder = options.builder
        self._done: dict[JobId, _Done] = {}
        self._pins: dict[str, LockedImage] = {}
        self._ops: dict[str, bytes] = {}
        self._meta: dict[str, OpMeta] = {}
        self._dockerfiles: dict[Dockerfile, int] = {}
        self._warned: set[tuple[str, str]] = set()

    def job(self, job: Job) -> Job:
        """The job, lowered or with the reason why not."""
        assert isinstance(job.solve, FrontendSolve)
        pins, wanted = Pins(self._lock), None
        if self._options.pins:
            wanted = Wanted.of(job, self._reader, self._lock, self._builder)
            job = pin_contexts(job, pins)
        try:
            made = self._lowered(job, pins)
        except NotLowered as obstacle:
            made = self._left(job, obstacle)
            if wanted is not None:
                made, failed = pin_bases(made, wanted, pins)
                failed += [
                    f"repository {one}, which the frontend adds,"
                    for one in wanted.added
                    if pins.lock.repositories.get(one)
                ]
                wanted.unpinned += failed
        if self._options.locked and wanted is not None:
            self._refuse(job, wanted.unpinned)
        self._pins |= pins.used
        return made

    def _refuse(self, job: Job, unpinned: Iterable[str]) -> None:
        for what in unpinned:
            self._sink.add(codes.NOT_PINNED.at(None, target=job.target, what=what, path=self._options.path))

    def _lowered(self, job: Job, pins: Pins) -> Job:
        """Raises `NotLowered`."""
        for reason in self._obstacles(job):
            raise NotLowered(reason)
        files = self._reader.files(job)
        lowered = self._lower(job, files, pins)
        for reason in _afterthoughts(lowered):
            raise NotLowered(reason)
        depends = _builder_decides(job, lowered, files, pins)
        if depends and not self._builder:
            raise NotLowered(NO_BUILDER)
        paths = {data: path for need in job.needs for data, path in self._done[need.job].paths.items()}
        done = _Done(lowered=lowered, paths={**paths, files.dockerfile: files.path})
        solve = self._solve(job, done, self._builder if depends else "")
        self._done[job.id] = done
        self._report(done, files)
        return replace(job, solve=solve)

    def _obstacles(self, job: Job) -> Iterator[str]:
        if job.id in self._options.obstacles:
            yield self._options.obstacles[job.id]
        for need in job.needs:
            if need.job not in self._done:
                yield f"it uses target `{need.job}`, which is not lowered"

    def _lower(self, job: Job, files: Files, pins: Pins) -> Lowered:
        inputs = {name: one for need in job.needs for name, _, one in self._inputs(need.context, need.job)}
        links = dict(pair for need in job.needs for pair in self._link_attrs(need.context, need.job))
        request = request_of(job, files, pins, inputs, links, self._builder)
        try:
            lowered = lower(request)
        except LowerFailed as failure:
            if pins.missing:
                ref = pins.missing[0].ref
                raise NotLowered(f"image {ref} is not pinned for {platform_name(pins.missing[0].platform)}") from None
            mistake = _moved(failure.diagnostics[0], files)
            raise NotLowered(f"{files.path}: {failure.message}", mistake) from None
        if lowered.forward is not None:
            raise NotLowered(f"its syntax directive asks for the frontend {lowered.forward.attrs['source']}")
        return lowered

    def _inputs(self, context: str, parent: JobId) -> Iterator[tuple[str, str, Definition]]:
        """Name, suffix and graph of each platform of another target."""
        del context
        for build in self._done[parent].lowered.builds:
            suffix = f"::{build.id}" if build.id else ""
            yield f"0-{parent}{suffix}", suffix, build.definition

    def _link_attrs(self, context: str, parent: JobId) -> Iterator[tuple[str, str]]:
        for build, (name, suffix, _) in zip(
            self._done[parent].lowered.builds, self._inputs(context, parent), strict=True
        ):
            yield f"context:{context}{suffix}", f"input:{name}"
            config = {"containerimage.config": base64.b64encode(build.config).decode()}
            yield f"input-metadata:{name}", json.dumps(config, separators=(",", ":"))

    # What goes into the plan.

    def _solve(self, job: Job, done: _Done, builder: str) -> LlbSolve:
        attrs = {key: value for key, value in job.solve.attrs.items() if _KEPT.match(key)}
        builds = done.lowered.builds
        if len(builds) == 1 and builds[0].id:
            attrs["multi-platform"] = "true"
        made = []
        for build in builds:
            try:
                kept = stored.to_plan(build.definition, platforms.full_name(build.platform), build.config)
            except LlbError as error:
                raise NotLowered(str(error)) from None
            places = self._places(build.definition.source, done.paths)
            meta = {name: replace(one, places=places.get(name, ())) for name, one in kept.meta.items()}
            self._ops |= kept.ops
            own = {name: one for name, one in meta.items() if self._meta.setdefault(name, one) != one}
            epoch = "" if build.epoch is None else str(build.epoch)
            made.append(replace(kept.build, base_config=build.base_config or b"", epoch=epoch, meta=own))
        return LlbSolve(builds=tuple(made), attrs=attrs, builder=builder)

    def _places(
        self, source: SourceMap | None, paths: Mapping[bytes, str]
    ) -> dict[str, tuple[tuple[int, int, int], ...]]:
        """The lines of each op."""
        if source is None:
            return {}
        files = [
            self._dockerfiles.setdefault(
                Dockerfile(path=paths.get(info.data, info.filename), text=info.data), len(self._dockerfiles)
            )
            for info in source.infos
        ]
        return {
            digest: tuple(
                (files[one.source_index], _line(one.ranges[0].start), _line(one.ranges[-1].end))
                for one in found.locations
                if one.ranges
            )
            for digest, found in source.locations.items()
        }

    def finished(self, plan: Plan) -> Plan:
        """`plan` with the tables that its jobs refer to."""
        pins = (
            Pin(ref=ref, digest=image.digest, origin=self._options.path) for ref, image in sorted(self._pins.items())
        )
        return replace(
            plan,
            ops=self._ops,
            op_meta=self._meta,
            dockerfiles=tuple(self._dockerfiles),
            lock=tuple(pins),
            features=("llb",) if self._done else (),
        )

    # What stays with the frontend.

    def _left(self, job: Job, obstacle: NotLowered) -> Job:
        assert isinstance(job.solve, FrontendSolve)
        if self._options.mode == "llb":
            found = codes.NOT_LOWERED.at(None, target=job.target, reason=obstacle.reason)
            self._sink.add(obstacle.mistake or found)
        elif obstacle.mistake is not None:
            mistake = obstacle.mistake
            warning = codes.DOCKERFILE.at(mistake.subject, target=job.target, reason=mistake.message, hint=mistake.hint)
            self._sink.add(warning)
        return replace(job, solve=replace(job.solve, reason=obstacle.reason))

    def _report(self, done: _Done, files: Files) -> None:
        """Pass on what the frontend would have warned of, once for each place."""
        for warning in done.lowered.warnings:
            key = (files.path, warning.short)
            if key not in self._warned:
                self._warned.add(key)
                self._sink.add(_moved(warning.diagnostic, files))


def _line(position: object) -> int:
    return int(getattr(position, "line", 0))


def _moved(diagnostic: Diagnostic, files: Files) -> Diagnostic:
    """The diagnostic about the Dockerfile by its whole path."""
    span = diagnostic.subject
    if span is None:
        return diagnostic
    source = Source(files.path, span.source.text)
    return replace(diagnostic, subject=Span(source, span.start, span.end))


def _builder_decides(job: Job, lowered: Lowered, files: Files, pins: Pins) -> bool:
    """Whether the graph depends on the platform of the builder. Asked when all pins are known."""
    if not job.platforms or lowered.host_decides:
        return True
    configs = (text.encode() for one in pins.used.values() for text in one.configs.values())
    return any(map(_BUILDER.search, (files.dockerfile, *configs)))


def _afterthoughts(lowered: Lowered) -> Iterator[str]:
    """What only the finished graph shows."""
    proxies = {name for name in lowered.arguments if name.lower() in PROXIES and (name.islower() or name.isupper())}
    yield from (f"it declares ARG {name}, which is set where the plan runs" for name in sorted(proxies))
    for build in lowered.builds:
        if build.platform.os != "linux":
            yield f"platform {platforms.full_name(build.platform)} depends on the builder"
        caps = {cap for meta in build.definition.metadata.values() for cap in meta.caps}
        yield from (reason for cap, reason in _OPTIONAL_CAPS.items() if cap in caps)
        if "source.git.mountsshsock" in caps:
            yield "a git repository is read over SSH, whose host keys the builder looks up"


class Reader:
    """Reads what decides a graph, each file once."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._read: dict[str, bytes | None] = {}

    def files(self, job: Job) -> Files:
        """Raises `NotLowered` for a Dockerfile that is not there, and `Failed` for one that cannot be read."""
        assert isinstance(job.solve, FrontendSolve)
        name = job.solve.attrs.get("filename", "Dockerfile")
        homes = {one.name: one.path for one in job.locals}
        ignores: dict[str, dict[str, bytes]] = {}
        if job.dockerfile_inline is not None:
            path, data = f"{job.target} (inline)", job.dockerfile_inline.encode("utf-8", "surrogateescape")
        else:
            path, data = self._dockerfile(homes["dockerfile"], name)
            self._ignore(ignores, "dockerfile", homes["dockerfile"], f"{name}.dockerignore")
        for mount, home in homes.items():
            if mount != "dockerfile":
                self._ignore(ignores, mount, home, ".dockerignore")
        return Files(path=path, dockerfile=data, ignores=ignores)

    def _dockerfile(self, home: str, name: str) -> tuple[str, bytes]:
        names = (name, "dockerfile") if name == "Dockerfile" else (name,)
        for one in names:
            path = posixpath.normpath(posixpath.join(home, one))
            data = self.read(path)
            if data is not None:
                return path, data
        raise NotLowered(f"there is no {posixpath.normpath(posixpath.join(home, name))}")

    def _ignore(self, found: dict[str, dict[str, bytes]], mount: str, home: str, name: str) -> None:
        data = self.read(posixpath.join(home, name))
        if data is not None:
            found.setdefault(mount, {})[name] = data

    def read(self, path: str) -> bytes | None:
        """A file, None if there is none. A link may lead out of what a builder is sent, so it is not followed."""
        if path not in self._read:
            if os.path.islink(self._host.path(path)):  # noqa: PTH114
                raise NotLowered(f"{path} is a symbolic link")
            self._read[path] = read_bytes(path, self._host)
        return self._read[path]


def request_of(
    job: Job,
    files: Files,
    resolver: Resolver,
    inputs: Mapping[str, Definition],
    links: Mapping[str, str],
    builder: str,
) -> Request:
    """The question that a run of the job would put to the frontend, with stand-ins for what only a run knows."""
    attrs = {**job.solve.attrs, **links, "image-resolve-mode": "pull" if job.pull else "local"}
    for one in job.locals:
        # Who reads the same folder under the same name has the same ops.
        attrs[f"local-sessionid:{one.name}"] = one.path
        if one.name not in MAIN:
            key = one.name[1:] if one.name[1:] in MAIN and one.name[0] == "_" else one.name
            attrs[f"context:{key}"] = f"local:{one.name}"
    worker = platforms.parse(builder) if builder else platforms.AMD64
    return Request(
        dockerfile=files.dockerfile,
        attrs=attrs,
        resolver=resolver,
        local_files=files.ignores,
        inputs=inputs,
        worker=worker,
        host=worker,
    )


def request_alone(job: Job, files: Files, resolver: Resolver, builder: str) -> Request:
    """The same for a job by itself: what it links to is replaced by an empty folder, and its syntax directive is not
    followed."""
    empty = State().file(Mkdir(path="/", mode=0o755)).marshal()
    inputs = {need.context: empty for need in job.needs}
    links = {f"context:{need.context}": f"input:{need.context}" for need in job.needs}
    attrs = {**job.solve.attrs, "cmdline": "", "source": ""}
    plain = replace(job, solve=FrontendSolve(frontend=_FRONTEND, attrs=attrs))
    return request_of(plain, files, resolver, inputs, links, builder)


@dataclass(slots=True)
class Wanted:
    """The images of a job: what its Dockerfile was found to ask for. `syntax` is its frontend's image, `cmdline` the
    whole directive, `stages` the names of stages, `used` the pins it uses, `reason` why nothing is known, `path` the
    Dockerfile."""

    path: str = ""
    images: list[ImageRequest] = field(default_factory=list)
    missing: list[ImageRequest] = field(default_factory=list)
    used: frozenset[str] = frozenset()
    syntax: str = ""
    cmdline: str = ""
    stages: frozenset[str] = frozenset()
    reason: str = ""
    unpinned: list[str] = field(default_factory=list)
    added: tuple[str, ...] = ()
    """Repositories that ADD reads at a name and not at a commit."""

    @classmethod
    def of(cls, job: Job, reader: Reader, lock: Lock, builder: str) -> Wanted:
        """Lower a job for its questions alone."""
        assert isinstance(job.solve, FrontendSolve)
        found, pins = cls(), Pins(lock)
        try:
            if job.dockerfile_inline is None and all(one.name != "dockerfile" for one in job.locals):
                raise NotLowered("its Dockerfile is not on this machine")
            files = reader.files(job)
        except NotLowered as obstacle:
            found.reason = obstacle.reason
            found.unpinned = [f"what it reads ({obstacle.reason})"]
            return found
        found.path = files.path
        found.stages = frozenset(name.decode("utf-8", "replace").lower() for name in _STAGE.findall(files.dockerfile))
        found.syntax, found.cmdline = syntax_of(job, files)
        try:
            lowered = lower(request_alone(job, files, pins, builder))
        except LowerFailed as failure:
            lowered = failure.partial
            if not pins.missing:
                # A frontend of its own may understand it, and may read more than was found so far.
                found.reason = failure.message
        found.images, found.missing, found.used = lowered.image_requests, pins.missing, frozenset(pins.used)
        found.unpinned = [f"image {one.ref}" for one in pins.missing]
        found.added = tuple(source for source in pins.added if is_git(source))
        named = (*repositories(job), *found.added)
        found.unpinned += [f"repository {one}" for one in dict.fromkeys(named) if one not in lock.repositories]
        found.unpinned += [f"URL {one} (see `ADD --checksum`)" for one in pins.added if one not in found.added]
        if found.reason:
            found.unpinned.append(f"what it reads ({found.reason})")
        if found.syntax and pins.find(found.syntax) is None:
            found.unpinned.append(f"frontend image {found.syntax}")
        return found


def repositories(job: Job) -> list[str]:
    """The contexts of a job that are Git repositories, as written."""
    assert isinstance(job.solve, FrontendSolve)
    attrs = job.solve.attrs
    return [value for key, value in attrs.items() if (key == "context" or key.startswith("context:")) and is_git(value)]


def syntax_of(job: Job, files: Files) -> tuple[str, str]:
    """The normalized reference of the frontend that a job asks for, and the whole text of the wish; empty for the
    builder's own."""
    assert isinstance(job.solve, FrontendSolve)
    text = job.solve.attrs.get("cmdline", "")
    if not text:
        found = find_syntax(files.dockerfile.decode("utf-8", "replace"))
        text = found.value if found else ""
    if not text:
        return "", ""
    try:
        return str(references.parse_normalized(text.split()[0]).tagged()), text
    except references.ImageNameError:
        return "", text


def pin_contexts(job: Job, pins: Pins) -> Job:
    """The job with the digest or commit of the lock file in each context that is an image or a repository."""
    assert isinstance(job.solve, FrontendSolve)
    attrs = dict(job.solve.attrs)
    for key, value in attrs.items():
        if key == "context" or key.startswith("context:"):
            attrs[key] = _pinned_context(value, pins)
    return replace(job, solve=replace(job.solve, attrs=attrs))


def _pinned_context(value: str, pins: Pins) -> str:
    repository = pins.lock.repositories.get(value)
    if repository is not None:
        return pinned_url(value, repository.commit)
    ref = image_context(value)
    found = pins.find(ref) if ref else None
    if found is None or "@" in ref:
        return value
    return f"{_IMAGE}{ref}@{found.digest}"


def image_context(value: str) -> str:
    """The normalized reference of a context that is an image, else an empty text."""
    if not value.startswith("docker-image:") or value == f"{_IMAGE}scratch":
        return ""
    try:
        return str(references.parse_normalized(value.removeprefix("docker-image:").removeprefix("//")).tagged())
    except references.ImageNameError:
        return ""


def pinned_url(url: str, commit: str) -> str:
    """A repository at a commit. One with a query keeps its branch or tag, and the builder compares the commit."""
    base, _, fragment = url.partition("#")
    if re.search(r"[?&](checksum|commit)=", base):
        return url  # pinned by whoever wrote it
    if "?" in base:
        return f"{base}&checksum={commit}" + (f"#{fragment}" if fragment else "")
    subdir = fragment.partition(":")[2]
    return f"{base}#{commit}" + (f":{subdir}" if subdir else "")


def pin_bases(job: Job, wanted: Wanted, pins: Pins) -> tuple[Job, list[str]]:
    """The job with the images that its Dockerfile names pinned for the frontend: a named context stands in for each,
    and the frontend's own image has its digest. Also what cannot be pinned so."""
    assert isinstance(job.solve, FrontendSolve)
    solve, attrs, failed = job.solve, dict(job.solve.attrs), []
    contexts = {image_context(value) for key, value in attrs.items() if key.startswith("context:")}
    for ref in dict.fromkeys(request.ref for request in wanted.images):
        found = pins.find(ref)
        if found is None or "@" in ref or ref in contexts:
            continue
        key = references.parse_normalized(ref).familiar().removesuffix(":latest")
        if key.lower() in wanted.stages:
            failed.append(f"image {ref}, which has the name of a stage,")
        elif attrs.setdefault(f"context:{key}", f"{_IMAGE}{ref}@{found.digest}"):
            attrs["frontend.caps"] = ",".join(sorted({*filter(None, attrs.get("frontend.caps", "").split(",")), _CAP}))
    syntax = pins.find(wanted.syntax) if wanted.syntax else None
    if syntax is not None and "@" not in wanted.syntax:
        source = f"{wanted.syntax}@{syntax.digest}"
        attrs |= {"source": source, "cmdline": " ".join((source, *wanted.cmdline.split()[1:]))}
        solve = replace(solve, frontend="gateway.v0")
    return replace(job, solve=replace(solve, attrs=dict(sorted(attrs.items())))), failed
