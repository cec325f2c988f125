"""The lock file: what it makes of a compilation, and how it is made."""

import json
from collections.abc import Mapping

import pytest

from bakec.cli.main import main
from bakec.compiler.host import Host
from bakec.compiler.lock import Lock, LockedImage, LockedRepository, dump, load
from bakec.compiler.locking import Locker, stale
from bakec.compiler.lowering import pinned_url
from bakec.compiler.options import CompileOptions
from bakec.compiler.pipeline import compile_jobs
from bakec.ir.diagnostics import Diagnostics, Exit, Failed
from bakec.ir.plan import FrontendSolve, Plan
from tests.lower.conftest import BASE_DIGEST, OTHER_DIGEST, Project, config, job, reason

AMD64 = "linux/amd64"
COMMIT = "0123456789" * 4
TAGS = {"docker.io/library/base:1": BASE_DIGEST, "docker.io/library/tools:1": OTHER_DIGEST}


def image(digest: str = BASE_DIGEST, **platforms: dict[str, object]) -> LockedImage:
    configs = {name.replace("_", "/"): json.dumps(one) for name, one in platforms.items()}
    return LockedImage(digest=digest, configs=configs)


def plan(project: Project, *targets: str) -> Plan:
    return compile_jobs(CompileOptions(targets=targets or ("app",)), Host(env={}, cwd=project.root), Diagnostics())


def locked(project: Project, old: Lock | None = None, tags: Mapping[str, str] = TAGS, **options: object) -> Lock:
    """What `bakec lock` would write, with a builder that knows `tags`."""
    locker = Locker(plan=plan(project), host=Host(env={}, cwd=project.root), old=old or Lock(), **options)
    answers: dict[tuple[str, str], tuple[str, str]] = {}
    while questions := [one for one in locker.questions(AMD64, answers) if one not in answers]:
        for ref, platform in questions:
            bare, _, digest = ref.partition("@")
            answers[ref, platform] = (digest or tags[bare], json.dumps(config(Labels={"for": platform})))
    return locker.finished(AMD64, answers, dict.fromkeys(locker.open_repositories(), COMMIT))


# --- the file -------------------------------------------------------------------------------------------------


def test_a_lock_survives_the_file() -> None:
    lock = Lock(
        builder=AMD64,
        images={"a": image(linux_amd64=config())},
        repositories={"https://x/y.git": LockedRepository(commit=COMMIT)},
    )
    assert dump(load(dump(lock), "bakec.lock")) == dump(lock)


def test_equal_locks_are_equal_bytes() -> None:
    one = Lock(images={"a": image(linux_amd64={"os": "x", "a": 1}), "b": image()})
    other = Lock(images={"b": image(), "a": image(linux_amd64={"a": 1, "os": "x"})})
    assert dump(one) == dump(other)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Expecting value"),
        ("[]", "list indices"),
        ("{}", "'format' is missing"),
        ('{"format": 2}', "it has format 2, this version reads 1"),
        ('{"format": 1, "builder": 3, "images": {}, "repositories": {}}', "expected text, found 3"),
        ("<<<<<<< ours\n{}", "Expecting value"),
    ],
)
def test_a_damaged_lock_is_refused(project: Project, text: str, problem: str) -> None:
    project.bake('target "app" {}')
    (project.root / "bakec.lock").write_text(text)
    with pytest.raises(Failed, match=r"cannot use lock file bakec\.lock") as failure:
        project.compile()
    assert problem in str(failure.value)


# --- making one -----------------------------------------------------------------------------------------------


def test_every_image_of_a_dockerfile_is_found(project: Project) -> None:
    project.write(Dockerfile="ARG V=1\nFROM base:$V AS a\nFROM scratch\nCOPY --from=tools:1 /x /\nCOPY --from=a /y /\n")
    project.bake('target "app" {}')
    assert {ref: one.digest for ref, one in locked(project).images.items()} == TAGS


