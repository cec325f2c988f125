"""The generated tables."""

import subprocess
import sys
from pathlib import Path

from bakec.compiler.hcl.kinds import KINDS, WORDS
from bakec.compiler.hcl.lower import Lower
from bakec.compiler.hcl.tables import ACTIONS, GOTOS, RULES, SYMBOLS

ROOT = Path(__file__).resolve().parents[3]


def test_tables_are_what_the_grammar_says() -> None:
    """`scripts/grammar` rewrites them."""
    assert subprocess.run([sys.executable, ROOT / "scripts" / "grammar", "--check"], check=False).returncode == 0


def test_each_maker_exists() -> None:
    assert [name for _, _, name in RULES if not callable(getattr(Lower, name, None))] == []


def test_tables_fit_together() -> None:
    assert len(ACTIONS) == len(GOTOS) == len(SYMBOLS)
    assert {len(KINDS)} == {len(row) for row in ACTIONS}
    assert max(max(row) for row in ACTIONS) < len(ACTIONS)
    assert min(min(row) for row in ACTIONS) >= -len(RULES)


def test_no_state_takes_both_a_name_and_a_word() -> None:
    """A name becomes a word only where a name does not fit, so the word must not be hidden by it."""
    ident = KINDS.index("IDENT")

    assert [row for row in ACTIONS if row[ident] and any(row[word] for word in WORDS.values())] == []
