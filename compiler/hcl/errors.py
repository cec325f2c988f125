"""What is wrong where the parser stops.

The table of examples pairs a text with the message for it: the parser's state and the kind of the token at which it
stops in the example are the key by which the message is found for any other text. The table is worked out when the
first error turns up, so that it costs nothing before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from bakec.compiler.hcl.kinds import (
    CHEREDOC,
    CONTROL,
    CQUOTE,
    DOT,
    DOT_STAR,
    END,
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
    NEWLINE,
    NUMBER,
    OHEREDOC,
    OQUOTE,
    RBRACE,
    RPAR,
    RSQB,
    SEQ_END,
    STAR,
    STRING,
    WORDS,
)
from bakec.compiler.hcl.lexer import tokenize, tokenize_expression, tokenize_template
from bakec.compiler.hcl.machine import Stack
from bakec.compiler.hcl.tables import RULES, STARTS, SYMBOLS
from bakec.compiler.suggest import edits
from bakec.ir.codes import syntax as codes
from bakec.ir.quoting import quote
from bakec.ir.records import NamedTuple
from bakec.ir.span import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, TypeAlias

    from bakec.compiler.hcl.lexer import Tokens
    from bakec.ir.diagnostics import Diagnostic, Diagnostics, Rule

# --- tokens that are nothing of the language ------------------------------------------------------------------

_TELLING: Final[dict[str, tuple[Rule, int]]] = {
    # How often each is told in one text.
    **dict.fromkeys("&|^~", (codes.BITWISE_OPERATOR, 4)),
    "`": (codes.BACKTICK, 3),
    "'": (codes.SINGLE_QUOTE, 3),
    ";": (codes.SEMICOLON, 1),
}
_INSTEAD: Final = {
    "&": ' Did you mean boolean AND ("&&")?',
    "|": ' Did you mean boolean OR ("||")?',
    "~": ' Did you mean boolean NOT ("!")?',
}


def report_invalid(tokens: Tokens, sink: Diagnostics) -> None:
    """Report the tokens that have no place anywhere, but none of them again and again."""
    told: dict[Rule, int] = {}
    for kind, span in zip(tokens.kinds, tokens.spans, strict=True):
        if kind == LINE_BREAK:
            sink.add(codes.MULTI_LINE_STRING.at(span))
        elif kind == INVALID:
            _report_invalid(span, told, sink)


def _report_invalid(span: Span, told: dict[Rule, int], sink: Diagnostics) -> None:
    text = span.text
    rule, limit = _TELLING.get(text) or _unlimited(text)
    count = told.get(rule, 0)
    told[rule] = count + 1
    if rule in (codes.BACKTICK, codes.SINGLE_QUOTE):
        # Of a pair of quotes the first is enough; from the third on, the counting stops with it still told.
        told[rule] = min(count + 1, limit)
        if count % 2:
            return
    elif count >= limit:
        return
    sink.add(rule.at(span, suggestion=_INSTEAD.get(text, "")))


def _unlimited(text: str) -> tuple[Rule, int]:
    if "\ud800" <= text[0] <= "\udfff":
        return codes.BAD_ENCODING, 1
    return (codes.CURLY_QUOTE if text in "“”" else codes.INVALID_CHARACTER), 1 << 30


# --- where the parser stops -----------------------------------------------------------------------------------


class Trouble(NamedTuple):
    """The parser in front of a token that does not fit: what it has taken in, innermost last, as symbols of the
    grammar with the index of their first token."""

    tokens: Tokens
    at: int
    state: int
    stack: list[tuple[str, int]]

    @property
    def kind(self) -> int:
        """The kind of the token, where kinds that differ only for the grammar's sake count as one."""
        kind = self.tokens.kinds[self.at]
        if kind == NEWLINE and not self.text(self.at):
            return END
        return _ALIKE.get(kind, kind)

    def text(self, at: int) -> str:
        return self.tokens.text_of(self.tokens.spans[at])

    def span(self, at: int) -> Span:
        """The token at `at`, without what the lexer put into one token with it: of a string the opening quote, of
        line ends the first."""
        span, kind = self.tokens.spans[at], self.tokens.kinds[at]
        if kind == STRING:
            return span._replace(end=span.start + 1)
        return span._replace(end=span.start + self.text(at).find("\n") + 1) if kind == NEWLINE else span

    def innermost(self, *symbols: str) -> int:
        """The place in the stack of the innermost of `symbols`, or -1."""
        return next((at for at in range(len(self.stack) - 1, -1, -1) if self.stack[at][0] in symbols), -1)

    @property
    def is_aftermath(self) -> bool:
        """Whether, behind another trouble, this one says nothing new: brackets left over from it, or a character
        that was reported by itself."""
        return len(self.stack) <= 1 or self.kind in (INVALID, LINE_BREAK)

    def next_item(self) -> int:
        """The index of the token behind the item of a file that holds the trouble."""
        kinds, depth = self.tokens.kinds, 0
        for at in range(self.stack[1][1] if len(self.stack) > 1 else self.at, len(kinds) - 1):
            kind = kinds[at]
            depth += (kind in _OPENERS) - (kind in _CLOSERS and depth > 0)
            if kind == NEWLINE and not depth and at >= self.at:
                return at + 1
        return len(kinds) - 1


