"""`.env` files and the files that `env_file` names: `NAME=value` lines."""

from __future__ import annotations

import re

from bakec.compiler.compose.template import TemplateError, substitute
from bakec.ir.codes.compose import DOTENV
from bakec.ir.diagnostics import fail
from bakec.ir.quoting import quote
from bakec.ir.span import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from bakec.ir.span import Source

_BLANK: Final = "\t\v\f\r \x85\xa0"
_SPACE: Final = f"{_BLANK}\n\u1680{''.join(map(chr, range(0x2000, 0x200B)))}\u2028\u2029\u202f\u205f\u3000"
_EXPORT: Final = re.compile(r"export[\t\n\f\r ]+")
_NAME_END: Final = re.compile(r"[=:\n]")
_ESCAPE: Final = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPES: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\", "$": "$$",
}  # fmt: skip


class DotenvError(Exception):
    """The text cannot be read; the message is the reference's."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def ignore(_name: str) -> None:
    """For `unset`, where nobody wants to know."""


def parse_dotenv(
    text: str,
    env: Mapping[str, str],
    *,
    known: Mapping[str, str] | None = None,
    unset: Callable[[str], None] = ignore,
) -> dict[str, str]:
    """The variables of `text`, behind those already `known`.

    Values are interpolated with `env`, then with the variables so far; `unset` hears of each name that neither
    has. A line with a name alone takes the variable from `env`. Raises `DotenvError`.
    """
    return _Reader(text, env, dict(known or {}), unset).read()


def read_dotenv(source: Source, env: Mapping[str, str], *, unset: Callable[[str], None] = ignore) -> dict[str, str]:
    """The variables of the file `.env` beside a project. Raises `Failed`."""
    try:
        return parse_dotenv(source.text, env, unset=unset)
    except DotenvError as error:
        line = min(error.line, len(source.line_starts))
        start = source.line_starts[line - 1]
        span = Span(source, start, start + len(source.line_text(line)))
        raise fail(DOTENV.at(span, file=source.name, problem=error)) from error


class _Reader:
    def __init__(self, text: str, env: Mapping[str, str], out: dict[str, str], unset: Callable[[str], None]) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._env = env
        self._out = out
        self._unset = unset

    def _error(self, message: str) -> DotenvError:
        return DotenvError(message, self._line)

    def read(self) -> dict[str, str]:
        while self._find_statement():
            name, inherited = self._name()
            if " " in name:
                raise self._error(f"line {self._line}: key cannot contain a space")
            if not inherited:
                self._out[name] = self._value()
            elif name in self._env:
                self._out[name] = self._env[name]
        return self._out

    def _find_statement(self) -> bool:
        """Go to the next character that is neither space nor comment; False at the end."""
        text = self._text
        while self._at < len(text):
            if text[self._at] == "#":
                end = text.find("\n", self._at)
                self._at = end if end >= 0 else len(text)
            elif text[self._at] in _SPACE:
                self._line += text[self._at] == "\n"
                self._at += 1
            else:
                return True
        return False

    def _skip_blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _BLANK:
            self._at += 1

    def _name(self) -> tuple[str, bool]:
        """The name, and whether it stands alone. A name at the very end of the text, without a line feed, is read
        as the value of the empty name."""
        export = _EXPORT.match(self._text, self._at)
        if export:
            self._at += len("export")
            self._skip_blanks()
        start = self._at
        if start == len(self._text):
            raise self._error("zero length string")
        end = _NAME_END.search(self._text, start)
        stop = end.start() if end else len(self._text)
        self._check_name(start, stop)
        if end is None:
            return "", False
        alone = end.group() == "\n"
        name = self._text[start:stop]
        self._line += alone and " " not in name
        self._at = end.end()
        self._skip_blanks()
        return name.rstrip(_SPACE), alone

    def _check_name(self, start: int, stop: int) -> None:
        for char in self._text[start:stop]:
            if not (char in _BLANK or char in "_.-[]" or char.isalpha() or char.isnumeric()):
                rest = self._text[start:].partition("\n")[0]
                raise self._error(
                    f"line {self._line}: unexpected character {quote(char)} in variable name {quote(rest)}"
                )

    def _value(self) -> str:
        mark = self._text[self._at : self._at + 1]
        if mark and mark in "\"'":
            return self._quoted(mark)
        end = self._text.find("\n", self._at)
        end = end if end >= 0 else len(self._text)
        value = self._text[self._at : end].partition(" #")[0].rstrip(_SPACE)
        self._at = end + 1
        self._line += 1
        return self._interpolated(value)

    def _quoted(self, mark: str) -> str:
        start = self._at
        closed = re.compile(rf"{mark}((?:[^{mark}\\]|\\.)*){mark}", re.DOTALL).match(self._text, start)
        if not closed:
            self._line += self._text.count("\n", start)
            raise self._error(
                f"line {self._line}: unterminated quoted value {self._text[start:].partition(chr(10))[0]}"
            )
        self._line += closed.group().count("\n")
        self._at = closed.end()
        value = closed.group(1).replace("\\" + mark, mark) if "\\" in closed.group(1) else closed.group(1)
        return self._interpolated(_ESCAPE.sub(_unescaped, value)) if mark == '"' else value

    def _interpolated(self, value: str) -> str:
        try:
            return substitute(value, self._lookup, self._unset)
        except TemplateError as error:
            raise self._error(str(error)) from error

    def _lookup(self, name: str) -> str | None:
        value = self._env.get(name)
        return self._out.get(name) if value is None else value


def _unescaped(found: re.Match[str]) -> str:
    """An escape of a double-quoted value: as in a shell, octal as `\\0123`."""
    digits = found.group()[2:]
    if found.group()[1] != "0":
        return _ESCAPES.get(found.group()[1], found.group())
    if len(digits) == 3 and not set(digits) & {"8", "9"} and int(digits, 8) < 256:
        return chr(int(digits, 8))
    return f"\\{digits}"
