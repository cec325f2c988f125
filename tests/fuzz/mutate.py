"""Definitions, `--set` and `--var` flags with something wrong in them."""

# ruff: noqa: E501 - a case a line

import re
from pathlib import Path
from random import Random
from typing import Final

from tests.differential.generate import generate

TOKEN: Final = re.compile(r"\$\{|%\{|<<-?\w+|[A-Za-z_][\w-]*|\d+|\s+|.", re.DOTALL)
PIECES: Final = (
    *(
        '"',
        "}",
        "{",
        "${",
        "[",
        "]",
        "=",
        "nope",
        "null",
        "1",
        ",",
        "\n",
        "(",
        ")",
        "?",
        ":",
        "true",
        "target.x",
        "upper(",
    ),
    *(
        "<<EOT\n",
        "%{ if true }",
        "%{ endfor }",
        ".",
        "*",
        "!",
        "/*",
        "#",
        "é",
        "\t",
        '""',
        "[]",
        "{}",
        "- ",
        "&a",
        "*a",
    ),
    *(
        "<<",
        "!x",
        "...",
        "\\u0000",
        "\ud800",
        "\x00",
        "1e999",
        "-",
        "~}",
        "$$",
        "\u2028",
        "|",
        ">-",
        "? ",
        "%",
        "@",
        "`",
    ),
    *("matrix", "inherits", "target:t0", "for x in", "if", "=>", "9" * 400, "\ufeff", "\r", "'", "services:", "build:"),
)
GOLDEN: Final = Path(__file__).parents[1] / "definitions/golden"
SEEDS: Final = sorted(
    path
    for path in GOLDEN.glob("*/*/*")
    if path.suffix in (".hcl", ".json", ".yaml", ".yml") and path.stem != "expected"
)
SETS: Final = (
    "default.args.A=1", "*.tags=x", "*.output=type=", "*.platform=a/b", "*.secrets=id=", "*.", "=", "*.resources.memory=1",
    "*.attest=type=sbom,disabled=maybe", "*.cache-from=type=gha,\"", "[.x=1", "*.contexts.x=target:default", "*.policy=x",
    "*.ulimits=1", "*.push=true", "*.load=true", "*.annotations=\x00", "*.secret.a=b", "*.extra-hosts.a=", "*.shm-size=-1",
)  # fmt: skip


def mutated(rng: Random) -> tuple[str, str]:
    """Name and text of a file."""
    if rng.random() < 0.4:
        name, text = next(iter(generate(rng.randrange(1 << 30)).files.items()))
    else:
        path = rng.choice(SEEDS)
        name, text = path.name, path.read_text("utf-8")
    return rng.choice((name, name, "bake")), damaged(text, rng)


def damaged(text: str, rng: Random) -> str:
    parts = TOKEN.findall(text)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(len(parts) + 1)
        match rng.randrange(5):
            case 0:
                parts[at : at + 1] = []
            case 1:
                parts.insert(at, rng.choice(PIECES))
            case 2:
                parts[at : at + 1] = [rng.choice(PIECES)]
            case 3 if parts:
                parts.insert(at, rng.choice(parts))
            case _:
                end = min(len(parts), at + rng.randrange(20))
                parts[at:at] = parts[at:end] * rng.choice((1, 2, 50))
    return "".join(parts)


def flags(rng: Random) -> tuple[list[str], list[str]]:
    """`--set` and `--var` flags, most of them broken."""
    sets = [damaged(rng.choice(SETS), rng) for _ in range(rng.choice((0, 0, 1, 2)))]
    texts = ("V=1", "v0=", "V=[1", "V_JSON={", "V_JSON=[1]", "V=1,2", "V=\x00", "v1=true", "V=9e999")
    return sets, [rng.choice(texts) for _ in range(rng.choice((0, 0, 1)))]
