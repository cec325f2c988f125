"""The forms of diagnostics: text for people, JSON lines, SARIF and workflow commands."""

import json
from pathlib import Path

import pytest

from bakec.cli.main import main
from bakec.compiler.render import annotations, sarif
from bakec.compiler.render import json as json_lines
from bakec.compiler.render import text as plain
from bakec.ir.diagnostics import Diagnostic, Rule, Severity
from bakec.ir.span import Source, Span

SOURCE = Source("a,b.hcl", 'x = "é"\ntarget "t" {\n\ttgas = ["100%\n"]\n}\n')
WARNING = Rule("BK801", "No {name}", "Say\n{name} twice", explain="Why.", hint="or not", severity=Severity.WARNING)
ERROR = Rule("BK330", "failed to find target {name}")


def at(start: str, end: str = "", rule: Rule = WARNING) -> Diagnostic:
    begin = SOURCE.text.index(start)
    return rule.at(Span(SOURCE, begin, SOURCE.text.index(end) + len(end) if end else begin + len(start)), name="100%")


BOTH = [at("tgas"), ERROR.at(None, name="z")]


def test_text() -> None:
    assert list(plain.render(BOTH)) == [
        "a,b.hcl:3:2: warning[BK801]: No 100%; Say\n100% twice",
        '    1 | x = "é"',
        '    2 | target "t" {',
        '    3 |     tgas = ["100%',
        "      |     ^^^^",
        '    4 | "]',
        "    5 | }",
        "  hint: or not",
        "error[BK330]: failed to find target z",
        "ERROR: failed to find target z",
    ]


def test_json() -> None:
    first, second = (json.loads(line) for line in json_lines.render(BOTH))
    assert first == {
        "code": "BK801", "severity": "warning", "summary": "No 100%", "detail": "Say\n100% twice", "hint": "or not",
        "file": "a,b.hcl", "start": {"line": 3, "column": 2}, "end": {"line": 3, "column": 6},
    }  # fmt: skip
    assert second == {"code": "BK330", "severity": "error", "summary": "failed to find target z"}


def test_github() -> None:
    assert list(annotations.render([*BOTH, at("tgas", "]")])) == [
        "::warning file=a%2Cb.hcl,line=3,col=2,endColumn=6,title=BK801::No 100%25; Say%0A100%25 twice%0Ahint: or not",
        "::error title=BK330::failed to find target z",
        "::warning file=a%2Cb.hcl,line=3,col=2,endLine=4,title=BK801::No 100%25; Say%0A100%25 twice%0Ahint: or not",
    ]


def test_sarif() -> None:
    log = json.loads("\n".join(sarif.render([*BOTH, BOTH[0]])))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["BK330", "BK801"]
    assert [result["ruleId"] for result in run["results"]] == ["BK801", "BK330", "BK801"]
    assert [result["level"] for result in run["results"]] == ["warning", "error", "warning"]
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%2Cb.hcl"},
        "region": {"startLine": 3, "startColumn": 2, "endLine": 3, "endColumn": 6},
    }
    assert "locations" not in run["results"][1]


# --- on the command line ------------------------------------------------------------------------------------------

BAD = 'group "default" {\n  targets = ["a"]\n}\ntarget "a" {\n  tgas = ["x"]\n}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BAKEC_DIAGNOSTICS", "text")
    (tmp_path / "docker-bake.hcl").write_text(BAD)
    return tmp_path


Capture = pytest.CaptureFixture[str]


@pytest.mark.usefixtures("folder")
class TestLint:
    def test_the_result_is_on_standard_output(self, capsys: Capture) -> None:
        assert main(["lint"]) == 0
        out, err = capsys.readouterr()
        assert out.startswith("docker-bake.hcl:5:3: warning[BK801]") and not err

    def test_exit_code(self) -> None:
        assert main(["lint", "--exit-code"]) == 1

    def test_nothing_found(self, folder: Path, capsys: Capture) -> None:
        (folder / "docker-bake.hcl").write_text(BAD.replace("tgas", "tags"))
        assert main(["lint", "--exit-code"]) == 0
        assert capsys.readouterr().out == ""

    @pytest.mark.parametrize(("form", "start"), [("json", '{"code"'), ("github", "::warning "), ("sarif", "{\n")])
    def test_forms(self, form: str, start: str, capsys: Capture) -> None:
        assert main(["lint", f"--format={form}"]) == 0
        assert capsys.readouterr().out.startswith(start)

    def test_sarif_without_findings_is_still_a_log(self, folder: Path, capsys: Capture) -> None:
        (folder / "docker-bake.hcl").write_text(BAD.replace("tgas", "tags"))
        assert main(["lint", "--format=sarif"]) == 0
        assert json.loads(capsys.readouterr().out)["runs"][0]["results"] == []

    def test_invalid_definitions(self, folder: Path, capsys: Capture) -> None:
        (folder / "docker-bake.hcl").write_text("target {}\n")
        assert main(["lint", "--diagnostics=json"]) == 3
        assert json.loads(capsys.readouterr().err)["severity"] == "error"


@pytest.mark.usefixtures("folder")
class TestOtherVerbs:
    def test_warnings_are_on_standard_error_and_change_nothing(self, capsys: Capture) -> None:
        assert main(["print"]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["target"] == {"a": {"context": ".", "dockerfile": "Dockerfile"}}
        assert "warning[BK801]" in err

    @pytest.mark.parametrize("flag", ["--no-warnings", "--no-warnings=true"])
    def test_switched_off(self, flag: str, capsys: Capture) -> None:
        assert main(["print", flag]) == 0
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize("value", ["off", "0", "FALSE"])
    def test_switched_off_by_environment(self, value: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
        monkeypatch.setenv("BAKEC_WARNINGS", value)
        assert main(["print"]) == 0
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize("verb", [["print"], ["list"], ["compile", "-o-"], ["bake", "--print"]])
    def test_form(self, verb: list[str], folder: Path, capsys: Capture) -> None:
        (folder / "docker-bake.hcl").write_text('target "a" {\n  tags = 1\n}\n')
        assert main([*verb, "--diagnostics=github"]) == 3
        assert capsys.readouterr().err.startswith("::error file=docker-bake.hcl,line=2,")

    def test_form_by_environment(self, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
        monkeypatch.setenv("BAKEC_DIAGNOSTICS", "json")
        assert main(["print", "nope"]) == 3
        assert json.loads(capsys.readouterr().err)["summary"] == "failed to find target nope"


def test_one_run_reports_the_errors_of_all_files(folder: Path, capsys: Capture) -> None:
    """And last, in one line, the first of them as the reference words it."""
    (folder / "docker-bake.hcl").write_text('target "a" {\n  tags = ]\n}\ntarget "b" {\n  tags = )\n}\n')
    (folder / "docker-bake.override.hcl").write_text('target "a" {\n  args = {\n}\n')
    (folder / "docker-bake.json").write_text('{"target": }')
    assert main(["print"]) == 3
    lines = capsys.readouterr().err.splitlines()
    places = [line.partition(": ")[0] for line in lines if "error[" in line]
    assert places[0].startswith("docker-bake.json:1:")
    assert [place for place in places if place.startswith("docker-bake.hcl")] == [
        "docker-bake.hcl:2:10",
        "docker-bake.hcl:5:10",
    ]
    assert any(place.startswith("docker-bake.override.hcl:") for place in places)
    assert lines[-1].startswith("ERROR: docker-bake.json:1,") and lines[-1].endswith("other diagnostic(s)")
