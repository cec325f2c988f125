"""Targets as the matrix of a CI service."""

import json
from pathlib import Path

import pytest

from bakec import Plan, compile_files
from bakec.compiler.render.matrix import Entry, entries, render_github

TEXT = """
group "default" { targets = ["app", "tools"] }
target "app" {
  contexts = { base = "target:base" }
  platforms = ["linux/amd64", "linux/arm64"]
  tags = ["app:1", "app:2"]
  dockerfile = "app.Dockerfile"
}
target "tools" {}
target "base" { contexts = { os = "target:os" } }
target "os" {}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "docker-bake.hcl").write_text(TEXT)
    return compile_files(root=tmp_path, env={})


def names(found: list[Entry]) -> list[object]:
    return [one["target"] for one in found]


def test_an_entry_for_each_target_that_was_asked_for(plan: Plan) -> None:
    assert entries(plan) == [{"target": "app"}, {"target": "tools"}]


def test_an_entry_for_each_value_of_a_list(plan: Plan) -> None:
    assert entries(plan, ["platforms"]) == [
        {"target": "app", "platforms": "linux/amd64"},
        {"target": "app", "platforms": "linux/arm64"},
        {"target": "tools"},
    ]


def test_two_lists_give_every_combination(plan: Plan) -> None:
    found = entries(plan, ["platforms", "tags", "dockerfile"])

    assert [(one["platforms"], one["tags"]) for one in found if one["target"] == "app"] == [
        ("linux/amd64", "app:1"),
        ("linux/amd64", "app:2"),
        ("linux/arm64", "app:1"),
        ("linux/arm64", "app:2"),
    ]
    assert [one["dockerfile"] for one in found] == ["app.Dockerfile"] * 4 + ["Dockerfile"]


def test_waves_have_what_is_used_before_its_users(plan: Plan) -> None:
    assert {one["target"]: one["wave"] for one in entries(plan, waves=True)} == {
        "os": 0,
        "tools": 0,
        "base": 1,
        "app": 2,
    }


def test_waves_stand_in_their_order(plan: Plan) -> None:
    numbers = [int(one["wave"]) for one in entries(plan, ["platforms"], waves=True)]

    assert numbers == sorted(numbers)


def test_some_of_the_targets(plan: Plan) -> None:
    assert names(entries(plan, only={"app", "base"})) == ["app"]
    assert entries(plan, waves=True, only={"app", "os"}) == [{"target": "os", "wave": 0}, {"target": "app", "wave": 1}]


def test_outputs_of_a_step(plan: Plan) -> None:
    (line,) = render_github(entries(plan))
    waves = dict(line.split("=", 1) for line in render_github(entries(plan, waves=True), waves=True))

    assert line == 'matrix=[{"target":"app"},{"target":"tools"}]'
    assert list(waves) == ["waves", "wave0", "wave1", "wave2"]
    assert json.loads(waves["waves"]) == [0, 1, 2]
    assert names(json.loads(waves["wave1"])) == ["base"]


def test_nothing_is_an_empty_matrix(plan: Plan) -> None:
    assert list(render_github(entries(plan, only=()))) == ["matrix=[]"]
    assert list(render_github(entries(plan, waves=True, only=()), waves=True)) == ["waves=[]"]
