"""The verbs that read plans: what they print and how they end."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bakec import compile_files, digest
from bakec.ir import loading
from bakec.ir.diagnostics import Exit
from tests.cli.running import DEFINITIONS, Bakec, git

# --- show -----------------------------------------------------------------------------------------------------


def test_show_for_a_person(bakec: Bakec) -> None:
    bakec("compile", "-o", "plan.msgpack")

    code, out, _ = bakec("show", "plan.msgpack")

    assert code == 0
    assert out.splitlines()[0] == f"plan {digest(compile_files())}"
    assert "  GO_VERSION = 1.24 (variable default)" in out
    block = out[out.index("\napp\n") :].splitlines()[1:]
    assert "  needs       base as base" in block
    assert "  arg         GO_VERSION=1.24" in block
    assert "  tag         example/app:1.24" in block


def test_show_as_json_has_the_whole_plan_and_its_digest(bakec: Bakec) -> None:
    bakec("compile", "-o", "plan.msgpack")

    _, out, _ = bakec("show", "--json", "plan.msgpack")

    data = json.loads(out)
    assert data["digest"] == digest(compile_files())
    assert [job["id"] for job in data["jobs"]] == ["base", "app", "tools"]


def test_show_escapes_what_controls_a_terminal(bakec: Bakec) -> None:
    Path("docker-bake.hcl").write_text('target "default" { args = { A = "\\u001b[2Jhidden" } }')
    bakec("compile", "-o", "plan.msgpack")

    _, out, _ = bakec("show", "plan.msgpack")

    assert "\x1b" not in out
    assert 'A="\\u001b[2Jhidden"' in out


# --- diff -----------------------------------------------------------------------------------------------------

CHANGED = [
    "~ variable GO_VERSION 1.24 -> 1.25: docker-bake.hcl:2",
    "~ target app  [runs build steps again, changes what is published]",
    "    ~ args.GO_VERSION 1.24 -> 1.25: variable GO_VERSION, docker-bake.hcl:2",
    "    ~ tags[0] example/app:1.24 -> example/app:1.25: variable GO_VERSION, docker-bake.hcl:2",
]


@pytest.mark.parametrize("sides", [("main..next",), ("main", "next"), ("main..",), ("main", "HEAD")])
def test_two_git_revisions(sides: tuple[str, ...], bakec: Bakec, history: Path) -> None:
    code, out, err = bakec("diff", *sides)

    assert (code, err) == (0, "")
    assert out.splitlines()[:4] == CHANGED
    assert out.splitlines()[-1].startswith("0 added, 1 changed, 0 removed, 2 same (")


def test_a_revision_and_the_working_folder(bakec: Bakec, history: Path) -> None:
    _, out, _ = bakec("diff", "main")

    assert out.splitlines()[0] == "~ variable GO_VERSION 1.24 -> 1.26: docker-bake.hcl:2"
    assert subprocess.run(("git", "status", "--porcelain"), capture_output=True, check=True).stdout == (
        b" M docker-bake.hcl\n"
    )


def test_an_absolute_path_is_the_same_at_a_revision(bakec: Bakec, history: Path) -> None:
    (history / "docker-bake.hcl").write_text(f'target "default" {{ context = "{history}/app" }}')
    git("commit", "-am", "absolute")

    assert bakec("diff", "HEAD") == (0, "0 added, 0 changed, 0 removed, 1 same\n", "")


def test_revisions_from_a_folder_below_the_top(bakec: Bakec, history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = history / "below"
    below.mkdir()
    monkeypatch.chdir(below)

    _, out, _ = bakec("diff", "main..next", "-f", "../docker-bake.hcl")

    assert "variable GO_VERSION 1.24 -> 1.25" in out


def test_a_plan_and_a_file(bakec: Bakec) -> None:
    bakec("compile", "-o", "plan.msgpack")
    Path("other.hcl").write_text(DEFINITIONS.replace("1.24", "1.25"))

    _, out, _ = bakec("diff", "plan.msgpack", "other.hcl")

    assert "    ~ args.GO_VERSION 1.24 -> 1.25: variable GO_VERSION, other.hcl:2" in out.splitlines()


def test_two_sets_of_files_and_two_folders(bakec: Bakec, tmp_path: Path) -> None:
    Path("more.hcl").write_text('target "tools" { tags = ["tools"] }')
    (tmp_path / "other").mkdir()
    (tmp_path / "other/docker-bake.hcl").write_text(DEFINITIONS.replace("1.24", "1.25"))

    _, sets, _ = bakec("diff", "docker-bake.hcl", "docker-bake.hcl,more.hcl")
    _, folders, _ = bakec("diff", ".", "other")

    assert "    + tags[0] tools: more.hcl:1" in sets.splitlines()
    assert folders.splitlines()[:4] == CHANGED


def test_flags_hold_for_both_sides(bakec: Bakec, history: Path) -> None:
    _, out, _ = bakec("diff", "main..next", "--target", "tools", "--set", "tools.args.A=1", "--var", "GO_VERSION=9")

    assert out == "0 added, 0 changed, 0 removed, 1 same\n"


def test_exit_codes_tell_a_difference_from_an_error(bakec: Bakec, history: Path) -> None:
    assert bakec("diff", "main..next")[0] == Exit.OK
    assert bakec("diff", "main..next", "--exit-code")[0] == Exit.DIFFERENT
    assert bakec("diff", "main..main", "--exit-code")[0] == Exit.OK
    assert bakec("diff", "main", "nowhere", "--exit-code")[0] == Exit.USAGE
    assert bakec("diff", "a", "b", "c")[0] == Exit.USAGE


def test_a_side_that_is_nothing_is_one_clear_message(bakec: Bakec, history: Path) -> None:
    for side in ("nowhere", "main:docker-bake.hcl"):
        code, out, err = bakec("diff", side, "main")

        assert (code, out) == (Exit.USAGE, "")
        assert "cannot compare" in err


def test_a_definition_that_is_wrong_on_one_side(bakec: Bakec, history: Path) -> None:
    (history / "docker-bake.hcl").write_text('target "default" {')

    code, out, err = bakec("diff", "main")

    assert (code, out) == (Exit.DEFINITION, "")
    assert "docker-bake.hcl:1" in err


def test_the_summary_alone(bakec: Bakec, history: Path) -> None:
    _, out, _ = bakec("diff", "main..next", "--summary")

    assert out == "0 added, 1 changed, 0 removed, 2 same (1 runs build steps again; 1 changes what is published)\n"


def test_full_lists_what_was_added(bakec: Bakec) -> None:
    Path("more.hcl").write_text('group "default" { targets = ["app", "tools", "x"] }\ntarget "x" { tags = ["x:1"] }')

    _, short, _ = bakec("diff", "docker-bake.hcl", "docker-bake.hcl,more.hcl")
    _, full, _ = bakec("diff", "docker-bake.hcl", "docker-bake.hcl,more.hcl", "--full")

    assert "+ target x" in short.splitlines()
    assert "x:1" not in short
    assert "    + tags[0] x:1: more.hcl:2" in full.splitlines()


def test_targets_that_change_alike_are_shown_together(bakec: Bakec) -> None:
    text = """
    variable "N" { default = "%s" }
    group "default" { targets = ["one", "two"] }
    target "one" { args = { N = N } }
    target "two" { args = { N = N } }
    """
    Path("old.hcl").write_text(text % "1")
    Path("new.hcl").write_text(text % "2")

    _, together, _ = bakec("diff", "old.hcl", "new.hcl")
    _, apart, _ = bakec("diff", "old.hcl", "new.hcl", "--full")

    assert "~ targets one, two  [runs build steps again]" in together.splitlines()
    assert "~ target two  [runs build steps again]" in apart.splitlines()


def test_json_is_the_record(bakec: Bakec, history: Path) -> None:
    data = json.loads(bakec("diff", "main..next", "--json")[1])

    (target,) = data["targets"]
    assert (target["name"], target["action"]) == ("app", "changed")
    assert target["changes"][0] == {
        "path": "args.GO_VERSION",
        "old": "1.24",
        "new": "1.25",
        "reasons": ["variable GO_VERSION, docker-bake.hcl:2"],
        "effects": ["rebuilds"],
    }
    assert data["summary"]["same"] == 2


def test_markdown_for_a_pull_request(bakec: Bakec, history: Path) -> None:
    _, out, _ = bakec("diff", "main..next", "--format", "markdown")

    assert out.splitlines()[0] == "<!-- bakec-diff -->"
    assert out.splitlines()[1].startswith("**Plan: 0 added, 1 changed")
    assert "| `GO_VERSION` | `1.24` | `1.25` | `docker-bake.hcl:2` |" in out
    assert "<details><summary>~ changed <code>app</code> - runs build steps again, changes what is published" in out
    assert "- `~` `args.GO_VERSION`: `1.24` → `1.25` (`variable GO_VERSION, docker-bake.hcl:2`)" in out
    assert out.count("<details>") == out.count("</details>")


def test_markdown_is_cut_at_a_whole_section(bakec: Bakec) -> None:
    names = [f"t{number}" for number in range(200)]
    quoted = ", ".join(f'"{name}"' for name in names)
    targets = "\n".join(f'target "{name}" {{ tags = ["{name}"] }}' for name in names)
    Path("many.hcl").write_text(f'group "default" {{ targets = [{quoted}] }}\n{targets}')

    _, out, _ = bakec("diff", "docker-bake.hcl", "many.hcl", "--format", "markdown", "--max-size", "5000")

    assert len(out) <= 5000
    assert out.count("<details>") == out.count("</details>") > 10
    assert re.fullmatch(r"_Truncated: \d+ more sections; `bakec diff` shows them all\._", out.splitlines()[-1])


def test_markdown_and_html_show_hostile_values_as_text(bakec: Bakec) -> None:
    value = "`</details><script>alert(1)</script> | @everyone"
    Path("other.hcl").write_text(DEFINITIONS.replace("1.24", value))

    _, markdown, _ = bakec("diff", "docker-bake.hcl", "other.hcl", "--format", "markdown")
    _, page, _ = bakec("diff", "docker-bake.hcl", "other.hcl", "--format", "html")

    assert f"`` {value} ``".replace("|", "\\|") in markdown
    assert markdown.count("\n</details>") == markdown.count("<details>")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_html_has_both_sides_and_loads_nothing(bakec: Bakec, history: Path) -> None:
    _, page, _ = bakec("diff", "main..next", "--format", "html")

    row = '<tr class="changed"><th>args.GO_VERSION</th><td><code>1.24</code></td><td><code>1.25</code></td>'
    assert row in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import|https?:""", page)


