"""The verbs for changes: which targets they touch, and the matrix of those."""

import io
import json
from pathlib import Path

import pytest

from bakec.ir.diagnostics import Exit
from tests.cli.running import DEFINITIONS, Bakec, git


@pytest.fixture
def branch(history: Path) -> Path:
    """The branch `next`, with nothing that is not committed; `main` has gone on meanwhile."""
    git("checkout", "--", ".")
    git("checkout", "main")
    (history / "tools").mkdir()
    (history / "tools" / "new").touch()
    git("add", ".")
    git("commit", "-m", "three")
    git("checkout", "next")
    return history


def test_what_a_branch_touches(bakec: Bakec, branch: Path) -> None:
    code, out, err = bakec("affected", "--since", "main")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "base  (linked)",
        "  file docker-bake.hcl",
        "app",
        "  value args.GO_VERSION",
        "  value tags[0]",
        "  file docker-bake.hcl",
        "  target base",
        "tools",
        "  file docker-bake.hcl",
        "3 of 3 targets affected",
    ]


def test_definitions_that_no_context_holds(bakec: Bakec, branch: Path) -> None:
    (branch / ".dockerignore").write_text("docker-bake.hcl\n.dockerignore\n")
    git("add", ".")
    git("commit", "-m", "four")
    (branch / "docker-bake.hcl").write_text(DEFINITIONS)

    _, out, _ = bakec("affected")

    assert out.splitlines() == ["app", "  value args.GO_VERSION", "  value tags[0]", "1 of 3 targets affected"]


def test_names_for_another_command(bakec: Bakec, branch: Path) -> None:
    assert bakec("affected", "--since=main", "--names") == (0, "app\ntools\n", "")
    assert bakec("affected", "--names") == (0, "", "")


def test_new_files_count_unless_git_ignores_them(bakec: Bakec, branch: Path) -> None:
    (branch / ".gitignore").write_text("*.log\n")
    git("add", ".")
    git("commit", "-m", "four")
    (branch / "new.log").touch()
    assert bakec("affected")[1] == "0 of 3 targets affected\n"

    (branch / "new").touch()
    assert "  file new" in bakec("affected")[1]


def test_a_renamed_file_counts_under_both_names(bakec: Bakec, branch: Path) -> None:
    (branch / "old").write_text("text\n" * 9)
    git("add", ".")
    git("commit", "-m", "four")
    git("mv", "old", "new")

    _, out, _ = bakec("affected", "tools")

    assert out.splitlines()[:3] == ["tools", "  file new", "  file old"]


