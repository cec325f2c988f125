"""Paths inside an image: POSIX, or for Windows images with drive letters and backslashes."""

from __future__ import annotations

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gotext import encode
from bakec.ir.codes.dockerfile import PATH
from bakec.ir.paths import clean, join, keep_slash
from bakec.ir.quoting import quote


def to_slash(path: str, os: str) -> str:
    return path.replace("\\", "/") if os == "windows" else path


def without_drive(path: str, os: str, *, keep_trailing: bool = False) -> str:
    """For Windows: `path` cleaned, with slashes, without `C:`. Raises `DockerfileError` for any other drive."""
    if os != "windows":
        return path
    if len(encode(path)) == 2 and path[1:] == ":":
        raise DockerfileError(PATH, problem=f"No relative path specified in {quote(path)}")
    if to_slash(path[:2], os) == "//":
        raise DockerfileError(PATH, problem="UNC paths are not supported")
    drive, colon, rest = path.partition(":")
    if not colon:
        rest = path
    elif drive.lower() != "c":
        raise DockerfileError(PATH, problem="The specified path is not on the system drive (C:)")
    slashed = to_slash(rest, os)
    cleaned = clean(slashed)
    return cleaned + "/" if keep_trailing and len(encode(cleaned)) > 1 and slashed.endswith("/") else cleaned


def is_absolute(path: str, os: str) -> bool:
    try:
        return to_slash(without_drive(path, os), os).startswith("/")
    except DockerfileError:
        return False


def normal_path(parent: str, path: str, os: str, *, keep_trailing: bool) -> str:
    """`path` made absolute below `parent`, with slashes; an absolute POSIX path stays as written.

    Raises `DockerfileError`.
    """
    try:
        written = to_slash(path, os)
        base = without_drive(to_slash(parent, os) or "/", os, keep_trailing=keep_trailing)
        base = base if is_absolute(base, os) else join("/", base)
        made = without_drive(written or base, os, keep_trailing=keep_trailing)
    except DockerfileError as fault:
        raise fault.within("removing drive letter") from None
    if not is_absolute(made, os):
        made = join(base, made)
    return to_slash(keep_slash(made, written) if keep_trailing else made, os)


def normal_workdir(current: str, path: str, os: str) -> str:
    """The new working directory in the spelling of the operating system. Raises `DockerfileError`."""
    try:
        made = normal_path(current, path, os, keep_trailing=False)
    except DockerfileError as fault:
        raise fault.within("normalizing working directory") from None
    return made.replace("/", "\\") if os == "windows" else made
