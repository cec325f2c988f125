"""Remote sources of ADD: URLs, their file names and checksums."""

from __future__ import annotations

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gitref import read_git_reference
from bakec.ir import urls
from bakec.ir.codes.dockerfile import CHECKSUM
from bakec.ir.llb import references
from bakec.ir.paths import base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.compiler.dockerfile.gitref import GitReference


def is_git(source: str) -> bool:
    """Whether `source` is a git reference; one with bad options is none here."""
    return _quiet_git(source) is not None


def _quiet_git(source: str) -> GitReference | None:
    try:
        return read_git_reference(source)
    except DockerfileError:
        return None


def is_http(source: str) -> bool:
    return source.startswith(("http://", "https://")) and not is_git(source)


def http_filename(url: str) -> str:
    """The name a download gets: the last element of the path."""
    try:
        name = base(urls.parse(url).path)
    except urls.UrlError:
        return "__unnamed__"
    return name if name not in (".", "/") else "__unnamed__"


def check_checksum(text: str) -> None:
    """Raise `DockerfileError` unless `text` is a digest."""
    try:
        references.check_digest(text)
    except references.ImageNameError as error:
        raise DockerfileError(CHECKSUM, problem=str(error)) from None
