"""The values of YAML scalars, as the reference's YAML library resolves them: YAML 1.2 with a few additions (`0777` is
octal, `1_000` a number, timestamps are known), so that `yes`, `no` and `on` are strings."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime

from bakec.compiler.compose.nodes import Timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.compiler.compose.nodes import Plain

_WORDS: Final[dict[str, Plain]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys(("-0", "-0.0"), -0.0),
}
_NUMERIC: Final = re.compile(r"[-+.]?[0-9]|[-+]\.[0-9]")
_INTEGER: Final = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))\Z")
_BASES: Final = (16, 2, 8, 10)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_TIMESTAMP: Final = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:(?:[Tt](\d\d?):(\d\d?):(\d\d?)(\.\d{1,9})?(Z|[-+]\d\d:\d\d))|(?: (\d\d?):(\d\d?):(\d\d?)(\.\d{1,9})?))?\Z",
    re.ASCII,
)


def resolve(text: str) -> Plain:
    """The value of an untagged plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if not _NUMERIC.match(text):
        return text
    stamp = _timestamp(text)
    if stamp is not None:
        return stamp
    plain = text if text[0] == "." else text.replace("_", "")
    number = _integer(plain)
    if number is None and _FLOAT.match(plain):
        real = float(plain)
        return text if real in (float("inf"), float("-inf")) else real
    return text if number is None else number


def _integer(text: str) -> int | None:
    """A number of 64 bits (signed, or unsigned where it has no sign) in any base."""
    found = _INTEGER.match(text)
    if not found or len(text) > 70:
        return None
    sign, *digits = found.groups()
    value = next(int(part, base) for part, base in zip(digits, _BASES, strict=True) if part)
    if sign:
        return int(f"{sign}{value}") if value <= 2**63 - (sign == "+") else None
    return value if value < 2**64 else None


def _timestamp(text: str) -> Timestamp | None:
    found = _TIMESTAMP.match(text)
    if not found:
        return None
    year, month, day, *clock = found.groups()
    hour, minute, second, fraction = (clock[at] or clock[at + 5] for at in range(4))
    zone = clock[4]
    try:
        date = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    offset = "+0000 UTC" if zone in (None, "Z", "+00:00") else " ".join([zone.replace(":", "")] * 2)
    return Timestamp(f"{date}{(fraction or '').rstrip('0').rstrip('.')} {offset}")


_TAGS: Final = {"bool": bool, "int": int, "null": type(None), "timestamp": Timestamp, "float": float}
CORE: Final = "tag:yaml.org,2002:"


class BadScalarError(Exception):
    """The text does not fit its tag."""


def tagged(tag: str, text: str, *, quoted: bool) -> Plain:
    """The value of a scalar with an explicit tag; tags of others than YAML itself mean nothing here."""
    name = tag.removeprefix(CORE)
    if name == "binary" and tag != name:
        return _binary(text)
    if tag == name or name not in _TAGS:
        return text
    value = text if quoted and name == "timestamp" else resolve(text)
    if name == "float" and type(value) is int:
        return float(value)
    if type(value) is not _TAGS[name]:
        raise BadScalarError(f"cannot construct !!{_tag_of(value)} `{text}` as a !!{name}")
    return value


def _tag_of(value: Plain) -> str:
    return next((name for name, kind in _TAGS.items() if type(value) is kind), "str")


def _binary(text: str) -> str:
    try:
        return base64.b64decode(re.sub(r"[\r\n]", "", text), validate=True).decode("utf-8", "replace")
    except binascii.Error as error:
        raise BadScalarError("!!binary value contains invalid base64 data") from error