@pytest.mark.parametrize(("env", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_color_is_for_terminals_that_want_it(env: dict[str, str], colored: bool, bakec: Bakec) -> None:
    Path("other.hcl").write_text(DEFINITIONS.replace("1.24", "1.25"))
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-c",
        "from bakec.__main__ import entry; entry()",
        "diff",
        "docker-bake.hcl",
        "other.hcl",
    ]
    inherited = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}

    subprocess.run(command, stdout=theirs, env={**inherited, "TERM": "xterm", **env}, check=True)
    os.close(theirs)
    out = os.read(ours, 100_000).decode()
    os.close(ours)

    assert ("\x1b[33m~ target app" in out) == colored
    assert ("\x1b" in out) == colored


# --- explain, why, graph --------------------------------------------------------------------------------------

CHAIN = """\
app.tags[0] = example/app:1.24
└─ template  docker-bake.hcl:12
   └─ variable GO_VERSION  docker-bake.hcl:2
      └─ literal  docker-bake.hcl:2
"""


def test_explain_a_value_from_files_and_from_a_plan(bakec: Bakec) -> None:
    bakec("compile", "-o", "plan.msgpack")

    assert bakec("explain", "app.tags[0]") == (0, CHAIN, "")
    assert bakec("explain", "-p", "plan.msgpack", "app.tags[0]") == (0, CHAIN, "")


