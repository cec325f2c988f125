"""Definitions found in the wild, with what the reference said of them."""

import json
import os
from pathlib import Path

import pytest

from bakec.compiler.hcl.parse import parse_hcl
from bakec.compiler.json.parse import parse_json
from bakec.compiler.render.ranges import messages
from bakec.ir.codes import syntax as codes
from bakec.ir.diagnostics import Diagnostics, Rule
from bakec.ir.span import Source

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/*/case.json"))

pytestmark = pytest.mark.skipif(not CASES and "CI" not in os.environ, reason="the corpus is kept outside")


def test_the_corpus_is_there() -> None:
    assert len(CASES) > 300


def beginnings(*, of_json: bool) -> list[str]:
    """How the messages of a parser begin. The templates in JSON are reported only when they are evaluated."""
    rules = [(name, rule) for name, rule in vars(codes).items() if isinstance(rule, Rule)]
    texts = [f": {rule.summary}; {rule.detail}" for name, rule in rules if name.startswith("JSON_") == of_json]
    return [text.split("{")[0] for text in texts]


def is_of_parser(error: str) -> bool:
    """Whether the reference reports `error` when it parses."""
    file = error.removeprefix("ERROR: ").split(":")[0]
    return any(beginning in error for beginning in beginnings(of_json=file.endswith(".json")))


def diagnose(case: Path, name: str) -> str:
    """The syntax errors of one file, in the reference's one line; an empty string for none."""
    sink = Diagnostics()
    text = (case / name).read_bytes().decode("utf-8", "surrogateescape")
    (parse_json if name.endswith(".json") else parse_hcl)(Source(name, text), sink)
    return messages(sink.items) if sink.items else ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_files_parse_unless_the_reference_says_otherwise(case: Path) -> None:
    facts = json.loads((case / "case.json").read_text("utf-8"))
    names = facts["files"] or facts.get("companions", [])
    names = [name for name in names if name.endswith((".hcl", ".json")) and (case / name).is_file()]
    errors = {path.read_text("utf-8").strip() for path in case.glob("runs/*/error.txt")}
    expected = {error for error in errors if is_of_parser(error)}

    found = {f"ERROR: {line}" for line in (diagnose(case, name) for name in names) if line}

    assert expected == found
