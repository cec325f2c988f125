"""Which targets a change touches, and why."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bakec import Plan, affected, compile_files
from bakec.impact import Affected, Cause
from bakec.runtime.buildkit.services.filesync import OnDisk

Touched = Callable[..., dict[str, list[str]]]


def told(found: list[Affected]) -> dict[str, list[str]]:
    return {one.name: [" ".join(cause).strip() for cause in one.causes] for one in found}


@pytest.fixture
def touched(tmp_path: Path) -> Touched:
    """The targets of `text` that changes of the files `changed` touch, compared with those of `old`."""

    def find(text: str, *changed: str, old: str = "", files: tuple[str, ...] = ()) -> dict[str, list[str]]:
        for name in files:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return told(affected(compiled(tmp_path, text), changed, root=tmp_path, old=compiled(tmp_path, old or text)))

    return find


def compiled(folder: Path, text: str) -> Plan:
    (folder / "docker-bake.hcl").write_text(text)
    return compile_files(root=folder, env={})


TWO = """
group "default" { targets = ["api", "web"] }
target "api" { context = "api" }
target "web" { context = "web" }
"""


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["README.md"], {}),
        (["api/main.go"], {"api": ["file api/main.go"]}),
        (["api/deep/down/x", "web/y"], {"api": ["file api/deep/down/x"], "web": ["file web/y"]}),
        (["apiary/main.go"], {}),
        (["api"], {"api": ["file api"]}),
        (["../elsewhere"], {}),
    ],
    ids=["nobody's", "a context", "two contexts", "a name that begins alike", "a submodule", "outside"],
)
def test_a_target_reads_its_context(changed: list[str], expected: dict[str, list[str]], touched: Touched) -> None:
    assert touched(TWO, *changed) == expected


def test_a_dockerfile_may_be_outside_of_the_context(touched: Touched) -> None:
    text = 'target "default" {\n  context = "app"\n  dockerfile = "../docker/app.Dockerfile"\n}'

    assert touched(text, "docker/app.Dockerfile", "docker/web.Dockerfile") == {
        "default": ["file docker/app.Dockerfile"]
    }


def test_what_an_ignore_file_keeps_out_does_not_count(tmp_path: Path, touched: Touched) -> None:
    (tmp_path / ".dockerignore").write_text("**/*.md\n!keep.md\ntests\n")

    found = touched('target "default" {}', "a.md", "docs/b.md", "keep.md", "tests/deep/x.py", "src/x.py")

    assert found == {"default": ["file keep.md", "file src/x.py"]}


def test_the_ignore_file_of_a_dockerfile_comes_first(tmp_path: Path, touched: Touched) -> None:
    (tmp_path / ".dockerignore").write_text("a\n")
    (tmp_path / "Dockerfile.dockerignore").write_text("b\n")

    assert touched('target "default" {}', "a", "b") == {"default": ["file a"]}


@pytest.mark.parametrize("name", ["Dockerfile.dockerignore", ".dockerignore"])
def test_an_ignore_file_decides_what_is_read(name: str, touched: Touched) -> None:
    assert touched('target "default" {}', name, files=(name,)) == {"default": [f"file {name}"]}


def test_an_ignore_file_that_means_nothing_keeps_nothing_out(tmp_path: Path, touched: Touched) -> None:
    (tmp_path / ".dockerignore").write_text("a[\n")

    assert touched('target "default" {}', "b") == {"default": ["file b"]}


def test_named_contexts_are_read_as_well(touched: Touched) -> None:
    text = 'target "default" {\n  context = "app"\n  contexts = { shared = "../lib" }\n}'

    assert touched(text, "../lib/x", "lib/x", files=("app/.keep",)) == {"default": ["file ../lib/x"]}


def test_users_of_a_target_are_touched_with_it(touched: Touched) -> None:
    text = """
    group "default" { targets = ["api", "web"] }
    target "base" { context = "base" }
    target "api" { context = "api" }
    target "web" {
      context = "web"
      contexts = { base = "target:base" }
    }
    """

    assert touched(text, "base/x") == {"base": ["file base/x"], "web": ["target base"]}


def test_linked_targets_are_told_apart(tmp_path: Path) -> None:
    text = 'target "default" { contexts = { base = "target:base" } }\ntarget "base" { context = "base" }'

    found = affected(compiled(tmp_path, text), ["base/x"], root=tmp_path)

    assert [(one.name, one.linked) for one in found] == [("base", True), ("default", False)]


def test_a_context_behind_a_link(tmp_path: Path, touched: Touched) -> None:
    for name in ("v1", "v2"):
        (tmp_path / name).mkdir()
    (tmp_path / "current").symlink_to("v2")
    text = 'target "default" { context = "current" }'

    assert touched(text, "current") == {"default": ["file current"]}
    assert touched(text, "v2/a") == {"default": ["file v2/a"]}
    assert touched(text, "current/a") == {"default": ["file current/a"]}
    assert touched(text, "v1/a") == {}


def test_a_dockerfile_that_is_a_link(tmp_path: Path, touched: Touched) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "Dockerfile.real").touch()
    (tmp_path / "app" / "Dockerfile").symlink_to("../Dockerfile.real")

    assert touched('target "default" { context = "app" }', "Dockerfile.real") == {"default": ["file Dockerfile.real"]}


def test_a_layout_of_an_image(tmp_path: Path, touched: Touched) -> None:
    (tmp_path / "oci").mkdir()
    text = 'target "default" {\n  context = "app"\n  contexts = { base = "oci-layout://./oci:1" }\n}'

    assert touched(text, "oci/index.json", files=("app/Dockerfile",)) == {"default": ["file oci/index.json"]}


# --- definitions ----------------------------------------------------------------------------------------------


def test_values_that_mean_something_for_the_build(touched: Touched) -> None:
    text = """
    target "default" {
      args = { V = "%s" }
      description = "%s"
      cache-from = ["%s"]
    }
    """

    assert touched(text % ("2", "an API", "x/y"), old=text % ("1", "a page", "x/z")) == {"default": ["value args.V"]}


def test_a_target_that_is_built_instead_of_being_checked(touched: Touched) -> None:
    assert touched('target "default" {}', old='target "default" { call = "check" }') == {"default": ["value call"]}


def test_a_renamed_target_is_a_new_one(touched: Touched) -> None:
    text = 'group "default" { targets = ["%s"] }\ntarget "%s" { tags = ["x:1"] }'

    assert touched(text % ("b", "b"), old=text % ("a", "a")) == {"b": ["new"]}


def test_a_new_target(touched: Touched) -> None:
    old = TWO.replace('"api", "web"', '"web"').replace('target "api" { context = "api" }', "")

    assert touched(TWO, old=old) == {"api": ["new"]}


def test_a_change_of_the_definitions_that_means_nothing(touched: Touched) -> None:
    assert touched(f"{TWO}\n# a comment", "docker-bake.hcl", old=TWO) == {}


def test_without_older_definitions_a_change_of_them_touches_all(tmp_path: Path) -> None:
    plan = compiled(tmp_path, TWO)

    assert told(affected(plan, ["docker-bake.hcl"], root=tmp_path)) == {
        "api": ["definitions docker-bake.hcl"],
        "web": ["definitions docker-bake.hcl"],
    }
    assert affected(plan, ["README.md"], root=tmp_path) == []


# --- what a Dockerfile says -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM debian\nCOPY src *.conf /", ["src/a", "x.conf"]),
        ("FROM debian\nADD --chown=$OWNER src /", ["src/a"]),
        ("FROM debian\nENV FROM_HERE=deep\nCOPY $FROM_HERE /", ["deep/x.conf"]),
        ("FROM debian\nARG TARGETARCH\nCOPY $TARGETARCH /", ["README.md", "deep/x.conf", "src/a", "x.conf"]),
        ("FROM debian AS a-arm64\nCOPY src /\nFROM debian AS a-amd64\nFROM a-$TARGETARCH", [
            "README.md", "deep/x.conf", "src/a", "x.conf",
        ]),
        ("FROM debian\nRUN --mount=type=bind,source=src,target=/src make", ["src/a"]),
        ("FROM debian\nRUN --mount=type=bind,target=/src make", ["README.md", "deep/x.conf", "src/a", "x.conf"]),
        ("FROM debian AS one\nCOPY src /\nFROM scratch\nCOPY --from=one /a /", ["src/a"]),
        ("FROM debian AS unused\nCOPY src /\nFROM debian\nCOPY x.conf /", ["x.conf"]),
        ("# check=skip=all\nFROM debian\nCOPY ${UNKNOWN}/a /", ["README.md", "deep/x.conf", "src/a", "x.conf"]),
        ("# syntax=docker/dockerfile:1\nFROM debian\nCOPY src /", ["src/a"]),
        ("# syntax=example/own\nFROM debian\nCOPY src /", ["README.md", "deep/x.conf", "src/a", "x.conf"]),
        ("FROM debian\nCPOY src /", ["README.md", "deep/x.conf", "src/a", "x.conf"]),
        ("FROM debian\nRUN true", []),
    ],
    ids=[
        "copies", "an unknown owner", "a variable", "a platform", "a stage for a platform", "a mount",
        "a mount of everything", "another stage",
        "an unused stage", "an unknown path", "the usual frontend", "another frontend", "a mistake", "nothing",
    ],
)  # fmt: skip
def test_a_dockerfile_says_which_files_are_read(
    dockerfile: str, expected: list[str], tmp_path: Path, touched: Touched
) -> None:
    (tmp_path / "Dockerfile").write_text(dockerfile)

    found = touched('target "default" {}', "README.md", "deep/x.conf", "src/a", "x.conf")

    assert found == ({"default": [f"file {name}" for name in expected]} if expected else {})


def test_what_a_used_target_sets_is_not_known(tmp_path: Path, touched: Touched) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM base\nCOPY $KIND.conf /")
    text = """
    target "base" { context = "base" }
    target "default" {
      context = "app"
      contexts = { base = "target:base" }
    }
    """

    assert touched(text, "app/prod.conf") == {"default": ["file app/prod.conf"]}


def test_a_changed_folder_may_hold_what_is_copied(tmp_path: Path, touched: Touched) -> None:
    """As a submodule, whose files git does not list."""
    (tmp_path / "Dockerfile").write_text("FROM debian\nCOPY vendor/src /")

    assert touched('target "default" {}', "vendor", "other") == {"default": ["file vendor"]}


def test_a_dockerfile_that_has_changed_itself(tmp_path: Path, touched: Touched) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN true")

    assert touched('target "default" {}', "Dockerfile") == {"default": ["file Dockerfile"]}


# --- targets whose graph is in the plan -----------------------------------------------------------------------

LOWERED = 'target "default" {\n  context = "app"\n  platforms = ["linux/amd64"]\n}'


@pytest.fixture
def lowered(tmp_path: Path, touched: Touched) -> Touched:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY src *.conf /\n")
    return touched


def test_a_graph_says_which_files_it_reads(lowered: Touched) -> None:
    found = lowered(LOWERED, "app/src/x", "app/a.conf", "app/deep/b.conf", "app/README.md", "app/Dockerfile")

    assert found == {"default": ["file app/src/x", "file app/a.conf"]}


def test_links_lead_to_more_files(tmp_path: Path, lowered: Touched) -> None:
    (tmp_path / "app" / "src").symlink_to("source")

    assert lowered(LOWERED, "app/source/x") == {"default": ["file app/source/x"]}


def test_a_step_that_differs(tmp_path: Path, lowered: Touched) -> None:
    old = compiled(tmp_path, LOWERED)
    (tmp_path / "app" / "Dockerfile").write_text("# now with more\nFROM scratch\nCOPY src *.conf more /\n")
    new = compiled(tmp_path, LOWERED)

    (one,) = affected(new, ["app/Dockerfile"], root=tmp_path, old=old)
    assert [cause.kind for cause in one.causes] == ["step", "step"]  # what is loaded of the context, and the copy
    assert "COPY src *.conf more /" in one.causes[1].name
    assert affected(new, ["app/Dockerfile"], root=tmp_path)[0].causes == (Cause("file", "app/Dockerfile"),)


def test_files_count_if_they_are_sent(tmp_path: Path, touched: Touched) -> None:
    """What the daemon is sent of a folder, and what counts, is the same."""
    patterns = ["*", "!src", "src/*.o", "!src/keep.o", "**/tmp"]
    names = ["a", "src/a.c", "src/a.o", "src/keep.o", "src/tmp/x", "src/deep/a.o"]
    folder = tmp_path / "app"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / ".dockerignore").write_text("\n".join(patterns))
    stats = OnDisk(folder).stats({"exclude-patterns": patterns})
    sent = {f"app/{stat.path.decode()}" for stat in stats if (folder / stat.path.decode()).is_file()}

    found = touched('target "default" { context = "app" }', *(f"app/{name}" for name in names))

    assert {cause.removeprefix("file ") for cause in found["default"]} == sent - {"app/.dockerignore"}
    assert 0 < len(sent) < len(names) + 1
