"""Strings. Letters change case one by one (`ß` has no upper case), as in the reference."""

from __future__ import annotations

import posixpath
import re

from bakec.compiler import graphemes
from bakec.compiler.stdlib.arguments import FunctionError, check_length, whole
from bakec.ir.types import STRING
from bakec.ir.values import integer, list_, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from bakec.ir.values import Value

_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


def upper(text: Value) -> Value:
    return string(_each(text.text, str.upper, _upper))


def lower(text: Value) -> Value:
    return string(_each(text.text, str.lower, _lower))


def _each(text: str, ascii_case: Callable[[str], str], letter: Callable[[str], str]) -> str:
    return ascii_case(text) if text.isascii() else "".join(map(letter, text))


def _upper(char: str) -> str:
    capital = char.upper()
    return capital if len(capital) == 1 else _title(char)


def _lower(char: str) -> str:
    small = char.lower()
    return small if len(small) == 1 else small[0]


def _title(char: str) -> str:
    capital = char.title()
    return capital if len(capital) == 1 else char


def title(text: Value) -> Value:
    before = " "
    chars = []
    for char in text.text:
        chars.append(_title(char) if _separates(before) else char)
        before = char
    return string("".join(chars))


def _separates(char: str) -> bool:
    if char.isascii():
        return not (char.isalnum() or char == "_")
    return char in _SPACE


def trim(text: Value, cutset: Value) -> Value:
    return string(text.text.strip(cutset.text))


def trimprefix(text: Value, prefix: Value) -> Value:
    return string(text.text.removeprefix(prefix.text))


def trimsuffix(text: Value, suffix: Value) -> Value:
    return string(text.text.removesuffix(suffix.text))


def trimspace(text: Value) -> Value:
    return string(text.text.strip(_SPACE))


def chomp(text: Value) -> Value:
    return string(text.text.rstrip("\r\n"))


def indent(spaces: Value, text: Value) -> Value:
    count = whole(spaces)
    if count < 0:
        raise FunctionError("the number of spaces must not be negative")
    check_length(count * text.text.count("\n"))
    return string(text.text.replace("\n", "\n" + " " * count) if "\n" in text.text else text.text)


def replace(text: Value, substr: Value, replacement: Value) -> Value:
    where, old, new = text.text, substr.text, replacement.text
    check_length(where.count(old) * len(new))
    return string(where.replace(old, new))


def join(separator: Value, *lists: Value) -> Value:
    if not lists:
        raise FunctionError("at least one list is required")
    parts: list[str] = []
    for number, items in enumerate(lists, start=1):
        for position, item in enumerate(items.items):
            if item.raw is None:
                where = f"element {position} of list {number}" if len(lists) > 1 else f"element {position}"
                raise FunctionError(f"{where} is null; cannot concatenate null values", number)
            parts.append(item.text)
    check_length(len(separator.text) * len(parts) + sum(map(len, parts)))
    return string(separator.text.join(parts))


def split(separator: Value, text: Value) -> Value:
    parts = text.text.split(separator.text) if separator.text else list(text.text)
    return list_(STRING, map(string, parts))


def strlen(text: Value) -> Value:
    return integer(graphemes.length(text.text))


def reverse(text: Value) -> Value:
    return string("".join(reversed(graphemes.clusters(text.text))))


def substr(text: Value, offset: Value, length: Value) -> Value:
    start, size = whole(offset), whole(length)
    if not size and start >= 0:
        return string("")
    characters = graphemes.clusters(text.text)
    if start < 0:
        start = max(start + len(characters), 0)
    # A length of zero behind a negative offset means all the rest, as in the reference.
    end = start + size if size > 0 else None
    return string("".join(characters[start:end]))


def basename(path: Value) -> Value:
    text = path.text
    if not text:
        return string(".")
    return string(text.rstrip("/").rpartition("/")[2] or "/")


def dirname(path: Value) -> Value:
    clean = posixpath.normpath(path.text[: path.text.rfind("/") + 1])
    return string("/" if clean == "//" else clean.replace("//", "/", 1) if clean.startswith("//") else clean)


_NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")


def sanitize(name: Value) -> Value:
    return string(_NO_NAME.sub("_", name.text))


def byteslen(buf: Value) -> Value:
    raise AssertionError(f"{buf} is a buffer of bytes, which nothing makes")


def bytesslice(buf: Value, _offset: Value, _length: Value) -> Value:
    raise AssertionError(f"{buf} is a buffer of bytes, which nothing makes")
