"""Text as Go's standard library sees it: bytes, white space, lists.

A Dockerfile is decoded with `surrogateescape`, so a lone surrogate stands for a byte that was not UTF-8.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""Go's `unicode.IsSpace`."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def valid(text: str) -> str:
    """`text` with each byte that was not UTF-8 as U+FFFD, as ranging over a Go string gives it."""
    return _SURROGATE.sub("\ufffd", text)


def lower(text: str) -> str:
    """Go's `strings.ToLower`, which replaces what is not UTF-8."""
    return valid(text).lower()


def plain_list(items: Iterable[str]) -> str:
    """Go's `%v` of a list."""
    return "[" + " ".join(items) + "]"
