"""`bakec builder` beside `docker buildx`: the same store, the same words, and each uses what the other has made."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import builder_image
import pytest
from real_plans import Runner, docker, inspect, job

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter
from bakec.runtime import dockerconfig
from bakec.runtime.store import Store, StoredBuilder, StoredNode

Tool = Callable[..., "subprocess.CompletedProcess[str]"]
COPY = "FROM scratch\nCOPY busybox /bin/busybox\n"
TOML = """
debug = true
number = 1.5
big = 1e30
"odd key" = "quoted \\"x\\" \\\\ é\\u0001"
[worker.oci]
  gc = false
  labels = { b = "it's", a = "b" }
  [[worker.oci.gcpolicy]]
    keepBytes = 1024000000
    filters = ["type==source.local", "type==exec.cachemount"]
  [[worker.oci.gcpolicy]]
    all = true
[registry."docker.io"]
  mirrors = ["mirror:5000"]
[registry."my reg:5000"]
  ca = ["ca.pem"]
  [[registry."my reg:5000".keypair]]
    key = "key.pem"
    cert = "cert.pem"
"""


@pytest.fixture
def bakec(engine: Mapping[str, str], tmp_path: Path) -> Tool:
    return lambda *argv, **more: _call(
        (sys.executable, "-m", "bakec", "builder", *argv), engine, tmp_path / "ours", **more
    )


@pytest.fixture
def buildx(engine: Mapping[str, str], tmp_path: Path) -> Tool:
    return lambda *argv, **more: _call(("docker", "buildx", *argv), engine, tmp_path / "theirs", **more)


def _call(
    command: tuple[str, ...], engine: Mapping[str, str], store: Path, *, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    found = {**engine, "BUILDX_CONFIG": str(store), **(env or {})}
    return subprocess.run(command, env=found, cwd=store.parent, capture_output=True, text=True, check=False)


def both(bakec: Tool, buildx: Tool, line: str) -> "list[subprocess.CompletedProcess[str]]":
    """What each of them says to `line`, at the same time."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda tool: tool(*shlex.split(line)), (bakec, buildx)))


