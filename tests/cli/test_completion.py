"""Completion of the command line: what the last word may become, and a shell that asks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bakec.cli.completion import candidates
from bakec.cli.main import VERBS
from bakec.ir.diagnostics import Exit
from tests.cli.running import DEFINITIONS, Bakec


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["comp"], ["compile", "completion"]),
        (["--v"], ["--version"]),
        (["builder", "in"], ["inspect"]),
        (["builder", "create", "--driver"], ["--driver", "--driver-opt"]),
        (["diff", "--form"], ["--format"]),
        (["diff", "--format", ""], ["html", "json", "markdown", "text"]),
        (["diff", "--format=m"], ["--format=markdown"]),
        (["diff", "--format", "=", "m"], ["markdown"]),
        (["diff", "--format", "="], ["html", "json", "markdown", "text"]),
        (["diff", "--json", ""], []),
        (["run", ""], []),
        (["completion", "f"], ["fish"]),
        (["nonsense", ""], []),
        (["builder", "nonsense", ""], []),
        (["="], sorted([*VERBS, "--help", "--version"])),
        (["bake", "-f", "-", ""], []),
    ],
    ids=" ".join,
)
def test_words(words: list[str], expected: list[str]) -> None:
    assert candidates(words) == sorted(expected)


def test_targets_of_the_definitions(bakec: Bakec) -> None:
    Path("other.hcl").write_text('target "other" {}')

    assert candidates(["compile", ""]) == ["app", "base", "default", "tools"]
    assert candidates(["print", "a"]) == ["app"]
    assert candidates(["diff", "--target", "t"]) == ["tools"]
    assert candidates(["bake", "-f", "other.hcl", ""]) == ["other"]
    assert candidates(["bake", "--file=other.hcl", ""]) == ["other"]
    assert candidates(["bake", "-fother.hcl", ""]) == ["other"]
    assert candidates(["bake", "--", "-"]) == []


def test_definitions_that_mean_nothing_offer_nothing(bakec: Bakec) -> None:
    Path("docker-bake.hcl").write_text("target {")

    assert candidates(["compile", ""]) == []


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("builder", "completion")])
def test_every_verb_tells_its_flags(verb: str) -> None:
    assert "--help" in candidates([verb, "--"])


def test_a_shell_we_do_not_know(bakec: Bakec) -> None:
    code, _, err = bakec("completion", "tcsh")

    assert code == Exit.USAGE
    assert "expected bash, zsh, fish" in err


def test_bash_completes(tmp_path: Path, bakec: Bakec) -> None:
    (tmp_path / "docker-bake.hcl").write_text(DEFINITIONS)
    script = """
    source <(bakec completion bash)
    ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bakec; printf '%s,' "${COMPREPLY[@]}"; echo; }
    ask bakec comp
    ask bakec compile t
    ask bakec diff --format = j
    ask bakec run ''
    """
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["compile,completion,", "tools,", "json,", ","]
