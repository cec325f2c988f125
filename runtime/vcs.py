"""What git says of a context, for the provenance and labels of an image. Blocks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

REVISION_LABEL = "org.opencontainers.image.revision"
SOURCE_LABEL = "org.opencontainers.image.source"
ENTRYPOINT_LABEL = "com.docker.image.source.entrypoint"
TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
GIT_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A work tree: its folder, the commit checked out (`-dirty` if that was asked for and is so), its
    remote."""

    folder: Path
    revision: str
    remote: str


def find_checkout(context: Path, env: Mapping[str, str]) -> Checkout | None:
    """The work tree that `context` is in; None when there is none or nobody wants to know."""
    if not (wants_info(env) or wants_labels(env)) or not _is_versioned(context):
        return None
    folder = _git(context, env, "rev-parse", "--show-toplevel")
    if not folder:
        return None
    revision = _git(context, env, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    check = revision and env.get("BUILDX_GIT_CHECK_DIRTY", "") in TRUE
    if check and _git(context, env, "status", "--porcelain", "--ignored"):
        revision += "-dirty"
    return Checkout(folder=Path(folder), revision=revision, remote=_remote(context, env))


def attrs_of(
    checkout: Checkout, env: Mapping[str, str], mounts: Mapping[str, Path], dockerfile: Path | None
) -> dict[str, str]:
    """Frontend attributes; `mounts` are the local directories of the build, `dockerfile` is None for one that is no
    file."""
    found = {}
    if wants_labels(env):
        found[f"label:{REVISION_LABEL}"] = checkout.revision
        found[f"label:{SOURCE_LABEL}"] = checkout.remote
        found[f"label:{ENTRYPOINT_LABEL}"] = _below(checkout.folder, dockerfile) if dockerfile else ""
    if wants_info(env):
        found["vcs:revision"] = checkout.revision
        found["vcs:source"] = checkout.remote
        for name, path in mounts.items():
            found[f"vcs:localdir:{name}"] = _below(checkout.folder, path)
    return {key: value for key, value in found.items() if value}


def wants_info(env: Mapping[str, str]) -> bool:
    return env.get("BUILDX_GIT_INFO", "") not in FALSE


def wants_labels(env: Mapping[str, str]) -> bool:
    value = env.get("BUILDX_GIT_LABELS", "")
    return value == "full" or value in TRUE


def _is_versioned(context: Path) -> bool:
    """Whether git could have an answer, so that it is not started for nothing."""
    real = Path(os.path.realpath(context))
    return any((folder / ".git").exists() for folder in (real, *real.parents))


def _remote(context: Path, env: Mapping[str, str]) -> str:
    """The address of the branch's remote, else `origin`, else `upstream`; without user and password."""
    branch = _git(context, env, "symbolic-ref", "-q", "HEAD")
    tracked = _git(context, env, "for-each-ref", "--format=%(upstream:remotename)", branch) if branch else ""
    for name in filter(None, (tracked, "origin", "upstream")):
        address = _git(context, env, "remote", "get-url", name)
        if address:
            return _redact(address)
    return ""


def _redact(address: str) -> str:
    url = urlsplit(address)
    if not url.scheme or "@" not in url.netloc:
        return address
    login, _, host = url.netloc.rpartition("@")
    hidden = "xxxxx:xxxxx" if ":" in login else "xxxxx"
    return urlunsplit(url._replace(netloc=f"{hidden}@{host}"))


def _below(folder: Path, path: Path) -> str:
    """The path relative to `folder`; empty when it is outside."""
    relative = os.path.relpath(os.path.realpath(path), os.path.realpath(folder))
    return "" if relative.startswith("..") else relative


def _git(folder: Path, env: Mapping[str, str], *arguments: str) -> str:
    """The first line of what git says; empty when it fails or is not there."""
    command = ("git", "-C", str(folder), "-c", "log.showSignature=false", *arguments)
    try:
        done = subprocess.run(
            command,
            env=dict(env),
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=True,
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.partition("\n")[0].replace("'", "")
