"""URLs as Go's `net/url` reads and prints them. The printed text of a git remote is part of an op's digest."""

from __future__ import annotations

import ipaddress
import re

from bakec.ir.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_ALWAYS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
PATH: Final = frozenset((_ALWAYS + "$&+,/:;=@").encode())
USER: Final = frozenset((_ALWAYS + "$&+,;=").encode())
HOST: Final = frozenset((_ALWAYS + "!$&'()*+,;=:[]<>\"").encode())
QUERY: Final = frozenset(_ALWAYS.encode())
"""The bytes that need no escape in each part."""

_RAW_PATH: Final = PATH | frozenset(b"!'()*[]%")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*(?=:)")
_PORT = re.compile(r"(:[0-9]*)?")
_USERINFO = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


class UrlError(ValueError):
    """A URL that cannot be read; the text is Go's without the leading `parse "…": `."""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def escape(text: str, safe: frozenset[int]) -> str:
    """`text` with every byte outside `safe` as `%XX`."""
    return "".join(chr(byte) if byte in safe else f"%{byte:02X}" for byte in _bytes(text))


def unescape(text: str) -> str:
    """`text` with `%XX` read as bytes. Raises `UrlError`."""
    if "%" not in text:
        return text
    out, at = bytearray(), 0
    while at < len(text):
        if text[at] != "%":
            out += _bytes(text[at])
            at += 1
            continue
        if not _ESCAPE.match(text, at):
            raise UrlError(f'invalid URL escape "{text[at : at + 3]}"')
        out.append(int(text[at + 1 : at + 3], 16))
        at += 3
    return out.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """`user` is None without an `@`; `raw_path` is set where the escaped path is not the default escaping."""

    scheme: str = ""
    opaque: str = ""
    user: str | None = None
    host: str = ""
    omit_host: bool = False
    path: str = ""
    raw_path: str = ""
    query: str = ""
    force_query: bool = False
    fragment: str = ""

    def without_options(self) -> str:
        """The URL without query and fragment (an empty query that was written stays)."""
        head = f"{self.scheme}:" if self.scheme else ""
        tail = "?" if self.force_query else ""
        if self.opaque:
            return head + self.opaque + tail
        return head + self._authority() + self._path_text(bool(head)) + tail

    def _authority(self) -> str:
        if self.omit_host or not (self.scheme or self.host or self.user is not None):
            return ""
        slashes = "//" if self.host or self.path or self.user is not None else ""
        user = "" if self.user is None else _user_text(self.user) + "@"
        return slashes + user + escape(self.host, HOST)

    def _path_text(self, after_scheme: bool) -> str:
        path = self.raw_path if self.raw_path and set(_bytes(self.raw_path)) <= _RAW_PATH else ""
        path = path or (self.path if self.path == "*" else escape(self.path, PATH))
        if self.omit_host and path.startswith("//"):
            return "%2F" + path[1:]
        if path and not path.startswith("/") and self.host:
            return "/" + path
        return "./" + path if not after_scheme and ":" in path.split("/", 1)[0] else path


def _user_text(user: str) -> str:
    name, colon, password = user.partition(":")
    return escape(unescape(name), USER) + colon + escape(unescape(password), USER)


def parse(text: str) -> Url:
    """Read `text`. Raises `UrlError`."""
    before, _, fragment = text.partition("#")
    if _CONTROL.search(before):
        raise UrlError("net/url: invalid control character in URL")
    if before.startswith(":"):
        raise UrlError("missing protocol scheme")
    match = _SCHEME.match(before)
    scheme, rest = (match[0].lower(), before[match.end() + 1 :]) if match else ("", before)
    force_query = rest.endswith("?") and rest.count("?") == 1
    rest, _, query = rest.partition("?")
    fragment = unescape(fragment)
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme=scheme, opaque=rest, query=query, force_query=force_query, fragment=fragment)
        if ":" in rest.split("/", 1)[0]:
            raise UrlError("first path segment in URL cannot contain colon")
    user, host, omit_host = None, "", False
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        user, host = _parse_authority(scheme, authority)
        rest = slash + path
    else:
        omit_host = bool(scheme)
    path = unescape(rest)
    raw_path = "" if rest == escape(path, PATH) else rest
    return Url(
        scheme=scheme,
        user=user,
        host=host,
        omit_host=omit_host,
        path=path,
        raw_path=raw_path,
        query=query,
        force_query=force_query,
        fragment=fragment,
    )


def _parse_authority(scheme: str, authority: str) -> tuple[str | None, str]:
    user, at, host = authority.rpartition("@")
    host = _parse_host(scheme, host)
    if not at:
        return None, host
    if not _USERINFO.fullmatch(user):
        raise UrlError("net/url: invalid userinfo")
    for part in user.split(":", 1):
        unescape(part)
    return user, host


def _parse_host(scheme: str, host: str) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise UrlError("invalid IP-literal")
    if bracket == 0:
        return _parse_ip_literal(host)
    colon = host.find(":")
    if colon >= 0 and scheme not in ("http", "https"):
        colon = host.rfind(":")
    if colon >= 0 and not _PORT.fullmatch(host, colon):
        raise UrlError(f'invalid port "{host[colon:]}" after host')
    return _unescape_host(host)


def _parse_ip_literal(host: str) -> str:
    address, close, port = host[1:].rpartition("]")
    if not close:
        raise UrlError("missing ']' in host")
    if not _PORT.fullmatch(port):
        raise UrlError(f'invalid port "{port}" after host')
    address = _unescape_host(address)
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        raise UrlError(f'invalid host: ParseAddr("{address}"): unable to parse IP') from None
    if known.version == 4:
        raise UrlError("invalid IP-literal")
    return f"[{address}]{port}"


def _unescape_host(host: str) -> str:
    for at, byte in enumerate(_bytes(host)):
        if byte == 0x25 and not re.match(rb"%(25|[89A-Fa-f][0-9A-Fa-f])", _bytes(host)[at:]):
            raise UrlError(f'invalid URL escape "{_bytes(host)[at : at + 3].decode("latin-1")}"')
        if byte < 0x80 and byte != 0x25 and byte not in HOST:
            raise UrlError(f'invalid character "{chr(byte)}" in host name')
    return unescape(host)


def parse_query(query: str) -> dict[str, list[str]]:
    """The parameters of a query in order of appearance. What cannot be read is left out, as Go's `Query` does."""
    out: dict[str, list[str]] = {}
    for item in filter(None, query.split("&")):
        if ";" in item:
            continue
        key, _, value = item.replace("+", " ").partition("=")
        try:
            name, text = unescape(key), unescape(value)
        except UrlError:
            continue
        out.setdefault(name, []).append(text)
    return out


def format_query(values: dict[str, list[str]]) -> str:
    """Parameters sorted by key, escaped."""
    pairs = ((key, value) for key in sorted(values) for value in values[key])
    return "&".join(
        f"{escape(key, QUERY).replace('%20', '+')}={escape(value, QUERY).replace('%20', '+')}" for key, value in pairs
    )
