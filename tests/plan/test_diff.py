"""What changes between two plans, and why."""

from collections.abc import Callable
from dataclasses import fields, replace
from itertools import permutations
from pathlib import Path

import pytest

from bakec import PlanDiff, diff
from bakec.compiler.render.diff import render_json
from bakec.ir.changes import Action, Effect
from bakec.ir.codec import dump, load
from bakec.ir.fields import FIELDS
from bakec.ir.plan import Job, JobId, LlbSolve, OpMeta, Plan, Secret, Ssh
from tests.plan.samples import END, EVERYTHING, SOURCE, STEP, compiled, op

Differ = Callable[[str, str], PlanDiff]


@pytest.fixture
def between(tmp_path: Path) -> Differ:
    return lambda old, new: diff(compiled(tmp_path, old), compiled(tmp_path, new))


def changes(result: PlanDiff, name: str) -> list[tuple[str, object, object]]:
    (target,) = (one for one in result.targets if one.name == name)
    return [(change.path, change.old, change.new) for change in target.changes]


def test_equal_plans_do_not_differ(between: Differ) -> None:
    result = between('target "default" {}', '# a comment\ntarget "default" {}')

    assert result.empty
    assert result.same == 1


def test_a_change_says_which_variable_made_it(between: Differ) -> None:
    text = 'variable "GO" {\n  default = "%s"\n}\ntarget "default" {\n  args = { GO = "go${GO}" }\n}'

    result = between(text % "1.24", text % "1.25")

    (change,) = result.targets[0].changes
    assert (change.path, change.old, change.new) == ("args.GO", "go1.24", "go1.25")
    assert change.reasons == ("variable GO, docker-bake.hcl:2",)
    assert change.effects == (Effect.REBUILDS,)
    assert [(one.name, one.old, one.new) for one in result.variables] == [("GO", "1.24", "1.25")]


def test_the_first_few_of_many_variables_are_named_in_the_order_of_the_text(between: Differ) -> None:
    names = ("D", "A", "C", "B", "E")
    text = "".join(f'variable "{name}" {{ default = "%s" }}\n' for name in names)
    text += 'target "default" { tags = ["x:${C}${B}-${C}${A}${E}${D}"] }'

    result = between(text % (("1",) * 5), text % (("2",) * 4 + ("1",)))

    assert [reason.split(",")[0] for reason in result.targets[0].changes[0].reasons] == [
        "variable C",
        "variable B",
        "variable A",
    ]


def test_a_change_from_the_environment_says_so(tmp_path: Path) -> None:
    text = 'variable "TAG" { default = "a" }\ntarget "default" { tags = ["x:${TAG}"] }'

    result = diff(compiled(tmp_path, text), compiled(tmp_path, text, {"TAG": "b"}))

    assert result.targets[0].changes[0].reasons == ("variable TAG, environment",)


def test_a_changed_literal_has_its_place_and_the_target_that_gives_it(between: Differ) -> None:
    text = 'target "_base" {\n  args = { A = "%s" }\n}\ntarget "default" {\n  inherits = ["_base"]\n}'

    (change,) = between(text % "1", text % "2").targets[0].changes

    assert change.reasons == ("docker-bake.hcl:2 in _base",)


def test_what_went_says_where_it_stood(between: Differ) -> None:
    result = between('target "default" {\n  tags = ["a", "b"]\n}', 'target "default" {\n  tags = ["a"]\n}')

    (change,) = result.targets[0].changes
    assert (change.path, change.old, change.new) == ("tags", "b", None)
    assert change.reasons == ("was docker-bake.hcl:2",)


def test_the_order_of_tags_means_nothing(between: Differ) -> None:
    assert between('target "default" { tags = ["a", "b"] }', 'target "default" { tags = ["b", "a"] }').empty


def test_the_order_of_caches_to_import_means_something(between: Differ) -> None:
    text = 'target "default" { cache-from = ["type=registry,ref=%s", "type=registry,ref=%s"] }'

    assert [path for path, _, _ in changes(between(text % ("a", "b"), text % ("b", "a")), "default")] == ["cache-from"]


def test_a_tag_that_moves_on_is_one_change(between: Differ) -> None:
    result = between('target "default" { tags = ["x:1", "y:1"] }', 'target "default" { tags = ["y:1", "x:2"] }')

    assert changes(result, "default") == [("tags[1]", "x:1", "x:2")]


