"""No input makes the parsers fail otherwise than by a diagnostic, nor take longer than its size allows."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakec.compiler.hcl.parse import parse_expression, parse_hcl
from bakec.compiler.json.parse import parse_json
from bakec.ir.codes import syntax as codes
from bakec.ir.diagnostics import Diagnostics
from bakec.ir.span import Source
from tests.language.syntax.mutate import PIECES, mutated
from tests.language.syntax.test_golden import FOLDERS, read

SOURCES = [read(folder) for folder in FOLDERS]


def check(text: str, name: str = "f.hcl") -> Diagnostics:
    """Parse `text`; each diagnostic points into it."""
    sink = Diagnostics()
    (parse_json if name.endswith(".json") else parse_hcl)(Source(name, text), sink)
    for one in sink:
        assert one.subject is not None
        assert 0 <= one.subject.start <= one.subject.end
        assert one.subject.start <= len(text)
    return sink


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text())).map("".join))
def test_any_text_parses_or_is_reported(text: str) -> None:
    check(text)
    check(text, "f.json")
    parse_expression(Source("f", text), Diagnostics())


@pytest.mark.parametrize("seed", range(4))
def test_broken_definitions_are_reported(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(1000):
        source = rng.choice(SOURCES)
        check(mutated(rng, source.text), source.name)


@given(st.binary())
def test_bytes_that_are_no_text_are_reported(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    sink = check(f'a = "{text}"\n')
    if "\\" not in text and any("\ud800" <= char <= "\udfff" for char in text) and "$" not in text and "%" not in text:
        assert sink.failed


DEEP = {
    "parentheses": "(",
    "tuples": "[",
    "objects": "{a=",
    "calls": "f(",
    "indexes": "a[",
    "templates": '"${',
    "heredocs": "<<E\n${",
    "not": "!",
    "minus": "-",
    "conditionals": "a ? b : ",
    "for": "[for a in ",
    "operators": "1+",
    "index steps": "x[y]",
    "splats": "x[*]",
    "blocks": "a {\n",
    "directives": '"%{ if a }',
}


@pytest.mark.parametrize("piece", DEEP.values(), ids=DEEP)
def test_deep_nesting_is_refused(piece: str) -> None:
    opening = piece if piece == "a {\n" else f"a = {piece}"
    closing = {"x[y]": "\n", "x[*]": "\n", '"%{ if a }': '"\n'}.get(piece, "x\n")
    inner = piece[1:] if piece.startswith(("x[", '"%')) else piece

    sink = check(opening + inner * 100_000 + closing)

    assert len(sink) >= 1


@pytest.mark.parametrize("text", ["(" * 100_000 + "1" + ")" * 100_000, "1" + "+1" * 100_000, "x" + "[*]" * 100_000])
def test_deep_nesting_is_named_as_such(text: str) -> None:
    assert [codes.NESTED_TOO_DEEP] == [one.rule for one in check(f"a = {text}\n")]


def test_deep_json_is_refused() -> None:
    for piece in ("[", '{"a":'):
        assert [codes.NESTED_TOO_DEEP] == [one.rule for one in check(piece * 100_000, "f.json")]


REPEATED = {
    "attributes": "a{} = 1\n",
    "bad attributes": "a{} = 1 2\n",
    "blocks": 'target "t{}" {{\n  tags = ["a:${{b}}", "c"]\n}}\n',
    "blank lines": "\n",
    "comments": "# {}\n",
    "closing brackets": "}}",
    "dollars": "$",
}


@pytest.mark.parametrize("piece", REPEATED.values(), ids=REPEATED)
def test_time_grows_with_size(piece: str) -> None:
    def seconds(count: int) -> float:
        text = "".join([piece.format(at) for at in range(count)])
        best = 60.0
        for _ in range(3):
            start = time.process_time()
            check(text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(8000) < 8 * seconds(2000) + 0.05