def test_files_above_the_working_folder(bakec: Bakec, branch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (branch / "deep").mkdir()
    (branch / "deep" / "docker-bake.hcl").write_text('target "default" { context = "../lib" }')
    git("add", ".")
    git("commit", "-m", "four")
    (branch / "lib").mkdir()
    (branch / "lib" / "x").touch()
    monkeypatch.chdir(branch / "deep")

    _, out, _ = bakec("affected")

    assert out.splitlines()[:2] == ["default", "  file ../lib/x"]


def test_files_that_somebody_else_names(bakec: Bakec, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("docker-bake.hcl").write_text(DEFINITIONS.replace('"tools" {}', '"tools" { context = "tools" }'))
    monkeypatch.setattr("sys.stdin", io.StringIO("tools/a\ntools/b\n\n"))

    _, out, _ = bakec("affected", "tools", "--changed=-", "--changed=README.md")

    assert out.splitlines() == ["tools", "  file tools/a", "  file tools/b", "1 of 1 targets affected"]


def test_many_files_of_a_target_are_counted(bakec: Bakec) -> None:
    _, out, _ = bakec("affected", "tools", *(f"--changed=f{number}" for number in range(9)))

    assert out.splitlines()[-2:] == ["  … and 4 more", "1 of 1 targets affected"]


def test_as_json(bakec: Bakec) -> None:
    _, out, _ = bakec("affected", "--changed=x", "--json", "app")

    assert json.loads(out) == [
        {"name": "base", "linked": True, "causes": [{"kind": "file", "name": "x"}]},
        {"name": "app", "linked": False, "causes": [{"kind": "file", "name": "x"}, {"kind": "target", "name": "base"}]},
    ]


def test_definitions_that_mean_nothing_at_the_revision(bakec: Bakec, branch: Path) -> None:
    (branch / "docker-bake.hcl").write_text("target {")
    git("commit", "-am", "broken")
    (branch / "docker-bake.hcl").write_text(DEFINITIONS)

    code, out, err = bakec("affected", "--names")

    assert (code, out) == (0, "app\ntools\n")
    assert err.startswith("note: every target counts as affected: at HEAD, ")


def test_a_file_named_absolutely_is_compared_with_its_older_self(bakec: Bakec, branch: Path) -> None:
    code, out, _ = bakec("affected", "--since=main", "--names", "-f", str(branch / "docker-bake.hcl"))

    assert (code, out) == (0, "app\ntools\n")
    assert "value args.GO_VERSION" in bakec("affected", "--since=main", "-f", str(branch / "docker-bake.hcl"))[1]


def test_dockerfiles_of_any_name_are_there_at_the_revision(bakec: Bakec, branch: Path) -> None:
    (branch / "docker-bake.hcl").write_text('target "default" {\n  dockerfile = "web.docker"\n}')
    (branch / "web.docker").write_text("FROM scratch\nCOPY src /\n")
    git("add", ".")
    git("commit", "-m", "four")

    assert bakec("affected", "--set=*.platform=linux/amd64")[1] == "0 of 1 targets affected\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["affected", "--since", ""], "argument --since: it is empty"),
        (["affected", "-f", "-", "--since", "HEAD"], "definitions from standard input have no older version"),
        (["matrix", "-p", "x.msgpack", "--since", "HEAD"], "they go without --plan"),
    ],
    ids=["an empty revision", "standard input", "a plan"],
)
def test_what_cannot_be_compared(
    argv: list[str], message: str, bakec: Bakec, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(DEFINITIONS.encode())))
    bakec("compile", "-o", "x.msgpack")

    code, out, err = bakec(*argv)

    assert (code, out) == (Exit.USAGE, "")
    assert message in err


def test_a_file_is_told_in_one_line(bakec: Bakec) -> None:
    assert "  file 'a\\nb'" in bakec("affected", "tools", "--changed", "a\nb")[1].splitlines()


def test_no_revision(bakec: Bakec, history: Path) -> None:
    code, out, err = bakec("affected", "--since", "nowhere")

    assert (code, out) == (Exit.USAGE, "")
    assert "cannot read revision nowhere" in err


def test_no_repository(bakec: Bakec) -> None:
    code, _, err = bakec("affected")

    assert code == Exit.USAGE
    assert "cannot read revision HEAD" in err


# --- matrix ---------------------------------------------------------------------------------------------------


def test_a_matrix(bakec: Bakec) -> None:
    assert json.loads(bakec("matrix")[1]) == [{"target": "app"}, {"target": "tools"}]
    assert bakec("matrix", "--format=github")[1] == 'matrix=[{"target":"app"},{"target":"tools"}]\n'


def test_a_matrix_of_a_plan(bakec: Bakec) -> None:
    bakec("compile", "-o", "plan.msgpack", "tools")

    assert json.loads(bakec("matrix", "-p", "plan.msgpack", "--waves")[1]) == [{"target": "tools", "wave": 0}]


def test_a_matrix_of_what_a_branch_touches(bakec: Bakec, branch: Path) -> None:
    (branch / ".dockerignore").write_text("*\n")
    git("add", ".")
    git("commit", "-m", "four")
    (branch / "docker-bake.hcl").write_text(DEFINITIONS)

    _, out, _ = bakec("matrix", "--since=HEAD", "--by=tags")

    assert json.loads(out) == [{"target": "app", "tags": "example/app:1.24"}]
    assert bakec("matrix", "--since=HEAD", "--format=github", "tools")[1] == "matrix=[]\n"


def test_an_attribute_that_no_entry_can_hold(bakec: Bakec) -> None:
    code, _, err = bakec("matrix", "--by=output")

    assert code == Exit.USAGE
    assert "invalid choice: 'output' (choose from " in err
