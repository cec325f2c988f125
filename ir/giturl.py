"""Git remotes: standard URLs and the `user@host:path` form, with `#ref:dir` or query options."""

from __future__ import annotations

import re

from bakec.ir import urls
from bakec.ir.paths import join
from bakec.ir.records import dataclass, field, replace

_PROTO = re.compile(r"[a-zA-Z0-9]+://")
_SCP = re.compile(r"([a-zA-Z0-9-_]+)@([a-zA-Z0-9-.]+):(.*?)(?:\?(.*?))?(?:#(.*))?")
SCHEMES = frozenset(("http", "https", "ssh", "git"))


class UnknownProtocolError(ValueError):
    """Text that is no git URL at all: neither `scheme://` nor `user@host:path`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitUrl:
    """`remote` is what git is given: the URL without fragment and query. `local_looking` for `github.com/…`, which
    lacks a scheme: only a build context takes it for git."""

    scheme: str
    host: str
    path: str
    remote: str
    query: dict[str, list[str]] = field(default_factory=dict)
    ref: str = ""
    subdir: str = ""
    local_looking: bool = False


def _options(fragment: str) -> tuple[str, str]:
    ref, _, subdir = fragment.partition(":")
    return ref, join("/", subdir).removeprefix("/") if fragment else ""


def parse(text: str) -> GitUrl:
    """Read a remote. Raises `UnknownProtocolError` or `urls.UrlError`."""
    proto = _PROTO.match(text)
    if proto is None:
        return _parse_scp(text)
    if proto[0][:-3].lower() not in SCHEMES:
        raise urls.UrlError(f"{proto[0][:-3].lower()}: invalid protocol")
    return _from_url(urls.parse(text))


def repository(text: str) -> GitUrl | None:
    """The repository that a context or a source names, if it does: over HTTP its path ends in `.git`."""
    if text.startswith(("./", "../")):
        return None
    try:
        if text.startswith("github.com/"):
            return _without_scheme(_from_url(replace(urls.parse(text), scheme="https")))
        url = parse(text)
    except (UnknownProtocolError, urls.UrlError):
        return None
    return None if url.scheme in ("http", "https") and not url.path.endswith(".git") else url


def _without_scheme(url: GitUrl) -> GitUrl:
    return replace(url, remote=url.remote.split("://", 1)[-1], local_looking=True)


def _from_url(url: urls.Url) -> GitUrl:
    ref, subdir = _options(url.fragment)
    return GitUrl(
        scheme=url.scheme,
        host=url.host,
        path=url.path,
        remote=url.without_options(),
        query=urls.parse_query(url.query),
        ref=ref,
        subdir=subdir,
    )


def _parse_scp(text: str) -> GitUrl:
    match = _SCP.fullmatch(text)
    if match is None:
        raise UnknownProtocolError("unknown protocol")
    user, host, path, query, fragment = match.groups(default="")
    if ";" in query or re.search(r"%(?![0-9A-Fa-f]{2})", query):
        raise UnknownProtocolError("unknown protocol")
    ref, subdir = _options(fragment)
    return GitUrl(
        scheme="ssh",
        host=host,
        path=path,
        remote=f"{user}@{host}:{path}",
        query=urls.parse_query(query),
        ref=ref,
        subdir=subdir,
    )
