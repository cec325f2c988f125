"""Git URLs of ADD sources and contexts, with their options in the fragment or the query."""

from __future__ import annotations

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.ir import giturl
from bakec.ir.codes.dockerfile import GIT_REFERENCE
from bakec.ir.llb import git as git_state
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, replace
from bakec.ir.strconv import NumberError, parse_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.ir.llb import About, State


@dataclass(frozen=True, slots=True, kw_only=True)
class GitReference:
    """A repository with what its fragment and its query ask for; `local_looking` as in `giturl.GitUrl`."""

    remote: str
    ref: str = ""
    subdir: str = ""
    checksum: str = ""
    local_looking: bool = False
    keep_git_dir: bool | None = None
    submodules: bool | None = None
    mtime: str = ""
    fetch_by_commit: bool = False


def read_git_reference(text: str) -> GitReference | None:
    """The git reference that `text` is, or None. Raises `DockerfileError` if it is one with bad options."""
    url = giturl.repository(text)
    if url is None:
        return None
    found = GitReference(remote=url.remote, ref=url.ref, subdir=url.subdir, local_looking=url.local_looking)
    return _with_query(found, url.query)


_SWITCHES: Final = ("submodules", "keep-git-dir", "fetch-by-commit")


def _bad(problem: str) -> DockerfileError:
    return DockerfileError(GIT_REFERENCE, problem=problem)


def _with_query(found: GitReference, query: dict[str, list[str]]) -> GitReference:
    tag = branch = ""
    for key in sorted(query):
        value = _single(key, query[key])
        match key:
            case "tag":
                tag = value
            case "branch":
                branch = value
            case _:
                found = _with_option(found, key, value)
    return _with_names(found, tag, branch)


def _single(key: str, values: list[str]) -> str:
    if len(values) > 1:
        raise _bad(f"query {quote(key)} has multiple values")
    if not values[0] and key not in _SWITCHES:
        raise _bad(f"query {quote(key)} has no value")
    return values[0]


def _with_option(found: GitReference, key: str, value: str) -> GitReference:
    match key:
        case "ref":
            return replace(found, ref=_agreed("ref", found.ref, value))
        case "subdir":
            return replace(found, subdir=_agreed("subdir", found.subdir, value))
        case "checksum" | "commit":
            return replace(found, checksum=value)
        case "keep-git-dir":
            return replace(found, keep_git_dir=_switch(key, value))
        case "submodules":
            return replace(found, submodules=_switch(key, value))
        case "fetch-by-commit":
            return replace(found, fetch_by_commit=_switch(key, value))
        case "mtime":
            if value not in ("checkout", "commit"):
                raise _bad(f'invalid mtime value: {quote(value)} (must be "checkout" or "commit")')
            return replace(found, mtime=value)
        case _:
            raise _bad(f"unexpected query {quote(key)}")


def _agreed(what: str, old: str, new: str) -> str:
    if old and old != new:
        raise _bad(f"{what} conflicts: {quote(old)} vs {quote(new)}")
    return new


def _switch(key: str, value: str) -> bool:
    if not value:
        return True
    try:
        return parse_bool(value)
    except NumberError:
        raise _bad(f"invalid {key} value: {quote(value)}") from None


def _with_names(found: GitReference, tag: str, branch: str) -> GitReference:
    if tag:
        full = tag if tag.startswith("refs/tags/") else f"refs/tags/{tag}"
        found = replace(found, ref=_agreed("ref", found.ref, full))
    if branch:
        if tag:
            raise _bad("branch conflicts with tag")
        full = branch if branch.startswith("refs/heads/") else f"refs/heads/{branch}"
        found = replace(found, ref=_agreed("ref", found.ref, full))
    return found


def checkout(found: GitReference, *, keep_git_dir: bool, mtime: str, checksum: str, about: About) -> State:
    """The checkout of a reference as a state."""
    return git_state(
        found.remote,
        ref=found.ref,
        subdir=found.subdir,
        keep_git_dir=keep_git_dir,
        checksum=checksum,
        skip_submodules=found.submodules is False,
        mtime=mtime,
        fetch_by_commit=found.fetch_by_commit,
        about=about,
    )
