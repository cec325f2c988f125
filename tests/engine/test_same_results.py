"""Small projects, one or a few attributes or exporters each, built by `bakec bake`, by `bakec compile` and `bakec run`
with what can be lowered lowered, and by `docker buildx bake`, on one engine.

`cases/ENGINE/IDEA/` holds the project; what all make of it is `result.json` (`--update-goldens` writes what we make;
look at it), or the failure of each holds the text of the file `error`. ENGINE is `classic` or `containerd`, the image
store, or `remote`: a builder of its own beside the classic one. A file `args` has one run of bake a line;
`prepare` is a script that runs before, in the project's folder.

Definitions find in the environment: WORD, PREFIX (what names begin with, another one for each tool), OUT (a folder for
files), REGISTRY, SITE (serves the folder of the project), and BASE, an image with a shell.
"""

import itertools
import json
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from real_plans import docker, serving
from relays import passing_on
from results import Found, Place, look, remove_images

from bakec.cli.main import main

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/*/docker-*.*"))
OWN_FILES = shutil.ignore_patterns("result.json", "error")
# Where images are known by their own digest, older versions of buildx also say that of the config, and do not say the
# provenance of what was pushed.
UNSAID = {
    "classic": (),
    "containerd": ("containerimage.config.digest", "buildx.build.provenance"),
    "remote": ("buildx.build.provenance",),
}
ENGINES = {"classic": "engine", "containerd": "containerd_engine", "remote": "remote_engine"}
SHELL = 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\nENV PATH=/bin\n'


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path / "project") as address:
        yield address


@pytest.fixture
def remote_engine(
    engine: Mapping[str, str], containerd_engine: Mapping[str, str], tmp_path: Path
) -> Iterator[Mapping[str, str]]:
    """The classic engine, with another one's builder as the current one of the store."""
    store = tmp_path / "store"
    (store / "instances").mkdir(parents=True)
    with passing_on(containerd_engine["DOCKER_HOST"], tmp_path / "buildkit.sock") as address:
        document = {"Name": "far", "Driver": "remote", "Nodes": [{"Name": "far0", "Endpoint": address}]}
        (store / "instances/far").write_text(json.dumps(document))
        yield {**engine, "BUILDX_CONFIG": str(store), "BUILDX_BUILDER": "far"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, busybox: Path) -> Callable[[Mapping[str, str]], str]:
    """Makes an image with a shell, and pushes it, too."""
    made: dict[str, str] = {}

    def make(env: Mapping[str, str]) -> str:
        if env["DOCKER_HOST"] not in made:
            folder = tmp_path_factory.mktemp("base")
            shutil.copy(busybox, folder / "busybox")
            (folder / "Dockerfile").write_text(SHELL)
            name = f"{env['BAKEC_TEST_REGISTRY']}/shell:1"
            docker(env, "buildx", "build", "-q", "--provenance=false", "--push", "-t", name, str(folder))
            made[env["DOCKER_HOST"]] = name
        return made[env["DOCKER_HOST"]]

    return make


class Tool:
    """One of the two, with names and a folder of its own."""

    def __init__(self, env: Mapping[str, str], project: Path, who: str, site: str, unsaid: tuple[str, ...]) -> None:
        self.project = project
        self.place = Place(env, project / who, f"bakec-{uuid.uuid4().hex[:8]}", site, unsaid)
        self.place.folder.mkdir()
        given = {"PREFIX": self.place.prefix, "OUT": who, "REGISTRY": self.place.registry, "SITE": site}
        self.env = {**env, **given, "WORD": "of the environment"}
        self.metadata = project.parent / f"{who}.json"

    def found(self) -> Found:
        return look(self.place, self.metadata)


def ours(tool: Tool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *lines: list[str]) -> str:
    """Perform command lines of `bakec`; gives what was said by one that has failed."""
    with monkeypatch.context() as here:
        here.chdir(tool.project)
        for name, value in tool.env.items():
            here.setenv(name, value)
        capfd.readouterr()
        failed = any(main(line) for line in lines)
    said = capfd.readouterr().err
    return said if failed else ""


def bake(tool: Tool, args: list[str]) -> list[str]:
    return ["bake", "--progress=quiet", f"--metadata-file={tool.metadata}", *args]


def compile_and_run(tool: Tool, args: list[str]) -> tuple[list[str], list[str]]:
    """The plan is made for the platform of the builder, so that what is known of it can be lowered."""
    at_run = [arg for arg in args if arg.startswith("--allow")]
    at_compile = [arg for arg in args if arg not in at_run]
    run = ["run", "plan", "--progress=quiet", f"--metadata-file={tool.metadata}", *at_run]
    return ["compile", "--build-platform=linux/amd64", "-o", "plan", *at_compile], run


def theirs(tool: Tool, args: list[str]) -> str:
    command = ["docker", "buildx", "bake", "--progress=quiet", f"--metadata-file={tool.metadata}", *args]
    done = subprocess.run(command, cwd=tool.project, env=tool.env, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_both_tools_make_the_same(
    folder: Path,
    tmp_path: Path,
    site: str,
    base: Callable[[Mapping[str, str]], str],
    golden: Callable[[Path, str], None],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    store = folder.parent.name
    engine = request.getfixturevalue(ENGINES[store])
    project = shutil.copytree(folder, tmp_path / "project", ignore=OWN_FILES)
    env = {**engine, "BASE": base(engine)}
    if (project / "prepare").exists():
        subprocess.run(("sh", "-e", "prepare"), cwd=project, env=env, check=True, capture_output=True)
    runs = (folder / "args").read_text().splitlines() if (folder / "args").exists() else [""]
    mine, planned, other = (Tool(env, project, who, site, UNSAID[store]) for who in ("ours", "planned", "theirs"))
    said = [
        (
            ours(mine, monkeypatch, capfd, bake(mine, args)),
            ours(planned, monkeypatch, capfd, *compile_and_run(planned, args)),
            theirs(other, args),
        )
        for args in map(shlex.split, runs)
    ]

    expected = (folder / "error").read_text().strip() if (folder / "error").exists() else ""
    for message in itertools.chain.from_iterable(said):
        assert (expected in message) if expected else (message == ""), message
    made, lowered, wanted = mine.found(), planned.found(), other.found()
    for tool in (mine, planned, other):
        remove_images(tool.place)
    assert text_of(lowered.result).splitlines() == text_of(made.result).splitlines()
    assert {
        **lowered.exact,
        "metadata": made.exact["metadata"],
    } == made.exact  # a lowered one had no frontend to tell of
    assert text_of(made.result).splitlines() == text_of(wanted.result).splitlines()
    assert made.exact == wanted.exact
    golden(folder / "result.json", text_of(made.result))


def text_of(result: object) -> str:
    return json.dumps(result, indent=1, sort_keys=True) + "\n" if result else ""
