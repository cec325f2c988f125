"""The parser of HCL-JSON.

It goes on after an error as far as the reference does, so that a file has as many diagnostics here as there.
"""

from __future__ import annotations

import json
import re

from bakec.compiler.json.lower import lower_file
from bakec.compiler.json.scan import END, NUMBER, STRING, WORD, scan
from bakec.compiler.json.tree import Array, Invalid, Object, Property, Scalar, String
from bakec.compiler.suggest import edits
from bakec.ir import numbers
from bakec.ir.codes import syntax as codes
from bakec.ir.diagnostics import Diagnostics, Failed, fail
from bakec.ir.origin import Origin, OriginKind
from bakec.ir.quoting import quote
from bakec.ir.span import Span
from bakec.ir.syntax import Body, File
from bakec.ir.values import boolean, null, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.compiler.json.scan import Token
    from bakec.compiler.json.tree import Node
    from bakec.ir.span import Source

MAX_DEPTH: Final = 200
"""How deep arrays and objects may nest."""

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+')
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def parse_json(source: Source, sink: Diagnostics) -> File:
    """The tree of a definition file in JSON; an empty one if it has errors of syntax."""
    found = Diagnostics()
    try:
        root = _Parser(scan(source), found).file()
    except Failed as error:
        found.extend(error.diagnostics)
    sink.extend(found)
    if found.failed:
        return File(source, Body({}, (), Span(source, 0, 0), Span(source, 0, len(source.text))))
    return lower_file(source, root, sink)


