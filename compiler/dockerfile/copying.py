"""COPY and ADD."""

from __future__ import annotations

import re
from contextlib import suppress

from bakec.compiler.dockerfile.contexts import internal
from bakec.compiler.dockerfile.expand import Mode
from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gitref import checkout, read_git_reference
from bakec.compiler.dockerfile.gotext import encode
from bakec.compiler.dockerfile.lint import COPY_IGNORED
from bakec.compiler.dockerfile.ospaths import is_absolute, normal_path, to_slash, without_drive
from bakec.compiler.dockerfile.remote import check_checksum, http_filename, is_git, is_http
from bakec.compiler.dockerfile.steps import commit, quiet_expand, step_title, upper_first
from bakec.ir.codes import dockerfile as codes
from bakec.ir.llb import About, Copy, Mkfile, merge, named, owner, scratch
from bakec.ir.llb import http as http_state
from bakec.ir.llb.ops import ProgressGroup
from bakec.ir.paths import clean, join
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, replace
from bakec.ir.strconv import NumberError, parse_uint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.compiler.dockerfile.gitref import GitReference
    from bakec.compiler.dockerfile.instructions import InlineFile, Transfer
    from bakec.compiler.dockerfile.stages import Entry, Step
    from bakec.compiler.dockerfile.steps import Scene
    from bakec.ir.llb import State
    from bakec.ir.llb.graph import FileStep, Owner
    from bakec.ir.platforms import Platform

_RAW: Final = Mode(plain_quotes=True)
COMMIT: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(slots=True, kw_only=True)
class _Job:
    """One instruction on its way: what all of its sources share."""

    scene: Scene
    entry: Entry
    step: Step
    copy: Transfer
    source: State
    dest: str
    mode: int | str | None
    owner: Owner | None
    name: str
    title: str
    platform: Platform
    os: str
    keep_git_dir: bool | None
    checksum: str
    from_context: bool


def expand_transfer(copy: Transfer, scene: Scene, entry: Entry, step: Step) -> Transfer:
    """The instruction with its variables replaced. Raises `DockerfileError`."""

    def word(text: str) -> str:
        return scene.expand(text, entry, step)

    chown, chmod = word(copy.chown), word(copy.chmod)
    checksum = word(copy.checksum) if copy.is_add else ""
    sources = tuple(word(source) for source in copy.sources)
    dest = word(copy.dest)
    files = tuple(
        file._replace(text=scene.expand(file.text, entry, step, _RAW)) if file.expand else file for file in copy.files
    )
    return copy._replace(chown=chown, chmod=chmod, checksum=checksum, sources=sources, dest=dest, files=files)


def lower_transfer(scene: Scene, entry: Entry, step: Step, written: Transfer) -> None:
    """Lower COPY or ADD onto the stage. Raises `DockerfileError`."""
    copy = expand_transfer(written, scene, entry, step)
    source = scene.main
    if step.sources:
        origin = step.sources[0]
        if not origin.dispatched:
            problem = (
                f"cannot copy from stage {quote(copy.origin)}, it needs to be defined before current stage"
                f" {quote(entry.title)}"
            )
            raise DockerfileError(codes.STAGE_LATER, problem=problem)
        source = origin.state
    job = _prepare(scene, entry, step, copy, source)
    steps: list[FileStep] = [_source_step(job, path) for path in copy.sources]
    steps += [_inline_step(job, file) for file in copy.files]
    _apply(job, steps)
    commit(entry, _history(copy), scene.epoch, layer=True)
    _mark_used(entry, step, copy)


def _mark_used(entry: Entry, step: Step, copy: Transfer) -> None:
    used = step.sources[0].paths if step.sources else entry.context_paths
    skipped = ("http://", "https://") if copy.is_add else ()
    used |= {join("/", path) for path in copy.sources if not path.startswith(skipped)}