_ALIKE: Final = {
    **dict.fromkeys(WORDS.values(), IDENT),
    STRING: OQUOTE,
    LBODY: LBRACE,
    FOR_OBJECT: LBRACE,
    FOR_TUPLE: LSQB,
    DOT_STAR: STAR,
}
_OPENERS: Final = frozenset((LPAR, LSQB, LBRACE, LBODY, FOR_TUPLE, FOR_OBJECT, OQUOTE, OHEREDOC, INTERP, CONTROL))
_CALLEES: Final = ("IDENT", "callee")
_CLOSERS: Final = frozenset((RPAR, RSQB, RBRACE, CQUOTE, CHEREDOC, SEQ_END))


def locate(tokens: Tokens, start: int, begin: int = 0) -> Trouble:
    """Where and how a parser stops that begins at token `begin` in state `start`."""
    stack = Stack(start, [_first] * len(RULES))
    at = stack.advance(tokens, range(len(tokens.kinds)), begin)
    stack.settle()
    names = [SYMBOLS[state] for state in stack.states[1:]]
    return Trouble(tokens, at, stack.states[-1], list(zip(names, stack.values, strict=True)))


def _first(*indexes: int) -> int:
    return indexes[0] if indexes else -1


def explain(found: Trouble) -> Diagnostic:
    """What to say of it."""
    table = _table()
    example = table.get((found.state, found.kind)) or table.get((found.state, INVALID))
    if example is None:
        rule = codes.MISSING_EXPRESSION if found.kind == END else codes.INVALID_EXPRESSION
        return rule.at(found.span(found.at))
    rule, place = example.rule, example.place
    if rule is codes.INTERPOLATION_EXTRA and _ends_quotes(found):
        rule, place = codes.UNCLOSED_INTERPOLATION, _template_start
    return rule.at(
        place(found),
        previous=quote(found.text(found.at - 1)) if found.at else "",
        token=quote(found.text(found.at)),
        suggestion=_suggestion(found.text(found.at)),
        keyword=_directive(found),
        container="file" if found.kind == END else "quoted template",
    )


def _ends_quotes(found: Trouble) -> bool:
    """Whether the token is a quote and the innermost template in quotes: then the brace before it is missing."""
    at = found.innermost("OQUOTE", "OHEREDOC")
    return found.kind == OQUOTE and at >= 0 and found.stack[at][0] == "OQUOTE"


def _suggestion(word: str) -> str:
    near = next((one for one in ("if", "for", "else", "endif", "endfor") if edits(word, one) < 3), "")
    return f' Did you mean "{near}"?' if near else ""


def _directive(found: Trouble) -> str:
    """The keyword of the innermost directive."""
    at = found.innermost("CONTROL")
    return found.text(found.stack[at][1] + 1) if at >= 0 else ""


# --- the part of the text that a message points at ------------------------------------------------------------

Place: TypeAlias = Callable[[Trouble], Span]


def _here(found: Trouble) -> Span:
    return found.span(found.at)


def _previous(found: Trouble) -> Span:
    return found.span(found.at - 1)


def _from_previous(found: Trouble) -> Span:
    return _previous(found).to(_here(found))


def _bracket(found: Trouble) -> Span:
    """The innermost open bracket."""
    return found.span(found.stack[found.innermost("LSQB", "LBRACE", "LBODY")][1])


def _closing_bracket(found: Trouble) -> Span:
    """The bracket that closes the index, as far as it can be told; the end of the text if none does."""
    kinds, depth = found.tokens.kinds, 0
    for at in range(found.at + 1, len(kinds)):
        if kinds[at] == RSQB and not depth:
            return found.span(at)
        depth += (kinds[at] in (LSQB, FOR_TUPLE)) - (kinds[at] == RSQB)
    return found.tokens.spans[-1]


