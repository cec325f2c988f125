"""Text to tokens.

Code, quoted strings, heredocs and bare templates are four modes with one pattern each. A stack of open brackets
decides which line ends count, which braces open a block and which an object, and where a template sequence ends. A
token that no rule of the grammar accepts is kept as `INVALID`: the parser stops at it, and `errors` says what it is.
"""

from __future__ import annotations

import re

from bakec.compiler.hcl.kinds import (
    ARROW,
    BANG,
    CHEREDOC,
    COLON,
    COMMA,
    CONTROL,
    CQUOTE,
    DOT,
    DOT_STAR,
    ELLIPSIS,
    END,
    EQUAL,
    FOR_OBJECT,
    FOR_TUPLE,
    IDENT,
    INTERP,
    INVALID,
    LBODY,
    LBRACE,
    LINE_BREAK,
    LPAR,
    LSQB,
    MINUS,
    NAME_INTERP,
    NEWLINE,
    NUMBER,
    OHEREDOC,
    OPERATOR,
    OQUOTE,
    QUESTION,
    QUOTED,
    RBRACE,
    RPAR,
    RSQB,
    SCOPE,
    SEQ_END,
    STAR,
    STRING,
    TEXT,
)
from bakec.ir.records import NamedTuple
from bakec.ir.span import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from bakec.ir.span import Source

# Bytes that are not UTF-8 arrive as lone surrogates (the `surrogateescape` of the reader).
_BAD: Final = r"\ud800-\udfff"

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_-]*+"
_LINE_END: Final = r"(?:\r?\n|(?:\#|//)[^\n]*\n)"

# The groups up to NUMBER are numbered like the kinds.
_CODE: Final = re.compile(
    rf"""[ \t]*+(?:
      ({_NAME})(?![^\x00-\x7f])
    | ("[^"\\$%\r\n{_BAD}]*+")
    | ({_LINE_END}(?:[ \t\n]++|\r\n|(?:\#|//)[^\n]*\n)*+)
    | ([0-9](?:\.*(?:[0-9]++|[eE][+-]?[0-9]))*)
    | (/\*[\s\S]*?\*/|(?:\#|//)[^\n]*)
    | (<<-?[^\s"$%{{}}()\[\]<>]+\r?\n)
    | (=[=>]?|,|\.\.\.|\.|::|:|&&|\|\||[!<>]=|[-+*/%<>?!])
    | ([\[({{])
    | (~?\}}|[\])])
    | (")
    | ([\s\S])
    )""",
    re.VERBOSE,
)
_COMMENT, _HEREDOC, _PUNCTUATION, _OPENER, _CLOSER, _QUOTE = range(NUMBER + 1, NUMBER + 7)