def _prepare(scene: Scene, entry: Entry, step: Step, copy: Transfer, source: State) -> _Job:
    platform = entry.platform or scene.target
    dest = _destination(entry.state, copy.dest, platform.os)
    mode = _mode(copy.chmod) if copy.chmod else None
    _check_checksum_use(copy)
    name = upper_first(quiet_expand(copy.written.code, entry.state.env, scene.mode))
    return _Job(
        scene=scene,
        entry=entry,
        step=step,
        copy=copy,
        source=source,
        dest=dest,
        mode=mode,
        owner=owner(copy.chown) if copy.chown else None,
        name=name,
        title=step_title(entry, name, platform, entry.state.env),
        platform=platform,
        os=platform.os,
        keep_git_dir=copy.keep_git_dir,
        checksum=copy.checksum,
        from_context=not step.sources,
    )


def _destination(state: State, dest: str, os: str) -> str:
    try:
        path = without_drive(dest, os, keep_trailing=True)
    except DockerfileError as fault:
        raise fault.within("removing drive letter") from None
    if is_absolute(path, os):
        return normal_path("/", path, os, keep_trailing=True)
    return normal_path(state.cwd, "./" if path in (".", "") else path, os, keep_trailing=True)


_CLAUSE = re.compile(r"[augo]*(?:[-+=](?:[rstwXxugo])*)+")


def _mode(text: str) -> int | str:
    """An octal mode as a number, a symbolic one as it is. Raises `DockerfileError`."""
    if text[:1].isascii() and text[:1].isdigit():
        return _octal(text)
    if not all(_CLAUSE.fullmatch(clause) for clause in text.split(",")):
        raise DockerfileError(codes.CHMOD, problem="invalid syntax")
    return text


def _octal(text: str) -> int:
    with suppress(NumberError):
        if (mode := parse_uint(text, 8, 32)) <= 0o7777:
            return mode
    problem = f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"
    raise DockerfileError(codes.CHMOD, problem=problem)


def _check_checksum_use(copy: Transfer) -> None:
    if not copy.checksum:
        return
    if len(copy.sources) != 1:
        raise DockerfileError(codes.CHECKSUM, problem="checksum can't be specified for multiple sources")
    if not is_http(copy.sources[0]) and not is_git(copy.sources[0]):
        raise DockerfileError(codes.CHECKSUM, problem="checksum requires HTTP(S) or Git sources")


def _source_step(job: _Job, path: str) -> Copy:
    git = read_git_reference(path)
    if git is not None and not git.local_looking:
        return _git_step(job, path, git)
    if is_http(path):
        return _http_step(job, path)
    return _path_step(job, path)


def _remote_only_in_add(job: _Job, kind: str) -> None:
    if not job.copy.is_add:
        raise DockerfileError(codes.COPY_SOURCE, kind=kind)


def _git_step(job: _Job, path: str, git: GitReference) -> Copy:
    _remote_only_in_add(job, "git ref")
    if git.keep_git_dir is not None:
        if job.keep_git_dir not in (None, git.keep_git_dir):
            raise DockerfileError(codes.GIT_REFERENCE, problem="inconsistent keep-git-dir configuration")
        job.keep_git_dir = git.keep_git_dir
    if git.checksum:
        if job.checksum not in ("", git.checksum):
            problem = f"checksum mismatch {quote(job.checksum)} != {quote(git.checksum)}"
            raise DockerfileError(codes.GIT_REFERENCE, problem=problem)
        job.checksum = git.checksum
    pinned = "" if job.checksum or COMMIT.fullmatch(git.ref) else job.scene.pin(path)
    if pinned:
        git = replace(git, ref=pinned)
    state = checkout(
        git,
        keep_git_dir=bool(job.keep_git_dir),
        mtime="",
        checksum=job.checksum,
        about=named(job.title),
    )
    return _plain_step(job, state, "/")


def _http_step(job: _Job, url: str) -> Copy:
    _remote_only_in_add(job, "URL")
    if job.checksum:
        check_checksum(job.checksum)
    else:
        job.scene.pin(url)
    filename = http_filename(url)
    description = {"llb.customname": job.title, "com.docker.dockerfile.v1.command": ""}
    about = About(description=description)
    state = http_state(url, filename=filename, checksum=job.checksum, about=about)
    return _plain_step(job, state, filename)._replace(unpack=bool(job.copy.unpack))


