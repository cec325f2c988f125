"""The docker-container driver on a real engine: it makes its container, builds in it, and finds it again."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import builder_image
import pytest
from real_plans import Runner, docker, inspect, job

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter

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
    yield {**engine, "BUILDX_CONFIG": str(store)}
    subprocess.run(("docker", "rm", "-fv", "buildx_buildkit_boxed0"), env=dict(engine), check=True, capture_output=True)
    subprocess.run(
        ("docker", "volume", "rm", "buildx_buildkit_boxed0_state"), env=dict(engine), check=True, capture_output=True
    )


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


def test_an_image_that_is_nowhere_is_one_clear_error(run: Runner, builder: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "instances").mkdir()
    node = {"Name": "none0", "Endpoint": builder["DOCKER_HOST"], "DriverOpts": {"image": "127.0.0.1:9/none"}}
    document = {"Name": "none", "Driver": "docker-container", "Nodes": [node]}
    (tmp_path / "instances/none").write_text(json.dumps(document))
    result = run(job("first", COPY), builder="none", env={**builder, "BUILDX_CONFIG": str(tmp_path)})

    assert result.exit is Exit.DRIVER
    assert "dial tcp 127.0.0.1:9" in result.diagnostics[0].message
