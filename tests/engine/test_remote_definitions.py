"""Definitions at a URL, fetched by the builder: repositories, single files and archives, served on the loopback."""

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from real_plans import serving

from bakec.cli.main import main

pytestmark = pytest.mark.engine

BAKE = """
target "default" {
  context = "app"
  contexts = { all = "." }
  tags = ["bakec-test/elsewhere"]
}
target "own" { context = "cwd://app" }
target "root" {}
"""


def git(folder: Path, *args: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a repository, its definition file alone, and an archive of it; gives its address."""
    root = tmp_path_factory.mktemp("site")
    work = root / "work"
    (work / "app").mkdir(parents=True)
    (work / "docker-bake.hcl").write_text(BAKE)
    (work / "app" / "Dockerfile").write_text("FROM scratch\nCOPY file /file\n")
    (work / "app" / "file").write_text("from elsewhere")
    git(work, "init", "-q", "-b", "main")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "all")
    git(root, "clone", "-q", "--bare", "work", "repo.git")
    git(root / "repo.git", "update-server-info")
    (root / "bake.hcl").write_text(BAKE)
    with tarfile.open(root / "all.tar.gz", "w:gz") as archive:
        data = BAKE.encode()
        entry = tarfile.TarInfo("docker-bake.hcl")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    with serving(root) as address:
        yield address


@pytest.fixture(autouse=True)
def on_the_engine(engine: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine["DOCKER_HOST"])


def printed(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, dict[str, object]]:
    assert 0 == main(["bake", "--print", *args])

    targets: dict[str, dict[str, object]] = json.loads(capsys.readouterr().out)["target"]
    return targets


def test_contexts_of_a_repository_are_places_in_it(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"{site}/repo.git"
    targets = printed(capsys, url, "default", "own", "root")

    assert f"{url}#:app" == targets["default"]["context"]
    assert {"all": "."} == targets["default"]["contexts"]
    assert "app" == targets["own"]["context"]
    assert url == targets["root"]["context"]


def test_a_subdirectory_of_a_repository_is_kept(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"{site}/repo.git#main"

    assert f"{url}:app" == printed(capsys, url)["default"]["context"]


def test_a_plain_url_is_the_definition_itself(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "app" == printed(capsys, f"{site}/bake.hcl")["default"]["context"]


def test_an_archive_is_unpacked(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ["bakec-test/elsewhere"] == printed(capsys, f"{site}/all.tar.gz")["default"]["tags"]


def test_files_of_this_machine_come_over_those_of_the_repository(
    site: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "more.hcl").write_text('target "default" { tags = ["bakec-test/own"] }')
    monkeypatch.chdir(tmp_path)
    targets = printed(capsys, f"{site}/repo.git", "-f", "docker-bake.hcl", "-f", "cwd://more.hcl")

    assert ["bakec-test/own"] == targets["default"]["tags"]


def test_a_repository_is_built_where_it_is(site: str) -> None:
    assert 0 == main(["bake", "--progress=quiet", f"{site}/repo.git"])


@pytest.mark.parametrize("path", ["none.git", "none.hcl"])
def test_what_cannot_be_fetched_is_one_error(site: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 7 == main(["bake", "--print", f"{site}/{path}"])

    assert f"cannot read definitions from {site}/{path}" in capsys.readouterr().err
