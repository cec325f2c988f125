"""Semantic versions and constraints on them, in the dialect of the reference: `v1.2` is a version too."""

from __future__ import annotations

from bakec.compiler.stdlib.arguments import FunctionError
from bakec.compiler.stdlib.regexes import compile_pattern
from bakec.ir.records import NamedTuple
from bakec.ir.strconv import NumberError
from bakec.ir.values import boolean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from bakec.ir.values import Value

_TAIL = r"(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?"
_VERSION = rf"^v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?{_TAIL}$"
_PART = r"[0-9|x|X|\*]+"
_OPERAND = rf"v?({_PART})(\.{_PART})?(\.{_PART})?{_TAIL}"
_SIGN = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^"
_CONSTRAINT = rf"^\s*({_SIGN})\s*({_OPERAND})\s*$"
_EACH = rf"({_SIGN})\s*({_OPERAND})"
_ALL = rf"^(\s*({_SIGN})\s*({_OPERAND})\s*)((?:\s+|,\s*)({_SIGN})\s*({_OPERAND})\s*)*$"
_RANGE = rf"\s*({_OPERAND})\s+-\s+({_OPERAND})\s*"
_RANGE_END = 11
"""The group of the second operand."""


class Version(NamedTuple):
    major: int
    minor: int
    patch: int
    pre: str


class Constraint(NamedTuple):
    """`wild` is how many parts of the version count: 1 for `1` and `1.x`, 2 for `1.2`, 0 for `*`, 3 for all."""

    sign: str
    version: Version
    exact_parts: int


def semvercmp(version: Value, constraint: Value) -> Value:
    return boolean(satisfies(_version(version.text), constraint.text))


def _version(text: str) -> Version:
    found = compile_pattern(_VERSION).search(text)
    if not found:
        raise FunctionError("invalid semantic version")
    major, minor, patch = (_segment((part or "0").removeprefix(".")) for part in found.groups()[:3])
    pre: str = found.group(5) or ""
    for part in pre.split("."):
        if len(part) > 1 and part.isdigit() and part[0] == "0":
            raise FunctionError("version segment starts with 0")
    return Version(major, minor, patch, pre)


def _segment(digits: str) -> int:
    if len(digits) > 20 or int(digits) >= 1 << 64:
        error = NumberError("ParseUint", digits, "value out of range")
        raise FunctionError(f"error parsing version segment: {error}")
    return int(digits)


def satisfies(version: Version, text: str) -> bool:
    """Whether `version` meets all constraints of one of the groups between `||`."""
    groups = [_group(part) for part in _spelled_out(text).split("||")]
    for group in groups:
        # A pre-release only meets a group in which some constraint names one.
        if version.pre and not any(one.version.pre for one in group):
            continue
        if all(_CHECKS[one.sign](version, one) for one in group):
            return True
    return False


def _spelled_out(text: str) -> str:
    """`1 - 2` as `>= 1, <= 2`."""
    result = text
    for found in compile_pattern(_RANGE).finditer(text):
        result = result.replace(found.group(), f">= {found.group(1)}, <= {found.group(_RANGE_END)} ", 1)
    return result


def _group(text: str) -> list[Constraint]:
    if not compile_pattern(_ALL).search(text):
        raise FunctionError(f"improper constraint: {text}")
    return [_constraint(found.group()) for found in compile_pattern(_EACH).finditer(text)]


def _constraint(text: str) -> Constraint:
    found = compile_pattern(_CONSTRAINT).search(text)
    if not found:
        raise FunctionError(f"improper constraint: {text}")
    sign, whole, *parts = (found.group(number) or "" for number in range(1, 7))
    major, minor, patch, tail = parts
    wild = [_is_wild(part) for part in (major, minor, patch)]
    exact_parts = wild.index(True) if True in wild else 3
    spelled = (f"0.0.0{tail}", f"{major}.0.0{tail}", f"{major}{minor}.0{tail}", whole)[exact_parts]
    try:
        return Constraint(sign, _version(spelled), exact_parts)
    except FunctionError:
        raise FunctionError("constraint parser error") from None


def _is_wild(part: str) -> bool:
    return part.removeprefix(".") in ("", "x", "X", "*")


def _compare(one: Version, other: Version) -> int:
    if one[:3] != other[:3]:
        return 1 if one[:3] > other[:3] else -1
    if not one.pre or not other.pre:
        return (not one.pre) - (not other.pre)
    return _compare_pre(one.pre, other.pre)


def _compare_pre(one: str, other: str) -> int:
    parts, others = one.split("."), other.split(".")
    longest = max(len(parts), len(others))
    parts += [""] * (longest - len(parts))
    others += [""] * (longest - len(others))
    for left, right in zip(parts, others, strict=True):
        if left != right:
            return 1 if _rank(left) > _rank(right) else -1
    return 0


def _rank(part: str) -> tuple[int, int, str]:
    """Nothing before numbers before words."""
    if part.isdigit() and int(part) < 1 << 64:
        return (1, int(part), "")
    return (2 if part else 0, 0, part)


def _not_equal(version: Version, wanted: Constraint) -> bool:
    if wanted.exact_parts == 3:
        return _compare(version, wanted.version) != 0
    if wanted.exact_parts == 2:
        other = version[:2] != wanted.version[:2]
        pre = bool(version.pre or wanted.version.pre) and _compare_pre(version.pre, wanted.version.pre) != 0
        return other or pre
    if wanted.exact_parts == 1:
        return version.major != wanted.version.major
    return _compare(version, wanted.version) != 0


def _greater(version: Version, wanted: Constraint) -> bool:
    if wanted.exact_parts in (1, 2) and version.major == wanted.version.major:
        return wanted.exact_parts == 2 and version.minor > wanted.version.minor
    if wanted.exact_parts == 3:
        return _compare(version, wanted.version) > 0
    return version.major > wanted.version.major or (
        version.major == wanted.version.major and _compare(version, wanted.version) > 0
    )


def _less(version: Version, wanted: Constraint) -> bool:
    return _compare(version, wanted.version) < 0


def _at_least(version: Version, wanted: Constraint) -> bool:
    return _compare(version, wanted.version) >= 0


def _at_most(version: Version, wanted: Constraint) -> bool:
    if wanted.exact_parts == 3:
        return _compare(version, wanted.version) <= 0
    if version.major != wanted.version.major:
        return version.major < wanted.version.major
    return version.minor <= wanted.version.minor or wanted.exact_parts == 1


def _tilde(version: Version, wanted: Constraint) -> bool:
    if _less(version, wanted):
        return False
    if wanted.version[:3] == (0, 0, 0) and wanted.exact_parts in (0, 3):
        return True
    return version.major == wanted.version.major and (version.minor == wanted.version.minor or wanted.exact_parts == 1)


def _equal(version: Version, wanted: Constraint) -> bool:
    if wanted.exact_parts < 3:
        return _tilde(version, wanted)
    return _compare(version, wanted.version) == 0


def _caret(version: Version, wanted: Constraint) -> bool:
    if _less(version, wanted):
        return False
    lowest = wanted.version
    if lowest.major or wanted.exact_parts == 1 or version.major:
        return version.major == lowest.major
    if lowest.minor or wanted.exact_parts == 2 or version.minor:
        return version.minor == lowest.minor
    return version.patch == lowest.patch


_CHECKS: dict[str, Callable[[Version, Constraint], bool]] = {
    "": _equal,
    "=": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": _less,
    ">=": _at_least,
    "=>": _at_least,
    "<=": _at_most,
    "=<": _at_most,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}
