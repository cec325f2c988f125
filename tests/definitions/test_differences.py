"""What docs/differences.md says, one test a row."""

# ruff: noqa: E501 - a case a line

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from bakec.compiler.eval.scope import MAX_STEPS, MAX_TEXT
from bakec.compiler.passes.fold import MAX_INSTANCES
from bakec.runtime.privileges import missing, parse_allow
from tests.definitions.compiling import plan_of
from tests.definitions.running import Printed, bake

PAGE = Path(__file__).parents[2] / "docs/differences.md"


class Project:
    """A folder with one definition file."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, patch

    def bake(self, text: str, *argv: str, name: str = "docker-bake.hcl", env: dict[str, str] | None = None) -> Printed:
        (self.folder / name).write_text(text, "utf-8")
        return bake(self.patch, self.folder, *argv, env=env)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, monkeypatch)


def app(*lines: str) -> str:
    return 'target "app" {\n' + "".join(f"  {line}\n" for line in lines) + "}\n"


def test_every_row_has_a_test() -> None:
    rows = re.findall(r"^\| D(\d+) ", PAGE.read_text("utf-8"), re.MULTILINE)
    tests = {name.split("_")[1][1:] for name in globals() if re.match(r"test_d\d+_", name)}
    assert rows == sorted(rows, key=int) and set(rows) == tests


def test_d1_matrix_keys_are_sorted(project: Project) -> None:
    text = app('matrix = { b = ["1", "2"], a = ["x", "y"] }', 'name = "app-${a}${b}"')
    printed = project.bake(text, "app")
    assert printed.json["group"]["app"]["targets"] == ["app-x1", "app-y1", "app-x2", "app-y2"]


@pytest.mark.parametrize("flags", [("--load", "--push"), ("--push", "--load")])
def test_d2_outputs_then_load_then_push(flags: tuple[str, ...], project: Project) -> None:
    printed = project.bake(app(), *flags, "--set=app.output=type=registry", "app")
    assert printed.targets["app"]["output"] == [{"type": "registry"}, {"type": "docker"}]
    printed = project.bake(app(), *flags, "app")
    assert printed.targets["app"]["output"] == [{"type": "docker"}, {"push": "true", "type": "image"}]


def test_d3_the_first_mistake_is_the_first_in_the_file(project: Project) -> None:
    text = 'variable "b" {\n  default = first\n}\nvariable "a" {\n  default = second\n}\n'
    printed = project.bake(text, "app")
    assert printed.message.startswith("docker-bake.hcl:2,13-18: ")
    assert [line.partition(": ")[0] for line in printed.err.splitlines() if "error[" in line] == [
        "docker-bake.hcl:2:13", "docker-bake.hcl:5:13",
    ]  # fmt: skip


def test_d4_limits_keep_their_order(project: Project) -> None:
    limits = "{nproc: {soft: 1, hard: 2}, core: {soft: 3, hard: 4}, nofile: {soft: 5, hard: 6}}"
    text = f"services:\n  app:\n    build:\n      context: .\n      ulimits: {limits}\n"
    assert project.bake(text, name="compose.yaml").targets["app"]["ulimits"] == ["nproc=1:2", "core=3:4", "nofile=5:6"]


def test_d5_links_are_followed_by_name(project: Project) -> None:
    text = app('contexts = { z = "target:x", a = "target:y" }') + "".join(
        f'target "{name}" {{\n  contexts = {{ c = "target:app" }}\n}}\n' for name in "xy"
    )
    assert project.bake(text, "app").message == "infinite loop from y to app"


@pytest.mark.parametrize("field", ["output", "cache-from", "cache-to", "attest", "secret", "ssh"])
def test_d6_null_entries(field: str, project: Project) -> None:
    printed = project.bake(app(f"{field} = [null]"), "app")
    assert printed.code == 3
    assert printed.message.endswith("Unsuitable value type; Unsuitable value: null value is not allowed")


def test_a_null_policy_is_an_error_as_in_the_reference(project: Project) -> None:
    printed = project.bake(app("policy = [null]"), "app")
    assert printed.message.endswith("Unsuitable value type; Unsuitable value: map of string required")


def test_d7_null_names(project: Project) -> None:
    printed = project.bake(app('matrix = { a = ["x"] }', "name = null"), "app")
    assert printed.message == "docker-bake.hcl:1,8-13: Invalid name; name must not be null"


@pytest.mark.parametrize("message", ["5", '["a"]', "null"])
def test_d8_messages_that_are_no_text(message: str, project: Project) -> None:
    text = f'variable "V" {{\n  validation {{\n    condition = false\n    error_message = {message}\n  }}\n}}\n'
    printed = project.bake(text, "app")
    assert printed.message.endswith("Validation failed; This check failed, but has an invalid error message.")


def test_d9_names_that_need_not_exist(project: Project) -> None:
    text = 'function "f" {\n  params = [x]\n  result = convert(x, number) + try(nope, 1)\n}\n' + app(
        'args = { A = convert("1", number), B = convert("2", number), C = can(nope), D = can(nope), E = f("1"), F = f("2") }'
    )
    assert project.bake(text, "app").targets["app"]["args"] == {
        "A": "1", "B": "2", "C": "false", "D": "false", "E": "2", "F": "3",
    }  # fmt: skip


def test_d10_what_is_set_on_a_child_stays_there(project: Project) -> None:
    text = app('output = ["type=image,name=x"]', 'tags = ["t", "t", "t"]') + 'target "b" {\n  inherits = ["app"]\n}\n'
    printed = project.bake(text, "--set=b.push=true", "--set=b.tags+=u", "app", "b")
    assert printed.targets["app"]["output"] == [{"name": "x", "type": "image"}]
    assert printed.targets["b"]["output"] == [{"name": "x", "push": "true", "type": "image"}]
    assert (printed.targets["app"]["tags"], printed.targets["b"]["tags"]) == (["t"], ["t", "u"])


def asked(text: str, folder: Path, allow: tuple[str, ...], *targets: str) -> list[str]:
    folder.mkdir(exist_ok=True)
    return [one.flag for one in missing(plan_of(text, folder, *targets), folder, parse_allow(allow))]


def test_d11_a_device_by_name(tmp_path: Path) -> None:
    text = app('entitlements = ["device=vendor.com/gpu=0"]')
    (flag,) = asked(text, tmp_path / "project", ())
    assert flag.startswith("device=vendor.com/gpu")
    assert asked(text, tmp_path / "project", (flag,)) == []


def test_d12_a_path_is_not_its_first_letters(tmp_path: Path) -> None:
    text = app(f'context = "{tmp_path}/foobar"')
    assert asked(text, tmp_path / "project", (f"fs.read={tmp_path}/foo",)) == ["fs.read=../foobar"]
    assert asked(text, tmp_path / "project", (f"fs.read={tmp_path}/foobar",)) == []


def test_d13_paths_of_several_targets(tmp_path: Path) -> None:
    text = app('context = "../a"') + 'target "b" {\n  context = "../b"\n}\n'
    assert asked(text, tmp_path / "project", (), "app", "b") == ["fs.read=../a", "fs.read=../b"]


def test_d14_functions_of_json_files(project: Project) -> None:
    text = '{"function": {"f": {"params": [], "result": "${nope()}"}}, "target": {"app": {}}}'
    printed = project.bake(text, "app", name="docker-bake.json")
    assert printed.message.endswith('Invalid expression; function "nope" does not exist: undefined')


@pytest.mark.parametrize(
    "line",
    ["tags = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]",
     'args = { A = indent(2000000000, "a\\nb") }', f"args = {{ A = {'(' * 100_000}1{')' * 100_000} }}",
     f"matrix = {{ {', '.join(f'k{at} = range(1000)' for at in range(5))} }}"],
    ids=["iterations", "text", "nesting", "matrix"],
)  # fmt: skip
def test_d15_limits(line: str, project: Project) -> None:
    printed = project.bake(app(line), "app")
    assert (MAX_STEPS, MAX_TEXT, MAX_INSTANCES) == (2_000_000, 64 << 20, 100_000)
    assert printed.code == 3 and "Traceback" not in printed.err


def test_d16_bcrypt(project: Project) -> None:
    assert "the limit is 16" in project.bake(app('args = { A = bcrypt("x", 17) }'), "app").message
    assert "outside allowed inclusive range 4..31" in project.bake(app('args = { A = bcrypt("x", 32) }'), "app").message


def test_d17_warnings(project: Project) -> None:
    text = app("nope = 1")
    loud, quiet = project.bake(text, "app"), project.bake(text, "app", "--no-warnings")
    assert "warning[BK801]" in loud.err and not quiet.err
    assert (loud.code, loud.out) == (quiet.code, quiet.out)


def test_d18_messages(project: Project) -> None:
    printed = project.bake(app("tags = 1", "args = 1"), "app")
    first, *_, last = printed.err.splitlines()
    assert (
        first
        == "docker-bake.hcl:2:10: error[BK321]: Unsuitable value type; Unsuitable value: list of string required, but have number"
    )
    assert last.startswith("ERROR: docker-bake.hcl:2,10-11: Unsuitable value type; ")
    assert printed.err.count("error[BK321]") == 2


def test_d19_exit_codes(project: Project) -> None:
    codes = SimpleNamespace(
        usage=project.bake(app(), "--nope").code, variable=project.bake(app(), "--var", "x").code,
        definition=project.bake(app(), "nope").code, override=project.bake(app(), "--set", "x").code,
    )  # fmt: skip
    assert codes == SimpleNamespace(usage=2, variable=2, definition=3, override=3)
