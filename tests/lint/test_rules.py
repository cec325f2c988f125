"""Every rule: its bad example is reported, its good one is not. The examples are those of docs/diagnostics.md."""

import os
from importlib import import_module
from pathlib import Path

import pytest

from bakec.compiler.host import Host
from bakec.compiler.lint.check import ALWAYS, ASKED, FEW, check, few
from bakec.compiler.lint.project import Project
from bakec.compiler.options import CompileOptions
from bakec.compiler.pipeline import load
from bakec.ir.codes import lint as codes
from bakec.ir.diagnostics import Diagnostic, Diagnostics, Rule, Severity

RULES = (*ALWAYS, *ASKED)


def project(folder: Path, text: str, *targets: str, name: str = "docker-bake.hcl") -> Project:
    (folder / name).write_text(text, "utf-8")
    host = Host(env={}, cwd=folder)
    options = CompileOptions(files=(name,), targets=targets or ("default",), warnings=False)
    parsed, definitions, selection = load(options, host, Diagnostics())
    return Project(files=parsed.files, definitions=definitions, selection=selection, host=host)


def found(folder: Path, text: str, *targets: str, name: str = "docker-bake.hcl") -> list[str]:
    """`CODE LINE` of everything that all rules find."""
    return [shown(one) for one in check(project(folder, text, *targets, name=name), RULES)]


def shown(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.rule.code} {diagnostic.subject.line if diagnostic.subject else '-'}"


@pytest.mark.parametrize("name", RULES)
def test_examples(name: str, tmp_path: Path) -> None:
    rule = import_module(f"bakec.compiler.lint.rules.{name}")
    expected: Rule = getattr(codes, name.upper())
    targets = ("*",) if "group" not in rule.BAD and "default" not in rule.BAD else ()

    assert not check(project(tmp_path, rule.GOOD, *targets), (name,))
    assert {one.rule for one in check(project(tmp_path, rule.BAD, *targets), (name,))} == {expected}


def test_every_rule_is_a_warning_and_in_one_list() -> None:
    declared = {value for value in vars(codes).values() if isinstance(value, Rule)} - {codes.MORE}
    assert {getattr(codes, name.upper()) for name in RULES} == declared
    assert {rule.severity for rule in declared} == {Severity.WARNING}
    files = {path.stem for path in (Path(__file__).parents[2] / "compiler/lint/rules").glob("*.py")}
    assert files == {"__init__", *RULES}


def test_a_misspelt_attribute_gets_a_proposal(tmp_path: Path) -> None:
    text = 'target "default" {\n  cache_from = ["a"]\n  platform = ["linux/amd64"]\n  zzz = 1\n}\n'
    hints = [one.hint for one in check(project(tmp_path, text), ALWAYS)]
    assert hints == ['did you mean "cache-from"?', 'did you mean "platforms"?', ""]


def test_json_files_are_looked_at_too(tmp_path: Path) -> None:
    text = '{\n "target": {"default": {\n  "tgas": ["x"],\n  "//": "a comment"}}}'
    assert found(tmp_path, text, name="docker-bake.json") == ["BK801 3"]


def test_compose_files_have_attributes_of_their_own(tmp_path: Path) -> None:
    text = "services:\n  app:\n    image: a\n    build: {context: .}\n    deploy: {}\n"
    assert found(tmp_path, text, name="compose.yaml") == []


@pytest.mark.parametrize("comment", ["# bakec: ignore", "// bakec: ignore BK801", "/* bakec: ignore BK802, BK801 */"])
def test_a_comment_on_its_line_silences_a_warning(comment: str, tmp_path: Path) -> None:
    assert found(tmp_path, f'target "default" {{\n  owner = "me" {comment}\n}}\n') == []


def test_a_comment_for_another_code_does_not(tmp_path: Path) -> None:
    assert found(tmp_path, 'target "default" {\n  owner = "me" # bakec: ignore BK803\n}\n') == ["BK801 2"]


@pytest.mark.parametrize(
    "attribute",
    ['output = ["type=local,dest=out"]', 'output = ["type=cacheonly"]', 'call = "check"',
     'output = ["type=image,push-by-digest=true,push=true"]'],
)  # fmt: skip
def test_a_tag_may_be_shared_with_what_does_not_publish_it(attribute: str, tmp_path: Path) -> None:
    text = f'target "a" {{\n  tags = ["u/a"]\n}}\ntarget "b" {{\n  inherits = ["a"]\n  {attribute}\n}}\n'
    assert not check(project(tmp_path, text, "a", "b"), ("shared_tag",))


def test_an_inherited_tag_is_shown_where_it_stands(tmp_path: Path) -> None:
    text = 'target "a" {\n  tags = ["u/a"]\n}\ntarget "b" {\n  inherits = ["a"]\n}\n'
    (one,) = check(project(tmp_path, text, "a", "b"), ("shared_tag",))
    assert (one.message, one.subject and one.subject.line) == (
        'Targets "a" and "b" publish one tag, u/a: the last one to finish wins', 2,
    )  # fmt: skip


