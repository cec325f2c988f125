"""`$NAME` and its kin."""

import pytest

from bakec.compiler.compose.template import InvalidTemplateError, MissingError, substitute

ENV = {"A": "a", "E": "", "Q": "q"}


def expand(text: str) -> tuple[str, list[str]]:
    unset: list[str] = []
    return substitute(text, ENV.get, unset.append), unset


VALUES = [
    ("plain", "plain"), ("$A", "a"), ("${A}", "a"), ("$$A", "$A"), ("$$$A", "$a"), ("$1 $ $-", "$1 $ $-"),
    ("x$A.y", "xa.y"),
    ("${X:-d}", "d"), ("${E:-d}", "d"), ("${E-d}", ""), ("${X-d}", "d"), ("${A:-d}", "a"), ("${X:-}", ""),
    ("${A:+y}", "y"), ("${E:+y}", ""), ("${E+y}", "y"), ("${X+y}", ""), ("${A?no}", "a"),
    ("${E?no}", ""), ("${A:?no}", "a"),
    ("${X:-${A}}", "a"), ("${X:-${Y-${Q}}}!", "q!"), ("${X:-$$}", "$"), ("${X:-a b:c}", "a b:c"),
    ("${X:-{}}", "{}"), ("${X:-{a}}b}", "{a}b}"), ("${A:-x}$A}tail", "aa}tail"), ("${X-a-b:-c}", "a-b:-c"),
]  # fmt: skip

INVALID = ["${", "${}", "${1}", "${A", "${A:x}", "${X:-a\nb}", "${X:-", "${ A}", "${A!}"]


@pytest.mark.parametrize(("text", "expected"), VALUES)
def test_values(text: str, expected: str) -> None:
    assert (expected, []) == expand(text)


@pytest.mark.parametrize("text", INVALID)
def test_invalid(text: str) -> None:
    with pytest.raises(InvalidTemplateError) as caught:
        expand(text)

    assert text == caught.value.template


def test_only_plain_variables_are_missed() -> None:
    assert expand("$X|${Y}|${Z-}") == ("||", ["X", "Y"])


def test_unused_arguments_are_not_expanded() -> None:
    assert expand("${A:-${X:?needed}}") == ("a", [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${X:?}", "required variable X is missing a value"),
        ("${E:?set $A}", "required variable E is missing a value: set a"),
        ("${X?no}", "required variable X is missing a value: no"),
    ],
)
def test_required(text: str, message: str) -> None:
    with pytest.raises(MissingError, match="required") as caught:
        expand(text)

    assert message == str(caught.value)


def test_the_message_shows_what_is_left_of_the_line() -> None:
    with pytest.raises(InvalidTemplateError) as caught:
        expand("${X:-E}${A}:-${1}}")

    assert caught.value.template == "${A}:-${1}}"


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(InvalidTemplateError):
        expand("${X:-" * 5000 + "}" * 5000)


def test_long_lines_take_linear_time() -> None:
    assert expand("${X:-d}" * 20_000) == ("d" * 20_000, [])
