"""Real builds through the kubernetes driver: the API server is the tests' own, what its pods run is the engine's
BuildKit. `tests/cluster` has the same on a real cluster."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from real_plans import BASE, Runner, docker, job

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter, Job, Secret
from bakec.runtime.retry import Retries
from tests.kubernetes import buildctl
from tests.kubernetes.api_server import V4, V5, ApiServer

SLOW = BASE + 'RUN ["/bin/sh", "-c", "sleep 4; echo done > /done"]\n'
CACHE_ONLY = (Exporter(type="cacheonly"),)
Store = Callable[..., dict[str, str]]


@pytest.fixture(params=[(V5, V4), (V4,)], ids=["v5", "v4"])
def server(request: pytest.FixtureRequest, containerd_engine: Mapping[str, str], tmp_path: Path) -> Iterator[ApiServer]:
    with ApiServer(buildctl.write(tmp_path / "commands", containerd_engine["DOCKER_HOST"]), request.param) as found:
        yield found


newest = pytest.mark.parametrize("server", [(V5, V4)], indirect=True, ids=["v5"])


@pytest.fixture
def store(server: ApiServer, engine: Mapping[str, str], tmp_path: Path) -> Store:
    """Makes a store with a builder named `pods`; returns an environment with it."""

    def made(**options: str) -> dict[str, str]:
        (tmp_path / "store/instances").mkdir(parents=True)
        node = {"Name": "node", "Endpoint": server.url(tmp_path), "DriverOpts": options}
        document = {"Name": "pods", "Driver": "kubernetes", "Nodes": [node]}
        (tmp_path / "store/instances/pods").write_text(json.dumps(document))
        return {**engine, "BUILDX_CONFIG": str(tmp_path / "store")}

    return made


@contextmanager
def in_the_build(server: ApiServer, event: Callable[[str], None]) -> Iterator[None]:
    """Do something to the pod that builds once it is at work."""

    def wait() -> None:
        deadline = time.monotonic() + 30
        while not server.executed and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.5)
        event(server.executed[-1][0])

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    yield
    thread.join()


def slow_job() -> Job:
    return job("slow", SLOW, exports=(Exporter(type="cacheonly"),), attrs={"no-cache": ""})


def test_a_context_a_secret_and_the_result_pass_through_the_pod(
    run: Runner, project: Path, server: ApiServer, store: Store
) -> None:
    (project / "context/large").write_bytes(bytes(range(256)) * 40_000)
    (project / "s").write_text("told in the session")
    text = BASE + 'COPY large /large\nRUN --mount=type=secret,id=s ["/bin/sh", "-c", "cat /run/secrets/s > /copy"]\n'
    build = job("files", text, secrets=(Secret(id="s", src="s"),), exports=(Exporter(type="local", dest="out"),))
    result = run(build, builder="pods", env=store())

    assert result.exit is Exit.OK, result.diagnostics
    assert (project / "out/large").read_bytes() == (project / "context/large").read_bytes()
    assert (project / "out/copy").read_text() == "told in the session"
    assert set(server.agreed) == {server.protocols[0]}
    assert "[internal] booting buildkit" in run.text


@newest
def test_an_image_is_loaded_into_the_engine_of_this_machine(
    run: Runner, engine: Mapping[str, str], store: Store
) -> None:
    build = job(
        "load",
        BASE + 'CMD ["/bin/echo", "loaded"]\n',
        tags=("bakec-test/pods",),
        exports=(Exporter(type="docker"),),
        provenance_default=False,
    )
    assert run(build, builder="pods", env=store()).exit is Exit.OK
    assert docker(engine, "run", "--rm", "bakec-test/pods") == "loaded\n"


@newest
def test_without_an_engine_loading_is_refused(run: Runner, store: Store) -> None:
    build = job("load", BASE, tags=("bakec-test/pods",), exports=(Exporter(type="docker"),))
    result = run(build, builder="pods", env={**store(), "DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    assert result.exit is Exit.DRIVER
    assert "not supported for the kubernetes driver" in result.diagnostics[0].message


@newest
def test_targets_are_spread_over_random_pods_and_linked_ones_stay_together(
    run: Runner, server: ApiServer, store: Store
) -> None:
    linked = [job("base", BASE), *(job(f"on{index}", "FROM base\n", needs=("base",)) for index in range(3))]
    alone = [job(f"alone{index}", BASE, exports=CACHE_ONLY) for index in range(12)]
    result = run(*linked, *alone, builder="pods", env=store(loadbalance="random", replicas="3"))

    assert result.exit is Exit.OK, result.diagnostics
    assert {pod for pod, _, _ in server.executed} == set(server.pods())
    assert len(server.executed) == 1 + 1 + 12  # the run's own, one for all that are linked, one for each other


@newest
def test_the_end_of_the_only_pod_in_a_build_is_one_clear_error(run: Runner, server: ApiServer, store: Store) -> None:
    with in_the_build(server, lambda _: server.scale("node", 0)):
        result = run(slow_job(), builder="pods", env=store())

    assert result.exit is Exit.DRIVER
    assert len(result.diagnostics) == 1
    message = result.diagnostics[0].message
    assert "lost the connection to the builder at kubernetes://node" in message
    assert "was deleted" in message or "no running buildkit pods found" in message


@newest
@pytest.mark.parametrize("retries", [0, 1])
def test_a_pod_that_is_replaced_in_a_build(run: Runner, server: ApiServer, store: Store, retries: int) -> None:
    """With a retry the build is done on the new pod; without one it fails with what happened."""
    with in_the_build(server, server.delete_pod):
        result = run(slow_job(), builder="pods", env=store(), retries=Retries(retries))

    assert len({pod for pod, _, _ in server.executed}) == 2, (result.diagnostics, server.executed)
    assert result.exit is (Exit.OK if retries else Exit.BUILD), result.diagnostics
    if not retries:
        assert result.diagnostics[0].message.endswith(": was deleted")


@newest
def test_a_stream_that_is_cut_in_a_build(run: Runner, server: ApiServer, store: Store) -> None:
    with in_the_build(server, server.cut):
        result = run(slow_job(), builder="pods", env=store())
    assert result.exit is Exit.BUILD
    assert result.diagnostics[0].message.endswith(": the stream to it was cut")


@newest
def test_pods_that_never_come_are_one_clear_error(run: Runner, server: ApiServer, store: Store) -> None:
    from tests.kubernetes.api_server import without_image

    server.fate = without_image
    result = run(job("any", BASE), builder="pods", env=store(timeout="300ms", image="none"))
    assert result.exit is Exit.DRIVER
    assert 'ErrImagePull: failed to pull image "none": not found' in result.diagnostics[0].message
    assert 'ErrImagePull: failed to pull image "none": not found' in run.text
