"""`format` and `formatlist`: the verbs of `printf`."""

from __future__ import annotations

import re

from bakec.compiler import graphemes
from bakec.compiler.eval.convert import ConvertError, convert
from bakec.compiler.jsonwriter import JsonError, encode
from bakec.compiler.stdlib.arguments import MAX_TEXT, FunctionError, check_length
from bakec.ir import decimals, numbers
from bakec.ir.numbers import Float
from bakec.ir.quoting import json_quoted, quote, quote_char
from bakec.ir.records import NamedTuple
from bakec.ir.types import BOOL, NUMBER, STRING
from bakec.ir.values import list_, string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.decimals import Decimal
    from bakec.ir.numbers import Number
    from bakec.ir.values import Value


class Verb(NamedTuple):
    """One `%` sequence; `raw` stands at byte `offset` of the format. `width` and `precision` are -1 if not given."""

    raw: str
    offset: int
    flags: str
    width: int
    precision: int
    letter: str

    def fault(self, reason: str) -> FunctionError:
        return FunctionError(f"unsupported value for {quote(self.raw)} at {self.offset}: {reason}")


_VERB = re.compile(
    r"%(?P<flags>[0#\-+ ]*)(?P<width>(?:[1-9][0-9]*)?)(?:\.(?P<precision>[0-9]*))?"
    r"(?:\[(?P<argument>[1-9][0-9]*)\])?(?P<letter>[a-zA-Z])"
)
_PREFIX = re.compile(r"%[0#\-+ ]*(?:[1-9][0-9]*)?(?:\.[0-9]*)?(?:\[(?:[1-9][0-9]*\]?)?)?")


def format_(template: Value, *args: Value) -> Value:
    return string(_format(template.text, args))


def formatlist(template: Value, *args: Value) -> Value:
    if not args:
        return list_(STRING, [format_(template)])
    columns = [arg.raw if isinstance(arg.raw, tuple) else None for arg in args]
    items: list[Value] = []
    size = 0
    for row in range(_length(columns)):
        values = [arg if column is None else column[row] for arg, column in zip(args, columns, strict=True)]
        try:
            items.append(string(_format(template.text, values)))
        except FunctionError as error:
            raise FunctionError(f"error on format iteration {row}: {error.message}") from None
        size += len(items[-1].text)
        check_length(size)
    return list_(STRING, items)


def _length(columns: list[tuple[Value, ...] | None]) -> int:
    """The length that all lists have; one if there is none."""
    chooser = 0
    length = -1
    for number, column in enumerate(columns, start=1):
        if column is None:
            continue
        if length < 0:
            length, chooser = len(column), number
        elif len(column) != length:
            raise FunctionError(
                f"argument {number} has length {len(column)}, which is inconsistent with argument {chooser} of "
                f"length {length}",
                number,
            )
    return 1 if length < 0 else length


def _format(template: str, args: tuple[Value, ...] | list[Value]) -> str:
    parts: list[str] = []
    size = at = highest = 0
    following = 1
    while (start := template.find("%", at)) >= 0:
        parts.append(template[at:start])
        if template.startswith("%%", start):
            parts.append("%")
            at = start + 2
            continue
        verb, argument, at = _verb(template, start)
        argument = argument or following
        highest = max(highest, argument)
        if argument > len(args):
            raise FunctionError(
                f"not enough arguments for {quote(verb.raw)} at {verb.offset}: need index {argument} but have "
                f"{len(args)} total"
            )
        parts.append(_formatted(verb, args[argument - 1]))
        size += len(parts[-1])
        check_length(size)
        following = argument + 1
    if highest < len(args):
        used = f"only {highest} used by format string" if highest else "no verbs in format string"
        raise FunctionError(f"too many arguments; {used}", highest + 1)
    return "".join(parts) + template[at:]


def _verb(template: str, start: int) -> tuple[Verb, int, int]:
    """The verb at `start`, the number of its argument (0 if not given), and where it ends."""
    found = _VERB.match(template, start)
    if not found:
        raise _bad_verb(template, start)
    verb = Verb(
        found[0],
        len(template[:start].encode()),
        found["flags"],
        _count(found["width"], -1),
        -1 if found["precision"] is None else _count(found["precision"], 0),
        found["letter"],
    )
    return verb, _count(found["argument"] or "", 0), found.end()


def _count(digits: str, default: int) -> int:
    if not digits:
        return default
    check_length(MAX_TEXT + 1 if len(digits) > 9 else int(digits))
    return int(digits)


def _bad_verb(template: str, start: int) -> FunctionError:
    found = _PREFIX.match(template, start)
    assert found is not None
    offset = len(template[: found.end()].encode())
    if found.end() == len(template):
        return FunctionError(f"invalid format string starting at offset {offset}")
    return FunctionError(f"unrecognized format character {quote_char(template[found.end()])} at offset {offset}")


