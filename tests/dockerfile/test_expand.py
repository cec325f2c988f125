"""Word expansion: one line a rule, `word -> result` with the variables of the table below."""

import pytest

from bakec.compiler.dockerfile.expand import ExpansionError, Mode, expand, split_words

VARIABLES = {"name": "value", "empty": "", "path": "/a/b/c.tar.gz", "list": "a:b:c", "spaced": "x y", "ünï": "u"}

EXPANDED = [
    ("plain", "plain"),
    ("$name", "value"),
    ("${name}s", "values"),
    ("$names", ""),
    ("a$", "a$"),
    ("$ünï!", "u!"),
    ("'$name'", "$name"),
    ("\"$name 'q'\"", "value 'q'"),
    (r"\$name", "$name"),
    (r'"\$name \x \""', r'$name \x "'),
    ("a\\", "a"),
    ("${unset:-d}", "d"),
    ("${empty:-d}", "d"),
    ("${empty-d}", ""),
    ("${name:+set}${empty:+no}${unset+no}", "set"),
    ("${empty+yes}", "yes"),
    ("${unset:-${name:+${empty:-deep}}}", "deep"),
    ("${name:?never}", "value"),
    ("${path#*/}", "a/b/c.tar.gz"),
    ("${path##*/}", "c.tar.gz"),
    ("${path%.*}", "/a/b/c.tar"),
    ("${path%%.*}", "/a/b/c"),
    ("${list/:/-}", "a-b:c"),
    ("${list//:/-}", "a-b-c"),
    ("${list//?/'<$0>'}", "<a><:><b><:><c>"),
    ("${path/\\/a/x}", "x/b/c.tar.gz"),
    ("\ufeff$name", "value"),
]

PROBLEMS = [
    ("${", "syntax error: missing '}'"),
    ("${name", "unsupported modifier (\ufffd) in substitution"),
    ("${name:-x", "syntax error: missing '}'"),
    ("${name:-it's}", "syntax error: missing '}'"),
    ("${}", "syntax error: bad substitution"),
    ("${name^}", "unsupported modifier (^) in substitution"),
    ("${name:=x}", "unsupported modifier (:=) in substitution"),
    ("${unset?}", "unset: is not allowed to be unset"),
    ("${empty:?must be set}", "empty: must be set"),
    ("${name/x}", "syntax error: missing '/' in ${}"),
    ("'a", "unexpected end of statement while looking for matching single-quote"),
    ('"a', "unexpected end of statement while looking for matching double-quote"),
]


@pytest.mark.parametrize(("word", "result"), EXPANDED)
def test_a_word_expands(word: str, result: str) -> None:
    assert expand(word, VARIABLES, Mode()).text == result


@pytest.mark.parametrize(("word", "problem"), PROBLEMS)
def test_a_word_that_cannot_be_expanded_says_why(word: str, problem: str) -> None:
    with pytest.raises(ExpansionError) as raised:
        expand(word, VARIABLES, Mode())

    assert str(raised.value).endswith(f": {problem}")


def test_the_escape_character_of_the_file_is_used() -> None:
    assert expand(r"C:\x`$name", VARIABLES, Mode(escape="`")).text == r"C:\x$name"


def test_variables_that_were_met_are_told_apart() -> None:
    found = expand("$name ${unset:-$other}", VARIABLES, Mode())

    assert (list(found.matched), list(found.unmatched)) == (["name"], ["other", "unset"])


def test_references_to_unset_variables_can_stay() -> None:
    mode = Mode(keep_unset=True, raw_quotes=True)

    assert expand("\"$unset\" ${unset:-d} '$name' $name", VARIABLES, mode).text == (
        "\"$unset\" ${unset:-d} '$name' value"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b", ["a", "b"]),
        ("'a b' c", ["a b", "c"]),
        ("$spaced z", ["x", "y", "z"]),
        ('"$spaced" z', ["x y", "z"]),
        (r"a\ b", ["a b"]),
        ("'' a", ["a"]),
        # What stands in front of a default in the same word is lost, as in the reference.
        ("8${unset:-1}2", ["12"]),
    ],
)
def test_words_are_split_at_spaces_that_are_not_quoted(text: str, words: list[str]) -> None:
    assert split_words(text, VARIABLES) == words


def test_a_pattern_of_many_stars_takes_linear_time() -> None:
    value = "a" * 20_000

    assert expand("${v#*a*a*a*a*a*a*b}", {"v": value}, Mode()).text == value


def test_nesting_has_a_limit_and_not_a_traceback() -> None:
    with pytest.raises(ExpansionError, match="nested too deeply"):
        expand("${a:-" * 5000 + "}" * 5000, {}, Mode())
