"""Trees back to text."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakec.compiler.hcl.parse import parse_hcl
from bakec.compiler.hcl.printer import print_expr, print_file
from bakec.ir.diagnostics import Diagnostics, Failed
from bakec.ir.span import Source
from bakec.ir.syntax import File
from tests.language.syntax.mutate import mutated
from tests.language.syntax.test_golden import FOLDERS, read
from tests.language.syntax.trees import bare


def parsed(text: str) -> File | None:
    """The tree of `text`, or None if it has errors."""
    sink = Diagnostics()
    file = parse_hcl(Source("f", text), sink)
    return None if sink.failed else file


def assert_round_trip(file: File) -> None:
    text = print_file(file)
    again = parsed(text)
    assert again is not None, text
    assert bare(file.body) == bare(again.body), text
    assert text == print_file(again)


INPUTS = [text for text in (read(folder).text for folder in FOLDERS if (folder / "input.hcl").exists()) if parsed(text)]


@pytest.mark.parametrize("text", INPUTS, ids=range(len(INPUTS)))
def test_parsing_what_was_printed_gives_the_tree_again(text: str) -> None:
    file = parsed(text)
    assert file is not None
    assert_round_trip(file)


def test_so_does_whatever_else_parses() -> None:
    rng = random.Random(1)
    files = [file for _ in range(3000) if (file := parsed(mutated(rng, rng.choice(INPUTS))))]

    assert len(files) > 300
    for file in files:
        assert_round_trip(file)


@given(st.text())
def test_any_text_survives_as_a_string(text: str) -> None:
    escaped = "".join(f"\\U{ord(char):08x}" for char in text if not 0xD800 <= ord(char) <= 0xDFFF)
    file = parsed(f'a = "{escaped}"\nb = "x{escaped}${{y}}"\nc "{escaped}" {{}}\n')
    assert file is not None
    assert_round_trip(file)


def test_style() -> None:
    file = parsed(
        'target "a"   { context="." }\nx=[1,2,]\n'
        f'long = ["{"a" * 60}", "{"b" * 60}"]\n'
        'y = { "a b":1\n c= [for k,v in m:v if k], }\n'
        "run = <<-E\n  echo $${HOME}\n  true\nE\n"
    )
    assert file is not None

    assert print_file(file).splitlines() == [
        'target "a" {',
        '  context = "."',
        "}",
        "",
        "x = [1, 2]",
        "long = [",
        f'  "{"a" * 60}",',
        f'  "{"b" * 60}",',
        "]",
        'y = { "a b" = 1, c = [for k, v in m : v if k] }',
        "run = <<EOT",
        "echo $${HOME}",
        "true",
        "EOT",
    ]


def test_too_deep_a_tree_is_refused() -> None:
    file = parsed(f"a = {'(' * 900}1{')' * 900}\n")
    assert file is not None

    with pytest.raises(Failed, match="Nesting too deep"):
        print_file(file)
    with pytest.raises(Failed, match="Nesting too deep"):
        print_expr(file.body.attributes["a"].expr)
