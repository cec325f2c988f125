"""The kinds of tokens: the columns of the parser's tables, and the terminals of `grammar.lark`.

The first groups of the lexer's pattern for code are numbered like their kinds, up to `NUMBER`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

KINDS: Final = (
    "$END",
    "IDENT",
    "STRING",
    "NEWLINE",
    "NUMBER",
    "EQUAL",
    "COMMA",
    "DOT",
    "COLON",
    "SCOPE",
    "QUESTION",
    "ELLIPSIS",
    "ARROW",
    "STAR",
    "DOT_STAR",
    "MINUS",
    "BANG",
    "OPERATOR",
    "LPAR",
    "RPAR",
    "LSQB",
    "RSQB",
    "LBRACE",
    "LBODY",
    "RBRACE",
    "FOR_TUPLE",
    "FOR_OBJECT",
    "OQUOTE",
    "CQUOTE",
    "OHEREDOC",
    "CHEREDOC",
    "QUOTED",
    "TEXT",
    "INTERP",
    "NAME_INTERP",
    "CONTROL",
    "SEQ_END",
    "IF",
    "ELSE",
    "ENDIF",
    "FOR",
    "ENDFOR",
    "IN",
    "INVALID",
    "LINE_BREAK",
)

(
    END,
    IDENT,
    STRING,  # a whole quoted string that holds nothing to interpret
    NEWLINE,  # one or more line ends with the comments and blanks between
    NUMBER,
    EQUAL,
    COMMA,
    DOT,
    COLON,
    SCOPE,  # ::
    QUESTION,
    ELLIPSIS,
    ARROW,  # =>
    STAR,  # multiplication, or the star of [*]
    DOT_STAR,  # the star of .*
    MINUS,
    BANG,
    OPERATOR,  # every other binary operator
    LPAR,
    RPAR,
    LSQB,
    RSQB,
    LBRACE,  # of an object
    LBODY,  # the brace of a block
    RBRACE,
    FOR_TUPLE,  # the bracket before a `for`, which is part of the token
    FOR_OBJECT,  # the brace likewise
    OQUOTE,
    CQUOTE,
    OHEREDOC,
    CHEREDOC,
    QUOTED,  # literal text in quotes
    TEXT,  # literal text elsewhere: no backslash escapes
    INTERP,  # ${
    NAME_INTERP,  # ${name}, in quotes: most sequences are no more than that
    CONTROL,  # %{
    SEQ_END,  # the brace that ends either
    IF,  # the words from here to IN are IDENT to the lexer; the parser asks for them where IDENT does not fit
    ELSE,
    ENDIF,
    FOR,
    ENDFOR,
    IN,
    INVALID,
    LINE_BREAK,  # in a quoted string
) = range(len(KINDS))

WORDS: Final = {"if": IF, "else": ELSE, "endif": ENDIF, "for": FOR, "endfor": ENDFOR, "in": IN}
