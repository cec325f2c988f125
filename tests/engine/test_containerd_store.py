"""What only an engine with the containerd image store can do, as other drivers can."""

import json
import tarfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from real_plans import BASE, Runner, docker, inspect, job

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Cache, Exporter
from bakec.runtime.results import Outcome

PLATFORMS = ("linux/amd64", "linux/arm64")
PLAIN = "FROM scratch\nCOPY busybox /busybox\n"


def test_several_platforms_with_the_default_provenance(run: Runner, containerd_engine: Mapping[str, str]) -> None:
    name = f"{containerd_engine['BAKEC_TEST_REGISTRY']}/several:1"
    attrs = {"platform": ",".join(PLATFORMS)}
    exports = (Exporter(type="registry"),)
    result = run(
        job("several", PLAIN, attrs=attrs, platforms=PLATFORMS, tags=(name,), exports=exports), env=containerd_engine
    )

    assert result.exit is Exit.OK, result.diagnostics
    index = manifest(name)
    found = {f"{each['platform']['os']}/{each['platform']['architecture']}" for each in index["manifests"]}
    kinds = [each.get("annotations", {}).get("vnd.docker.reference.type") for each in index["manifests"]]
    assert found == {*PLATFORMS, "unknown/unknown"}
    assert kinds.count("attestation-manifest") == 2


def test_a_link_between_targets_of_several_platforms(
    run: Runner, project: Path, containerd_engine: Mapping[str, str]
) -> None:
    attrs = {"platform": ",".join(PLATFORMS)}
    exports = (Exporter(type="local", dest="out"),)
    result = run(
        job("base", PLAIN + "ARG TARGETARCH\nENV ARCH=$TARGETARCH\n", attrs=attrs, platforms=PLATFORMS),
        job(
            "child",
            "FROM base AS made\nCOPY <<EOF /arch\n$ARCH\nEOF\nFROM scratch\nCOPY --from=made /arch /arch\n",
            needs=("base",),
            attrs=attrs,
            platforms=PLATFORMS,
            exports=exports,
        ),
        env=containerd_engine,
    )

    assert result.exit is Exit.OK, result.diagnostics
    assert (project / "out/linux_arm64/arch").read_text() == "arm64\n"
    assert (project / "out/linux_amd64/arch").read_text() == "amd64\n"


def test_an_oci_archive_and_a_layout(run: Runner, project: Path, containerd_engine: Mapping[str, str]) -> None:
    exports = (Exporter(type="oci", dest="image.tar"), Exporter(type="oci", dest="image", attrs={"tar": "false"}))
    result = run(job("oci", BASE, tags=("example.com/oci:2",), exports=exports), env=containerd_engine)

    assert result.exit is Exit.OK, result.diagnostics
    with tarfile.open(project / "image.tar") as archive:
        assert "index.json" in archive.getnames()
    index = json.loads((project / "image/index.json").read_text())
    assert index["manifests"][0]["annotations"]["io.containerd.image.name"] == "example.com/oci:2"
    assert (project / "image/blobs" / index["manifests"][0]["digest"].replace(":", "/")).is_file()


def test_a_layout_is_a_context_to_build_from(run: Runner, project: Path, containerd_engine: Mapping[str, str]) -> None:
    made = (Exporter(type="oci", dest="layout", attrs={"tar": "false"}),)
    assert run(job("made", BASE + "ENV MADE=yes\n", exports=made), env=containerd_engine).exit is Exit.OK
    caps = {"frontend.caps": "moby.buildkit.frontend.contexts+forward"}
    user = job("user", "FROM made\nENV USED=yes\n", attrs=caps, oci_layouts={"made": "layout"}, tags=("used",))
    result = run(user, env=containerd_engine)

    assert result.exit is Exit.OK, result.diagnostics
    env = inspect(containerd_engine, "used")["Config"]["Env"]
    assert {"MADE=yes", "USED=yes"} <= set(env)


def test_a_local_cache_is_written_and_read(run: Runner, project: Path, containerd_engine: Mapping[str, str]) -> None:
    text = BASE + 'RUN ["/bin/sh", "-c", "head -c 64 /dev/urandom > /random"]\nCMD ["/bin/sha256sum", "/random"]\n'
    there = Cache(type="local", attrs={"dest": "cache", "mode": "max"})
    back = Cache(type="local", attrs={"src": "cache"})
    first = run(job("cached", text, cache_to=(there,), tags=("cached",)), env=containerd_engine)
    before = docker(containerd_engine, "run", "--rm", "cached")
    docker(containerd_engine, "rmi", "-f", "cached")
    docker(containerd_engine, "builder", "prune", "--all", "--force")
    second = run(job("cached", text, cache_from=(back,), tags=("cached",)), env=containerd_engine)

    assert (first.exit, second.exit) == (Exit.OK, Exit.OK), (first.diagnostics, second.diagnostics)
    assert second.jobs[0].outcome is Outcome.CACHED
    assert docker(containerd_engine, "run", "--rm", "cached") == before


def test_a_cache_that_is_not_there_yet_is_no_error(run: Runner, containerd_engine: Mapping[str, str]) -> None:
    back = Cache(type="local", attrs={"src": "never-written"})
    assert run(job("cold", BASE, cache_from=(back,)), env=containerd_engine).exit is Exit.OK


def test_an_image_that_is_loaded_has_the_digest_of_its_index(run: Runner, containerd_engine: Mapping[str, str]) -> None:
    result = run(job("loaded", BASE, tags=("loaded",), exports=(Exporter(type="docker"),)), env=containerd_engine)

    assert result.exit is Exit.OK, result.diagnostics
    assert inspect(containerd_engine, "loaded")["Id"] == result.jobs[0].digest
    assert "containerimage.config.digest" not in result.jobs[0].response


def manifest(name: str) -> dict[str, object]:
    """The manifest or index of `HOST/NAME:TAG`, from the registry itself."""
    host, _, rest = name.partition("/")
    repository, _, tag = rest.rpartition(":")
    kinds = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
    url = f"http://{host}/v2/{repository}/manifests/{tag}"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": kinds})) as answer:
        return json.loads(answer.read())
