"""The public API: its page is true, and importing it costs nothing."""

import doctest
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import bakec
from bakec.ir.diagnostics import Exit
from tests.plan.samples import EVERYTHING

PAGE = Path(__file__).parents[2] / "docs/api.md"


def test_the_examples_of_the_page_give_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text("utf-8")
    (definitions,) = re.findall(r"```hcl\n(.*?)```", text, re.DOTALL)
    (tmp_path / "docker-bake.hcl").write_text(definitions)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VERSION", raising=False)
    report: list[str] = []

    test = doctest.DocTestParser().get_doctest(text, {}, "api.md", str(PAGE), 0)
    results = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL).run(test, out=report.append)

    assert "".join(report) == ""
    assert results.attempted > 15


def test_every_public_name_is_there_and_documented() -> None:
    text = PAGE.read_text("utf-8")

    for name in bakec.__all__:
        assert getattr(bakec, name).__doc__, name
    for name in ("compile_files", "digest", "diff", "explain", "why", "run", "Failed", "Diagnostics"):
        assert f"bakec.{name}" in text, name
    assert set(bakec.__all__) <= set(dir(bakec))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bakec.nothing


def test_importing_the_package_loads_no_part_of_it() -> None:
    code = "import sys; before = set(sys.modules); import bakec; print(*sorted(set(sys.modules) - before))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["bakec"]


def test_a_plan_is_loaded_without_compiler_and_runtime() -> None:
    code = (
        "import sys, bakec; bakec.Plan.load(sys.stdin.buffer.read()); "
        "parts = ('bakec.compiler', 'bakec.runtime', 'lark', 'grpc', 're2'); "
        "print(*(name for name in sys.modules if name.startswith(parts)))"
    )

    done = subprocess.run([sys.executable, "-c", code], input=EVERYTHING.dump(), capture_output=True, check=True)

    assert done.stdout.split() == []


def test_run_refuses_what_was_not_granted_before_it_connects() -> None:
    plan = replace(EVERYTHING, jobs=EVERYTHING.jobs)

    with pytest.raises(bakec.Failed) as caught:
        bakec.run(plan, builder="unix:///nowhere")

    assert caught.value.exit is Exit.REFUSED
