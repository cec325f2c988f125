"""Who imports whom, and what is not imported before it is needed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TREE = 'group "default" {\n  targets = ["a"]\n}\ntarget "a" {\n  tags = [upper("x")]\n}\n'

HEAVY = {
    "asyncio", "cryptography", "docker", "google.protobuf", "grpc", "h2", "hypothesis", "kubernetes_asyncio", "lark",
    "networkx", "re2", "regex", "rich", "uvloop", "yaml",
    "argparse", "dataclasses", "datetime", "enum", "hashlib", "inspect", "json", "pathlib", "re", "shutil", "tempfile",
    "typing", "uuid",
}  # fmt: skip
"""What costs time to import. A verb may load those that its row below names; msgpack brings `datetime`, and `re`
brings `enum`."""

VERBS = {
    ("--version",): set[str](),
    ("--help",): set[str](),
    ("print",): {"enum", "re"},
    ("builder", "--help"): set[str](),
    ("builder", "use", "default"): {
        "asyncio", "datetime", "enum", "hashlib", "inspect", "json", "pathlib", "re", "typing", "uuid"
    },
    ("list",): {"enum", "re"},
    ("lint",): {"enum", "re"},
    ("compile", "-o", "plan.msgpack"): {"datetime", "enum", "json", "re"},
    ("show", "plan.msgpack"): {"datetime"},
    ("diff", "plan.msgpack", "plan.msgpack"): {"datetime"},
}  # fmt: skip


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "BUILDX_CONFIG": str(cwd / "buildx")}  # not the user's
    return subprocess.run([sys.executable, *command], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_import_contracts_are_kept() -> None:
    done = run("scripts/contracts.py")
    assert done.returncode == 0, done.stdout


PROBE = """
import sys
from bakec.cli.main import main
code = main(sys.argv[1:])
modules = sorted(sys.modules)
import json
print("\\n" + json.dumps([code, modules]))
"""


def loaded(folder: Path, *argv: str) -> set[str]:
    """The heavy modules that a run of the command line loads."""
    done = run("-c", PROBE, *argv, cwd=folder)
    assert done.returncode == 0, done.stderr
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return HEAVY & set(modules)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("verbs")
    (made / "docker-bake.hcl").write_text(TREE)
    assert run("-m", "bakec", "compile", "-o", "plan.msgpack", cwd=made).returncode == 0
    return made


@pytest.mark.parametrize("argv", VERBS, ids=" ".join)
def test_a_verb_loads_only_what_it_needs(argv: tuple[str, ...], folder: Path) -> None:
    assert loaded(folder, *argv) == VERBS[argv]


@pytest.mark.engine
def test_a_build_on_an_engine_does_without_the_library_of_grpc(tmp_path: Path) -> None:
    """Nor does it need what only private folders, journals and stores write with."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    (tmp_path / "docker-bake.hcl").write_text('target "default" {}\n')
    assert loaded(tmp_path, "bake", "--progress=quiet") == {
        "asyncio", "dataclasses", "datetime", "enum", "google.protobuf", "h2", "inspect", "json", "pathlib", "re",
        "typing", "uvloop",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("addition", "needed"),
    [
        ('target "b" {\n  contexts = { a = "target:a" }\n}\n', {"networkx"}),
        ('target "b" {\n  tags = [regex("x", "x")]\n}\n', {"re2"}),
    ],
    ids=["links", "regular expressions"],
)
def test_a_feature_brings_its_library(addition: str, needed: set[str], folder: Path) -> None:
    (folder / "more.hcl").write_text(TREE + addition)
    assert loaded(folder, "compile", "-f", "more.hcl", "-o", "more.msgpack", "b") >= needed


def test_the_package_itself_loads_nothing() -> None:
    done = run("-c", "import sys; before = set(sys.modules); import bakec; print(sorted(set(sys.modules) - before))")
    modules = {name for name in eval(done.stdout) if name.split(".")[0] not in sys.stdlib_module_names}
    assert modules == {"bakec"}


def test_the_command_is_no_wrapper_that_imports_more() -> None:
    done = run("-X", "importtime", str(Path(sys.executable).with_name("bakec")), "--version")
    assert done.stdout.startswith("bakec ")
    names = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "bakec.cli.main" in names
    assert not names & HEAVY
