"""Parser directives: `# syntax=`, `# escape=` and `# check=` on the first lines of a Dockerfile."""

from __future__ import annotations

import json
import re

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gotext import SPACE
from bakec.ir.codes.dockerfile import DIRECTIVE_TWICE
from bakec.ir.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*")
_KNOWN: Final = frozenset(("syntax", "escape", "check"))
BOM: Final = "\ufeff"


class Directive(NamedTuple):
    name: str
    value: str
    line: int
    is_json: bool = False

    @property
    def first_word(self) -> str:
        return self.value if self.is_json else self.value.split(" ", 1)[0]


class DirectiveReader:
    """Reads line after line, until the first that is no directive."""

    def __init__(self, comment: str = "#", line: int = 0) -> None:
        self._comment = comment
        self._line = line
        self._seen: set[str] = set()
        self.done = False

    def read(self, line: str) -> Directive | None:
        """The directive on `line`, None for any other line. Raises `DockerfileError` for a repeated one."""
        self._line += 1
        if self.done:
            return None
        match = None
        if line.startswith(self._comment):
            match = _DIRECTIVE.fullmatch(line[len(self._comment) :].lstrip(SPACE))
        if match is None or match[1].lower() not in _KNOWN:
            self.done = True
            return None
        name = match[1].lower()
        if name in self._seen:
            raise DockerfileError(DIRECTIVE_TWICE, name=name)
        self._seen.add(name)
        return Directive(name, match[2], self._line)


def find_directive(name: str, text: str) -> Directive | None:
    """The directive `name` in the comments at the top of `text`, after an optional `#!` line."""
    body, line = _body(text)
    return _find(name, body, "#", line)


def find_syntax(text: str) -> Directive | None:
    """The frontend a file asks for: as a `#` or `//` directive, or as the key `syntax` of a JSON file."""
    body, line = _body(text)
    return _find("syntax", body, "#", line) or _find("syntax", body, "//", line) or _find_json(body, line)


def _body(text: str) -> tuple[str, int]:
    text = text.removeprefix(BOM)
    first, _, rest = text.partition("\n")
    return (rest, 1) if first.startswith("#!") else (text, 0)


def _find(name: str, body: str, comment: str, line: int) -> Directive | None:
    reader = DirectiveReader(comment, line)
    at = 0
    while not reader.done and at < len(body):
        end = body.find("\n", at)
        end = len(body) if end < 0 else end
        try:
            found = reader.read(body[at:end].removesuffix("\r"))
        except DockerfileError:
            return None
        if found is not None and found.name == name:
            return found
        at = end + 1
    return None


def _find_json(body: str, line: int) -> Directive | None:
    if not body.lstrip(" \t\r\n").startswith("{"):
        return None
    try:
        value = json.loads(body, parse_constant=_no_number).get("syntax")
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, str):
        return None
    return Directive("syntax", re.sub("[\ud800-\udfff]", "\ufffd", value), line, is_json=True)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