def test_many_owners_are_not_all_named(tmp_path: Path) -> None:
    text = 'target "default" {\n  matrix = { n = range(9) }\n  name = "t${n}"\n  tags = ["u/a"]\n}\n'
    (one,) = check(project(tmp_path, text), ("shared_tag",))
    assert one.summary.startswith('Targets "t0", "t1", "t2", "t3" and 5 more publish one tag')


def dockerfiles(folder: Path, app: str, contexts: str = "{}") -> list[str]:
    """What is found where target `app` has this Dockerfile and target `base` has the tag `user/base`."""
    (folder / "app").mkdir()
    (folder / "app/Dockerfile").write_text(app)
    text = (
        'target "base" {\n  tags = ["docker.io/user/base:latest"]\n}\n'
        f'target "app" {{\n  context = "app"\n  contexts = {contexts}\n}}\n'
    )
    return [one.hint for one in check(project(folder, text, "base", "app"), ("hidden_dependency",))]


@pytest.mark.parametrize(
    "use", ["FROM user/base", "FROM --platform=x user/base:latest AS b\n", "FROM a\nCOPY --from=user/base / /",
            "FROM a\nRUN --mount=type=bind,from=user/base,target=/b x"],
)  # fmt: skip
def test_a_dockerfile_that_uses_a_tag_of_another_target(use: str, tmp_path: Path) -> None:
    (hint,) = dockerfiles(tmp_path, use)
    assert hint.endswith('" = "target:base" }')


@pytest.mark.parametrize(
    "use", ["FROM user/base:2", "FROM $BASE", "FROM a AS user/base\nFROM user/base", "nothing at all", ""]
)
def test_dockerfiles_that_do_not(use: str, tmp_path: Path) -> None:
    assert dockerfiles(tmp_path, use) == []


def test_a_context_of_that_name_is_a_link(tmp_path: Path) -> None:
    assert dockerfiles(tmp_path, "FROM user/base", '{ "user/base:latest" = "target:base" }') == []


@pytest.mark.parametrize(
    "use",
    ['group "g" {\n  targets = ["x"]\n}', 'target "y" {\n  inherits = ["x"]\n}\ngroup "g" {\n  targets = ["y"]\n}',
     'target "y" {\n  contexts = { c = "target:x" }\n}\ngroup "g" {\n  targets = ["y"]\n}',
     'target "y" {\n  tags = target.x.tags\n}\ngroup "g" {\n  targets = ["y"]\n}',
     ""],
)  # fmt: skip
def test_a_target_that_something_leads_to(use: str, tmp_path: Path) -> None:
    """Or any, in a file without groups."""
    text = f'target "x" {{\n}}\ntarget "default" {{\n}}\n{use}\n'
    assert not check(project(tmp_path, text), ("unused_target",))


def test_a_dockerfile_that_cannot_be_read_is_for_the_build_to_report(tmp_path: Path) -> None:
    (tmp_path / "app/Dockerfile").mkdir(parents=True)
    text = 'target "base" {\n  tags = ["user/base"]\n}\ntarget "app" {\n  context = "app"\n}\n'
    assert not check(project(tmp_path, text, "base", "app"), ("hidden_dependency",))


def test_every_compilation_shows_a_few_warnings_of_each_kind(tmp_path: Path) -> None:
    names = "".join(f'variable "V{number}" {{\n}}\n' for number in range(FEW + 2))
    text = names + 'target "default" {\n}\ntarget "x" {\n}\ngroup "g" {\n  targets = ["default"]\n}\n'
    shown = few(check(project(tmp_path, text), ALWAYS))
    assert [one.rule.code for one in shown] == ["BK805"] * FEW + ["BK806", "BK810"]
    assert shown[-1].message == "2 more warnings like these: 2 BK805"
    assert len(few(shown[:FEW])) == FEW


@pytest.mark.parametrize("kind", ["pipe", "large", "no text"])
def test_looking_for_hidden_dependencies_changes_nothing(kind: str, tmp_path: Path) -> None:
    """Not the end of a compilation, not what is in a pipe, and not how long it takes."""
    (tmp_path / "app").mkdir()
    path = tmp_path / "app/Dockerfile"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "large":
            path.write_bytes(b"FROM user/base\n" + b"\n" * (2 << 20))
        case _:
            path.write_bytes(b"\xff\xfe" + b"\n" * (1 << 19))
    text = 'target "base" {\n  tags = ["user/base"]\n}\ntarget "app" {\n  context = "app"\n}\n'
    assert not check(project(tmp_path, text, "base", "app"), ("hidden_dependency",))


def test_an_inline_dockerfile_need_not_be_text(tmp_path: Path) -> None:
    text = 'variable "X" {\n}\ntarget "base" {\n  tags = ["user/base"]\n}\n'
    text += 'target "app" {\n  dockerfile-inline = "FROM user/base ${X}"\n}\n'
    (tmp_path / "docker-bake.hcl").write_text(text)
    host = Host(env={"X": "\udcff"}, cwd=tmp_path)
    options = CompileOptions(targets=("base", "app"), warnings=False)
    parsed, definitions, selection = load(options, host, Diagnostics())
    found = Project(files=parsed.files, definitions=definitions, selection=selection, host=host)
    assert [one.rule.code for one in check(found, ("hidden_dependency",))] == ["BK807"]