def test_explain_says_from_whom_a_value_was_inherited_and_what_set_a_variable(bakec: Bakec) -> None:
    _, out, _ = bakec("explain", "app.args.GO_VERSION", "--var", "GO_VERSION=2")

    assert out.splitlines() == [
        "app.args.GO_VERSION = 2",
        "└─ inherited from _common",
        "   └─ variable GO_VERSION  docker-bake.hcl:1",
        "      └─ --var GO_VERSION",
    ]


@pytest.mark.parametrize("source", [(), ("-p", "plan.msgpack")], ids=["files", "plan"])
def test_explain_a_whole_target(source: tuple[str, ...], bakec: Bakec) -> None:
    bakec("compile", "-o", "plan.msgpack")

    _, out, _ = bakec("explain", "app", *source)

    assert [line.partition(" = ")[0] for line in out.splitlines() if " = " in line] == [
        "app.context",
        "app.contexts.base",
        "app.dockerfile",
        "app.args.GO_VERSION",
        "app.tags[0]",
    ]


def test_explain_as_json(bakec: Bakec) -> None:
    (found,) = json.loads(bakec("explain", "--json", "app.tags[0]")[1])

    assert found["value"] == "example/app:1.24"
    assert [step["kind"] for step in found["steps"]][-1] == "template"
    assert all(place < at for at, step in enumerate(found["steps"]) for place in step["inputs"])