def _formatted(verb: Verb, value: Value) -> str:
    if verb.letter == "v":
        return _as_is(verb, value)
    if value.raw is None:
        raise verb.fault("null value cannot be formatted")
    try:
        if verb.letter == "t":
            return "true" if convert(value, BOOL).raw else "false"
        if verb.letter in "bdoxX":
            return _integer(verb, convert(value, NUMBER).number)
        if verb.letter in "eEfgG":
            return _float(verb, convert(value, NUMBER).number)
        if verb.letter in "sq":
            return _text(verb, convert(value, STRING).text)
    except ConvertError as error:
        raise verb.fault(str(error)) from None
    letter = quote_char(verb.letter)
    raise FunctionError(f"unsupported format verb {letter} in {quote(verb.raw)} at offset {verb.offset}")


def _as_is(verb: Verb, value: Value) -> str:
    raw = value.raw
    if isinstance(raw, str) and "#" not in verb.flags:
        return _padded(verb, raw)
    if isinstance(raw, int | Float) and not isinstance(raw, bool) and "#" not in verb.flags:
        return _padded(verb, _general_shortest(raw))
    try:
        return _padded(verb, encode(value))
    except JsonError as error:
        raise verb.fault(str(error)) from None


def _text(verb: Verb, text: str) -> str:
    if verb.precision > 0:
        text = "".join(graphemes.clusters(text)[: verb.precision])
    return _padded(verb, json_quoted(text) if verb.letter == "q" else text)


def _padded(verb: Verb, text: str) -> str:
    missing = verb.width - graphemes.length(text) if verb.width > 0 else 0
    if missing <= 0:
        return text
    pad = ("0" if "0" in verb.flags else " ") * missing
    return text + pad if "-" in verb.flags else pad + text


_PREFIXES = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}


def _integer(verb: Verb, value: Number) -> str:
    whole = numbers.to_int(value)
    if whole is None:
        raise verb.fault("an integer is required")
    digits = numbers.to_text(abs(whole)) if verb.letter == "d" else format(abs(whole), verb.letter)
    if verb.precision == 0 and not whole:
        return ""
    sign = _sign(verb, negative=whole < 0)
    prefix = _PREFIXES.get(verb.letter, "") if "#" in verb.flags else ""
    digits = digits.rjust(verb.precision, "0")
    missing = verb.width - len(sign) - len(prefix) - len(digits)
    if missing <= 0:
        return sign + prefix + digits
    if "-" in verb.flags:
        return sign + prefix + digits + " " * missing
    if "0" in verb.flags and verb.precision < 0:
        return sign + prefix + "0" * missing + digits
    return " " * missing + sign + prefix + digits


def _sign(verb: Verb, *, negative: bool) -> str:
    if negative:
        return "-"
    return "+" if "+" in verb.flags else " " if " " in verb.flags else ""


def _float(verb: Verb, value: Number) -> str:
    infinite = numbers.is_infinite(value)
    text = numbers.to_text(value) if infinite else _notation(verb, value)
    sign = _sign(verb, negative=text.startswith("-"))
    if text.startswith("+"):
        sign = " " if " " in verb.flags else "+"
    text = text.lstrip("+-")
    missing = max(verb.width - len(sign) - len(text), 0)
    if "0" in verb.flags and not infinite:
        return sign + "0" * missing + text
    return sign + text + " " * missing if "-" in verb.flags else " " * missing + sign + text


def _notation(verb: Verb, value: Number) -> str:
    minus = "-" if numbers.is_negative(value) else ""
    places = verb.precision
    if verb.letter in "gG":
        text = _general_shortest(value).lstrip("-") if places < 0 else decimals.general(numbers.exact(value), places)
    elif verb.letter == "f":
        text = _fixed(numbers.exact(value), 6 if places < 0 else places)
    else:
        text = _scientific(numbers.exact(value), 6 if places < 0 else places)
    return minus + (text.upper() if verb.letter in "EG" else text)


def _fixed(number: Decimal, places: int) -> str:
    digits, point = decimals.rounded(number, number[1] + places)
    return decimals.fixed(digits, point, places)


def _scientific(number: Decimal, places: int) -> str:
    digits, point = decimals.rounded(number, places + 1)
    return decimals.scientific(digits, point, places)


def _general_shortest(value: Number) -> str:
    """The fewest digits that read back, with an exponent from a million on."""
    if numbers.is_infinite(value):
        return numbers.to_text(value)
    minus = "-" if numbers.is_negative(value) else ""
    return minus + decimals.general_shortest(*numbers.shortest(value))
