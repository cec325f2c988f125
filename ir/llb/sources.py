"""The sources a graph can start from: images, OCI layouts, git, HTTP, and directories of the client."""

from __future__ import annotations

from bakec.ir import giturl, urls
from bakec.ir.gojson import string_list
from bakec.ir.llb import references
from bakec.ir.llb.graph import NOTHING, Source
from bakec.ir.llb.state import source_state
from bakec.ir.paths import join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from bakec.ir.llb.graph import About
    from bakec.ir.llb.state import State
    from bakec.ir.platforms import Platform


def image(ref: str, *, platform: Platform | None = None, resolve_mode: str = "", about: About = NOTHING) -> State:
    """The root file system of an image. `resolve_mode` is `pull`, `local` or empty for the default.

    Raises `references.ImageNameError`.
    """
    name = str(references.parse_normalized(ref).tagged())
    attrs = {"image.resolvemode": resolve_mode} if resolve_mode else {}
    caps = ("source.image", "source.image.resolvemode") if resolve_mode == "pull" else ("source.image",)
    return source_state(
        Source(identifier=f"docker-image://{name}", attrs=attrs, caps=caps, platform=platform, about=about)
    )


def oci_layout(
    ref: str, *, session: str = "", store: str = "", platform: Platform | None = None, about: About = NOTHING
) -> State:
    """An image `name@digest` of a local OCI layout; `store` is its id in the session of the client."""
    attrs = {key: value for key, value in (("oci.session", session), ("oci.store", store)) if value}
    return source_state(
        Source(
            identifier=f"oci-layout://{ref}",
            attrs=attrs,
            caps=("source.ocilayout",),
            platform=platform,
            about=about,
        )
    )


def http(url: str, *, filename: str = "", checksum: str = "", about: About = NOTHING) -> State:
    """A file fetched from `url`, under the name `filename`."""
    attrs = {key: value for key, value in (("http.checksum", checksum), ("http.filename", filename)) if value}
    caps = ("source.http", "source.http.checksum") if checksum else ("source.http",)
    return source_state(Source(identifier=url, attrs=attrs, caps=caps, about=about))


def local(
    name: str,
    *,
    session: str = "",
    include: Sequence[str] = (),
    follow: Sequence[str] = (),
    exclude: Sequence[str] = (),
    shared_key: str = "",
    differ: str = "",
    about: About = NOTHING,
) -> State:
    """A directory of the client, under the name it shares it as. Without a session the op gets a unique id."""
    rows = (
        ("local.session", session, "source.local.sessionid"),
        ("local.includepattern", string_list(tuple(include)), "source.local.includepatterns"),
        ("local.followpaths", string_list(tuple(follow)), "source.local.followpaths"),
        ("local.excludepatterns", string_list(tuple(exclude)), "source.local.excludepatterns"),
        ("local.sharedkeyhint", shared_key, "source.local.sharedkeyhint"),
        ("local.differ", differ, ""),
    )
    attrs = {attr: value for attr, value, _ in rows if value}
    caps = ("source.local", *(cap for _, value, cap in rows if value and cap))
    return source_state(Source(identifier=f"local://{name}", attrs=attrs, caps=caps, about=about))


def git(
    url: str,
    *,
    ref: str = "",
    subdir: str = "",
    keep_git_dir: bool = False,
    checksum: str = "",
    skip_submodules: bool = False,
    mtime: str = "",
    fetch_by_commit: bool = False,
    known_ssh_hosts: str = "",
    about: About = NOTHING,
) -> State:
    """A checkout. Remotes that differ in protocol only have one identifier, so they share their cache."""
    remote, text = _remote(url)
    name = text if remote is None else remote.host + join("/", remote.path) + _fragment(ref, subdir)
    rows = [
        ("git.keepgitdir", "true" if keep_git_dir else "", "source.git.keepgitdir"),
        ("git.fullurl", text, "source.git.fullurl"),
        ("git.authtokensecret", "GIT_AUTH_TOKEN", ""),
        ("git.authheadersecret", "GIT_AUTH_HEADER", ""),
        ("git.checksum", checksum, "source.git.checksum"),
        ("git.skipsubmodules", "true" if skip_submodules else "", "source.git.skipsubmodules"),
        ("git.mtime", mtime, "source.git.mtime"),
        ("git.fetchbycommit", "true" if fetch_by_commit else "", "source.git.fetchbycommit"),
    ]
    caps = ["source.git", *(cap for _, value, cap in rows if value and cap)]
    if remote is not None and remote.scheme == "ssh":
        rows += [("git.knownsshhosts", known_ssh_hosts, ""), ("git.mountsshsock", "default", "")]
        caps += ["source.git.knownsshhosts", "source.git.mountsshsock"]
    attrs = {attr: value for attr, value, _ in rows if value}
    return source_state(Source(identifier=f"git://{name}", attrs=attrs, caps=tuple(caps), about=about))


def _fragment(ref: str, subdir: str) -> str:
    if not ref and not subdir:
        return ""
    return f"#{ref}" + (f":{subdir}" if subdir else "")


def _remote(url: str) -> tuple[giturl.GitUrl | None, str]:
    """The remote and its text; a URL that cannot be read is passed on for the daemon to refuse."""
    try:
        try:
            remote = giturl.parse(url)
        except giturl.UnknownProtocolError:
            url = f"https://{url}"
            remote = giturl.parse(url)
    except urls.UrlError:
        return None, url
    return remote, remote.remote
