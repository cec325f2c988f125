"""The driver against an API server of the tests: what it makes and removes, what it waits for and tells, and what it
does when the cluster refuses, delays or loses things."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bakec.ir.diagnostics import Exit, Failed
from bakec.runtime.drivers import kubernetes
from bakec.runtime.drivers.base import SILENT, Managed
from bakec.runtime.drivers.kubernetes import KubernetesDriver, api
from bakec.runtime.drivers.kubernetes import driver as driver_module
from bakec.runtime.drivers.kubernetes.pods import sticky
from tests.kubernetes import api_server
from tests.kubernetes.api_server import V4, V5, ApiServer

ECHO = "#!/bin/sh\nexec cat\n"


class Heard:
    """What a driver tells while it makes its daemon ready."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.text = ""

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self.parts.append(name)
        yield

    def say(self, text: bytes) -> None:
        self.text += text.decode()


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """The programs in a pod: a `buildctl` that sends back what it gets."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "buildctl").write_text(ECHO)
    (folder / "buildctl").chmod(0o755)
    return folder


@pytest.fixture
def server(commands: Path) -> Iterator[ApiServer]:
    with ApiServer(commands) as found:
        yield found


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the driver waits for is not waited for as long here."""
    monkeypatch.setattr(driver_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(driver_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(driver_module, "DIAL_SECONDS", 0.01)


@pytest.fixture
def make(server: ApiServer, tmp_path: Path) -> Callable[..., KubernetesDriver]:
    def made(directory: str = "/src", files: dict[str, bytes] | None = None, **options: str) -> KubernetesDriver:
        named = {name.replace("_", "-"): value for name, value in options.items()}
        url = server.url(tmp_path)
        return KubernetesDriver(node="node", url=url, options=named, directory=directory, files=files or {}, env={})

    return made


def run(driver: KubernetesDriver, work: Callable[[KubernetesDriver], Awaitable[Any]] | None = None) -> Heard:
    """Open the driver, do some work with it, and close it."""
    heard = Heard()

    async def main() -> None:
        try:
            await driver.open(heard)
            if work is not None:
                await work(driver)
        finally:
            await driver.close()

    asyncio.run(main())
    return heard


def failure(driver: KubernetesDriver, work: Callable[[KubernetesDriver], Awaitable[Any]] | None = None) -> Failed:
    with pytest.raises(Failed) as caught:
        run(driver, work)
    assert caught.value.exit is Exit.DRIVER
    return caught.value


async def echo(driver: KubernetesDriver, data: bytes = b"hello") -> None:
    pipe = await driver.dial()
    pipe.write(data)
    await pipe.drain()
    got = b""
    while len(got) < len(data):
        piece = await pipe.read()
        assert piece
        got += piece
    assert got == data
    pipe.close()


Make = Callable[..., KubernetesDriver]

# The workload


def test_the_first_use_makes_a_deployment(server: ApiServer, make: Make) -> None:
    heard = run(make(replicas="2"))
    assert server.objects["deployments"]["node"]["spec"]["replicas"] == 2
    assert heard.parts == ["creating Deployment node", "waiting for 2 pods to be ready, timeout: 2m0s"]


def test_the_next_use_finds_it_and_says_nothing(server: ApiServer, make: Make) -> None:
    run(make())
    server.log.clear()
    assert run(make()).parts == []
    assert ("create", "deployments") not in server.log


def test_configuration_files_become_config_maps(server: ApiServer, make: Make) -> None:
    run(make(files={"buildkitd.toml": b"debug = true\n", "certs/host/ca.crt": b"CA"}))
    data = {name: each["data"] for name, each in server.objects["configmaps"].items()}
    assert data == {"node-config": {"buildkitd.toml": "debug = true\n"}, "node-config-1": {"ca.crt": "CA"}}


def test_config_maps_that_are_left_over_are_brought_up_to_date(server: ApiServer, make: Make) -> None:
    run(make(files={"buildkitd.toml": b"old"}))
    server.objects["deployments"].clear()
    server.objects["pods"].clear()
    run(make(files={"buildkitd.toml": b"new"}))
    assert server.objects["configmaps"]["node-config"]["data"] == {"buildkitd.toml": "new"}


def test_a_cache_that_persists_makes_a_stateful_set(server: ApiServer, make: Make) -> None:
    run(make(**{"persistent-volume-claim.requests.storage": "1Gi"}))
    assert server.pods() == ["node-0"]


def test_a_manifest_that_the_cluster_refuses(make: Make) -> None:
    refused = str(failure(make(labels="tier=a/b")))
    assert "cannot create deployments in namespace builders" in refused
    assert "'a/b' is no value of a label" in refused


def test_its_status(server: ApiServer, make: Make) -> None:
    driver = make()
    assert isinstance(driver, Managed)

    async def check() -> None:
        assert await driver.status() == "inactive"
        await driver.open(SILENT)
        assert await driver.status() == "running"
        await asyncio.to_thread(server.scale, "node", 0)
        assert await driver.status() == "stopped"
        await driver.close()

    asyncio.run(check())


def test_remove_undoes_what_open_has_made(server: ApiServer, make: Make) -> None:
    async def remove(driver: KubernetesDriver) -> None:
        await driver.stop()
        assert server.pods()
        await driver.remove(keep_state=False)

    run(make(files={"buildkitd.toml": b""}), remove)
    assert not any(server.objects.values())


def test_removing_what_is_not_there_is_no_error(make: Make) -> None:
    async def main() -> None:
        driver = make(files={"buildkitd.toml": b""})
        await driver.remove(keep_state=False)
        await driver.close()

    asyncio.run(main())


# Waiting


def test_slow_pods_are_waited_for(server: ApiServer, make: Make) -> None:
    server.start_seconds = 0.3
    run(make(replicas="2"))
    assert server.objects["deployments"]["node"]["status"]["readyReplicas"] == 2


FATES = [
    (api_server.without_image, 'ErrImagePull: failed to pull image "moby/buildkit:buildx-stable-1": not found'),
    (api_server.without_node, "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu."),
    (api_server.crashing, "buildkitd ended with exit code 1: Error"),
]


@pytest.mark.parametrize(("fate", "reason"), FATES, ids=lambda value: getattr(value, "__name__", ""))
def test_pods_that_never_come_are_told_with_the_reason(
    server: ApiServer, make: Make, fate: Callable[[dict[str, Any]], dict[str, Any]], reason: str
) -> None:
    server.fate = fate
    driver = make(timeout="100ms")
    heard = Heard()

    async def main() -> None:
        try:
            await driver.open(heard)
        finally:
            await driver.close()

    with pytest.raises(Failed) as caught:
        asyncio.run(main())
    assert "expected 1 replicas to be ready, got 0: node-7d9f-" in str(caught.value)
    assert reason in str(caught.value)
    assert heard.text.count(reason) == 1


def test_events_tell_what_the_pods_do_not(server: ApiServer, make: Make) -> None:
    def without_volume(pod: dict[str, Any]) -> dict[str, Any]:
        server.warn(pod, "FailedMount", 'configmap "node-config" not found')
        return api_server.starting(pod)

    server.fate = without_volume
    server.warn({"metadata": {"name": "node-7d9f-0", "uid": "of another builder"}}, "FailedMount", "long ago")
    said = str(failure(make(timeout="100ms")))
    assert 'FailedMount: configmap "node-config" not found' in said
    assert "long ago" not in said


def test_without_the_right_to_read_events_pods_tell_what_they_know(server: ApiServer, make: Make) -> None:
    server.fate, server.denied = api_server.without_node, {("list", "events")}
    assert "Unschedulable" in str(failure(make(timeout="100ms")))


def test_a_workload_scaled_to_zero_is_told_as_such(server: ApiServer, make: Make) -> None:
    run(make())
    server.scale("node", 0)
    assert "got 0: node: is scaled to zero" in str(failure(make(timeout="100ms")))


def test_one_pod_of_several_is_enough_to_build(server: ApiServer, make: Make) -> None:
    run(make(replicas="2"))
    server.scale("node", 1)
    run(make(replicas="2"), echo)


# Streams


@pytest.mark.parametrize("protocols", [(V5, V4), (V4,)], ids=["v5", "v4"])
def test_bytes_pass_both_ways_and_the_command_ends(commands: Path, tmp_path: Path, protocols: tuple[str, ...]) -> None:
    with ApiServer(commands, protocols) as server:
        driver = KubernetesDriver(node="node", url=server.url(tmp_path), env={})
        run(driver, lambda driver: echo(driver, bytes(range(256)) * 20_000))
        assert server.agreed == [protocols[0]]
        assert server.closed_input == (1 if V5 in protocols else 0)
        assert server.executed == [(server.pods()[0], "buildkitd", "buildctl dial-stdio")]


def test_many_streams_at_once(server: ApiServer, make: Make) -> None:
    async def many(driver: KubernetesDriver) -> None:
        await asyncio.gather(*(echo(driver, bytes([number]) * 1000) for number in range(20)))

    run(make(), many)
    assert len(server.executed) == 20


def test_a_pod_is_chosen_by_the_folder(server: ApiServer, make: Make) -> None:
    run(make(replicas="5"))
    for directory in ("/home/one", "/home/two", "/srv"):
        server.executed.clear()
        run(make(directory=directory), echo)
        assert [pod for pod, _, _ in server.executed] == [sticky(server.pods(), directory)]


def test_a_sticky_pod_is_kept_when_others_come(server: ApiServer, make: Make) -> None:
    """`/src` belongs to another pod once there are many."""

    async def grow(driver: KubernetesDriver) -> None:
        await echo(driver)
        await asyncio.to_thread(server.scale, "node", 12)
        assert sticky(server.pods(), driver.directory) != server.executed[0][0]
        await echo(driver)

    directory = next(f"/src/{number}" for number in range(100) if number % 7 == 3)
    run(make(directory=directory), grow)
    assert len({pod for pod, _, _ in server.executed}) == 1


def test_random_pods_serve_the_streams_of_one_driver(server: ApiServer, make: Make) -> None:
    async def many(driver: KubernetesDriver) -> None:
        assert driver.features({}).spread
        for _ in range(30):
            await echo(driver)

    run(make(replicas="3", loadbalance="random"), many)
    assert {pod for pod, _, _ in server.executed} == set(server.pods())


def test_pods_that_are_being_deleted_are_not_chosen(server: ApiServer, make: Make) -> None:
    run(make(replicas="2"))
    leaving = sticky(server.pods(), "/src")
    server.objects["pods"][leaving]["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z"
    server.executed.clear()
    run(make(), echo)
    assert [pod for pod, _, _ in server.executed] != [leaving]


def test_pods_that_are_not_ready_are_chosen_only_if_none_is(server: ApiServer, make: Make) -> None:
    run(make(replicas="3"))
    for pod in server.pods()[:2]:
        server.objects["pods"][pod]["status"]["conditions"] = []
    server.executed.clear()
    for number in range(6):
        run(make(directory=f"/src/{number}"), echo)
    assert {pod for pod, _, _ in server.executed} == {server.pods()[2]}
    server.objects["pods"][server.pods()[2]]["status"]["conditions"] = []
    run(make(), echo)


# What goes wrong


def test_a_node_that_is_not_quite_there_is_tried_again(server: ApiServer, make: Make) -> None:
    server.broken = [500] * 6  # each is asked for its reason
    run(make(), echo)
    assert not server.broken


def test_a_node_that_never_is_there(server: ApiServer, make: Make) -> None:
    server.broken = [500] * 100
    said = str(failure(make()))
    assert "failed to connect to pod node-7d9f-" in said
    assert "error dialing backend: remote error: tls: internal error, after 5 attempts" in said


def test_a_pod_that_goes_between_the_choice_and_the_stream(server: ApiServer, make: Make) -> None:
    async def vanish(driver: KubernetesDriver) -> None:
        await echo(driver)
        await asyncio.to_thread(server.delete_pod, server.pods()[0])
        await echo(driver)

    run(make(), vanish)
    assert len({pod for pod, _, _ in server.executed}) == 2


def end_of_stream(server: ApiServer, make: Make, event: Callable[[str], None], **options: str) -> str:
    """What the driver says of a stream that `event` has ended."""
    driver = make(**options)

    async def lose(driver: KubernetesDriver) -> None:
        pipe = await driver.dial()
        reading = asyncio.create_task(pipe.read())
        await asyncio.to_thread(event, server.executed[-1][0])
        assert await reading == b""
        pipe.write(b"x")
        with pytest.raises(OSError, match="ended"):
            await pipe.drain()

    run(driver, lose)
    return driver.trouble


def test_a_pod_that_is_deleted_ends_its_streams(server: ApiServer, make: Make) -> None:
    assert end_of_stream(server, make, server.delete_pod).endswith(": was deleted")


def test_a_replica_that_is_scaled_away_ends_its_streams(server: ApiServer, make: Make) -> None:
    assert end_of_stream(server, make, lambda _: server.scale("node", 0), replicas="3").endswith(": was deleted")


def test_a_stream_that_is_cut(server: ApiServer, make: Make) -> None:
    assert end_of_stream(server, make, server.cut).endswith(": the stream to it was cut")


def test_the_first_cause_is_told_and_not_what_came_of_trying_again(
    server: ApiServer, make: Make, commands: Path
) -> None:
    driver = make()

    async def lose(driver: KubernetesDriver) -> None:
        pipe = await driver.dial()
        pipe.write(b"x")
        assert await pipe.read() == b"x"
        (commands / "buildctl").write_text("#!/bin/sh\nexit 1\n")
        await asyncio.to_thread(server.delete_pod, server.executed[-1][0])
        assert await pipe.read() == b""
        assert await (await driver.dial()).read() == b""

    run(driver, lose)
    assert driver.trouble.endswith(": was deleted")


def test_a_container_that_was_killed_is_told(server: ApiServer, make: Make) -> None:
    def kill(pod: str) -> None:
        ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
        server.objects["pods"][pod]["status"]["containerStatuses"] = [{"name": "buildkitd", "lastState": ended}]
        server.cut(pod)

    assert end_of_stream(server, make, kill).endswith(": buildkitd ended with exit code 137: OOMKilled")


def test_a_pod_without_buildctl(server: ApiServer, make: Make, commands: Path) -> None:
    (commands / "buildctl").unlink()

    async def read(driver: KubernetesDriver) -> None:
        assert await (await driver.dial()).read() == b""

    driver = make()
    run(driver, read)
    assert "exec failed" in driver.trouble


def test_what_buildctl_says_before_it_fails(server: ApiServer, make: Make, commands: Path) -> None:
    (commands / "buildctl").write_text("#!/bin/sh\necho could not reach buildkitd >&2\nexit 1\n")

    async def read(driver: KubernetesDriver) -> None:
        assert await (await driver.dial()).read() == b""

    driver = make()
    run(driver, read)
    assert driver.trouble.endswith(": command terminated with exit code 1: could not reach buildkitd")


RIGHTS = [
    *(("get", "deployments"), ("create", "deployments"), ("create", "configmaps")),
    *(("list", "pods"), ("get", "pods/exec")),
]


@pytest.mark.parametrize(("verb", "kind"), RIGHTS)
def test_a_right_that_is_missing_is_named(server: ApiServer, make: Make, verb: str, kind: str) -> None:
    server.denied = {(verb, kind)}
    said = str(failure(make(files={"buildkitd.toml": b""})))
    assert "not allowed to" in said
    assert f'User "me" cannot {verb} resource "{kind}" in the namespace "builders"' in said


def test_a_token_that_is_not_known(server: ApiServer, make: Make) -> None:
    server.token = "another"
    assert "not allowed to get deployments node in namespace builders: Unauthorized" in str(failure(make()))


# Access


PLUGIN = """#!{python}
import json, pathlib
count = pathlib.Path({count!r})
count.write_text(count.read_text() + "x" if count.exists() else "x")
token = "{token}" if len(count.read_text()) > {stale} else "expired"
status = {{"token": token}}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}}))
"""


@pytest.mark.parametrize("stale", [0, 1], ids=["good", "expired"])
def test_credentials_from_a_plugin(server: ApiServer, tmp_path: Path, stale: int) -> None:
    """Those that are refused are asked for again, once."""
    plugin, count = tmp_path / "plugin", tmp_path / "count"
    plugin.write_text(PLUGIN.format(python=sys.executable, count=str(count), token=api_server.TOKEN, stale=stale))
    plugin.chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}}
    path = server.kubeconfig(tmp_path, **user)
    run(KubernetesDriver(node="node", url=f"kubernetes:///b?kubeconfig={path}", env={}), echo)
    assert len(count.read_text()) == 1 + stale


def test_a_plugin_that_fails(server: ApiServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(tmp_path / "none")}}
    path = server.kubeconfig(tmp_path, **user)
    said = str(failure(KubernetesDriver(node="node", url=f"kubernetes:///b?kubeconfig={path}", env={})))
    assert "kubernetes driver requires kubernetes API access" in said
    assert capfd.readouterr().err == ""


