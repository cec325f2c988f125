"""The docker-container driver on a real engine: it makes its container, builds in it, and finds it again."""

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import builder_image
import pytest
from real_plans import Runner, docker, inspect, job

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter
from bakec.runtime import dockerconfig
from bakec.runtime.drivers import container
from bakec.runtime.results import Outcome
from bakec.runtime.store import Store

COPY = 'FROM scratch\nCOPY busybox /bin/busybox\nENV MADE=inside\nCMD ["/bin/busybox", "env"]\n'


@pytest.fixture(scope="module")
def builder(
    engine: Mapping[str, str], busybox: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The environment of a store with a builder named `boxed`."""
    image = builder_image.make(tmp_path_factory.mktemp("image"), busybox.parents[2], engine)
    store = tmp_path_factory.mktemp("store")
    (store / "instances").mkdir()
    options = {"image": image, "memory": "2g", "env.MARK": "of the test"}
    node = {"Name": "boxed0", "Endpoint": engine["DOCKER_HOST"], "DriverOpts": options, "Flags": ["--debug"]}
    document = {"Name": "boxed", "Driver": "docker-container", "Nodes": [node]}
    (store / "instances/boxed").write_text(json.dumps(document))
    env = {**engine, "BUILDX_CONFIG": str(store)}
    yield env
    perform(env, "rm", "boxed")


def test_the_container_is_made_as_buildx_makes_it(run: Runner, builder: dict[str, str]) -> None:
    result = run(job("first", COPY, exports=(Exporter(type="cacheonly"),)), builder="boxed", env=builder)

    assert result.exit is Exit.OK, [each.message for each in result.diagnostics]
    found = inspect(builder, "buildx_buildkit_boxed0", kind="container")
    host = found["HostConfig"]
    assert host["Privileged"]
    assert host["Init"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["Memory"] == 2 << 30
    assert found["Args"] == ["--debug"]
    assert host["CgroupParent"] == "/docker/buildx"
    assert "MARK=of the test" in found["Config"]["Env"]
    assert [mount["Name"] for mount in found["Mounts"]] == ["buildx_buildkit_boxed0_state"]


def test_what_was_built_comes_out_of_it(run: Runner, builder: dict[str, str], project: Path) -> None:
    jobs = (
        job("files", COPY, exports=(Exporter(type="local", dest="out"),)),
        job("image", COPY, tags=("bakec-test/boxed",), exports=(Exporter(type="docker"),), provenance_default=False),
    )
    result = run(*jobs, builder="boxed", env=builder)

    assert result.exit is Exit.OK, [each.message for each in result.diagnostics]
    assert (project / "out/bin/busybox").read_bytes() == (project / "context/busybox").read_bytes()
    assert "MADE=inside" in docker(builder, "run", "--rm", "bakec-test/boxed")


def test_a_container_that_was_stopped_is_started_again(run: Runner, builder: dict[str, str]) -> None:
    docker(builder, "stop", "-t", "20", "buildx_buildkit_boxed0")
    exports = (Exporter(type="cacheonly"),)
    result = run(job("first", COPY, exports=exports), builder="boxed", env=builder)
    assert result.exit is Exit.OK, [each.message for each in result.diagnostics]


def test_a_build_goes_on_with_the_cache_after_a_stop(run: Runner, builder: dict[str, str]) -> None:
    one = job("cached", f"{COPY}ENV KEPT=yes\n", exports=(Exporter(type="cacheonly"),))
    assert run(one, builder="boxed", env=builder).exit is Exit.OK
    perform(builder, "stop", "boxed")
    assert docker(builder, "inspect", "-f", "{{.State.Running}}", "buildx_buildkit_boxed0").strip() == "false"

    result = run(one, builder="boxed", env=builder)
    assert result.jobs[0].outcome is Outcome.CACHED
    assert "starting container buildx_buildkit_boxed0" in run.text  # type: ignore[attr-defined]


def perform(env: Mapping[str, str], *argv: str) -> str:
    """`bakec builder …`, which has to succeed."""
    command = (sys.executable, "-m", "bakec", "builder", *argv)
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


# Options


@pytest.fixture
def made(builder: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a store of its own, whose builders are removed."""
    env = {**builder, "BUILDX_CONFIG": str(tmp_path / "store")}
    yield env
    names = Store(env, dockerconfig.load(env)).names()
    if names:
        perform(env, "rm", *names)


OPTIONS = {
    "memory": ("512m", "Memory", 512 << 20),
    "memory-swap": ("1g", "MemorySwap", 1 << 30),
    "cpu-shares": ("512", "CpuShares", 512),
    "cpu-period": ("50000", "CpuPeriod", 50000),
    "cpu-quota": ("40000", "CpuQuota", 40000),
    "cpuset-cpus": ("0", "CpusetCpus", "0"),
    "cpuset-mems": ("0", "CpusetMems", "0"),
    "cgroup-parent": ("/bakec-test", "CgroupParent", "/bakec-test"),
    "restart-policy": ("on-failure:3", "RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 3}),
    "network": ("bakec-test", "NetworkMode", "bakec-test"),
}
"""Option -> its value, the field of the container's HostConfig, and what that is then."""


def test_every_option_reaches_the_container(made: dict[str, str]) -> None:
    docker(made, "network", "create", "bakec-test")
    try:
        options = [f"--driver-opt={name}={value}" for name, (value, _, _) in OPTIONS.items()]
        more = ("--driver-opt", f"image={builder_image.IMAGE},env.A=1", "--driver-opt", '"env.B=2,3"')
        perform(made, "create", "--name", "full", "--driver", "docker-container", "--bootstrap", *options, *more)
        found = inspect(made, "buildx_buildkit_full0", kind="container")
        perform(made, "rm", "full")
    finally:
        docker(made, "network", "rm", "bakec-test")
    host = found["HostConfig"]
    assert {field: host[field] for _, field, _ in OPTIONS.values()} == {
        field: expected for _, field, expected in OPTIONS.values()
    }
    assert {"A=1", "B=2,3"} <= set(found["Config"]["Env"])


def test_configuration_and_certificates_are_in_the_container(made: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("authority")
    (tmp_path / "b.toml").write_text('[registry."r:1"]\nca = ["ca.pem"]\n')
    event = tmp_path / "event.json"
    event.write_text('{"number": 7}')
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(event)}
    options = ("--driver-opt", f"image={builder_image.IMAGE}", "--buildkitd-config", f"{tmp_path}/b.toml")
    with contextlib.chdir(tmp_path):
        perform({**made, **actions}, "create", "--name", "set", *options, "--bootstrap")

    def text(name: str) -> str:
        return docker(made, "exec", "buildx_buildkit_set0", "cat", f"/etc/buildkit/{name}")

    assert 'ca = ["/etc/buildkit/certs/r_1/ca.pem"]' in text("buildkitd.toml")
    assert text("certs/r_1/ca.pem") == "authority"
    context = json.loads(text("provenance.d/github_actions_context.json"))
    assert context == {"github_event_name": "push", "github_event_payload": {"number": 7}}
    found = inspect(made, "buildx_buildkit_set0", kind="container")
    assert found["Args"][:2] == ["--config", "/etc/buildkit/buildkitd.toml"]


def test_the_workflow_is_not_noted_when_that_is_off(made: dict[str, str], tmp_path: Path) -> None:
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(tmp_path / "none")}
    options = ("--driver-opt", f"image={builder_image.IMAGE},provenance-add-gha=false")
    perform({**made, **actions}, "create", "--name", "set", "--driver", "docker-container", *options, "--bootstrap")


def test_results_are_loaded_where_that_is_the_default(made: dict[str, str], run: Runner) -> None:
    perform(made, "create", "--name", "loads", "--driver-opt", f"image={builder_image.IMAGE},default-load=true")
    result = run(job("one", COPY, tags=("bakec-test/loaded",), provenance_default=False), builder="loads", env=made)
    assert result.exit is Exit.OK, [each.message for each in result.diagnostics]
    assert "MADE=inside" in docker(made, "run", "--rm", "bakec-test/loaded")


def test_state_and_daemon_are_kept_as_asked(made: dict[str, str], run: Runner) -> None:
    create = ("create", "--name", "kept", "--driver-opt", f"image={builder_image.IMAGE}")
    one = job("one", f"{COPY}ENV STAYS=yes\n", exports=(Exporter(type="cacheonly"),))
    perform(made, *create)
    run(one, builder="kept", env=made)
    perform(made, "rm", "--keep-state", "kept")
    assert docker(made, "ps", "-aq", "--filter", "name=buildx_buildkit_kept0") == ""

    perform(made, *create)
    assert run(one, builder="kept", env=made).jobs[0].outcome is Outcome.CACHED
    perform(made, "rm", "--keep-daemon", "kept")
    assert docker(made, "inspect", "-f", "{{.State.Running}}", "buildx_buildkit_kept0").strip() == "true"

    perform(made, *create)
    assert run(one, builder="kept", env=made).jobs[0].outcome is Outcome.CACHED
    perform(made, "rm", "kept")
    assert docker(made, "volume", "ls", "-q", "--filter", "name=buildx_buildkit_kept0_state") == ""


def test_two_programs_may_make_it_at_once(made: dict[str, str]) -> None:
    perform(made, "create", "--name", "both", "--driver-opt", f"image={builder_image.IMAGE}")
    command = (sys.executable, "-m", "bakec", "builder", "bootstrap", "both")
    programs = [subprocess.Popen(command, env=made, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in "ab"]
    assert [one.wait(60) for one in programs] == [0, 0]


def test_the_last_words_of_a_daemon_that_does_not_come_up_are_told(
    made: dict[str, str], run: Runner, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mute = 'FROM scratch\nCOPY busybox /\nENTRYPOINT ["/busybox", "sh", "-c", "echo no kernel for this >&2; exit 1"]\n'
    (project / "context/Dockerfile").write_text(mute)
    docker(made, "buildx", "build", "-q", "-t", "bakec-test/mute", f"{project}/context")
    perform(made, "create", "--name", "mute", "--driver-opt", "image=bakec-test/mute,restart-policy=no")
    monkeypatch.setattr(container, "PROBES", 2)
    result = run(job("one", COPY), builder="mute", env=made)

    assert result.exit is Exit.DRIVER
    assert "the daemon does not answer: no kernel for this" in result.diagnostics[0].message
    assert re.search(r"^#1 \S+ no kernel for this$", run.text, re.MULTILINE)  # type: ignore[attr-defined]


def test_an_image_that_is_nowhere_is_one_clear_error(run: Runner, builder: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "instances").mkdir()
    node = {"Name": "none0", "Endpoint": builder["DOCKER_HOST"], "DriverOpts": {"image": "127.0.0.1:9/none"}}
    document = {"Name": "none", "Driver": "docker-container", "Nodes": [node]}
    (tmp_path / "instances/none").write_text(json.dumps(document))
    result = run(job("first", COPY), builder="none", env={**builder, "BUILDX_CONFIG": str(tmp_path)})

    assert result.exit is Exit.DRIVER
    assert "dial tcp 127.0.0.1:9" in result.diagnostics[0].message
