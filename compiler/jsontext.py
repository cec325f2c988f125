"""JSON as the reference reads it, error texts included.

`Decoder` reads a text token by token; a token other than a bracket is read whole and checked the way a value is
checked, so the same mistake has different explanations in different places, as in the reference.
"""

from __future__ import annotations

import re

from bakec.compiler.jsonwriter import JsonError
from bakec.ir.quoting import quote_char

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypeAlias


class Bracket(str):
    """One of `[ ] { }`."""

    __slots__ = ()


class NumberText(str):
    """A number as written."""

    __slots__ = ()


Token: TypeAlias = Bracket | NumberText | str | bool | None

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}

_VALUE = "looking for beginning of value"
_KEY = "looking for beginning of object key string"
_AFTER = {"[": "after array element", "{": "after object key:value pair"}


def _bad(char: str, context: str) -> JsonError:
    return JsonError(f"invalid character {quote_char(char)} {context}".rstrip())


class Decoder:
    """A position in a text. `expect` is what may come next within the innermost bracket; `whole` when one value is
    read at once, which is reported on with other words."""

    def __init__(self, text: str, at: int = 0, *, whole: bool = False) -> None:
        self.text = text
        self.at = at
        self.whole = whole
        self.open: list[str] = []
        self.expect = "value"

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.text[self.at : self.at + 1]

    def more(self) -> bool:
        return self.peek() not in ("", "]", "}")

    def token(self) -> Token:
        """The next token. Raises `JsonError` (`EOF` at the end)."""
        while True:
            char = self.peek()
            if not char:
                raise JsonError("unexpected EOF" if self.whole else "EOF")
            if char in "[{" and self._value_allowed():
                return self._enter(char)
            if char in "]}" and self._closes(char):
                return self._leave()
            if char == ":" and self.expect == "colon":
                self.expect = "value"
            elif char == "," and self.expect == "comma":
                self.expect = "key" if self.open[-1] == "{" else "value"
            elif char == '"' and self.expect in ("key", "first key"):
                self.expect = "colon"
                return self._scalar()
            elif char not in "[]{},:" and self._value_allowed():
                token = self._scalar()
                self._after_value()
                return token
            else:
                raise self._misplaced(char)
            self.at += 1

    def raw(self) -> str:
        """The text of the next value, whatever it is."""
        char = self.peek()
        if (self.expect, char) == ("comma", ",") or (self.expect, char) == ("colon", ":"):
            self.at += 1
        elif self.expect in ("comma", "colon"):
            if not char:
                raise JsonError("EOF")
            what = "comma after array element" if self.expect == "comma" else "colon after object key"
            raise JsonError(f"expected {what}")
        text = self._cut()
        self._after_value()
        return text

    def _value_allowed(self) -> bool:
        return self.expect in ("value", "first value")

    def _closes(self, char: str) -> bool:
        wanted = "[" if char == "]" else "{"
        return bool(self.open) and self.open[-1] == wanted and self.expect in ("comma", "first value", "first key")

    def _enter(self, char: str) -> Bracket:
        self.at += 1
        self.open.append(char)
        self.expect = "first value" if char == "[" else "first key"
        return Bracket(char)

    def _leave(self) -> Bracket:
        self.at += 1
        self.open.pop()
        self._after_value()
        return Bracket(self.text[self.at - 1])

    def _after_value(self) -> None:
        self.expect = "comma" if self.open else "value"

    def _misplaced(self, char: str) -> JsonError:
        if self.whole or self.expect not in ("key", "first key"):
            return _bad(char, self._context())
        if char in "[{-0123456789tfn":
            return JsonError("object member name must be a string")
        return _bad("," if char == "}" else char, _VALUE)

    def _context(self) -> str:
        if self.expect == "comma":
            return _AFTER[self.open[-1]]
        if self.expect == "first key":
            return _KEY if self.whole else ""
        return {"key": _KEY, "colon": "after object key"}.get(self.expect, _VALUE)

    def _scalar(self) -> Token:
        start = self.at
        self.at = _end_of_scalar(self.text, start)
        return _scalar(self.text[start : self.at])

    def _cut(self) -> str:
        if not self.peek():
            raise JsonError("EOF")
        value = Decoder(self.text, self.at, whole=True)
        value.token()
        while value.open:
            value.token()
        text = self.text[self.at : value.at]
        self.at = value.at
        return text


