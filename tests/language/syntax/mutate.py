"""Broken texts from good ones."""

import random

from bakec.compiler.hcl.lexer import tokenize
from bakec.ir.span import Source

PIECES = (
    *"()[]{}=,.:?*-!<>&|#$%@'`;\\\"\t\n\r é",
    *("${", "%{", "~}", "${~", "==", "&&", "...", "=>", "::", "//", "/*", "*/", "1.2", '"a"', '"${x}"', "\udcff", "“"),
    *(" if ", " for ", " in ", " else ", " endif ", " endfor ", "true", "null", "x", "<<EOT\n", "EOT\n", "\\u00e9"),
    *("[for a in b: a]", "{for a in b: a => a}", "x {\n}\n", "a = 1\n"),
)


def mutated(rng: random.Random, text: str) -> str:
    """`text` with up to three tokens taken out, put in, doubled, replaced or exchanged."""
    parts = split(text)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if not parts:
            break
        at, other = rng.randrange(len(parts)), rng.randrange(len(parts))
        match rng.randrange(5):
            case 0:
                del parts[at]
            case 1:
                parts.insert(at, rng.choice(PIECES))
            case 2:
                parts.insert(at, parts[at])
            case 3:
                parts[at] = rng.choice(PIECES)
            case _:
                parts[at], parts[other] = parts[other], parts[at]
    return "".join(parts)


def split(text: str) -> list[str]:
    """The tokens of `text` and what is between them."""
    parts: list[str] = []
    last = 0
    for span in tokenize(Source("f", text), text, 0).spans:
        if span.start >= last:
            parts += (text[last : span.start], span.text)
            last = span.end
    return [part for part in (*parts, text[last:]) if part]
