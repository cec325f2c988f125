"""`.env` files."""

import pytest

from bakec.compiler.compose.dotenv import DotenvError, parse_dotenv, read_dotenv
from bakec.ir.diagnostics import Failed
from bakec.ir.span import Source

ENV = {"HOST": "h"}

FILES = [
    # text, variables
    ("A=1\nB = 2\n", {"A": "1", "B": "2"}),
    ("A: 1\n", {"A": "1"}),
    ("export A=1\nexport  B=2", {"A": "1", "B": "2"}),
    ("# c\n\nA=1 # c\nB=1#c\nC=#c\n", {"A": "1", "B": "1#c", "C": "#c"}),
    ("A='$HOST #x'\nB=\"$HOST #x\"\n", {"A": "$HOST #x", "B": "h #x"}),
    ('A=\'it\\\'s\'\nB="say \\"hi\\""\n', {"A": "it's", "B": 'say "hi"'}),
    ('A="a\\nb\\tc\\\\d\\$HOST\\0101\\01"\n', {"A": "a\nb\tc\\d$HOSTA\\1"}),
    ("A='two\nlines'\nB=1\n", {"A": "two\nlines", "B": "1"}),
    ("A=1\nB=${A}2\nC=${NO:-${B}}\nD=${HOST}\n", {"A": "1", "B": "12", "C": "12", "D": "h"}),
    ("HOST=own\nB=$HOST\n", {"HOST": "own", "B": "h"}),
    ("HOST\nNO\n", {"HOST": "h"}),
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ("a.b-c[0]=1\n", {"a.b-c[0]": "1"}),
    ("A=1\nA=2\n", {"A": "2"}),
    ("A=\nB=  \n", {"A": "", "B": ""}),
    ("LAST", {"": "LAST"}),
    ("", {}),
    ("# only", {}),
]

REFUSED = [
    ("A B=1\n", "line 1: key cannot contain a space"),
    ("\nA!=1\n", 'line 2: unexpected character "!" in variable name "A!=1"'),
    ('A="x\n', 'line 2: unterminated quoted value "x'),
    ("A='x\ny", "line 2: unterminated quoted value 'x"),
    ("A=${\n", 'Invalid template: "${"'),
    ("A=${X:?why}\n", "required variable X is missing a value: why"),
    ("\ufeffA=1", 'line 1: unexpected character "\\ufeff" in variable name "\\ufeffA=1"'),
    ("export ", "zero length string"),
]


@pytest.mark.parametrize(("text", "expected"), FILES)
def test_variables(text: str, expected: dict[str, str]) -> None:
    assert expected == parse_dotenv(text, ENV)


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(DotenvError) as caught:
        parse_dotenv(text, ENV)

    assert message == str(caught.value)


def test_known_variables_stay_and_serve() -> None:
    assert parse_dotenv("B=$A\n", {}, known={"A": "1"}) == {"A": "1", "B": "1"}


def test_variables_without_a_value_are_told() -> None:
    unset: list[str] = []

    parse_dotenv("A=$X\nB='$Y'\n", {}, unset=unset.append)

    assert unset == ["X"]


def test_a_file_that_cannot_be_read_shows_the_line() -> None:
    with pytest.raises(Failed) as caught:
        read_dotenv(Source(".env", "A=1\nB!=2\nC=3\n"), {})

    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == 'failed to read .env: line 2: unexpected character "!" in variable name "B!=2"'
    assert diagnostic.subject is not None
    assert diagnostic.subject.text == "B!=2"