_KINDS: Final = {"[": "array", "{": "object", '"': "string", "t": "bool", "f": "bool"}


def problem(text: str, wanted: str) -> str:
    """Why `text` is no document that fits the reference's type `wanted`: it is not JSON, or of another kind."""
    reader = Decoder(text)
    try:
        reader.raw()
    except JsonError as error:
        return "unexpected end of JSON input" if str(error).endswith("EOF") else str(error)
    if rest := reader.peek():
        return str(_bad(rest, "after top-level value"))
    kind = _KINDS.get(text.lstrip()[:1], "number")
    return f"json: cannot unmarshal {kind} into Go value of type {wanted}"


def _end_of_scalar(text: str, at: int) -> int:
    char = text[at]
    if char == '"':
        found = _STRING.match(text, at)
        return found.end() if found else _fail_string(text, at)
    if char == "-" or char.isdecimal():
        return _end_of_number(text, at)
    word = next((word for word in _LITERALS if word[0] == char), None)
    if word is None:
        raise _bad(char, _VALUE)
    for offset, wanted in enumerate(word):
        if at + offset == len(text):
            raise JsonError("unexpected EOF")
        if text[at + offset] != wanted:
            raise _bad(text[at + offset], f"in literal {word} (expecting {quote_char(wanted)})")
    return at + len(word)


def _fail_string(text: str, at: int) -> int:
    prefix = _STRING_PREFIX.match(text, at)
    assert prefix is not None
    at = prefix.end()
    if at >= len(text):
        raise JsonError("unexpected EOF")
    if text[at] != "\\":
        raise _bad(text[at], "in string literal")
    if text[at + 1 : at + 2] != "u":
        _need(text, at + 1)
        raise _bad(text[at + 1], "in string escape code")
    for offset in range(at + 2, at + 6):
        _need(text, offset)
        if text[offset] not in "0123456789abcdefABCDEF":
            raise _bad(text[offset], "in \\u hexadecimal character escape")
    raise AssertionError("the escape is fine")


_STRING_PREFIX = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')


def _need(text: str, at: int) -> None:
    if at >= len(text):
        raise JsonError("unexpected EOF")


_NUMBER_STEPS = (
    (re.compile(r"-"), re.compile(r"[0-9]"), "in numeric literal"),
    (re.compile(r"\."), re.compile(r"[0-9]"), "after decimal point in numeric literal"),
    (re.compile(r"[eE][+-]?"), re.compile(r"[0-9]"), "in exponent of numeric literal"),
)
"""What must be followed by a digit, and the context of the complaint if it is not."""


def _end_of_number(text: str, at: int) -> int:
    digits = re.compile(r"0|[1-9][0-9]*|[0-9]+")
    for start, wanted, context in _NUMBER_STEPS:
        found = start.match(text, at)
        if found:
            at = found.end()
            _need(text, at)
            if not wanted.match(text, at):
                raise _bad(text[at], context)
        elif context != "in numeric literal":
            continue
        run = digits if context == "in numeric literal" else _DIGITS
        body = run.match(text, at)
        assert body is not None
        at = body.end()
    return at


_DIGITS = re.compile(r"[0-9]+")


def _scalar(text: str) -> Token:
    if text[0] == '"':
        return unquote(text)
    if text in _LITERALS:
        return _LITERALS[text]
    return NumberText(text)


_ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))")
_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def unquote(text: str) -> str:
    """The string that a valid JSON string spells. Half of a surrogate pair becomes U+FFFD."""
    return _ESCAPE.sub(_unescape, text[1:-1]) if "\\" in text else text[1:-1]


def _unescape(found: re.Match[str]) -> str:
    high, low, code, simple = found.groups()
    if simple is not None:
        return _SIMPLE.get(simple, simple)
    if high is not None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    value = int(code, 16)
    return "\ufffd" if 0xD800 <= value < 0xE000 else chr(value)
