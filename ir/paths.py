"""Go's `path` package on strings: always slashes, `Clean` never keeps a double slash at the front."""

from __future__ import annotations

import posixpath


def clean(path: str) -> str:
    """The shortest name of `path`; nothing is `.`."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def join(*parts: str) -> str:
    """The cleaned join of the parts that are not empty; nothing at all is an empty string."""
    joined = "/".join(part for part in parts if part)
    return clean(joined) if joined else ""


def base(path: str) -> str:
    """The last element: `.` of nothing, `/` of only slashes."""
    if not path:
        return "."
    return path.rstrip("/").rsplit("/", 1)[-1] or "/"


def keep_slash(cleaned: str, written: str) -> str:
    """`cleaned` with the trailing `/` or `/.` that `written` had."""
    if written.endswith("/") and not cleaned.endswith("/"):
        return cleaned + "/"
    if written.endswith("/."):
        return (cleaned if cleaned == "/" else cleaned + "/") + "."
    return cleaned


def under(parent: str, path: str) -> str:
    """`path` cleaned, below `parent` if it is relative."""
    cleaned = clean(path)
    return cleaned if cleaned.startswith("/") else join("/", parent, cleaned)
