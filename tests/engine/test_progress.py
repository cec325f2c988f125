"""What is shown of real builds."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BAKE = """
target "app" {
  contexts          = { base = "target:base" }
  dockerfile-inline = "FROM base\\nENV APP=yes\\nMAINTAINER nobody\\n"
  no-cache          = true
}
target "base" {
  dockerfile-inline = "FROM scratch\\nCOPY busybox /bin/sh\\nRUN echo to be seen\\n"
  no-cache          = true
}
"""
OURS = (sys.executable, "-m", "bakec", "bake")
RARE = {"total"}
"""Of transfers whose size is known, which a second run need not have."""
THEIRS = ("docker", "buildx", "bake")


def said(command: tuple[str, ...], folder: Path, env: Mapping[str, str], *flags: str) -> str:
    (folder / "docker-bake.hcl").write_text(BAKE)
    argv = (*command, "app", "base", *flags)
    env = {**env, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def shapes(text: str) -> dict[str, set[str]]:
    """The keys of what is told: of steps, of their parts, of output and of warnings."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        for kind, entries in json.loads(line).items():
            found.setdefault(kind, set()).update(key for entry in entries for key in entry if key not in RARE)
    return found


def names(text: str) -> set[str]:
    told = [vertex for line in text.splitlines() for vertex in json.loads(line).get("vertexes", ())]
    return {vertex["name"] for vertex in told if "RUN" in vertex["name"] or "load build" in vertex["name"]}


def test_programs_read_what_the_reference_tells_them(engine: Mapping[str, str], project: Path) -> None:
    ours = said(OURS, project / "context", engine, "--progress=rawjson")
    theirs = said(THEIRS, project / "context", engine, "--progress=rawjson")

    mine, wanted = shapes(ours), shapes(theirs)
    assert {kind: mine[kind] ^ wanted[kind] for kind in mine | wanted} == {kind: set() for kind in mine}
    assert {"[base 2/2] RUN echo to be seen", "[base internal] load build context"} <= names(ours) & names(theirs)


@pytest.mark.parametrize("mode", ["plain", "quiet"])
def test_lines_and_silence(engine: Mapping[str, str], project: Path, mode: str) -> None:
    text = said(OURS, project / "context", engine, f"--progress={mode}", f"--log-dir={project}/logs")

    assert ("[base 2/2] RUN echo to be seen" in text) is (mode == "plain")
    assert "] RUN echo to be seen" in (project / "logs/base.log").read_text()
    assert (project / "logs/app.log").exists()


@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-", "<&- >&- 2>&-", "2>&1 | true"])
def test_builds_go_on_when_nobody_can_be_told(engine: Mapping[str, str], project: Path, where: str) -> None:
    """A full disk, streams that are closed (whose numbers must not become those of sockets), a reader that is gone."""
    (project / "docker-bake.hcl").write_text(BAKE)
    program = f'"{sys.executable}" -m bakec bake base --set=*.output=out --set=*.context=context {where}'
    env = {name: value for name, value in engine.items() if name != "PYTHONUNBUFFERED"} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(("sh", "-c", program), cwd=project, env=env, capture_output=True, check=False)

    assert done.returncode == 0
    assert (project / "out/bin/sh").exists()