def test_tags_that_could_be_paired_in_two_ways_are_not(between: Differ) -> None:
    result = between('target "default" { tags = ["x:1"] }', 'target "default" { tags = ["x:2", "x:3"] }')

    assert changes(result, "default") == [
        ("tags[0]", None, "x:2"),
        ("tags[1]", None, "x:3"),
        ("tags", "x:1", None),
    ]


def test_the_tag_of_the_same_shape_is_the_one_that_moved_on(between: Differ) -> None:
    result = between(
        'target "default" { tags = ["x:1-alpine"] }', 'target "default" { tags = ["x:alpine", "x:2-alpine"] }'
    )

    assert changes(result, "default") == [("tags[0]", None, "x:alpine"), ("tags[1]", "x:1-alpine", "x:2-alpine")]


def test_a_target_of_equal_content_was_renamed(between: Differ) -> None:
    result = between(
        'target "default" { tags = ["x"] }', 'target "app" { tags = ["x"] }\ngroup "default" {targets=["app"]}'
    )

    assert [(one.action, one.name, one.was, one.changes) for one in result.targets] == [
        (Action.RENAMED, "app", "default", ())
    ]


def test_a_target_that_is_much_alike_was_renamed_and_changed(between: Differ) -> None:
    text = 'group "default" { targets = ["%s"] }\ntarget "%s" { args = { A = "1", B = "2", C = "3", D = "%s" } }'

    result = between(text % ("old", "old", "4"), text % ("new", "new", "5"))

    assert [(one.action, one.name, one.was) for one in result.targets] == [(Action.RENAMED, "new", "old")]
    assert changes(result, "new") == [("args.D", "4", "5")]


def test_targets_that_are_little_alike_were_removed_and_added(between: Differ) -> None:
    text = 'group "default" { targets = ["%s"] }\ntarget "%s" { tags = ["%s"] }'

    result = between(text % ("old", "old", "x"), text % ("new", "new", "y"))

    assert [(one.action, one.name) for one in result.targets] == [(Action.ADDED, "new"), (Action.REMOVED, "old")]


@pytest.mark.parametrize(
    ("attribute", "effect"),
    [
        ('entitlements = ["network.host"]', Effect.PRIVILEGE),
        ('ssh = ["default"]', Effect.PRIVILEGE),
        ('secret = ["id=token,env=TOKEN"]', Effect.SECRET),
        ('platforms = ["linux/arm64"]', Effect.PLATFORM),
        ('tags = ["x"]', Effect.PUBLISHES),
        ('context = "src"', Effect.REBUILDS),
    ],
)
def test_what_a_change_means_for_a_run(attribute: str, effect: Effect, between: Differ) -> None:
    result = between('target "default" {}', f'target "default" {{\n{attribute}\n}}')

    assert effect in result.targets[0].effects


def test_an_added_target_that_needs_a_secret_says_so(between: Differ) -> None:
    old = 'group "default" { targets = ["a"] }\ntarget "a" {}'
    new = 'group "default" { targets = ["a", "b"] }\ntarget "a" {}\ntarget "b" { secret = ["id=x"] }'

    (added,) = between(old, new).targets

    assert (added.action, added.effects) == (Action.ADDED, (Effect.SECRET,))


def test_the_build_steps_that_run_again_have_names() -> None:
    lowered, app = EVERYTHING.jobs
    assert isinstance(lowered.solve, LlbSolve)
    step = op(b"another exec op")
    source, _, end = lowered.solve.builds[0].ops
    build = replace(lowered.solve.builds[0], ops=(source, step, end))
    new = replace(
        EVERYTHING,
        ops={**EVERYTHING.ops, step: b"another exec op"},
        op_meta={**EVERYTHING.op_meta, step: OpMeta(description={"llb.customname": "[2/2] RUN make all"})},
        jobs=(replace(lowered, solve=replace(lowered.solve, builds=(build,))), app),
    )

    (target,) = diff(EVERYTHING, new).targets

    assert (target.name, target.effects) == ("base", (Effect.REBUILDS,))
    assert [(change.path, change.new) for change in target.changes] == [("step", "[2/2] RUN make all")]


def lowered(folder: Path, dockerfile: str, bake: str = 'target "default" { platforms = ["linux/amd64"] }') -> Plan:
    (folder / "Dockerfile").write_text(dockerfile)
    return compiled(folder, bake)