@pytest.mark.parametrize(
    ("query", "hint"),
    [("app.tag[0]", "did you mean 'app.tags[0]'?"), ("app.zzzzzzzzz", "'bakec explain app' lists what it has")],
)
def test_explain_what_is_not_there(query: str, hint: str, bakec: Bakec) -> None:
    code, out, err = bakec("explain", query)

    assert (code, out) == (Exit.USAGE, "")
    assert hint in err


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("app", ["app", "  is in group default", "  which was asked for"]),
        ("base", ["base", "  is the context base of app  docker-bake.hcl:13", "  which is in group default"]),
        ("_common", ["_common", "  is inherited by app", "  which is in group default"]),
    ],
)
def test_why(name: str, lines: list[str], bakec: Bakec) -> None:
    code, out, _ = bakec("why", name)

    assert code == 0
    assert out.splitlines()[: len(lines)] == lines
    assert out.splitlines()[-1] == "  which was asked for"


def test_why_something_takes_no_part(bakec: Bakec) -> None:
    code, out, err = bakec("why", "tools", "--target", "app")

    assert (code, out) == (Exit.USAGE, "")
    assert "tools takes no part in the run" in err


def test_why_as_json(bakec: Bakec) -> None:
    assert [step["kind"] for step in json.loads(bakec("why", "--json", "base")[1])] == ["context", "member", "asked"]


@pytest.mark.parametrize(
    ("form", "first"),
    [("tree", "group default"), ("mermaid", "flowchart LR"), ("dot", "digraph plan {"), ("json", "{"),
     ("html", "<!doctype html>")],
)  # fmt: skip
def test_graph_from_files_and_from_a_plan(form: str, first: str, bakec: Bakec) -> None:
    bakec("compile", "-o", "plan.msgpack")

    from_files = bakec("graph", "--format", form)

    assert from_files[1].splitlines()[0] == first
    assert from_files == bakec("graph", "--format", form, "-p", "plan.msgpack")


def test_list_needs_no_target_to_resolve(bakec: Bakec) -> None:
    _, out, _ = bakec("list", "--json")

    assert [row["name"] for row in json.loads(out)] == ["app", "base", "default", "tools"]


