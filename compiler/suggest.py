"""Did you mean: the nearest name by edit distance."""

from collections.abc import Iterable


def nearest(given: str, candidates: Iterable[str], limit: int = 2) -> str:
    """The first candidate in sorted order within `limit` edits of `given`, or an empty string."""
    for candidate in sorted(set(candidates)):
        if abs(len(candidate) - len(given)) <= limit and candidate and edits(given, candidate) <= limit:
            return candidate
    return ""


def edits(left: str, right: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
