"""The patterns of .dockerignore and COPY, as the daemon sends them and as the reference matches them."""

from __future__ import annotations

import re

from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SPECIAL = frozenset("*[]?^\\")
"""Characters that make a pattern more than a path prefix."""


class Pattern(NamedTuple):
    text: str
    """Cleaned, without the `!`."""
    exclusion: bool
    matches: Callable[[str], bool]


class Matcher:
    """A list of patterns, the later ones deciding."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Raises `ValueError` for a pattern that has no meaning."""
        texts = (text.strip() for text in patterns)
        self.patterns = [_parse(text) for text in texts if text]
        self.has_exclusions = any(pattern.exclusion for pattern in self.patterns)
        self._prefixes = {kind: self._prefixes_of(exclusion=kind) for kind in (False, True)}

    def match(self, path: str, parent: Sequence[bool]) -> tuple[bool, list[bool]]:
        """Whether `path` matches, and which patterns it matched, to be given back for its children. `parent`
        is that of its directory; empty for one that was not matched itself (then all parents are tried)."""
        matched, hits = False, [False] * len(self.patterns)
        for index, pattern in enumerate(self.patterns):
            hit = bool(parent) and parent[index]
            if not hit:
                # An inclusion cannot add to a match, nor an exclusion take from none.
                if pattern.exclusion != matched:
                    continue
                hit = pattern.matches(path) or (not parent and _matches_a_parent(pattern, path))
            hits[index] = hit
            if hit:
                matched = not pattern.exclusion
        return matched, hits

    def may_hold(self, directory: str, *, exclusion: bool) -> bool:
        """Whether a pattern of the given kind could match something below `directory`, going by its
        prefix."""
        prefixes, inside = self._prefixes[exclusion], directory + "/"
        return prefixes is None or any(prefix.startswith(inside) for prefix in prefixes)

    def _prefixes_of(self, *, exclusion: bool) -> list[str] | None:
        """What such a pattern starts with; None when one has wildcards that hide it."""
        texts = [without_glob(pattern.text) for pattern in self.patterns if pattern.exclusion is exclusion]
        if any(SPECIAL.intersection(text) for text in texts):
            return None
        return [text + "/" for text in texts]


def clean(path: str) -> str:
    """The shortest name of the same path, as Go's `filepath.Clean`."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".." or not rooted:
            parts.append(part)
    return "/" * rooted + "/".join(parts) or "."


def without_glob(text: str) -> str:
    """Without a `/**` or `/*` at its end, which stand for the directory itself."""
    for tail in ("/**", "/*"):
        if text.endswith(tail):
            return text[: -len(tail)]
    return text


def _parse(text: str) -> Pattern:
    text = clean(text)
    exclusion = text.startswith("!")
    if text == "!":
        raise ValueError('illegal exclusion pattern: "!"')
    text = text[1:] if exclusion else text
    return Pattern(text, exclusion, _compile(text))


def _matches_a_parent(pattern: Pattern, path: str) -> bool:
    at = path.find("/")
    while at >= 0:
        if pattern.matches(path[:at]):
            return True
        at = path.find("/", at + 1)
    return False


def _compile(text: str) -> Callable[[str], bool]:
    """A leading `**` followed by plain text is a suffix, plain text followed by `**` a prefix, plain text is
    itself; all else is a regular expression."""
    kind, expression, at = "exact", "", 0
    while at < len(text):
        char, first = text[at], at == 0
        at += 1
        if char == "*" and text[at : at + 1] == "*":
            at += 1
            if text[at : at + 1] == "/":
                at += 1
            if at < len(text):
                kind, expression = "regexp", expression + "(.*/)?"
            elif kind == "exact":
                kind = "prefix"
            else:
                kind, expression = "regexp", expression + ".*"
            if first:
                kind = "suffix"
        elif char in "*?":
            kind, expression = "regexp", expression + ("[^/]*" if char == "*" else "[^/]")
        elif char == "\\" and at < len(text):
            kind, expression = "regexp", expression + "\\" + text[at]
            at += 1
        elif char in "[]":
            kind, expression = "regexp", expression + char
        else:
            expression += re.escape(char) if char in ".+()|{}$\\" else char
    if kind == "regexp":
        return _regexp(text, expression)
    if kind == "prefix":
        return _prefix(text[:-2])
    return _suffix(text[2:]) if kind == "suffix" else text.__eq__


def _regexp(text: str, expression: str) -> Callable[[str], bool]:
    try:
        search = re.compile(expression, re.ASCII).fullmatch
    except re.error as error:
        raise ValueError(f"syntax error in pattern {text!r}: {error}") from error
    return lambda path: search(path) is not None


def _prefix(prefix: str) -> Callable[[str], bool]:
    return lambda path: path.startswith(prefix)


def _suffix(suffix: str) -> Callable[[str], bool]:
    return lambda path: path.endswith(suffix) or (suffix[:1] == "/" and path == suffix[1:])
