"""Image references, with the grammar and the default names of the Docker ecosystem."""

from __future__ import annotations

import re

from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_NAME_MAX: Final = 255
_HOST_PART: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN: Final = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
_WORD: Final = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_PATH: Final = rf"{_WORD}(?:/{_WORD})*"
_TAG: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST: Final = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"((?:{_DOMAIN}/)?{_PATH})(?::({_TAG}))?(?:@({_DIGEST}))?")
_NAME = re.compile(rf"(?:({_DOMAIN})/)?({_PATH})")
_HEX_ID = re.compile(r"[a-f0-9]{64}")
_DIGEST_TEXT = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
_DIGEST_SIZES: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = re.compile(r"[a-f0-9]+")


class ImageNameError(ValueError):
    """A reference or digest that cannot be read; the text is the reference implementation's."""


class Reference(NamedTuple):
    """`domain/path:tag@digest`; tag and digest may be empty, the domain too where the text was not normalized."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        return f"{self.domain}/{self.path}" if self.domain else self.path

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def tagged(self) -> Reference:
        """With the tag `latest` if it has neither tag nor digest."""
        return self if self.tag or self.digest else self._replace(tag="latest")

    def pinned(self, digest: str) -> Reference:
        if not re.fullmatch(_DIGEST, digest):
            raise ImageNameError("invalid digest format")
        return self._replace(digest=digest)

    def familiar(self) -> str:
        """The short text that users write: without the default domain and `library/`."""
        domain, path = self.domain, self.path
        if domain == "docker.io":
            rest = path.removeprefix("library/")
            domain, path = "", rest if "/" not in rest else path
        return str(self._replace(domain=domain, path=path))


def parse(text: str) -> Reference:
    """A reference as written, nothing added. Raises `ImageNameError`."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        if not text:
            raise ImageNameError("repository name must have at least one component")
        if _REFERENCE.fullmatch(text.lower()):
            raise ImageNameError("repository name must be lowercase")
        raise ImageNameError("invalid reference format")
    name = _NAME.fullmatch(match[1])
    domain, path = (name[1] or "", name[2]) if name else ("", match[1])
    if len(path) > _NAME_MAX:
        raise ImageNameError(f"repository name must not be more than {_NAME_MAX} characters")
    if match[3]:
        check_digest(match[3])
    return Reference(domain, path, match[2] or "", match[3] or "")


def parse_normalized(text: str) -> Reference:
    """A reference with the default registry and namespace filled in. Raises `ImageNameError`."""
    if _HEX_ID.fullmatch(text):
        raise ImageNameError(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, rest = _split_domain(text)
    remote = rest.split(":", 1)[0]
    if remote.lower() != remote:
        raise ImageNameError(f"invalid reference format: repository name ({remote}) must be lowercase")
    return parse(f"{domain}/{rest}")


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return "docker.io", "library/" + text
    if first == "index.docker.io":
        first = "docker.io"
    elif first != "localhost" and not set(first) & {".", ":"} and first.lower() == first:
        return "docker.io", text
    return first, "library/" + rest if first == "docker.io" and "/" not in rest else rest


def check_digest(text: str) -> None:
    """Raises `ImageNameError` unless `text` is a digest of a known algorithm."""
    algorithm, colon, encoded = text.partition(":")
    if not algorithm or not colon or not encoded:
        raise ImageNameError("invalid checksum digest format")
    if algorithm not in _DIGEST_SIZES:
        known = _DIGEST_TEXT.fullmatch(text)
        raise ImageNameError("unsupported digest algorithm" if known else "invalid checksum digest format")
    if len(encoded.encode("utf-8", "surrogateescape")) != _DIGEST_SIZES[algorithm]:
        raise ImageNameError("invalid checksum digest length")
    if not _HEX.fullmatch(encoded):
        raise ImageNameError("invalid checksum digest format")