_KIND_OF: Final = {
    "=": EQUAL,
    ",": COMMA,
    ".": DOT,
    ":": COLON,
    "::": SCOPE,
    "?": QUESTION,
    "...": ELLIPSIS,
    "=>": ARROW,
    "*": STAR,
    "-": MINUS,
    "!": BANG,
    **dict.fromkeys(("||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "/", "%"), OPERATOR),
}

_FOR: Final = re.compile(rf"(?:[ \t]++|{_LINE_END}|/\*[\s\S]*?\*/)*+for(?![A-Za-z0-9_-]|[^\x00-\x7f])")

# An escape ($${) is one token; a lone $ or % another; all else up to the next of them (and up to the end of the
# line, where lines matter) is one.
_ESCAPE: Final = r"\$\$\{~?|%%\{~?|[$%](?=[\s\S])"
_QUOTED: Final = re.compile(
    rf"(\$\{{{_NAME}\}})|(\$\{{~?)|(%\{{~?)|({_ESCAPE}|(?:[^\"\\$%\r\n{_BAD}]|\\[^\r\n{_BAD}])++)|(\")|([\r\n]+)|([\s\S])"
)
_LINES: Final = rf"(\$\{{~?)|(%\{{~?)|({_ESCAPE}|[^$%\r\n{_BAD}]*+\r?\n|[^$%\r\n{_BAD}]++)|([{_BAD}])"

SPACES: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""White space as the reference strips it."""

# Behind one of these an operand is complete, so that `[` indexes it and `{` opens a block.
_ENDS: Final = frozenset((IDENT, STRING, NUMBER, CQUOTE, CHEREDOC, RPAR, RSQB, RBRACE, DOT_STAR))
# A line end behind one of these means nothing.
_SWALLOWS: Final = frozenset((END, NEWLINE, COMMA, LBRACE))

# The words of a `for` behind which an operand begins, and what is before them.
_WORDS: Final = frozenset(("in", "if"))
_BEFORE_WORDS: Final = _ENDS | {ELLIPSIS, CONTROL}

# What the stack of brackets holds.
_BRACKET, _BODY, _OBJECT, _FOR_BRACE, _SEQUENCE = range(5)
_KEEPS_LINES: Final = (False, True, True, False, False)


class Tokens(NamedTuple):
    """The tokens of `text`, as parallel lists. The last is `END`. The text stands in for its source from offset
    `start` on, which is where the spans say it is."""

    kinds: list[int]
    spans: list[Span]
    text: str
    start: int

    def text_of(self, span: Span) -> str:
        return self.text[span.start - self.start : span.end - self.start]


class _Heredoc:
    """An open heredoc: it ends at a line that is only `marker`, where a line starts with its own text."""

    __slots__ = ("at_line_start", "marker")

    def __init__(self, marker: str) -> None:
        self.marker = marker
        self.at_line_start = True


def tokenize(source: Source, text: str, start: int) -> Tokens:
    """The tokens of `text`, which stands in for the source from offset `start` on, as definitions."""
    lexer = _Lexer(source, text, start)
    return lexer.run(lexer.code)


def tokenize_expression(source: Source, text: str, start: int) -> Tokens:
    """The tokens of `text`, likewise, as an expression: line ends mean nothing."""
    lexer = _Lexer(source, text, start)
    lexer.brackets.append(_BRACKET)
    return lexer.run(lexer.code)


def tokenize_template(source: Source, text: str, start: int) -> Tokens:
    """The tokens of `text`, likewise, as a template without quotes."""
    lexer = _Lexer(source, text, start)
    lexer.brackets.append(_BRACKET)
    return lexer.run(lexer.bare)


class _Lexer:
    """One run over one text. `modes` are the enclosing modes; the last says how to go on."""

    def __init__(self, source: Source, text: str, shift: int) -> None:
        self.source = source
        self.text = text
        self.shift = shift
        self.kinds: list[int] = []
        self.spans: list[Span] = []
        self.brackets: list[int] = []
        self.heredocs: list[_Heredoc] = []
        self.modes: list[Callable[[int], int]] = []

    def run(self, mode: Callable[[int], int]) -> Tokens:
        self.modes.append(mode)
        end = len(self.text)
        pos = 1 if self.text.startswith("\ufeff") else 0
        while pos < end:
            pos = self.modes[-1](pos)
        if self._ends_item():
            self.add(NEWLINE, end, end)
        self.add(END, end, end)
        return Tokens(self.kinds, self.spans, self.text, self.shift)

    def _ends_item(self) -> bool:
        """Whether the end of the text also ends a line that counts."""
        kinds = self.kinds
        return bool(kinds) and kinds[-1] != NEWLINE and self._in_body()

    def add(self, kind: int, start: int, end: int) -> None:
        self.kinds.append(kind)
        self.spans.append(tuple.__new__(Span, (self.source, start + self.shift, end + self.shift)))

    def code(self, pos: int) -> int:
        """Lex code from `pos` to the end of the text or to where the mode changes, and return where that is.

        The one loop that the speed of the lexer hangs on: the frequent tokens are dealt with here.
        """
        text, source, shift, brackets = self.text, self.source, self.shift, self.brackets
        add_kind, add_span, new = self.kinds.append, self.spans.append, tuple.__new__
        previous = self.kinds[-1] if self.kinds else END
        keeps_lines = self._keeps_lines()
        for found in _CODE.finditer(text, pos):
            kind = found.lastindex or 0
            start, end = found.span(kind)
            if kind == NEWLINE:
                if not keeps_lines or previous in _SWALLOWS:
                    continue
            elif kind > NUMBER:
                if kind == _PUNCTUATION:
                    kind = _KIND_OF[text[start:end]]
                    if kind == STAR and previous == DOT:
                        kind = DOT_STAR
                elif kind == _COMMENT:
                    continue
                elif kind == _CLOSER and text[end - 1] != "}":
                    kind = RPAR if text[start] == ")" else RSQB
                    if brackets and brackets[-1] == _BRACKET:
                        brackets.pop()
                    keeps_lines = self._keeps_lines()
                elif kind in (_OPENER, _CLOSER):
                    if goes_on := self.open(previous, start, end) if kind == _OPENER else self.close(start, end):
                        return goes_on
                    previous = self.kinds[-1]
                    keeps_lines = self._keeps_lines()
                    continue
                else:
                    return self.other(kind, start, end)
            add_kind(kind)
            add_span(new(Span, (source, start + shift, end + shift)))
            previous = kind
        return len(text)

    def _keeps_lines(self) -> bool:
        return not self.brackets or _KEEPS_LINES[self.brackets[-1]]

    def open(self, previous: int, start: int, end: int) -> int:
        """An opening bracket, with the `for` behind it if there is one. Returns where to go on, if not behind it."""
        char = self.text[start]
        if char == "(":
            self.brackets.append(_BRACKET)
            self.add(LPAR, start, end)
        elif char == "{" and previous in _ENDS and self._in_body():
            self.brackets.append(_BODY)
            self.add(LBODY, start, end)
        elif char == "[" and previous in _ENDS and (self._in_body() or not self._behind_word()):
            self.brackets.append(_BRACKET)
            self.add(LSQB, start, end)
        elif ahead := _FOR.match(self.text, end):
            self.brackets.append(_BRACKET if char == "[" else _FOR_BRACE)
            self.add(FOR_TUPLE if char == "[" else FOR_OBJECT, start, end)
            return ahead.end()
        else:
            self.brackets.append(_BRACKET if char == "[" else _OBJECT)
            self.add(LSQB if char == "[" else LBRACE, start, end)
        return 0

    def _in_body(self) -> bool:
        return not self.brackets or self.brackets[-1] == _BODY

    def _behind_word(self) -> bool:
        """Whether the last token is an `in` or `if` behind which an operand begins, and not a variable so named."""
        if len(self.kinds) < 2 or self.kinds[-2] not in _BEFORE_WORDS:
            return False
        _, start, end = self.spans[-1]
        return self.text[start - self.shift : end - self.shift] in _WORDS

    def close(self, start: int, end: int) -> int:
        """A closing brace. It closes the innermost brace, whatever else is open: so the reference counts. Returns where
        to go on, if the mode changes."""
        brackets = self.brackets
        while brackets and brackets[-1] == _BRACKET:
            brackets.pop()
        if brackets and brackets.pop() == _SEQUENCE:
            self.add(SEQ_END, start, end)
            self.modes.pop()
            return end
        self.add(RBRACE if end - start == 1 else SEQ_END, start, end)
        return 0

    def other(self, kind: int, start: int, end: int) -> int:
        """A quote, a heredoc, a name that is not ASCII, or nothing of the language."""
        if kind == _QUOTE:
            self.add(OQUOTE, start, end)
            self.modes.append(self.quoted)
            return end
        if kind == _HEREDOC:
            return self.heredoc_start(start, end)
        end = _name_end(self.text, start)
        self.add(IDENT if end > start else INVALID, start, max(end, start + 1))
        return max(end, start + 1)

    def heredoc_start(self, start: int, end: int) -> int:
        marker = self.text[start:end].rstrip().removeprefix("<<").removeprefix("-")
        if not is_name(marker):
            self.add(OPERATOR, start, start + 1)
            return start + 1
        self.add(OHEREDOC, start, end)
        self.heredocs.append(_Heredoc(marker))
        self.modes.append(self.heredoc)
        return end

    def sequence(self, kind: int, start: int, end: int) -> int:
        """`${` or `%{`: code follows."""
        self.add(kind, start, end)
        self.brackets.append(_SEQUENCE)
        self.modes.append(self.code)
        if self.heredocs:
            self.heredocs[-1].at_line_start = False
        return end

    def quoted(self, pos: int) -> int:
        """A quoted string, from `pos` to its end or to a sequence in it."""
        for found in _QUOTED.finditer(self.text, pos):
            start, end = found.span()
            match found.lastindex:
                case 4:
                    self.add(QUOTED, start, end)
                case 1:
                    self.add(NAME_INTERP, start, end)
                case 2 | 3 as which:
                    return self.sequence(INTERP if which == 2 else CONTROL, start, end)
                case 5:
                    self.add(CQUOTE, start, end)
                    self.modes.pop()
                    return end
                case 6:
                    self.add(LINE_BREAK, start, end)
                case _:
                    self.add(INVALID, start, end)
        return len(self.text)

    def heredoc(self, pos: int) -> int:
        """A heredoc, from `pos` to its end or to a sequence in it."""
        state = self.heredocs[-1]
        while pos < len(self.text):
            found = re.compile(_LINES).match(self.text, pos)
            if not found:  # a lone carriage return: nothing behind it is read
                self.add(INVALID, pos, len(self.text))
                return len(self.text)
            start, pos = found.span()
            which = found.lastindex or 0
            if which < 3:
                return self.sequence(INTERP if which == 1 else CONTROL, start, pos)
            if which == 3 and self.heredoc_text(state, start, pos):
                return self._line_end(pos)
            if which > 3:
                self.add(INVALID, start, pos)
        return pos

    def heredoc_text(self, state: _Heredoc, start: int, end: int) -> bool:
        """A line of text or a part of one; whether it is the marker that ends the heredoc."""
        whole_line = self.text[end - 1] == "\n"
        if whole_line and state.at_line_start and self.text[start:end].strip(SPACES) == state.marker:
            self.add(CHEREDOC, start, self._line_end(end))
            self.heredocs.pop()
            self.modes.pop()
            return True
        state.at_line_start = whole_line
        self.add(TEXT, start, end)
        return False

    def _line_end(self, end: int) -> int:
        """Where the line end before `end` starts: the code around the heredoc needs it."""
        return end - 2 if self.text[end - 2 : end] == "\r\n" else end - 1

    def bare(self, pos: int) -> int:
        """A template without quotes, from `pos` to its end or to a sequence in it."""
        while pos < len(self.text):
            found = re.compile(_LINES).match(self.text, pos)
            if not found:  # a lone carriage return, or a $ at the very end: all the rest is text
                self.add(TEXT, pos, len(self.text))
                return len(self.text)
            start, pos = found.span()
            which = found.lastindex or 0
            if which < 3:
                return self.sequence(INTERP if which == 1 else CONTROL, start, pos)
            self.add(TEXT if which == 3 else INVALID, start, pos)
        return pos


# --- names that are not ASCII ---------------------------------------------------------------------------------

# Characters that Unicode lets into identifiers, but not into those that stay so when normalized, as Python asks.
_START_ONLY_PLAIN: Final = frozenset(
    "\u037a\u0e33\u0eb3\u309b\u309c\ufc5e\ufc5f\ufc60\ufc61\ufc62\ufc63\ufdfa\ufdfb"
    "\ufe70\ufe72\ufe74\ufe76\ufe78\ufe7a\ufe7c\ufe7e\uff9e\uff9f"
)


def is_name(text: str) -> bool:
    """Whether `text` is an identifier of the language."""
    return bool(text) and _name_end(text, 0) == len(text)


def _name_end(text: str, start: int) -> int:
    """Where the name at `start` ends; `start` if there is none."""
    end = start
    while end < len(text) and _continues(text[end], first=end == start):
        end += 1
    return end


def _continues(char: str, *, first: bool) -> bool:
    if char in _START_ONLY_PLAIN:
        return True
    return char.isidentifier() if first else char == "-" or ("a" + char).isidentifier()
