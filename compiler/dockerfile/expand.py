"""Word expansion: quotes, escapes and `$` references of Dockerfile words, as the reference's shell lexer does it."""

from __future__ import annotations

import re

from bakec.compiler.dockerfile.faults import DockerfileError
from bakec.compiler.dockerfile.gotext import SPACE, valid
from bakec.ir.codes.dockerfile import EXPANSION
from bakec.ir.quoting import quote
from bakec.ir.records import dataclass, field
from bakec.ir.static import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

END: Final = ""
"""What the scanner gives behind the last character; it prints as U+FFFD, like Go's rune -1."""

_SPECIAL: Final = frozenset("@*#?-$!0")
_SPACES: Final = frozenset(SPACE)
_NO_VARIABLES: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How a word is read. `escape` is the escape character of the file; `raw_quotes` and `raw_escapes` keep what is
    normally removed, `plain_quotes` gives quotes no meaning, `keep_unset` leaves references to unset variables."""

    escape: str = "\\"
    raw_quotes: bool = False
    raw_escapes: bool = False
    plain_quotes: bool = False
    keep_unset: bool = False


@dataclass(slots=True)
class Expansion:
    """`text` is the word as one; `words` the same split at spaces that were not quoted. `matched` and `unmatched`
    are the variables that were looked up, in order."""

    text: str = ""
    words: list[str] = field(default_factory=list)
    matched: dict[str, None] = field(default_factory=dict)
    unmatched: dict[str, None] = field(default_factory=dict)


class _LexError(Exception):
    """The text of a lexing error, without the word it is about."""


class Variables(Protocol):
    """What a word is expanded with."""

    def get(self, key: str, /) -> str | None: ...


def expand(word: str, variables: Mapping[str, str], mode: Mode) -> Expansion:
    """Expand `word`. Raises `DockerfileError`, whose `expansion` holds the variables that were met."""
    found = Expansion()
    if _PLAIN.fullmatch(word) and mode.escape not in word:
        found.text = word
        found.words = word.split()
        return found
    lexer = _Lexer(word, variables, mode, found)
    try:
        found.text, found.words = lexer.until(END, raw_escapes=mode.raw_escapes)
    except _LexError as problem:
        raise ExpansionError(found, word, str(problem)) from None
    return found


_PLAIN = re.compile(r"[A-Za-z0-9_./:=,@+%*^~!?#\[\](){} -]*")
"""Words in which nothing has a meaning."""


class ExpansionError(DockerfileError):
    """A word that cannot be expanded, and what had been met before."""

    def __init__(self, expansion: Expansion, word: str, problem: str) -> None:
        super().__init__(EXPANSION, word=quote(word), problem=problem)
        self.expansion = expansion


_RUNS: Final = {escape: re.compile(rf"""[^$<'"}}/{re.escape(escape)}]+""") for escape in ("\\", "`")}
"""Text in which no character means anything, whatever the mode and wherever the word stops."""


class _Words:
    """The words of one nesting level. All levels share one buffer, as in the reference: a nested level starts by
    emptying it, so that text before `${x:-…}` in the same word is lost from the words."""

    def __init__(self, buffer: list[str]) -> None:
        self.buffer = buffer
        self.done: list[str] = []
        self.in_word = False

    def add(self, text: str) -> None:
        if text.isalnum():
            self.add_raw(text)
            return
        for char in text:
            if char not in _SPACES:
                self.add_raw(char)
            elif self.in_word and self.buffer:
                self.flush()
                self.in_word = False

    def add_raw(self, text: str) -> None:
        if text:
            self.buffer.append(text)
        self.in_word = True

    def flush(self) -> None:
        self.done.append("".join(self.buffer))
        self.buffer.clear()

    def finish(self) -> list[str]:
        if self.buffer:
            self.flush()
            self.in_word = False
        return self.done


class _Lexer:
    def __init__(self, word: str, variables: Mapping[str, str], mode: Mode, found: Expansion) -> None:
        self._text = valid(word).removeprefix("\ufeff")
        self._at = 0
        self._variables = variables
        self._mode = mode
        self._found = found
        self._buffer: list[str] = []
        self._raw_escapes = mode.raw_escapes
        self._run = _RUNS[mode.escape]
        self._depth = 0

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else END

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _ended(self) -> bool:
        return self._at >= len(self._text)

    def until(self, stop: str, *, raw_escapes: bool) -> tuple[str, list[str]]:
        """Read up to `stop` (which is consumed) or to the end if `stop` is `END`."""
        if self._depth > _MAX_DEPTH:
            raise _LexError("nested too deeply")
        self._depth += 1
        before, self._raw_escapes = self._raw_escapes, raw_escapes
        try:
            return self._read(stop)
        finally:
            self._raw_escapes = before
            self._depth -= 1

    def _read(self, stop: str) -> tuple[str, list[str]]:
        self._buffer.clear()
        words = _Words(self._buffer)
        out: list[str] = []
        while not self._ended():
            char = self._peek()
            if stop and char == stop:
                self._next()
                return "".join(out), words.finish()
            run = self._run.match(self._text, self._at)
            if run is not None:
                self._at = run.end()
                words.add(run[0])
                out.append(run[0])
                continue
            if char == "$":
                value = self._dollar()
                words.add(value)
            elif char == "<":
                value = self._heredoc_mark()
                words.add_raw(value)
            elif char in "'\"" and not self._mode.plain_quotes:
                value = self._single() if char == "'" else self._double()
                words.add_raw(value)
            else:
                value = self._ordinary(words)
            out.append(value)
        if stop:
            raise _LexError(f"unexpected end of statement while looking for matching {stop}")
        return "".join(out), words.finish()

    def _ordinary(self, words: _Words) -> str:
        char = self._next()
        if char != self._mode.escape:
            words.add(char)
            return char
        kept = char if self._raw_escapes else ""
        if kept:
            words.add_raw(kept)
        if self._ended():
            return kept
        escaped = self._next()
        words.add_raw(escaped)
        return kept + escaped

    def _heredoc_mark(self) -> str:
        """`<<` with the blanks behind it counts as one piece, so that `<< EOF` stays one word."""
        self._next()
        if self._peek() != "<":
            return "<"
        self._next()
        start = self._at
        while self._peek() in ("\t", "\r", " "):
            self._next()
        return "<<" + self._text[start : self._at]

    def _single(self) -> str:
        start = self._at
        self._next()
        end = self._text.find("'", self._at)
        if end < 0:
            self._at = len(self._text)
            raise _LexError("unexpected end of statement while looking for matching single-quote")
        self._at = end + 1
        return self._text[start : end + 1] if self._mode.raw_quotes else self._text[start + 1 : end]

    def _double(self) -> str:
        mark = self._next() if self._mode.raw_quotes else self._next() and ""
        out = [mark]
        while True:
            char = self._peek()
            if char == END:
                raise _LexError("unexpected end of statement while looking for matching double-quote")
            if char == '"':
                self._next()
                return "".join(out) + mark
            if char == "$":
                out.append(self._dollar())
            else:
                out.append(self._double_char())

    def _double_char(self) -> str:
        char = self._next()
        if char != self._mode.escape:
            return char
        kept = char if self._raw_escapes else ""
        if self._ended():
            return kept
        if self._peek() in ('"', "$", self._mode.escape):
            return kept + self._next()
        return kept + char

    def _dollar(self) -> str:
        self._next()
        if self._peek() == "{":
            return self._braces()
        name = self._name()
        if not name:
            return "$"
        value = self._lookup(name)
        return f"${name}" if value is None and self._mode.keep_unset else value or ""

    def _name(self) -> str:
        start = self._at
        if self._peek().isdecimal():
            while self._peek().isdecimal():
                self._next()
        elif self._peek() in _SPECIAL and not self._ended():
            self._next()
        else:
            while self._peek().isalpha() or self._peek().isdecimal() or self._peek() == "_":
                self._next()
        return self._text[start : self._at]

    def _lookup(self, name: str) -> str | None:
        value = self._variables.get(name)
        (self._found.unmatched if value is None else self._found.matched)[name] = None
        return value

    def _braces(self) -> str:
        self._next()
        if self._ended():
            raise _LexError("syntax error: missing '}'")
        if self._peek() in "{}:":
            raise _LexError("syntax error: bad substitution")
        name = self._name()
        operator = self._next()
        if operator == "}":
            value = self._lookup(name)
            return f"${{{name}}}" if value is None and self._mode.keep_unset else value or ""
        if operator == "/":
            return self._replace(name)
        if operator == ":":
            return self._conditional(name, ":", self._next())
        if operator in ("+", "-", "?", "#", "%"):
            return self._conditional(name, "", operator)
        raise _unsupported(operator)

    def _conditional(self, name: str, colon: str, operator: str) -> str:
        pattern = operator in ("#", "%")
        if colon and pattern:
            raise _unsupported(colon + operator)
        word = self._word("}", "syntax error: missing '}'", raw_escapes=pattern)
        value = self._lookup(name)
        if value is None and self._mode.keep_unset:
            return f"${{{name}{colon}{operator or _NO_RUNE}{word}}}"
        unset = value is None or (bool(colon) and value == "")
        match operator:
            case "-":
                return word if unset else value or ""
            case "+":
                return "" if unset else word
            case "?":
                return self._required(name, value, word, unset=unset)
            case "#" | "%":
                greedy = word.startswith(operator)
                trim = _trim_suffix if operator == "%" else _trim_prefix
                return trim(word[1:] if greedy else word, value or "", greedy=greedy)
            case _:
                raise _unsupported(colon + operator)

    def _word(self, stop: str, missing: str, *, raw_escapes: bool) -> str:
        try:
            return self.until(stop, raw_escapes=raw_escapes)[0]
        except _LexError:
            if self._ended():
                raise _LexError(missing) from None
            raise

    def _required(self, name: str, value: str | None, word: str, *, unset: bool) -> str:
        if not unset:
            return value or ""
        default = "is not allowed to be unset" if value is None else "is not allowed to be empty"
        raise _LexError(f"{name}: {word or default}")

    def _replace(self, name: str) -> str:
        every = self._peek() == "/"
        if every:
            self._next()
        pattern = self._word("/", "syntax error: missing '/' in ${}", raw_escapes=True)
        replacement = self._word("}", "syntax error: missing '}'", raw_escapes=True)
        value = self._lookup(name)
        if value is None and self._mode.keep_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        expression = _regular_expression(pattern, greedy=True)
        if every:
            return _replace_all(expression, value or "", replacement)
        return _replace_first(expression, value or "", replacement)


_NO_RUNE: Final = "\ufffd"
_MAX_DEPTH: Final = 100


def _unsupported(operator: str) -> _LexError:
    shown = operator if operator not in ("", ":") else operator + _NO_RUNE
    return _LexError(f"unsupported modifier ({shown}) in substitution")


class _Matcher(Protocol):
    def search(self, text: str, pos: int = ..., /) -> re.Match[str] | None: ...


def _regular_expression(pattern: str, *, greedy: bool, anchored: bool = False) -> _Matcher:
    """The regular expression of a shell pattern of `*`, `?` and literals. Raises `_LexError`."""
    star = ".*" if greedy else ".*?"
    out = ["^" if anchored else ""]
    text, at = pattern.removeprefix("\ufeff"), 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "*":
            out.append(star)
        elif char == "?":
            out.append(".")
        elif char != "\\":
            out.append(re.escape(char))
        elif text[at : at + 1] not in ("}", "/"):
            escaped = text[at : at + 1]
            if escaped not in ("*", "?", "\\") or not escaped:
                raise _LexError(
                    f"invalid pattern ({pattern}) in substitution: invalid escape '\\{escaped or _NO_RUNE}'"
                )
            out.append(re.escape(escaped))
            at += 1
    return _compile("".join(out))


def _compile(expression: str) -> _Matcher:
    # Several stars make a backtracking matcher quadratic or worse, and the pattern is the author's: RE2 is linear.
    if expression.count(".*") < 3:
        return re.compile(expression)
    import re2

    compiled: _Matcher = re2.compile(expression)
    return compiled


def _trim_prefix(pattern: str, value: str, *, greedy: bool) -> str:
    match = _regular_expression(pattern, greedy=greedy, anchored=True).search(value)
    return value[match.end() :] if match else value


def _trim_suffix(pattern: str, value: str, *, greedy: bool) -> str:
    return _trim_prefix(_reverse_pattern(pattern), value[::-1], greedy=greedy)[::-1]


def _reverse_pattern(pattern: str) -> str:
    """The pattern backwards, each escape still in front of its character."""
    return "".join(reversed(re.findall(r"\\.|.", pattern, re.DOTALL)))


def _replace_first(expression: _Matcher, value: str, replacement: str) -> str:
    match = expression.search(value)
    return value[: match.start()] + replacement + value[match.end() :] if match else value


def _replace_all(expression: _Matcher, value: str, template: str) -> str:
    """Go's `ReplaceAllString`: no empty match right behind a match; `$0` and `${0}` stand for the match."""
    out, done, at = [], 0, 0
    while at <= len(value):
        match = expression.search(value, at)
        if match is None:
            break
        out.append(value[done : match.start()])
        if match.end() > done or match.start() == 0:
            out.append(_fill(template, match[0]))
        done = match.end()
        at = max(at + 1, match.end())
    return "".join(out) + value[done:]


_TEMPLATE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


def _fill(template: str, matched: str) -> str:
    def piece(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name = match[2] or match[3]
        return matched if name == "0" else ""

    return _TEMPLATE.sub(piece, template)


WORD = Mode()
HEREDOC_WORDS = Mode(raw_quotes=True, raw_escapes=True, keep_unset=True)


def split_words(text: str, variables: Mapping[str, str] = _NO_VARIABLES, mode: Mode = WORD) -> list[str]:
    """The words of `text` after expansion. Raises `DockerfileError`."""
    return expand(text, variables, mode).words