def test_kubeconfig_from_the_environment(server: ApiServer, tmp_path: Path) -> None:
    env = {"KUBECONFIG": f"/nonexistent:{server.kubeconfig(tmp_path)}"}
    run(KubernetesDriver(node="node", url="kubernetes:///b?deployment=node", env=env), echo)


def test_kubeconfig_of_the_home_folder(server: ApiServer, tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    server.kubeconfig(tmp_path).rename(tmp_path / ".kube/config")
    run(KubernetesDriver(node="node", env={"HOME": str(tmp_path)}), echo)


def test_the_account_of_the_pod_we_run_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes_asyncio.config import incluster_config

    for name, text in (("token", "secret"), ("ca.crt", "CA"), ("namespace", "there\n")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    env = {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    configuration, namespace = asyncio.run(api._configure(api.Access(endpoint="", env=env)))
    assert (configuration.host, namespace) == ("https://10.0.0.1:443", "there")
    assert configuration.api_key["BearerToken"] == "Bearer secret"


def test_no_cluster_at_all(tmp_path: Path) -> None:
    said = str(failure(KubernetesDriver(node="node", env={"HOME": str(tmp_path)})))
    assert "kubernetes driver requires kubernetes API access: no kubeconfig at" in said


def test_an_api_server_that_is_not_there(server: ApiServer, tmp_path: Path) -> None:
    path = server.kubeconfig(tmp_path)
    path.write_text(path.read_text().replace(str(server.port), "9"))
    said = str(failure(KubernetesDriver(node="node", url=f"kubernetes:///b?kubeconfig={path}", env={})))
    assert "kubernetes://node: cannot get deployments node in namespace builders" in said


def test_a_kubeconfig_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps({"clusters": []}))
    said = str(failure(KubernetesDriver(node="node", url=f"kubernetes:///b?kubeconfig={path}", env={})))
    assert "kubernetes driver requires kubernetes API access" in said


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes_asyncio", None)
    caught = failure(KubernetesDriver(node="node", env={}))
    assert "`kubernetes_asyncio`, which is not installed" in str(caught)
    assert caught.diagnostics[0].hint == "pip install 'bakec[kubernetes]'"
    assert kubernetes.__name__ in sys.modules