def _callee(found: Trouble) -> Span:
    """The name of the innermost open call, and its parenthesis."""
    names = [name for name, _ in found.stack]
    opened = next(at for at in range(len(names) - 1, 0, -1) if names[at] == "LPAR" and names[at - 1] in _CALLEES)
    return found.span(found.stack[opened - 1][1]).to(found.span(found.stack[opened][1]))


def _template_start(found: Trouble) -> Span:
    """The first token of the innermost template."""
    at = found.innermost("OQUOTE", "OHEREDOC")
    return found.span(found.stack[at][1] + 1 if at >= 0 else 0)


def _after_dot(found: Trouble) -> Span:
    """The token behind the dot; but the star of a `.*` further back, which takes dotted steps along."""
    kinds = found.tokens.kinds
    at = found.at - 2
    while kinds[at] in (IDENT, NUMBER) and kinds[at - 1] == DOT:
        at -= 2
    return found.span(at if kinds[at] == DOT_STAR else found.at)


# --- examples -------------------------------------------------------------------------------------------------


class Example(NamedTuple):
    """A text in which the parser stops, and what is said of it. Stopping at an `@`, it stands for every token that
    has no example of its own."""

    text: str
    rule: Rule
    place: Place = _here
    start: str = "file"


EXAMPLES: Final = (
    Example("@", codes.ITEM_REQUIRED),
    Example('"${a}" = 1', codes.QUOTED_ARGUMENT_NAME),
    Example("a = 1\n@", codes.ITEM_REQUIRED),
    Example('a = 1\n"b" = 1', codes.QUOTED_ARGUMENT_NAME),
    Example("a {\n@", codes.ITEM_REQUIRED),
    Example('a {\n"b" = 1', codes.QUOTED_ARGUMENT_NAME),
    Example("a {\n", codes.UNCLOSED_BLOCK, _bracket),
    Example("a {\nb = 1\n@", codes.ITEM_REQUIRED),
    Example('a {\nb = 1\n"c" = 1', codes.QUOTED_ARGUMENT_NAME),
    Example("a {\nb = 1\n", codes.UNCLOSED_BLOCK, _bracket),
    Example("a @", codes.ITEM_REQUIRED_EQUALS, _previous),
    Example("a = 1 @", codes.MISSING_NEWLINE),
    Example("a = 1,", codes.COMMA_AFTER_ARGUMENT),
    Example("a b = 1", codes.BLOCK_WITH_EQUALS),
    Example("a b\n", codes.BLOCK_WITHOUT_BODY),
    Example("a b @", codes.INVALID_BLOCK_HEADER),
    Example("a {} @", codes.MISSING_NEWLINE_AFTER_BLOCK),
    Example("a {\n} @", codes.MISSING_NEWLINE_AFTER_BLOCK),
    Example("a { b = 1 } @", codes.MISSING_NEWLINE_AFTER_BLOCK),
    Example("a { @", codes.ITEM_REQUIRED),
    Example("a { b @", codes.ITEM_REQUIRED_EQUALS, _previous),
    Example("a { b c", codes.LINE_BLOCK_NESTED, _from_previous),
    Example('a { b "${c}"', codes.LINE_BLOCK_NESTED, _from_previous),
    Example("a { b {", codes.LINE_BLOCK_NESTED, _from_previous),
    Example("a { b = 1 @", codes.LINE_BLOCK_UNCLOSED),
    Example("a { b = 1, @", codes.LINE_BLOCK_COMMA),
    Example("a { b = 1\n", codes.LINE_BLOCK_CONTINUED),
    Example("a { b = 1", codes.UNCLOSED_BLOCK, _bracket),
    Example('a "', codes.UNTERMINATED_LITERAL),
    Example('a "b', codes.UNTERMINATED_LITERAL),
    Example('a "\\', codes.INVALID_IN_LITERAL),
    Example('a "b\\', codes.INVALID_IN_LITERAL),
    # expressions
    Example("1 @", codes.EXTRA_AFTER_EXPRESSION, start="expr"),
    Example("a = b ? c @", codes.MISSING_FALSE_RESULT),
    Example("a = (b @", codes.UNBALANCED_PARENTHESES),
    Example("a = f(b @", codes.MISSING_ARGUMENT_SEPARATOR),
    Example("a = f(b", codes.UNTERMINATED_CALL, _callee),
    Example("a = f(b... @", codes.MISSING_CLOSE_PARENTHESIS, _previous),
    Example("a = n::f(b @", codes.MISSING_ARGUMENT_SEPARATOR),
    Example("a = n::f(b", codes.UNTERMINATED_CALL, _callee),
    Example("a = n::f(b... @", codes.MISSING_CLOSE_PARENTHESIS, _previous),
    Example("a = f::@", codes.MISSING_FUNCTION_NAME),
    Example("a = f::g @", codes.MISSING_OPEN_PARENTHESIS),
    Example("a = b[c @", codes.MISSING_INDEX_BRACKET, _closing_bracket),
    Example("a = b[* @", codes.MISSING_SPLAT_BRACKET, _closing_bracket),
    Example("a = b. @", codes.INVALID_ATTRIBUTE_NAME, _after_dot),
    Example("a = [b @", codes.MISSING_ITEM_SEPARATOR),
    Example("a = [b", codes.UNTERMINATED_TUPLE, _bracket),
    Example("a = {b @", codes.MISSING_KEY_SEPARATOR),
    Example("a = {b c", codes.MISSING_KEY_SEPARATOR_NAME),
    Example("a = {b,", codes.MISSING_ATTRIBUTE_VALUE),
    Example("a = {b\n", codes.MISSING_ATTRIBUTE_VALUE),
    Example("a = {b", codes.UNTERMINATED_OBJECT, _bracket),
    Example("a = {b = 1, c @", codes.MISSING_KEY_SEPARATOR),
    Example("a = {b = 1, c d", codes.MISSING_KEY_SEPARATOR_NAME),
    Example("a = {b = 1, c,", codes.MISSING_ATTRIBUTE_VALUE),
    Example("a = {b = 1, c\n", codes.MISSING_ATTRIBUTE_VALUE),
    Example("a = {b = 1, c", codes.UNTERMINATED_OBJECT, _bracket),
    Example("a = {b = 1 @", codes.MISSING_ATTRIBUTE_SEPARATOR),
    Example("a = {b = 1", codes.UNTERMINATED_OBJECT, _bracket),
    Example("a = [for @", codes.FOR_NAME),
    Example("a = {for @", codes.FOR_NAME),
    Example("a = [for b, @", codes.FOR_VALUE_NAME),
    Example("a = [for b @", codes.FOR_IN),
    Example("a = [for b in c @", codes.FOR_COLON),
    Example("a = [for b in c: d @", codes.FOR_EXTRA),
    Example("a = {for b in c: d @", codes.FOR_EXTRA),
    # templates
    Example('a = "\\', codes.UNTERMINATED_TEMPLATE),
    Example('a = "b\\', codes.UNTERMINATED_TEMPLATE),
    Example("a = <<B\n\udcff", codes.UNTERMINATED_TEMPLATE),
    Example("a = <<B\nc\udcff", codes.UNTERMINATED_TEMPLATE),
    Example("\udcff", codes.UNTERMINATED_TEMPLATE, start="template"),
    Example("a\udcff", codes.UNTERMINATED_TEMPLATE, start="template"),
    Example("${a @", codes.INTERPOLATION_EXTRA, start="template"),
    Example("${a :", codes.INTERPOLATION_COLON, start="template"),
    Example("${a", codes.UNCLOSED_INTERPOLATION, _template_start, start="template"),
    Example("%{ @", codes.DIRECTIVE_REQUIRED, start="template"),
    Example("%{ a", codes.UNKNOWN_DIRECTIVE, start="template"),
    Example("%{ if a @", codes.DIRECTIVE_EXTRA, start="template"),
    Example("%{ else @", codes.DIRECTIVE_EXTRA, start="template"),
    Example("%{ endif @", codes.DIRECTIVE_EXTRA, start="template"),
    Example("%{ endfor @", codes.DIRECTIVE_EXTRA, start="template"),
    Example("%{ for a in b @", codes.DIRECTIVE_EXTRA, start="template"),
    Example("%{ for @", codes.FOR_DIRECTIVE_NAME, start="template"),
    Example("%{ for a, @", codes.FOR_DIRECTIVE_VALUE_NAME, start="template"),
    Example("%{ for a @", codes.FOR_DIRECTIVE_IN, start="template"),
)

_TOKENIZE: Final = {"file": tokenize, "expr": tokenize_expression, "template": tokenize_template}


@cache
def _table() -> dict[tuple[int, int], Example]:
    """The examples by state and kind of token."""
    table = {}
    for example in EXAMPLES:
        source = Source("example", example.text)
        stopped = locate(_TOKENIZE[example.start](source, example.text, 0), STARTS[example.start])
        table[stopped.state, stopped.kind] = example
    return table
