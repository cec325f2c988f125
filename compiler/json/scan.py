"""JSON text to tokens that know where they stand. Lax about what is in a token: the parser says what is wrong."""

from __future__ import annotations

import re

from bakec.ir.records import NamedTuple
from bakec.ir.span import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from bakec.ir.span import Source

_TOKEN: Final = re.compile(
    r"""[ \t\r\n]*+(?:
      ([{}\[\],:=])
    | ("(?:[^"\\\x00-\x1f]++|\\["\\]?)*+"?)
    | ([-+.0-9][-+.eE0-9]*+)
    | ([A-Za-z][A-Za-z_]*+)
    | ([\s\S])
    )""",
    re.VERBOSE,
)

STRING: Final = "string"
NUMBER: Final = "number"
WORD: Final = "word"
INVALID: Final = "invalid"
END: Final = "end"
_KINDS: Final = ("", "", STRING, NUMBER, WORD, INVALID)


class Token(NamedTuple):
    """`kind` is the character itself for punctuation."""

    kind: str
    text: str
    span: Span


def scan(source: Source) -> list[Token]:
    """The tokens of `source`. The last is `END`, behind an `INVALID` one at the latest."""
    tokens: list[Token] = []
    end = len(source.text)
    for found in _TOKEN.finditer(source.text):
        group = found.lastindex or 0
        text = found[group]
        span = Span(source, *found.span(group))
        tokens.append(Token(_KINDS[group] or text, text, span))
        if group == len(_KINDS) - 1:
            end = span.end
            break
    tokens.append(Token(END, "", Span(source, end, end)))
    return tokens
