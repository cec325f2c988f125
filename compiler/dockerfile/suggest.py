"""Did you mean: the option nearest to a name, as the reference words its errors."""

from collections.abc import Iterable

from bakec.compiler.dockerfile.gotext import lower, upper
from bakec.compiler.suggest import edits

_LIMIT = 3


def search(name: str, options: Iterable[str], *, case_sensitive: bool = True) -> str:
    """The first option at the smallest distance below 3; nothing if `name` itself is an option.

    The reference goes through its options in random order; here the order is that of `options`.
    """
    wanted = name if case_sensitive else lower(name)
    best, distance = "", _LIMIT
    for option in options:
        known = option if case_sensitive else option.lower()
        if known == wanted:
            return ""
        if abs(len(known) - len(wanted)) >= distance:
            continue
        found = edits(wanted, known)
        if found < distance:
            best, distance = known, found
    return best if case_sensitive or not best else _match_case(best, name)


def _match_case(option: str, written: str) -> str:
    if written == lower(written):
        return option.lower()
    return option.upper() if written == upper(written) else option
