"""Where the parser stops, and what it says."""

import pytest

from bakec.compiler.hcl.errors import EXAMPLES, Example, explain, locate
from bakec.compiler.hcl.lexer import tokenize, tokenize_expression, tokenize_template
from bakec.compiler.hcl.parse import parse_hcl
from bakec.compiler.hcl.tables import STARTS
from bakec.compiler.json.parse import parse_json
from bakec.ir.codes import syntax as codes
from bakec.ir.diagnostics import Diagnostics, Rule
from bakec.ir.span import Source
from tests.language.syntax.test_golden import FOLDERS, read

TOKENIZE = {"file": tokenize, "expr": tokenize_expression, "template": tokenize_template}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: repr(example.text))
def test_each_example_is_explained_by_its_rule(example: Example) -> None:
    tokens = TOKENIZE[example.start](Source("f", example.text), example.text, 0)

    found = explain(locate(tokens, STARTS[example.start]))

    assert example.rule is found.rule
    assert "{" not in found.message.replace("{ … }", "").replace('"{"', "").replace('${"', "").replace("%{", "")


def test_each_rule_has_an_input_that_breaks_it() -> None:
    rules = {rule for rule in vars(codes).values() if isinstance(rule, Rule)}
    seen = {example.rule for example in EXAMPLES} | {codes.AMBIGUOUS_KEY, codes.JSON_DUPLICATE_KEY}
    for folder in FOLDERS:
        sink, source = Diagnostics(), read(folder)
        (parse_json if source.name.endswith(".json") else parse_hcl)(source, sink)
        seen |= {one.rule for one in sink}

    assert {codes.NESTED_TOO_DEEP} == rules - seen, "covered by test_robustness"


def test_rules_have_codes_of_their_own_and_explain_themselves() -> None:
    rules = [rule for rule in vars(codes).values() if isinstance(rule, Rule)]

    assert len(rules) == len({rule.code for rule in rules})
    assert all(rule.code.startswith("BK1") and rule.explain for rule in rules)


def messages(text: str) -> list[str]:
    sink = Diagnostics()
    parse_hcl(Source("f", text), sink)
    return [f"{one.subject.text if one.subject else ''} {one.summary}" for one in sink]


def test_what_is_left_over_from_an_error_is_not_reported() -> None:
    assert messages("a {\n  b = (1]\n}\n}\nc = 1\n") == ["] Unbalanced parentheses"]


def test_an_item_behind_an_unclosed_one_is_not_reported_twice() -> None:
    assert messages("a = [1 2\nb = 3\n") == ["2 Missing item separator"]


def test_an_error_hides_none_that_came_before_it() -> None:
    assert messages('a = "\\q" 1\n') == ["\\q Invalid escape sequence", "1 Missing newline after argument"]


def test_an_unclosed_index_is_reported_at_the_bracket_that_was_taken_for_its_end() -> None:
    assert messages("a = b[c d]\n") == ["] Missing close bracket on index"]


def test_only_so_many_of_the_same_bad_character_are_told() -> None:
    told = messages(f"a = {'& ' * 9}\n")

    assert ["& Unsupported operator"] * 4 + ["& Invalid expression"] == told