def _plain_step(job: _Job, source: State, path: str) -> Copy:
    return Copy(
        source=source.output,
        source_dir=source.cwd,
        src=path,
        dest=job.dest,
        mode=job.mode,
        owner=job.owner,
        exclude=job.copy.exclude,
        create_dest=True,
    )


def _path_step(job: _Job, path: str) -> Copy:
    _lint_ignored(job, path)
    include: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    try:
        if job.copy.parents:
            path, include, required = _parents(path, job.os)
        source = normal_path("/", path, job.os, keep_trailing=False)
        required = tuple(normal_path("/", item, job.os, keep_trailing=False) for item in required)
    except DockerfileError as fault:
        raise fault.within("removing drive letter") from None
    return _plain_step(job, job.source, source)._replace(
        follow_symlinks=True,
        contents_only=True,
        wildcard=True,
        empty_wildcard=True,
        include=include,
        required=required,
        unpack=job.copy.is_add if job.copy.unpack is None else job.copy.unpack,
    )


def _parents(path: str, os: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """For `--parents`: the source directory, the include pattern, and what must exist."""
    source, pivot, pattern = path.partition("/./")
    if not pivot:
        source, pattern = "/", path
    pattern = normal_path("/", pattern, os, keep_trailing=False)
    required = () if _has_wildcards(source) or _has_wildcards(pattern) else (join(source, pattern),)
    return source, (pattern.removeprefix("/"),), required


def _has_wildcards(path: str) -> bool:
    return re.search(r"[*?\[]", re.sub(r"\\.", "", path, flags=re.DOTALL)) is not None


def _lint_ignored(job: _Job, path: str) -> None:
    matcher = job.scene.ignored
    if matcher is None or not matcher.decidable or not job.from_context:
        return
    cleaned = clean(path)
    if cleaned in (".", "/") and not matcher.covers_root:
        return
    if matcher.excludes(cleaned):
        command = "Add" if job.copy.is_add else "Copy"
        job.scene.lint(COPY_IGNORED, job.step, command=command, path=quote(cleaned))


def _inline_step(job: _Job, file: InlineFile) -> Copy:
    try:
        path = without_drive(file.path, job.os)
    except DockerfileError as fault:
        raise fault.within("removing drive letter") from None
    made = scratch().file(
        Mkfile(path=path, mode=0o644, data=encode(file.text)), about=internal("preparing inline document")
    )
    return _plain_step(job, made, to_slash(path, job.os))


def _apply(job: _Job, steps: list[FileStep]) -> None:
    scene, entry = job.scene, job.entry
    about = About(
        description={"llb.customname": job.title},
        ignore_cache=entry.ignore_cache,
        locations=scene.locations(job.copy.written.lines),
    )
    if job.copy.link and not job.copy.chmod and scene.supports("mergeop"):
        entry.state = entry.state.with_output(_linked(job, steps, about).output)
    else:
        entry.state = entry.state.file(*steps, about=about)


def _linked(job: _Job, steps: list[FileStep], about: About) -> State:
    """The files on their own, merged onto the stage, shown as one line of progress."""
    entry, group = job.entry, job.scene.group_id()
    entry.step_index -= 1
    linked = step_title(entry, f"LINK {job.name}", job.platform, entry.state.env)
    layer = scratch().file(
        *steps, about=about._replace(progress_group=ProgressGroup(id=group, name=job.title, weak=True))
    )
    merged = about._replace(
        progress_group=ProgressGroup(id=group, name=job.title),
        description={"llb.customname": linked},
    )
    return merge((entry.state, layer), merged)


def _history(copy: Transfer) -> str:
    words = ["ADD" if copy.is_add else "COPY"]
    words += ["--parents"] * copy.parents
    words += [f"--chown={copy.chown}"] if copy.chown else []
    words += [f"--chmod={copy.chmod}"] if copy.chmod else []
    words += copy.sources
    words += [f"<<{file.path}" for file in copy.files]
    return " ".join([*words, copy.dest, "# buildkit"])
