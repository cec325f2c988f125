"""Texts in other notations: JSON, CSV, Base64, URLs."""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

from bakec.compiler.csv import CsvError, parse_records
from bakec.compiler.jsontext import Bracket, Decoder, NumberText
from bakec.compiler.jsonwriter import JsonError, encode
from bakec.compiler.stdlib.arguments import FunctionError
from bakec.ir import numbers
from bakec.ir.quoting import quote
from bakec.ir.types import STRING, ObjectType
from bakec.ir.values import NULL, boolean, list_, number, object_, string, tuple_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.compiler.jsontext import Token
    from bakec.ir.values import Value


def jsonencode(val: Value) -> Value:
    try:
        return string(encode(val))
    except JsonError as error:
        raise FunctionError(str(error)) from None


def jsondecode(text: Value) -> Value:
    decoder = Decoder(text.text)
    try:
        value = _decoded(decoder, decoder.token())
    except JsonError as error:
        raise FunctionError(str(error)) from None
    if decoder.more():
        raise FunctionError("extraneous data after JSON object")
    return value


def _decoded(decoder: Decoder, token: Token) -> Value:
    if token is None:
        return NULL
    if isinstance(token, bool):
        return boolean(token)
    if isinstance(token, NumberText):
        value = numbers.parse(token)
        assert value is not None, "JSON numbers are numbers"
        return number(value)
    if not isinstance(token, Bracket):
        return string(token)
    return tuple_(_decoded_items(decoder)) if token == "[" else _decoded_object(decoder)


def _decoded_items(decoder: Decoder) -> list[Value]:
    items: list[Value] = []
    while (token := decoder.token()) != Bracket("]") or not isinstance(token, Bracket):
        items.append(_decoded(decoder, token))
    return items


def _decoded_object(decoder: Decoder) -> Value:
    items: dict[str, Value] = {}
    while not isinstance(name := decoder.token(), Bracket):
        assert isinstance(name, str)
        value = _decoded(decoder, decoder.token())
        if name in items and items[name].type != value.type:
            raise JsonError(f"duplicate {quote(name)} property in JSON object")
        items[name] = value
    return object_(items)


def csvdecode(text: Value) -> Value:
    records = parse_records(text.text)
    try:
        _, names = next(records, (0, None))
        if names is None:
            raise FunctionError("missing header line")
        for position, name in enumerate(names):
            if name in names[:position]:
                raise FunctionError(f"duplicate column name {quote(name)}")
        rows = [_row(names, line, fields) for line, fields in records]
    except CsvError as error:
        raise FunctionError(f"CSV parse error on line {error.line}: {error.reason}") from None
    return list_(ObjectType(dict.fromkeys(sorted(names), STRING)), rows)


def _row(names: list[str], line: int, fields: list[str]) -> Value:
    if len(fields) != len(names):
        raise FunctionError(f"CSV parse error on line {line}: wrong number of fields")
    return object_({name: string(field) for name, field in zip(names, fields, strict=True)})


def base64encode(text: Value) -> Value:
    return string(b2a_base64(text.text.encode(), newline=False).decode())


def decode_base64(text: str) -> bytes | None:
    """Padded Base64, in which line breaks count for nothing; None where it is none."""
    data = text.replace("\r", "").replace("\n", "")
    if len(data) % 4:
        return None
    try:
        return a2b_base64(data, strict_mode=True) if data else b""
    except (Base64Error, ValueError):
        return None


def base64decode(text: Value) -> Value:
    data = decode_base64(text.text)
    if data is None:
        raise FunctionError(f"failed to decode base64 data '{text.text}'")
    try:
        return string(data.decode())
    except UnicodeDecodeError:
        message = "the result of decoding the the provided string is not valid UTF-8"
        raise FunctionError(message) from None


_RESERVED = re.compile(rb"[^A-Za-z0-9_.~-]")


def urlencode(text: Value) -> Value:
    return string(_RESERVED.sub(_percent, text.text.encode()).decode())


def _percent(found: re.Match[bytes]) -> bytes:
    return b"+" if found[0] == b" " else b"%%%02X" % found[0][0]