class _Parser:
    def __init__(self, tokens: list[Token], sink: Diagnostics) -> None:
        self.tokens = tokens
        self.sink = sink
        self.at = 0
        self.depth = 0

    def peek(self) -> Token:
        return self.tokens[self.at]

    def read(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != END:
            self.at += 1
        return token

    def file(self) -> Node:
        root = self.value()
        if not self.sink and self.peek().kind != END:
            self.sink.add(codes.JSON_EXTRANEOUS_DATA.at(self.peek().span))
        if not isinstance(root, Object | Array):
            self.sink.add(codes.JSON_ROOT.at(root.start))
        return root

    def value(self) -> Node:
        token = self.peek()
        match token.kind:
            case "{" | "[":
                return self.nested(token)
            case kind if kind in (STRING, NUMBER, WORD):
                return self.scalar(self.read())
            case "}":
                rule = codes.JSON_MISSING_VALUE
            case "]":
                rule = codes.JSON_MISSING_ELEMENT
            case kind:
                rule = codes.JSON_ENDS if kind == END else codes.JSON_INVALID_START
        self.sink.add(rule.at(token.span))
        return Invalid(token.span)

    def nested(self, token: Token) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise fail(codes.NESTED_TOO_DEEP.at(token.span))
        made = self.object() if token.kind == "{" else self.array()
        self.depth -= 1
        return made or Invalid(token.span)

    def skip(self, token: Token, opening: str, closing: str) -> None:
        """From `token`, which was read, to behind the end of the object or array. It need not be well formed."""
        depth = 1
        while token.kind != END:
            depth += (token.kind == opening) - (token.kind == closing)
            if token.kind == closing and depth <= 1:
                return
            token = self.read()

    # --- objects ----------------------------------------------------------------------------------------------

    def object(self) -> Object | None:
        open_ = self.read()
        properties: list[Property] = []
        while self.peek().kind != "}":
            if not (made := self.property()):
                return None
            properties.append(made)
            match self.peek().kind:
                case ",":
                    comma = self.read()
                    if self.peek().kind == "}":
                        fault = codes.JSON_TRAILING_COMMA.at(comma.span, container="object", item="property")
                        self.sink.add(fault)
                        return None
                case "}":
                    break
                case kind:
                    self.object_unclosed(open_, kind)
                    return None
        return Object(properties, open_.span, self.read().span)

    def object_unclosed(self, open_: Token, kind: str) -> None:
        if kind == END:
            self.sink.add(codes.JSON_UNCLOSED.at(open_.span, container="object", bracket="brace"))
        elif kind == "]":
            self.read()
            place = self.peek().span
            self.sink.add(codes.JSON_MISMATCHED.at(place, container="object", bracket="brace", other="bracket"))
        else:
            self.skip(self.read(), "{", "}")
            place = self.peek().span
            self.sink.add(codes.JSON_MISSING_COMMA.at(place, container="object", item="property definition"))

    def property(self) -> Property | None:
        key = self.value()
        if not isinstance(key, String):
            self.sink.add(codes.JSON_PROPERTY_NAME.at(key.start))
            return None
        colon = self.read()
        if colon.kind == ":":
            return Property(key.text, self.value(), key.span)
        self.skip(colon, "{", "}")
        if colon.kind in ("}", ","):
            self.sink.add(codes.JSON_MISSING_OBJECT_VALUE.at(colon.span))
        else:
            reason = "A colon must appear between an object property's name and its value."
            if colon.kind == "=":
                reason = "JSON uses a colon as its name/value delimiter, not an equals sign."
            self.sink.add(codes.JSON_MISSING_COLON.at(colon.span, reason=reason))
        return None

    # --- arrays -----------------------------------------------------------------------------------------------

    def array(self) -> Array | None:
        open_ = self.read()
        items: list[Node] = []
        while self.peek().kind != "]":
            items.append(self.value())
            match self.peek().kind:
                case ",":
                    comma = self.read()
                    if self.peek().kind == "]":
                        self.sink.add(codes.JSON_TRAILING_COMMA.at(comma.span, container="array", item="value"))
                        return None
                case "]":
                    break
                case kind:
                    self.array_unclosed(open_, kind)
                    return None
        return Array(items, open_.span, self.read().span)

    def array_unclosed(self, open_: Token, kind: str) -> None:
        self.skip(self.read(), "[", "]")
        place = self.peek().span
        if kind == END:
            self.sink.add(codes.JSON_UNCLOSED.at(open_.span, container="array", bracket="bracket"))
        elif kind == ":":
            self.sink.add(codes.JSON_COLON_IN_ARRAY.at(place))
        elif kind == "}":
            self.sink.add(codes.JSON_MISMATCHED.at(place, container="array", bracket="bracket", other="brace"))
        else:
            self.sink.add(codes.JSON_MISSING_COMMA.at(place, container="array", item="value"))

    # --- scalars ----------------------------------------------------------------------------------------------

    def scalar(self, token: Token) -> Node:
        read = {STRING: self.string, NUMBER: self.number, WORD: self.word}[token.kind]
        return read(token)

    def string(self, token: Token) -> Node:
        text, span = token.text, token.span
        if "\\" not in text and text.endswith('"') and len(text) > 1:
            return String(_clean(text[1:-1]), span)
        valid = _STRING.match(text)
        good = valid.end() if valid else 0
        if text[good:] == '"':
            return String(_clean(json.loads(text)), span)
        # The reference points one character behind the one at fault.
        start = span.start + min(_fault(text, good) + 1, len(text))
        fault = Span(span.source, start, min(start + 1, len(span.source.text)))
        self.sink.add(codes.JSON_INVALID_STRING.at(fault, context=span))
        return Invalid(span)

    def number(self, token: Token) -> Node:
        span = token.span
        if not _NUMBER.fullmatch(token.text):
            self.sink.add(codes.JSON_INVALID_NUMBER.at(span))
            return Invalid(span)
        try:
            value = numbers.parse(token.text)
        except numbers.TooLargeError:
            self.sink.add(codes.NUMBER_TOO_LARGE.at(span))
            return Invalid(span)
        assert value is not None, "JSON numbers are numbers of the language"
        return Scalar(number(value, Origin(OriginKind.LITERAL, "", span)), span)

    def word(self, token: Token) -> Node:
        word, span = token.text, token.span
        if word in ("true", "false", "null"):
            origin = Origin(OriginKind.LITERAL, "", span)
            return Scalar(null(origin=origin) if word == "null" else boolean(word == "true", origin), span)
        self.sink.add(codes.JSON_KEYWORD.at(span, reason=_bad_word(word)))
        return Invalid(span)


def _bad_word(word: str) -> str:
    if word in ("undefined", "NaN", "Infinity"):
        return f"The JavaScript identifier {quote(word)} cannot be used in JSON."
    near = next((one for one in ("false", "true", "null") if edits(word, one) < 3), "")
    return f"{quote(word)} is not a valid JSON keyword." + (f' Did you mean "{near}"?' if near else "")


def _clean(text: str) -> str:
    """What is no text (bytes that are not UTF-8, halves of surrogate pairs) replaced."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def _fault(text: str, good: int) -> int:
    """The index of the character that makes `text`, valid up to `good`, no JSON string."""
    if text[good : good + 1] != "\\":
        return good
    if text[good + 1 : good + 2] != "u":
        return good + 1
    digits = re.match(r"[0-9a-fA-F]*", text[good + 2 :])
    return good + 2 + (digits.end() if digits else 0)