def test_a_list_as_json_is_that_of_the_reference(bakec: Bakec) -> None:
    Path("docker-bake.hcl").write_text('variable "A" {\n  default = "<b>"\n}\ntarget "_hidden" {}')

    assert (
        bakec("list", "--json", "--variables")[1]
        == '[\n  {\n    "name": "A",\n    "value": "\\u003cb\\u003e"\n  }\n]\n'
    )
    assert bakec("list", "--json")[1] == "null\n"


@pytest.mark.parametrize("what", ["targets", "variables"])
def test_older_flags_that_list(what: str, bakec: Bakec) -> None:
    assert bakec("bake", f"--list-{what}") == bakec("bake", f"--list={what}")


def test_a_plan_from_standard_input(bakec: Bakec) -> None:
    data = compile_files().dump()
    command = [sys.executable, "-c", "from bakec.__main__ import entry; entry()", "show", "-"]

    done = subprocess.run(command, input=data, capture_output=True, check=True)

    assert done.stdout.decode().startswith("plan sha256:")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("list >/dev/full", 2),
        ("show --help >/dev/full 2>/dev/full", 2),
        ("compile -o plan.msgpack 2>/dev/full", 0),
        ("print nothing-of-that-name 2>/dev/full", 3),
        ("nonsense 2>/dev/full", 2),
    ],
)
def test_an_answer_that_is_lost_is_a_failure_and_a_remark_is_not(
    history: Path, line: str, code: int, unbuffered: str
) -> None:
    """Whether Python writes at once or at the end."""
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = f'"{sys.executable}" -m bakec {line}'
    done = subprocess.run(("sh", "-c", command), cwd=history, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def stored_builder(folder: Path, *platforms: str) -> None:
    """A builder `farm` in the store, with a node for each platform."""
    nodes = [
        {"Name": f"farm{at}", "Endpoint": "unix:///nowhere", "Platforms": [{"os": "linux", "architecture": name}]}
        for at, name in enumerate(platforms)
    ]
    (folder / "instances").mkdir()
    (folder / "instances/farm").write_text(json.dumps({"Name": "farm", "Driver": "remote", "Nodes": nodes}))


def test_show_tells_which_node_would_build_what(bakec: Bakec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path))
    stored_builder(tmp_path, "arm64", "amd64")
    bakec("compile", "-o", "p", "--set=app.platform=linux/amd64,linux/arm64", "app", "tools")
    code, out, _ = bakec("show", "--builder=farm", "p")
    assert code == 0
    assert re.findall(r"  node +(.*)", out) == [
        "farm0", "farm1 for linux/amd64", "farm0 for linux/arm64", "farm0",
    ]  # fmt: skip
    _, out, _ = bakec("show", "--builder=farm", "--json", "p")
    assert json.loads(out)["nodes"]["app"] == {"farm1": ["linux/amd64"], "farm0": ["linux/arm64"]}


def test_show_says_when_the_nodes_have_to_be_asked(
    bakec: Bakec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path))
    stored_builder(tmp_path, "arm64", "amd64")
    bakec("compile", "-o", "p", "--set=tools.platform=linux/s390x", "tools")
    assert "node        decided by what the nodes say they can build" in bakec("show", "--builder=farm", "p")[1]


def test_two_files_of_one_plan_are_read_once(bakec: Bakec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bakec("compile", "-o", "one.msgpack")
    (tmp_path / "two.msgpack").write_bytes((tmp_path / "one.msgpack").read_bytes())
    bakec("compile", "--var", "GO_VERSION=1.25", "-o", "other.msgpack")
    read: list[object] = []
    unseal = loading.unseal
    monkeypatch.setattr(loading, "unseal", lambda source, *rest: (read.append(source), unseal(source, *rest))[1])

    assert bakec("diff", "--exit-code", "one.msgpack", "two.msgpack")[0] == Exit.OK
    assert read == ["one.msgpack"]
    assert bakec("diff", "--exit-code", "one.msgpack", "other.msgpack")[0] == Exit.DIFFERENT
    assert read == ["one.msgpack", "one.msgpack", "other.msgpack"]
