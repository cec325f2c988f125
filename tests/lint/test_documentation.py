"""The tables of diagnostics hold together, and the pages made from them are fresh."""

# ruff: noqa: E501 - a case a line

import re
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bakec.ir.diagnostics import Rule

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import generate  # noqa: E402  - a script, not a package

RULES = [rule for table in generate.rules().values() for rule in table]


def test_codes_are_unique() -> None:
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes)) > 300


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_is_documented_and_its_templates_format(rule: Rule) -> None:
    assert re.fullmatch(r"BK\d{3}", rule.code)
    assert rule.explain.strip(), "no explanation"
    texts = (rule.summary, rule.detail, rule.hint)
    names = {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    assert all(name.isidentifier() for name in names)
    values: dict[str, Any] = dict.fromkeys(names, "x")
    assert rule.at(None, **values).message.strip()


def test_pages_are_fresh() -> None:
    """`make generate` writes them."""
    done = subprocess.run(
        [sys.executable, "scripts/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_used() -> None:
    """A rule that no module mentions is dead."""
    declared = {}
    for table in (ROOT / "ir/codes").glob("*.py"):
        declared.update(
            dict.fromkeys(re.findall(r"^([A-Z][A-Z_0-9]+) = Rule\(", table.read_text(), re.MULTILINE), table)
        )
    code = "\n".join(
        path.read_text() for top in ("compiler", "runtime", "ir", "bakec/cli", "bakec") for path in (ROOT / top).glob("**/*.py")
        if path.parent.name != "codes"
    )  # fmt: skip
    dead = sorted(f"{table.stem}.{name}" for name, table in declared.items() if not re.search(rf"\b{name}\b", code))
    assert not dead