def test_a_target_that_is_left_to_a_frontend_says_so_and_why(tmp_path: Path) -> None:
    """Its values are the same, but what builds it is another program."""
    ours = lowered(tmp_path, "FROM scratch\nCOPY a /\n")
    theirs = lowered(tmp_path, "# syntax=docker/dockerfile:1\nFROM scratch\nCOPY a /\n")
    reason = "frontend dockerfile.v0: its syntax directive asks for the frontend docker/dockerfile:1"

    assert changes(diff(ours, theirs), "default") == [("solve", "llb", reason)]
    assert changes(diff(theirs, ours), "default") == [("solve", reason, "llb")]
    assert diff(ours, theirs).targets[0].effects == (Effect.REBUILDS,)


def test_why_a_frontend_builds_it_is_no_change(tmp_path: Path) -> None:
    assert diff(lowered(tmp_path, "FROM one\n"), lowered(tmp_path, "FROM another\n")).empty


def test_a_build_step_that_went(tmp_path: Path) -> None:
    both = lowered(tmp_path, "FROM scratch\nWORKDIR /a\nWORKDIR /b\n")
    one = lowered(tmp_path, "FROM scratch\nWORKDIR /a\n")

    assert changes(diff(both, one), "default") == [
        ("step", "[2/2] WORKDIR /b (Dockerfile:3)", None),
        ("config.WorkingDir", "/b", "/a"),
    ]


BUILT, FRONTEND = EVERYTHING.jobs
(PART,) = BUILT.solve.builds if isinstance(BUILT.solve, LlbSolve) else ()
OTHERS = {
    "platforms": (("linux/arm64",), {Effect.REBUILDS, Effect.PUBLISHES, Effect.PLATFORM}),
    "needs": ((), {Effect.REBUILDS}),
    "tags": (("evil:1",), {Effect.PUBLISHES}),
    "exports": ((), {Effect.PUBLISHES}),
    "cache_from": ((), set()),
    "cache_to": ((), set()),
    "locals": ((), {Effect.REBUILDS}),
    "oci_layouts": ({"layout": "other"}, {Effect.REBUILDS}),
    "dockerfile_inline": ("FROM evil", {Effect.REBUILDS}),
    "secrets": ((Secret(id="evil"),), {Effect.SECRET}),
    "ssh": ((Ssh(id="evil"),), {Effect.PRIVILEGE}),
    "entitlements": (("security.insecure",), {Effect.PRIVILEGE}),
    "pull": (False, {Effect.REBUILDS}),
    "provenance_default": (False, {Effect.PUBLISHES}),
    "call": ("", {Effect.REBUILDS}),
    "description": ("other", set()),
}


def with_job(job: Job) -> Plan:
    """The sample with one of its jobs in another form."""
    return replace(EVERYTHING, jobs=tuple(job if one.id == job.id else one for one in EVERYTHING.jobs))


def test_whatever_a_job_does_beside_its_target_shows() -> None:
    """Neither its values nor its Dockerfile need to be the reason: another version may make other jobs."""
    assert OTHERS.keys() == {one.name for one in fields(Job)} - {"id", "target", "solve"}
    for name, (value, effects) in OTHERS.items():
        (target,) = diff(EVERYTHING, with_job(replace(FRONTEND, **{name: value}))).targets
        assert [one.path for one in target.changes] == [f"job.{name}"]
        assert set(target.effects) == effects


def test_what_a_changed_value_accounts_for_hides_nothing_else() -> None:
    evil = replace(FRONTEND, solve=replace(FRONTEND.solve, attrs={"build-arg:A": "evil", "target": "evil"}))
    old, new = EVERYTHING, with_job(evil)
    (app,) = (target for target in EVERYTHING.targets if target.name == "app")
    moved = replace(app, view={**app.view, "args": {"A": "good"}})
    new = replace(new, targets=tuple(moved if one is app else one for one in new.targets))

    assert [path for path, _, _ in changes(diff(old, new), "app") if path.startswith("job")] == [
        "job.attrs.filename",
        "job.attrs.target",
    ]


