"""A folder with definitions to run verbs in."""

from pathlib import Path

import pytest

from bakec.cli.main import main
from tests.cli.running import DEFINITIONS, Bakec, git


@pytest.fixture
def bakec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bakec:
    """Run a verb in a folder with DEFINITIONS: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    for name in ("GO_VERSION", "BUILDX_BAKE_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "docker-bake.hcl").write_text(DEFINITIONS)

    def run(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(argv)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def history(bakec: Bakec, tmp_path: Path) -> Path:
    """The folder as a repository: `main` has Go 1.24, the branch `next` has 1.25, the working folder has 1.26."""
    file = tmp_path / "docker-bake.hcl"
    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    git("checkout", "-b", "next")
    file.write_text(DEFINITIONS.replace("1.24", "1.25"))
    git("commit", "-am", "two")
    file.write_text(DEFINITIONS.replace("1.24", "1.26"))
    return tmp_path