def files_of(store: Path) -> dict[str, tuple[int, str]]:
    """Name -> mode and text; times as `now`, folders with an empty text."""
    found = {path.relative_to(store).as_posix(): path for path in store.rglob("*")}
    return {
        name: (path.stat().st_mode, re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", "now", path.read_text()))
        if path.is_file()
        else (path.stat().st_mode, "")
        for name, path in found.items()
    }


CONTAINER = "create --name One --driver docker-container"
OPTIONS = """--driver-opt image=x,memory=64m --driver-opt '"env.A=1,2"' --buildkitd-flags '--debug -a'"""
STORIES = {
    "create": [CONTAINER],
    "everything": [f"{CONTAINER} --node First --platform linux/arm64/v8,arm,amd64 --use {OPTIONS}"],
    "remote": ["create --name far --driver remote unix:///x.sock", "create unix:///y.sock --name near"],
    "kept flags": [f"{CONTAINER} --buildkitd-flags '--allow-insecure-entitlement=security.insecure'"],
    "host network": [
        f"{CONTAINER} --driver-opt network=host --buildkitd-flags '--allow-insecure-entitlement security.insecure'"
    ],
    "flags after one of another kind": [
        f"{CONTAINER} --buildkitd-flags '--debug --allow-insecure-entitlement=security.insecure'"
    ],
    "configuration": [f"{CONTAINER} --buildkitd-config b.toml"],
    "append and leave": [
        "create --name far --driver remote --platform linux/arm64,linux/amd64 unix:///a.sock",
        "create --name far --append --node other --platform linux/amd64 unix:///b.sock",
        "create --name far --append unix:///c.sock",
        "create --name far --leave --node far0",
    ],
    "change": [
        "create --name far --driver remote --driver-opt default-load=true unix:///a.sock",
        "create --name far --node far0 --platform linux/riscv64 unix:///b.sock",
        "create --name far --node far0 --driver-opt default-load=false unix:///b.sock",
    ],
    "use": [CONTAINER, "use one"],
    "use by default": [CONTAINER, "use --default One"],
    "use everywhere": [CONTAINER, "use --default one", "use --global one"],
    "use the engine": [CONTAINER, "use one", "use default"],
    "rm": [CONTAINER, "create --name two --driver docker-container", "use one", "rm one"],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_the_store_has_the_same_bytes(story: list[str], bakec: Tool, buildx: Tool, tmp_path: Path) -> None:
    for name, text in (("b.toml", TOML), ("ca.pem", "ca"), ("key.pem", "key"), ("cert.pem", "cert")):
        (tmp_path / name).write_text(text)
    for line in story:
        for done in both(bakec, buildx, line):
            assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "ours") == files_of(tmp_path / "theirs")


def test_the_default_configuration_goes_into_new_builders(bakec: Tool, buildx: Tool, tmp_path: Path) -> None:
    for tool, folder in ((bakec, "ours"), (buildx, "theirs")):
        (tmp_path / folder).mkdir(mode=0o700)
        (tmp_path / folder / "buildkitd.default.toml").write_text('insecure-entitlements = ["network.host"]\n')
        assert tool(*CONTAINER.split()).returncode == 0
    found = files_of(tmp_path / "ours")
    assert found == files_of(tmp_path / "theirs")
    assert "network.host" not in found["instances/one"][1]
    assert "buildkitd.toml" in found["instances/one"][1]


MISTAKES = {
    "create --name default": "default is a reserved name and cannot be used to identify builder instance",
    "create --append": "append requires a builder name",
    "create --append --name none": 'failed to find instance "none" for append',
    "create --name far": 'existing instance for "far" but no append mode, specify the node name to make changes for '
    "existing instances",
    "create --name far --driver docker-container --append": 'existing instance for "far" but has mismatched driver '
    '"remote"',
    "create --driver docker": 'additional instances of driver "docker" cannot be created',
    "create --driver gopher": 'failed to find driver "gopher"',
    "create --name 1st": "invalid name 1st, name needs to start with a letter and may not contain symbols, except ._-",
    "create --name far --node none unix:///b.sock": "node none not found, did you mean to append?",
    "create --name far --append unix:///a.sock": "invalid duplicate endpoint unix:///a.sock",
    "create --name new --driver remote": "no remote endpoint provided",
    "create --name new --driver remote gopher://x": "unrecognized url scheme gopher",
    "create --name new --driver docker-container gopher://x": "failed to parse endpoint gopher://x: invalid bind "
    "address format: gopher://x",
    "create --name new --platform nowhere": '"nowhere": unknown operating system or architecture: invalid argument',
    "create --name new --driver-opt word": 'invalid value "word", expecting k=v',
    "create --name new --driver-opt x=y": "failed to initialize builder new (new0): invalid driver option x for "
    "docker-container driver",
    "create --name new --driver-opt env.=y": "failed to initialize builder new (new0): invalid env option "
    '"env.", expecting env.FOO=bar',
    "create --name new --driver-opt cpu-quota=x": "failed to initialize builder new (new0): strconv.ParseInt: "
    'parsing "x": invalid syntax',
    "create --name new --driver-opt memory=x": "failed to initialize builder new (new0): invalid size: 'x'",
    "create --name new --driver-opt restart-policy=always:x": "failed to initialize builder new (new0): invalid "
    "restart policy format: maximum retry count must be an integer",
    "create --name new --driver-opt default-load=x": "failed to initialize builder new (new0): strconv.ParseBool: "
    'parsing "x": invalid syntax',
    "create --name new --driver remote unix:///n --driver-opt cacert=a": "failed to initialize builder new (new0): "
    "non-absolute path 'a' provided for cacert",
    "create --name new --driver remote tcp://n:1 --driver-opt servername=a": "failed to initialize builder new (new0): "
    "tls enabled, but missing keys cacert",
    "create --name new --driver remote unix:///n --buildkitd-flags=--debug": "failed to initialize builder new (new0): "
    "setting buildkit flags is not supported for remote driver",
    "create --name new --driver remote unix:///n --buildkitd-config b.toml": "failed to initialize builder new (new0): "
    "setting config file is not supported for remote driver",
    "create --name new --buildkitd-config none.toml": "buildkit configuration file not found: none.toml",
    "create --leave --name far": "leave requires node name",
    "create --leave --node far0": "leave requires instance name",
    "create --leave --name none --node n": 'failed to find instance "none" for leave',
    "create --leave --name far --node n": 'node "n" not found for far',
    "create --leave --name far --node far0": "can not leave last node, do you want to rm instance instead?",
    "use none": 'failed to find instance "none"',
    "inspect none": 'no builder "none" found',
    "stop none": 'no builder "none" found',
    "rm none": 'no builder "none" found',
    "rm default": "context builder cannot be removed, run `docker context rm default` to remove this context",
    "rm --all-inactive far": "cannot specify builder name when --all-inactive is set",
    "du --builder none": 'no builder "none" found',
    "du --filter until=soon": '"until" filter expects a duration (e.g., \'24h\'): time: invalid duration "soon"',
    "du --filter until=1h --filter unused-for=1h": 'conflicting filters "until" and "unused-for"',
    "du --filter type=a --filter type=b": "only one value",
    "du --format json --verbose": "--format and --verbose cannot be used together",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_in_the_same_words_and_changes_nothing(
    line: str, bakec: Tool, buildx: Tool, tmp_path: Path
) -> None:
    (tmp_path / "b.toml").write_text("debug = true\n")
    for folder in ("ours", "theirs"):
        env = {"BUILDX_CONFIG": str(tmp_path / folder)}
        with Store(env, dockerconfig.load(env)).transaction() as change:
            node = StoredNode(name="far0", endpoint="unix:///a.sock")
            change.save(StoredBuilder(name="far", driver="remote", nodes=(node,)))
    before = files_of(tmp_path / "ours")["instances/far"]
    ours, theirs = both(bakec, buildx, line)

    assert theirs.returncode
    assert MISTAKES[line] in theirs.stderr
    assert ours.returncode in (Exit.USAGE, Exit.DRIVER)
    assert MISTAKES[line] in ours.stderr
    found = files_of(tmp_path / "ours")
    assert found["instances/far"] == before
    assert not any(name.startswith("instances/new") for name in found)


def test_a_builder_whose_engine_is_gone_is_not_made(bakec: Tool, tmp_path: Path) -> None:
    done = bakec(*["create", "--name", "new", "--driver", "docker-container", "unix:///nonexistent"])
    assert done.returncode == Exit.DRIVER
    assert "failed to initialize builder new (new0)" in done.stderr
    assert not list((tmp_path / "ours/instances").iterdir())


def test_a_node_that_makes_no_sense_leaves_the_builder_as_it_was(bakec: Tool, tmp_path: Path) -> None:
    create = "create --name one --driver docker-container --platform linux/arm64 --driver-opt image=x"
    assert bakec(*create.split()).returncode == 0
    before = files_of(tmp_path / "ours")["instances/one"]
    assert bakec(*["create", "--name", "one", "--node", "one0", "--driver-opt", "x=y"]).returncode == Exit.DRIVER
    assert files_of(tmp_path / "ours")["instances/one"] == before


# Contexts


@pytest.fixture
def contexts(engine: Mapping[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of a client with a context `lab` for the engine, and no DOCKER_HOST."""
    env = {**engine, "DOCKER_CONFIG": str(tmp_path / "config")}
    (tmp_path / "config").mkdir()
    plugins = json.loads((Path(engine["DOCKER_CONFIG"]) / "config.json").read_text())
    (tmp_path / "config/config.json").write_text(json.dumps(plugins))
    docker(env, "context", "create", "lab", "--docker", f"host={engine['DOCKER_HOST']}")
    return {"DOCKER_CONFIG": env["DOCKER_CONFIG"], "DOCKER_HOST": ""}


def test_a_context_is_a_builder(contexts: dict[str, str], bakec: Tool, buildx: Tool) -> None:
    env = {**contexts, "DOCKER_CONTEXT": "lab"}
    for line in ("inspect", "inspect lab"):
        ours, theirs = bakec(*line.split(), env=env), buildx("-D", *line.split(), env=env)
        assert theirs.returncode == 0, theirs.stderr
        assert ours.stdout == theirs.stdout


def test_the_builder_of_another_context_is_refused(
    contexts: dict[str, str], run: Runner, engine: Mapping[str, str]
) -> None:
    result = run(job("one", COPY), builder="lab", env={**engine, **contexts})
    assert result.exit is Exit.DRIVER
    assert result.diagnostics[0].message == 'use `docker --context=lab buildx` to switch to context "lab"'


def test_builders_of_a_context_are_those_of_buildx(
    contexts: dict[str, str], bakec: Tool, buildx: Tool, tmp_path: Path
) -> None:
    env = {**contexts, "DOCKER_CONTEXT": "lab"}
    for line in (
        "create --name boxed --driver docker-container --use",
        "create --name far --driver docker-container lab",
        "use --default far",
    ):
        for tool in (bakec, buildx):
            done = tool(*line.split(), env=env)
            assert done.returncode == 0, done.stderr
    found = files_of(tmp_path / "ours")
    assert found == files_of(tmp_path / "theirs")
    assert json.loads(found["instances/boxed"][1])["Nodes"][0]["Endpoint"] == "lab"
    assert json.loads(found["current"][1])["Key"] == "lab"


def test_a_name_of_a_context_is_taken(contexts: dict[str, str], bakec: Tool, buildx: Tool) -> None:
    for tool in (bakec, buildx):
        done = tool("create", "--name", "lab", env=contexts)
        assert 'instance name "lab" already exists as context builder' in done.stderr
        done = tool("use", "lab", env=contexts)
        assert "run `docker context use lab` to switch to context lab" in done.stderr


def test_what_is_built_in_a_context_is_in_its_engine(
    contexts: dict[str, str], run: Runner, engine: Mapping[str, str]
) -> None:
    env = {**engine, **contexts, "DOCKER_CONTEXT": "lab"}
    result = run(job("one", COPY, tags=("bakec-test/context",), exports=(Exporter(type="docker"),)), env=env)
    assert result.exit is Exit.OK, [each.message for each in result.diagnostics]
    assert inspect(engine, "bakec-test/context")
    assert (Path(env["DOCKER_CONFIG"]) / "buildx/activity/lab").exists()


# Both use one store


@pytest.fixture(scope="module")
def image(engine: Mapping[str, str], busybox: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return builder_image.make(tmp_path_factory.mktemp("image"), busybox.parents[2], engine)


@pytest.fixture
def shared(engine: Mapping[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a store that both tools use; its builders are removed."""
    env = {**engine, "BUILDX_CONFIG": str(tmp_path / "shared")}
    yield env
    names = Store(env, dockerconfig.load(env)).names()
    if names:
        docker(env, "buildx", "rm", *names)


def test_what_buildx_has_made_is_used(shared: dict[str, str], image: str, run: Runner, bakec: Tool) -> None:
    options = f"--driver docker-container --driver-opt image={image}"
    docker(shared, *f"buildx create --name made {options} --use --bootstrap".split())
    result = run(job("one", COPY, exports=(Exporter(type="cacheonly"),)), env=shared)

    assert result.exit is Exit.OK, [each.message for each in result.diagnostics]
    assert "#0 building with docker-container://buildx_buildkit_made0" in run.text  # type: ignore[attr-defined]
    usage = bakec("du", "--json", env=shared)
    assert any("COPY busybox" in record["Description"] for record in json.loads(usage.stdout))


def test_what_was_made_here_is_used_by_buildx(
    shared: dict[str, str], image: str, project: Path, bakec: Tool, buildx: Tool
) -> None:
    options = f"--driver docker-container --driver-opt image={image} --buildkitd-flags --debug"
    done = bakec(*f"create --name made {options} --use --bootstrap --progress plain".split(), env=shared)
    assert done.returncode == 0, done.stderr
    assert "creating container buildx_buildkit_made0" in done.stderr
    (project / "context/Dockerfile").write_text(COPY)
    docker(shared, "buildx", "build", "--output", f"type=local,dest={project}/out", f"{project}/context")
    assert (project / "out/bin/busybox").exists()

    for line in ("inspect", "ls", "ls --no-trunc", "ls --format json", "du", "du --verbose", "du --format json"):
        ours, theirs = bakec(*line.split(), env=shared), buildx("-D", *line.split(), env=shared)
        assert without_age(ours.stdout) == without_age(theirs.stdout), line


def without_age(text: str) -> str:
    return re.sub(r"\d+ seconds? ago", "now", text)


def test_a_cache_is_thrown_away_as_asked(shared: dict[str, str], image: str, run: Runner, bakec: Tool) -> None:
    options = f"--driver docker-container --driver-opt image={image}"
    assert bakec(*f"create --name made {options} --use".split(), env=shared).returncode == 0
    run(job("one", COPY, exports=(Exporter(type="cacheonly"),)), env=shared)

    kept = bakec(*["prune", "--force", "--filter", "until=24h"], env=shared)
    assert (kept.returncode, kept.stdout) == (0, "Total:\t0B\n")
    some = bakec(*["prune", "--force", "--filter", "type=source.local", "--verbose"], env=shared)
    assert "Description:  local source for context" in some.stdout
    assert json.loads(bakec(*["du", "--json", "--filter", "type=source.local"], env=shared).stdout) == []
    rest = bakec(*["prune", "--force", "--all"], env=shared)
    assert rest.stdout.startswith("ID ")
    assert json.loads(bakec(*["du", "--json"], env=shared).stdout) == []


def test_nothing_is_thrown_away_unasked(shared: dict[str, str], image: str, bakec: Tool) -> None:
    for line in ("prune", "rm --all-inactive"):
        done = bakec(*line.split(), env=shared)
        assert done.returncode == 0
        assert "Are you sure you want to continue? [y/N]" in done.stderr


def test_builders_that_do_not_run_are_removed(shared: dict[str, str], image: str, bakec: Tool) -> None:
    options = f"--driver docker-container --driver-opt image={image}"
    for line in (f"create --name runs {options} --bootstrap", f"create --name idle {options}"):
        assert bakec(*line.split(), env=shared).returncode == 0
    done = bakec(*["rm", "--all-inactive", "--force"], env=shared)
    assert done.stderr == "idle removed\n"
    assert Store(shared, dockerconfig.load(shared)).names() == ("runs",)


def test_a_builder_that_cannot_be_read_is_listed_and_removed(shared: dict[str, str], bakec: Tool) -> None:
    instances = Path(shared["BUILDX_CONFIG"]) / "instances"
    instances.mkdir(parents=True)
    (instances / "torn").write_text('{"Name":"to')
    listed = bakec("ls", env=shared)
    assert re.search(r"^torn +error", listed.stdout, re.MULTILINE)
    assert "Cannot load builder torn: cannot read" in listed.stderr
    assert bakec("rm", "torn", env=shared).stderr == "torn removed\n"
    assert list(instances.iterdir()) == []