VALUES = {
    "context": ('"other"', '"https://example.com/a.git"'),
    "contexts": (
        '{ a = "target:dep" }',
        '{ a = "docker-image://alpine" }',
        '{ b = "dir" }',
        '{ b = "oci-layout://x" }',
    ),
    "dockerfile": ('"Other"', '"sub/Other"'),
    "dockerfile-inline": ('"FROM scratch"',),
    "args": ('{ A = "1" }', '{ A = "2", B = "3" }', '{ BUILDKIT_SYNTAX = "docker/dockerfile:1" }'),
    "annotations": ('["a=b"]',),
    "attest": ('["type=provenance,mode=max"]', '["type=sbom"]'),
    "labels": ('{ a = "b" }',),
    "tags": ('["a"]', '["a", "b"]'),
    "cache-from": ('["type=registry,ref=a"]',),
    "cache-to": ('["type=inline"]',),
    "secret": ('["id=a,env=A"]',),
    "ssh": ('["default=key"]',),
    "target": ('"stage"',),
    "platforms": ('["linux/amd64"]', '["linux/amd64", "linux/arm64"]'),
    "output": ('["type=docker"]', '["type=local,dest=out"]'),
    "pull": ("true",),
    "no-cache": ("true",),
    "network": ('"host"',),
    "no-cache-filter": ('["a"]',),
    "shm-size": ('"64m"',),
    "ulimits": ('["nofile=1:2"]',),
    "resources": ('{ memory = "1g", memory-swap = "2g", cpu-shares = 2, cpuset-cpus = "0" }',),
    "call": ('"check"',),
    "description": ('"what it is"',),
    "entitlements": ('["network.host"]',),
    "extra-hosts": ('{ a = "1.2.3.4" }',),
}


