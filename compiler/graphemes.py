"""Grapheme clusters: what a reader takes for one character, as the reference counts them in strings and
columns."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from unicodedata import category, combining

TYPE_CHECKING = False
if TYPE_CHECKING:
    from regex import Pattern


@cache
def _pattern() -> Pattern[str]:
    import regex

    return regex.compile(r"\X")


def clusters(text: str) -> list[str]:
    """The characters of `text`, which are its concatenation."""
    if text.isascii() and "\r\n" not in text:
        return list(text)
    found = _pattern().findall(text)
    return [part for cluster in found for part in _without_conjuncts(cluster)]


def length(text: str) -> int:
    """How many characters `text` has."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    return len(clusters(text))


_VIRAMA = 9
"""The combining class of the signs that join Indic consonants."""
_SPACING = "\u0e33\u0eb3"
"""Letters that belong to the character before them."""


def _without_conjuncts(cluster: str) -> list[str]:
    """The reference follows Unicode 15.0, in which joined Indic consonants are still clusters of their
    own."""
    if len(cluster) < 2 or not any(combining(char) == _VIRAMA for char in cluster):
        return [cluster]
    parts = [cluster[0]]
    for before, char in pairwise(cluster):
        joins = before == "\u200d" or category(before) in ("Mn", "Mc")
        if joins and category(char) == "Lo" and char not in _SPACING:
            parts.append(char)
        else:
            parts[-1] += char
    return parts
