"""What changes between two plans, and why."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bakec import PlanDiff, diff
from bakec.ir.codec import dump, load
from bakec.ir.diff import Action, Effect
from bakec.ir.plan import LlbSolve, OpMeta, Plan
from tests.plan.samples import EVERYTHING, compiled, op

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
