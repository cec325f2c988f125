"""What becomes of a target when it is compiled to LLB."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bakec.ir import codec
from bakec.ir.diagnostics import Diagnostics, Failed
from bakec.ir.llb.ops import SourceOp, decode_op
from bakec.ir.plan import LlbSolve, Plan
from bakec.ir.verify import problems
from tests.lower.conftest import BASE_DIGEST, Project, config, job, names, reason

ROOT = Path(__file__).resolve().parents[2]
AMD64 = "linux/amd64"


def sources(plan: Plan, name: str = "app") -> list[tuple[str, Mapping[str, str]]]:
    solve = job(plan, name).solve
    assert isinstance(solve, LlbSolve)
    ops = [decode_op(plan.ops[digest]).op for build in solve.builds for digest in build.ops]
    return [(op.identifier, dict(op.attrs)) for op in ops if isinstance(op, SourceOp)]


def test_a_target_from_scratch_needs_nothing_but_the_platform(project: Project) -> None:
    project.write(Dockerfile="FROM scratch\nCOPY a /\n", _dockerignore="x").bake('target "app" {}')
    plan = project.compile(build_platform=AMD64)
    assert names(plan) == ["[internal] load build context", "[1/1] COPY a /"]
    assert plan.features == ("llb",)
    assert list(problems(plan)) == []
    assert codec.load(codec.dump(plan)) == plan


def test_what_only_a_run_knows_has_a_stand_in(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\nCOPY a /\nCOPY --from=lib . /lib\n", lib__file="").lock(base=config())
    project.bake('target "app" {\n  contexts = { lib = "lib" }\n}')
    found = dict(sources(project.compile()))
    assert found["local://context"]["local.session"] == "."
    assert found["local://lib"]["local.session"] == "lib"
    assert found["local://lib"]["local.sharedkeyhint"] == "context:lib-"
    assert found[f"docker-image://docker.io/library/base:1@{BASE_DIGEST}"]["image.resolvemode"] == "local"


def test_pulling_is_known_when_compiling(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\nCOPY a /\n").lock(base=config()).bake('target "app" {\n  pull = true\n}')
    found = dict(sources(project.compile()))
    assert found[f"docker-image://docker.io/library/base:1@{BASE_DIGEST}"]["image.resolvemode"] == "pull"


def test_ignore_files_decide_what_is_sent(project: Project) -> None:
    project.write(Dockerfile="FROM scratch\nCOPY . /\n").bake('target "app" {}')
    (project.root / ".dockerignore").write_text("*.md\n# no pattern\n!keep.md\n")
    plain = dict(sources(project.compile(build_platform=AMD64)))["local://context"]
    assert json.loads(plain["local.excludepatterns"]) == ["*.md", "!keep.md"]
    (project.root / "Dockerfile.dockerignore").write_text("own\n")
    own = dict(sources(project.compile(build_platform=AMD64)))["local://context"]
    assert json.loads(own["local.excludepatterns"]) == ["own"]


def test_an_image_starts_from_the_pinned_config(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\nWORKDIR sub\nENV B=2\n").bake('target "app" {}')
    project.lock(base=config(WorkingDir="/srv", Env=["PATH=/x", "A=1"]))
    solve = job(project.compile()).solve
    assert isinstance(solve, LlbSolve)
    (build,) = solve.builds
    made = json.loads(build.config)["config"]
    assert (made["WorkingDir"], made["Env"]) == ("/srv/sub", ["PATH=/x", "A=1", "B=2"])
    assert json.loads(build.base_config)["config"]["WorkingDir"] == "/srv"


def test_pins_are_noted_in_the_plan(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\n").lock(base=config(), tools=config()).bake('target "app" {}')
    (pin,) = project.compile().lock
    assert (pin.ref, pin.digest, pin.origin) == ("docker.io/library/base:1", BASE_DIGEST, "bakec.lock")


LINKED = """
target "app" {
  context  = "app"
  contexts = { parent = "target:parent" }
}
target "parent" {
  context = "parent"
}
"""


def test_a_linked_target_is_joined(project: Project) -> None:
    project.bake(LINKED).write(
        app__Dockerfile="FROM parent\nRUN two\n",
        parent__Dockerfile="FROM scratch\nCOPY a /\nENV FROM=parent\nRUN one\n",
    )
    plan = project.compile(build_platform=AMD64)
    assert names(plan, "parent") == ["[internal] load build context", "[1/2] COPY a /", "[2/2] RUN one"]
    assert names(plan) == [*names(plan, "parent"), "[1/2] RUN two"]
    parent, app = job(plan, "parent").solve, job(plan).solve
    assert isinstance(parent, LlbSolve)
    assert isinstance(app, LlbSolve)
    assert set(parent.builds[0].ops[:-1]) < set(app.builds[0].ops)
    assert "FROM=parent" in json.loads(app.builds[0].config)["config"]["Env"]
    assert [need.job for need in job(plan).needs] == ["parent"]


def test_a_folder_is_told_from_another_of_the_same_name(project: Project) -> None:
    project.bake(LINKED).write(app__Dockerfile="FROM parent\nCOPY b /\n", parent__Dockerfile="FROM scratch\nCOPY a /\n")
    found = sources(project.compile(build_platform=AMD64))
    assert [(name, attrs["local.session"]) for name, attrs in found] == [
        ("local://context", "parent"),
        ("local://context", "app"),
    ]


def test_steps_know_their_lines_in_the_right_file(project: Project) -> None:
    project.bake(LINKED).write(
        app__Dockerfile="FROM parent\nRUN two \\\n  more\n", parent__Dockerfile="FROM scratch\nCOPY a /\n"
    )
    plan = project.compile(build_platform=AMD64)
    solve = job(plan).solve
    assert isinstance(solve, LlbSolve)
    places = [plan.op_meta[digest].places for digest in solve.builds[0].ops]
    shown = [(plan.dockerfiles[file].path, first, last) for every in places for file, first, last in every]
    assert shown == [("parent/Dockerfile", 2, 2), ("app/Dockerfile", 2, 3)]


MATRIX = """
target "app" {
  name   = "app-${v}"
  matrix = { v = ["1", "2", "3"] }
  args   = { V = v }
}
"""


def test_targets_share_the_steps_that_are_equal(project: Project) -> None:
    project.bake(MATRIX).write(
        Dockerfile="FROM scratch AS shared\nCOPY a /\nRUN same\nFROM shared\nARG V\nRUN own $V\n"
    )
    plan = project.compile(build_platform=AMD64)
    every = [job(plan, f"app-{v}").solve.builds[0].ops for v in "123"]
    assert len({ops[:3] for ops in every}) == 1
    assert len(plan.ops) == 3 + 3 * 2  # the folder, COPY and RUN; the last RUN of each, and its end
    assert [one.path for one in plan.dockerfiles] == ["Dockerfile"]


def test_platforms_share_what_does_not_depend_on_them(project: Project) -> None:
    project.write(Dockerfile="FROM scratch\nCOPY a /\nARG TARGETARCH\nRUN make $TARGETARCH\n")
    project.bake('target "app" {\n  platforms = ["linux/amd64", "linux/arm64"]\n}')
    plan = project.compile()
    solve = job(plan).solve
    assert isinstance(solve, LlbSolve)
    first, second = solve.builds
    assert (first.platform, second.platform) == ("linux/amd64", "linux/arm64")
    assert first.ops[:2] == second.ops[:2]
    assert not set(first.ops[2:]) & set(second.ops[2:])
    # One op, and two names for it.
    copy = first.ops[1]
    assert plan.op_meta[copy].description["llb.customname"] == "[linux/amd64 1/2] COPY a /"
    assert second.meta[copy].description["llb.customname"] == "[linux/arm64 1/2] COPY a /"
    assert solve.builder == ""


def test_the_cache_of_one_target_is_not_ignored_for_another(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\nRUN same\n").lock(base=config())
    project.bake('target "app" {}\ntarget "fresh" {\n  no-cache = true\n}')
    plan = project.compile("app", "fresh")
    ignored = {}
    for name in ("app", "fresh"):
        solve = job(plan, name).solve
        assert isinstance(solve, LlbSolve)
        (build,) = solve.builds
        run = build.ops[1]
        ignored[name] = (build.meta.get(run) or plan.op_meta[run]).ignore_cache
    assert ignored == {"app": False, "fresh": True}


def test_an_inline_dockerfile_is_lowered(project: Project) -> None:
    project.bake('target "app" {\n  dockerfile-inline = "FROM scratch\\nCOPY a /\\n"\n}')
    plan = project.compile(build_platform=AMD64)
    assert names(plan) == ["[internal] load build context", "[1/1] COPY a /"]
    assert plan.dockerfiles[0].path == "app (inline)"


def test_a_plan_does_not_depend_on_hashing(project: Project) -> None:
    project.bake(LINKED).lock(base=config()).write(
        app__Dockerfile="FROM base:1 AS b\nRUN x\nFROM parent\nCOPY --from=b /x /\n",
        parent__Dockerfile="FROM scratch\nCOPY --link a /\n",
    )
    made = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = (sys.executable, "-m", "bakec", "compile", "app", "--lower", "llb", "-o", "-")
        done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, check=True)
        made.add(done.stdout)
    assert len(made) == 1


def test_lint_of_a_lowered_file_is_reported_once(project: Project) -> None:
    project.write(Dockerfile="FROM scratch\nENV a b\n").bake('target "app" {}\ntarget "two" {}')
    sink = Diagnostics()
    project.compile("app", "two", build_platform=AMD64, sink=sink)
    assert [(one.subject.source.name, one.subject.line) for one in sink.items if one.subject] == [("Dockerfile", 2)]


# --- why not --------------------------------------------------------------------------------------------------

REASONS = {
    "": ("FROM scratch\nCOPY a /\n", ""),
    "image docker.io/library/other:2 is not pinned for linux/amd64": ("FROM other:2\n", ""),
    "its syntax directive asks for the frontend docker/dockerfile:1": (
        "# syntax=docker/dockerfile:1\nFROM scratch\n", "",
    ),
    "BUILDKIT_SYNTAX asks for the frontend docker/dockerfile:1": (
        "FROM scratch\n", 'args = { BUILDKIT_SYNTAX = "docker/dockerfile:1" }',
    ),
    "its Dockerfile is not on this machine": ("", 'context = "https://example.com/a.git"'),
    "there is no nowhere/Dockerfile": ("", 'dockerfile = "nowhere/Dockerfile"'),
    "its attestations tell of the frontend": ("FROM scratch\n", 'attest = ["type=sbom"]'),
    "it asks the frontend for `check`": ("FROM scratch\n", 'call = "check"'),
    "context `x` is an OCI layout, which is read where the plan runs": (
        "FROM scratch\n", 'contexts = { x = "oci-layout://x:1" }',
    ),
    "the address of host-gateway is the builder's": ("FROM scratch\n", 'extra-hosts = { a = "host-gateway" }'),
    "its resource limits are set by the frontend": ("FROM scratch\n", 'resources = { memory = "1g" }'),
    "it declares ARG https_proxy, which is set where the plan runs": ("FROM scratch\nARG https_proxy\nCOPY a /\n", ""),
    "`--link` is lowered in two ways, and the builder's image store decides": (
        "FROM base:1\nCOPY --link a /\n", "",
    ),
    "a git repository is read over SSH, whose host keys the builder looks up": (
        "FROM scratch\nADD git@example.com:a/b.git /b\n", "",
    ),
    "platform windows/amd64 depends on the builder": ("FROM scratch\nCOPY a /\n", 'platforms = ["windows/amd64"]'),
    "Dockerfile: dockerfile parse error on line 2: unknown instruction: NONSENSE": ("FROM scratch\nNONSENSE a\n", ""),
}  # fmt: skip


@pytest.mark.parametrize("expected", REASONS)
def test_a_target_that_is_not_lowered_says_why(project: Project, expected: str) -> None:
    dockerfile, attributes = REASONS[expected]
    if dockerfile:
        project.write(Dockerfile=dockerfile)
    project.lock(base=config()).bake(f'target "app" {{\n{attributes}\n}}')
    assert reason(project.compile()) == expected


@pytest.mark.parametrize("expected", [text for text in REASONS if text and "--link" not in text])
def test_llb_or_nothing_refuses_it(project: Project, expected: str) -> None:
    dockerfile, attributes = REASONS[expected]
    if dockerfile:
        project.write(Dockerfile=dockerfile)
    project.lock(base=config()).bake(f'target "app" {{\n{attributes}\n}}')
    with pytest.raises(Failed) as failure:
        project.compile(lower="llb")
    (found,) = failure.value.diagnostics
    assert found.message.endswith(expected.removeprefix("Dockerfile: "))


@pytest.mark.parametrize(
    ("dockerfile", "trigger"),
    [
        ("FROM base:1\nARG A=b \\\n  HTTP_PROXY\n", ""),
        ("ARG HTTP_PROXY\nFROM base:1\nCOPY a /\n", ""),
        ("FROM base:1\nCOPY a /\n", "ARG HTTP_PROXY"),
    ],
    ids=["on the second line", "in front of all stages", "in a base image"],
)
def test_a_proxy_is_found_wherever_it_is_declared(project: Project, dockerfile: str, trigger: str) -> None:
    project.write(Dockerfile=dockerfile).lock(base=config(OnBuild=[trigger] if trigger else []))
    project.bake('target "app" {}')
    assert reason(project.compile()) == "it declares ARG HTTP_PROXY, which is set where the plan runs"


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM base:1\nARG APT_PROXY\nRUN x\n",
        "FROM base:1\nARG Http_Proxy\nRUN x\n",
        "FROM base:1\nRUN <<EOF\nARG HTTP_PROXY\nEOF\n",
        "FROM base:1 AS unused\nARG HTTP_PROXY\nRUN x\nFROM base:1\nRUN x\n",
    ],
    ids=["another name", "mixed case", "text", "an unused stage"],
)
def test_what_is_no_proxy_is_lowered(project: Project, dockerfile: str) -> None:
    project.write(Dockerfile=dockerfile).lock(base=config()).bake('target "app" {}')
    assert isinstance(job(project.compile()).solve, LlbSolve)


def test_whatever_uses_it_is_not_lowered_either(project: Project) -> None:
    project.bake(LINKED).write(app__Dockerfile="FROM parent\n", parent__Dockerfile="FROM unknown\n")
    plan = project.compile(build_platform=AMD64)
    assert reason(plan) == "it uses target `parent`, which is not lowered"


def test_without_a_platform_the_builder_decides(project: Project) -> None:
    project.write(Dockerfile="FROM scratch\nCOPY a /\n").bake('target "app" {}')
    assert reason(project.compile()).startswith("it is built for the builder's platform")


@pytest.mark.parametrize(
    "platform", ["$BUILDPLATFORM", "linux", "LINUX", '"linux"', "$P"], ids=["variable", "word", "case", "quoted", "ARG"]
)
def test_the_builders_platform_matters_where_it_is_read(project: Project, platform: str) -> None:
    project.write(Dockerfile=f"ARG P=linux\nFROM --platform={platform} scratch AS a\nFROM scratch\nCOPY a /\n")
    project.bake('target "app" {\n  platforms = ["linux/arm64"]\n}')
    assert reason(project.compile()).startswith("it depends on the builder's platform")
    solve = job(project.compile(build_platform="linux/amd64")).solve
    assert isinstance(solve, LlbSolve)
    assert solve.builder == "linux/amd64"


def test_a_mistake_in_a_dockerfile_is_a_warning_at_its_place(project: Project) -> None:
    project.write(app__Dockerfile="FROM scratch\n\nNONSENSE\n").bake('target "app" {\n  context = "app"\n}')
    sink = Diagnostics()
    project.compile(build_platform=AMD64, sink=sink)
    (warning,) = sink.items
    assert (warning.rule.code, warning.subject.source.name, warning.subject.line) == ("BK653", "app/Dockerfile", 3)


def test_a_linked_dockerfile_outside_of_what_is_sent_is_left_to_the_builder(project: Project) -> None:
    project.write(real="FROM scratch\n").bake('target "app" {}')
    (project.root / "Dockerfile").symlink_to("real")
    assert reason(project.compile(build_platform=AMD64)) == "Dockerfile is a symbolic link"


def test_nothing_of_lowering_is_loaded_when_nothing_can_be_lowered(project: Project) -> None:
    project.write(Dockerfile="FROM scratch\n").bake('target "app" {}')
    code = (
        "import sys; from bakec.cli.main import main; main(['compile', 'app', '-o', 'p']);"
        "print([name for name in sys.modules if 'dockerfile' in name or 'lowering' in name])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = (sys.executable, "-c", code)
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