def test_images_of_contexts_and_of_frontends_are_found(project: Project) -> None:
    project.write(Dockerfile="# syntax=tools:1\nFROM here\n")
    project.bake('target "app" {\n  contexts = { here = "docker-image://base:1" }\n}')
    assert {ref: one.digest for ref, one in locked(project).images.items()} == TAGS


def test_an_image_is_locked_for_each_platform_it_is_used_for(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\n").bake('target "app" {\n  platforms = ["linux/arm64", "linux/amd64"]\n}')
    lock = locked(project)
    assert sorted(lock.images["docker.io/library/base:1"].configs) == ["linux/amd64", "linux/arm64"]


def test_triggers_of_a_base_are_followed(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\n").bake('target "app" {}')
    base = image(linux_amd64=config(OnBuild=["COPY --from=tools:1 /a /"]))
    old = Lock(builder=AMD64, images={"docker.io/library/base:1": base})
    assert set(locked(project, old).images) == set(TAGS)


def test_what_is_pinned_is_kept(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\nCOPY --from=tools:1 /a /\n").bake('target "app" {}')
    old = locked(project)
    moved = dict.fromkeys(TAGS, "sha256:" + "7" * 64)
    assert locked(project, old, moved) == old
    new = locked(project, old, moved, update=("base:1",))
    assert new.images["docker.io/library/base:1"].digest == "sha256:" + "7" * 64
    assert new.images["docker.io/library/tools:1"].digest == OTHER_DIGEST
    assert list(stale(old, new)) == [
        f"docker.io/library/base:1 is sha256:{'7' * 64} now, not {BASE_DIGEST}",
    ]


def test_a_new_platform_of_a_pinned_image_is_asked_by_its_digest(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\n").bake('target "app" {\n  platforms = ["linux/arm64"]\n}')
    old = Lock(builder=AMD64, images={"docker.io/library/base:1": image(linux_amd64=config())})
    locker = Locker(plan=plan(project), host=Host(env={}, cwd=project.root), old=old)
    assert locker.questions(AMD64, {}) == ((f"docker.io/library/base:1@{BASE_DIGEST}", "linux/arm64"),)


def test_pins_of_other_targets_stay_unless_pruned(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\n").bake('target "app" {}')
    old = Lock(builder=AMD64, images={"docker.io/library/tools:1": image()})
    assert set(locked(project, old).images) == set(TAGS)
    assert set(locked(project, old, prune=True).images) == {"docker.io/library/base:1"}


def test_updating_what_nobody_uses_is_a_mistake(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\n").bake('target "app" {}')
    with pytest.raises(Failed, match="nothing named `tools:1`"):
        locked(project, update=("tools:1",))


def test_a_dockerfile_elsewhere_cannot_be_locked(project: Project) -> None:
    project.bake('target "app" {\n  context = "https://example.com/a.git#main"\n}')
    locker = Locker(plan=plan(project), host=Host(env={}, cwd=project.root), old=Lock())
    assert locker.questions(AMD64, {}) == ()
    assert [one.rule.code for one in locker.warnings] == ["BK656"]
    assert list(locker.open_repositories()) == ["https://example.com/a.git#main"]


def test_nothing_is_asked_when_nothing_is_open(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(Dockerfile="FROM scratch\n").bake('target "app" {}')
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nobody")
    assert main(["lock", "app", "--build-platform", "linux/arm64"]) == Exit.OK
    assert json.loads((project.root / "bakec.lock").read_text())["builder"] == "linux/arm64"
    assert "0 images" in capsys.readouterr().err


ADDS = "FROM scratch\nADD https://example.com/a.git#main /a\nADD https://example.com/b.tar /b\n"


def test_a_repository_that_is_added_is_found_once_all_images_are_known(project: Project) -> None:
    project.write(Dockerfile=ADDS.replace("scratch", "base:1")).bake('target "app" {}')
    lock = locked(project)
    url = "https://example.com/a.git#main"
    assert lock.repositories == {url: LockedRepository(commit=COMMIT, origins=("Dockerfile",))}


@pytest.mark.parametrize("pinned", [f"#{COMMIT}", f"?checksum={COMMIT}"])
def test_a_repository_that_is_added_at_a_commit_needs_no_pin(pinned: str, project: Project) -> None:
    project.write(Dockerfile=f"FROM scratch\nADD https://example.com/a.git{pinned} /a\n").bake('target "app" {}')
    assert locked(project).repositories == {}


def test_a_pin_tells_when_it_was_found_and_who_asks_for_it(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\n", Other="FROM base:1\nCOPY --from=tools:1 /a /\n")
    project.bake('target "app" {}')
    old = locked(project, now="2026-01-02T03:04:05Z")
    project.bake('target "app" {\n  dockerfile = "Other"\n}')
    new = locked(project, old, now="2026-02-03T04:05:06Z")
    found = {name: (one.resolved, one.origins) for name, one in new.images.items()}
    assert found == {
        "docker.io/library/base:1": ("2026-01-02T03:04:05Z", ("Dockerfile", "Other")),
        "docker.io/library/tools:1": ("2026-02-03T04:05:06Z", ("Other",)),
    }
    assert locked(project, new, prune=True).images["docker.io/library/base:1"].origins == ("Other",)
    moved = locked(project, old, dict.fromkeys(TAGS, OTHER_DIGEST), update=("base:1",), now="2026-03-04T05:06:07Z")
    assert moved.images["docker.io/library/base:1"].resolved == "2026-03-04T05:06:07Z"


# --- using one ------------------------------------------------------------------------------------------------


def attrs(plan: Plan) -> Mapping[str, str]:
    solve = job(plan).solve
    assert isinstance(solve, FrontendSolve)
    return solve.attrs


def test_a_job_of_the_frontend_is_held_to_its_pins(project: Project) -> None:
    project.write(Dockerfile="FROM base:1\n").lock(base=config()).bake('target "app" {}')
    found = attrs(project.compile(lower="frontend"))
    assert found["context:base:1"] == f"docker-image://docker.io/library/base:1@{BASE_DIGEST}"
    assert found["frontend.caps"] == "moby.buildkit.frontend.contexts+forward"


def test_a_frontend_of_its_own_is_pinned(project: Project) -> None:
    project.write(Dockerfile="# syntax=tools:1 with more\nFROM scratch\n").lock(tools=config()).bake('target "app" {}')
    plan = project.compile()
    assert job(plan).solve.frontend == "gateway.v0"
    pinned = f"docker.io/library/tools:1@{OTHER_DIGEST}"
    assert (attrs(plan)["source"], attrs(plan)["cmdline"]) == (pinned, f"{pinned} with more")


def test_contexts_are_pinned(project: Project) -> None:
    project.write(Dockerfile="FROM here\nCOPY --from=code . /\n")
    contexts = '{ here = "docker-image://base:1", code = "https://example.com/a.git#main:sub" }'
    project.bake(f'target "app" {{\n  contexts = {contexts}\n}}')
    body = {
        "format": 1,
        "builder": AMD64,
        "images": {"docker.io/library/base:1": {"digest": BASE_DIGEST, "configs": {AMD64: config()}}},
        "repositories": {"https://example.com/a.git#main:sub": {"commit": COMMIT}},
    }
    (project.root / "bakec.lock").write_text(json.dumps(body))
    found = attrs(project.compile(lower="frontend"))
    assert found["context:here"] == f"docker-image://docker.io/library/base:1@{BASE_DIGEST}"
    assert found["context:code"] == f"https://example.com/a.git#{COMMIT}:sub"
    assert reason(project.compile(locked=True)) == ""


def test_locked_refuses_what_is_not_pinned(project: Project) -> None:
    project.write(Dockerfile="# syntax=docker/dockerfile:1\nFROM base:1\nCOPY --from=tools:1 /a /\n")
    project.lock(base=config())
    project.bake('target "app" {\n  contexts = { code = "https://example.com/a.git" }\n}')
    with pytest.raises(Failed) as failure:
        project.compile(locked=True)
    assert [one.message for one in failure.value.diagnostics] == [
        "target `app`: image docker.io/library/tools:1 is not pinned in bakec.lock",
        "target `app`: repository https://example.com/a.git is not pinned in bakec.lock",
        "target `app`: frontend image docker.io/docker/dockerfile:1 is not pinned in bakec.lock",
    ]


def test_locked_refuses_what_add_fetches_without_saying_which_version(project: Project) -> None:
    project.write(Dockerfile=ADDS).lock().bake('target "app" {}')
    with pytest.raises(Failed) as failure:
        project.compile(locked=True)
    assert [one.message for one in failure.value.diagnostics] == [
        "target `app`: repository https://example.com/a.git#main is not pinned in bakec.lock",
        "target `app`: URL https://example.com/b.tar (see `ADD --checksum`) is not pinned in bakec.lock",
    ]


def test_a_lowered_job_adds_a_repository_at_its_locked_commit(project: Project) -> None:
    url = "https://example.com/a.git#main"
    body = {"format": 1, "builder": AMD64, "images": {}, "repositories": {url: {"commit": COMMIT}}}
    project.write(Dockerfile=f"FROM scratch\nADD {url} /a\n").bake('target "app" {}')
    (project.root / "bakec.lock").write_text(json.dumps(body))
    plan = project.compile(lower="llb", locked=True)
    assert any(f"a.git#{COMMIT}".encode() in op for op in plan.ops.values())
    with pytest.raises(Failed, match="which the frontend adds, is not pinned"):
        project.compile(locked=True, lower="frontend")


def test_locked_refuses_what_only_another_frontend_may_understand(project: Project) -> None:
    """It could read images that nobody has looked for."""
    project.write(Dockerfile="FROM base:1\nRUN --future=1 x\nFROM tools:1\n").lock(base=config()).bake(
        'target "app" {}'
    )
    with pytest.raises(Failed, match="what it reads") as failure:
        project.compile(locked=True)
    assert "is not pinned in bakec.lock" in str(failure.value)


def test_a_digest_that_somebody_has_written_is_no_pin_of_the_tag(project: Project) -> None:
    locker = Locker(plan=Plan(requested=()), host=Host(env={}, cwd=project.root), old=Lock())
    name, written = "docker.io/library/base:1", f"docker.io/library/base:1@{OTHER_DIGEST}"
    for order in ((name, written), (written, name)):
        answers = {(ref, AMD64): (OTHER_DIGEST if "@" in ref else BASE_DIGEST, "{}") for ref in order}
        found = locker.finished(AMD64, answers, {}).images
        assert {ref: one.digest for ref, one in found.items()} == {name: BASE_DIGEST, written: OTHER_DIGEST}


@pytest.mark.parametrize("option", ["checksum", "commit"])
def test_a_repository_with_a_commit_of_its_own_stays_as_it_is(option: str) -> None:
    url = f"https://example.com/a.git?ref=main&{option}=abc#:sub"
    assert pinned_url(url, COMMIT) == url


def test_locked_without_a_lock_file_needs_nothing_that_could_move(project: Project) -> None:
    project.write(Dockerfile="FROM scratch\nCOPY a /\n").bake('target "app" {}')
    assert job(project.compile(locked=True, build_platform=AMD64)).solve


def test_an_image_named_like_a_stage_cannot_be_held(project: Project) -> None:
    project.write(Dockerfile="FROM base AS base\n").bake('target "app" {}')
    body = {
        "format": 1,
        "builder": AMD64,
        "images": {"docker.io/library/base:latest": {"digest": BASE_DIGEST, "configs": {AMD64: config()}}},
        "repositories": {},
    }
    (project.root / "bakec.lock").write_text(json.dumps(body))
    assert reason(project.compile(locked=True)) == ""
    with pytest.raises(Failed, match="which has the name of a stage"):
        project.compile(locked=True, lower="frontend")
