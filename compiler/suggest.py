"""Did you mean: the nearest name by edit distance."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LIMIT = 2


def nearest(given: str, candidates: Iterable[str], limit: int = _LIMIT) -> str:
    """The first candidate in sorted order within `limit` edits of `given`, or an empty string."""
    for candidate in sorted(set(candidates)):
        if abs(len(candidate) - len(given)) <= limit and candidate and edits(given, candidate) <= limit:
            return candidate
    return ""


def search(name: str, options: Iterable[str], *, case_sensitive: bool = True) -> str:
    """The first option with the fewest edits, at most 2; nothing if `name` itself is an option. This is how
    Dockerfiles are helped.

    The reference goes through its options in random order; here the order is that of `options`.
    """
    wanted = name if case_sensitive else name.lower()
    best, limit = "", _LIMIT
    for option in options:
        known = option if case_sensitive else option.lower()
        if known == wanted:
            return ""
        if abs(len(known) - len(wanted)) <= limit and (found := edits(wanted, known)) <= limit:
            best, limit = known, found - 1
    return best.upper() if not case_sensitive and name.isupper() else best


def edits(left: str, right: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