@pytest.mark.parametrize("base", ["scratch", "alpine"], ids=["lowered", "left to a frontend"])
@pytest.mark.parametrize("attribute", sorted(FIELDS.keys() - {"policy"}))
def test_what_follows_from_a_changed_value_is_not_said_twice(attribute: str, base: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {base} AS a\nWORKDIR /a\nFROM a AS stage\n")
    platforms = "" if attribute == "platforms" else 'platforms = ["linux/amd64"]'
    bake = f'target "dep" {{}}\ntarget "default" {{\n  {platforms}\n  %s\n}}'
    lines = ["", *(f"{attribute} = {value}" for value in VALUES[attribute])]
    plans = [compiled(tmp_path, bake % line) for line in lines]

    for old, new in permutations(plans, 2):
        (target,) = (one for one in diff(old, new).targets if one.name == "default")
        assert not any(change.path.startswith("job") for change in target.changes)


@pytest.mark.parametrize(
    ("job", "path"),
    [
        (replace(FRONTEND, solve=replace(FRONTEND.solve, attrs={"filename": "evil"})), "job.attrs.filename"),
        (replace(FRONTEND, solve=replace(FRONTEND.solve, frontend="gateway.v0")), "solve"),
        (replace(BUILT, solve=replace(BUILT.solve, attrs={})), "job.attrs.attest:sbom"),
        (replace(BUILT, solve=replace(BUILT.solve, builder="linux/arm64")), "solve"),
        *(
            (replace(BUILT, solve=replace(BUILT.solve, builds=(replace(PART, **changed),))), path)
            for changed, path in (
                ({"platform": "linux/arm64"}, "job.llb.platforms"),
                ({"ops": (op(SOURCE), op(END))}, "step"),
                ({"ops": (op(STEP), op(END))}, "job.llb.ops"),
                ({"config": b'{"config":{"User":"evil"},"os":"linux"}'}, "config.User"),
                ({"config": b'{"os":"evil"}'}, "config.os"),
                ({"config": b'{"history":[{}],"os":"linux"}'}, "job.llb.config"),
                ({"base_config": b""}, "job.llb.base_config"),
                ({"epoch": ""}, "job.llb.epoch"),
                ({"meta": {op(SOURCE): OpMeta(ignore_cache=True)}}, "job.llb.ignore_cache"),
            )
        ),
    ],
)
def test_whatever_makes_the_result_of_a_job_shows(job: Job, path: str) -> None:
    (target,) = diff(EVERYTHING, with_job(job)).targets
    assert [one.path for one in target.changes] == [path]


@pytest.mark.parametrize("attr", ["label:a", "attest:sbom"])
def test_what_an_attribute_only_publishes(attr: str) -> None:
    evil = replace(FRONTEND, solve=replace(FRONTEND.solve, attrs={**FRONTEND.solve.attrs, attr: "evil"}))
    (target,) = diff(EVERYTHING, with_job(evil)).targets

    assert [one.path for one in target.changes] == [f"job.attrs.{attr}"]
    assert target.effects == (Effect.PUBLISHES,)


@pytest.mark.parametrize("name", ["secrets", "ssh", "entitlements", "platforms"])
def test_what_a_job_needs_no_more_is_no_new_need(name: str) -> None:
    (target,) = diff(EVERYTHING, with_job(replace(FRONTEND, **{name: ()}))).targets
    assert not {Effect.SECRET, Effect.PRIVILEGE, Effect.PLATFORM} & set(target.effects)


def test_a_target_with_more_jobs_than_before_or_none() -> None:
    second = replace(FRONTEND, id=JobId("evil"), tags=("evil:1",))
    more, none = replace(EVERYTHING, jobs=(second, *EVERYTHING.jobs)), replace(EVERYTHING, jobs=(BUILT,))

    assert ("job", ["app"], ["evil", "app"]) in changes(diff(EVERYTHING, more), "app")
    assert changes(diff(EVERYTHING, none), "app") == [("job", ["app"], None)]


def test_what_the_image_says_shows_whatever_else_differs(tmp_path: Path) -> None:
    """The labels of a Dockerfile, not those of the target, which are values of it."""
    bake = 'target "default" {\n  platforms = ["linux/amd64"]\n  tags = [%s]\n  labels = { b = "%s" }\n}'
    text = "FROM scratch\nWORKDIR /a\nLABEL a=%s\nMAINTAINER %s\n"
    old = lowered(tmp_path, text % (1, "me"), bake % ('"a:1", "b"', 1))
    new = lowered(tmp_path, text % (2, "you"), bake % ('"b", "a:1"', 2))
    moved = lowered(tmp_path, text % (1, "me"), bake % ('"b", "a:1"', 1))

    assert changes(diff(old, new), "default") == [
        ("labels.b", "1", "2"),
        ("config.Labels.a", "1", "2"),
        ("config.author", "me", "you"),
    ]
    assert diff(old, new).targets[0].effects == (Effect.PUBLISHES,)
    assert diff(old, moved).empty


def test_a_build_step_that_no_cache_will_spare() -> None:
    eager = {digest: replace(meta, ignore_cache=False) for digest, meta in EVERYTHING.op_meta.items()}
    (target,) = diff(replace(EVERYTHING, op_meta=eager), EVERYTHING).targets

    (change,) = target.changes
    assert (change.path, change.old, change.new) == ("job.llb.ignore_cache", [], ["[2/2] RUN make (base/Dockerfile:2)"])
    assert change.effects == (Effect.REBUILDS,)


def test_which_frontend_builds_it_may_be_an_argument(between: Differ) -> None:
    result = between('target "default" {}', 'target "default" { args = { BUILDKIT_SYNTAX = "docker/dockerfile:1" } }')
    assert [path for path, _, _ in changes(result, "default")] == ["args.BUILDKIT_SYNTAX"]


def test_an_image_config_of_a_stranger_may_be_deep() -> None:
    deep = b'{"config":{"User":' + b"[" * 900 + b"]" * 900 + b"}}"
    job = replace(BUILT, solve=replace(BUILT.solve, builds=(replace(PART, config=deep),)))

    assert "config.os" in render_json(diff(EVERYTHING, with_job(job)))


def test_names_and_places_of_build_steps_are_no_change() -> None:
    moved = replace(BUILT, solve=replace(BUILT.solve, builds=(replace(PART, meta={}),)))
    assert diff(EVERYTHING, with_job(moved)).empty


def test_members_of_groups(between: Differ) -> None:
    text = 'group "default" { targets = ["a", "b"] }\ngroup "b" { targets = [%s] }\ntarget "a" {}\ntarget "c" {}'

    result = between(text % '"a"', text % '"a", "c"')

    assert [(one.path, one.old, one.new) for one in result.groups] == [("b", ["a"], ["a", "c"])]


def test_a_diff_of_read_plans_is_that_of_the_plans(tmp_path: Path) -> None:
    old = compiled(tmp_path, 'target "default" { tags = ["b", "a"] }')
    new = compiled(tmp_path, 'target "default" {\n  tags = ["b"]\n  args = { A = "1" }\n}')

    assert diff(load(dump(old)), load(dump(new))) == diff(old, new)


def test_attributes_of_a_stranger_may_have_any_shape() -> None:
    def plan(tags: object) -> Plan:
        return replace(EVERYTHING, targets=(replace(EVERYTHING.targets[0], view={"tags": tags}),), jobs=())

    result = diff(plan([["a"]]), plan([["b"]]))

    assert changes(result, "app") == [("tags[0]", None, ["b"]), ("tags", ["a"], None)]
