"""Which builder is meant, without asking any: docker contexts, what the store says, and drivers by their options."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bakec.ir.diagnostics import Diagnostics, Failed
from bakec.runtime import amounts, builders, contexts, create, dockerconfig, toml
from bakec.runtime.cache import default_filters, parse_filters
from bakec.runtime.dockerconfig import DockerConfig
from bakec.runtime.drivers.docker import DockerDriver, ssh_command
from bakec.runtime.store import Store, StoredBuilder, StoredNode


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)}


def config(env: dict[str, str]) -> DockerConfig:
    return dockerconfig.load(env)


def add_context(env: dict[str, str], name: str, host: str, *, certificates: bool = False, skip: bool = False) -> None:
    folder = Path(env["DOCKER_CONFIG"]) / "contexts"
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": skip}}}
    path = folder / "meta" / contexts._id(name) / "meta.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(meta))
    if certificates:
        (folder / "tls" / contexts._id(name) / "docker").mkdir(parents=True)


# Contexts


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "lab"),
        ({"DOCKER_CONTEXT": "other"}, "other"),
        ({"DOCKER_CONTEXT": "other", "DOCKER_HOST": "tcp://h"}, "default"),
    ],
)
def test_which_context_is_current(env: dict[str, str], more: dict[str, str], expected: str) -> None:
    (Path(env["DOCKER_CONFIG"]) / "config.json").write_text('{"currentContext": "lab"}')
    assert contexts.current_name({**env, **more}, config(env)) == expected


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("", "unix:///var/run/docker.sock"),
        ("unix://", "unix:///var/run/docker.sock"),
        ("tcp://h", "tcp://h:2375"),
        ("h:7", "tcp://h:7"),
        ("tcp://[::1]/x", "tcp://[::1]:2375/x"),
        ("ssh://me@h", "ssh://me@h"),
    ],
)
def test_the_address_of_an_engine(given: str, host: str) -> None:
    assert contexts.full_host(given) == host


def test_a_context_has_an_address_and_certificates(env: dict[str, str]) -> None:
    add_context(env, "lab", "tcp://lab:2376", certificates=True, skip=True)
    found = contexts.find("lab", env, config(env))
    assert found
    assert (found.host, found.skip_verify) == ("tcp://lab:2376", True)
    assert found.certificates.endswith("/docker")
    assert contexts.names(config(env)) == ("default", "lab")
    driver = builders.engine_at("lab", env, config(env))
    assert driver == DockerDriver("tcp://lab:2376", found.certificates, skip_verify=True)


def test_a_context_that_is_not_there_or_broken_is_one_clear_error(env: dict[str, str]) -> None:
    with pytest.raises(Failed, match="cannot use the docker context lab: it does not exist"):
        contexts.current({**env, "DOCKER_CONTEXT": "lab"}, config(env))
    add_context(env, "lab", "tcp://lab")
    next(Path(env["DOCKER_CONFIG"]).glob("contexts/meta/*/meta.json")).write_text("{")
    with pytest.raises(Failed, match=r"cannot use the docker context .*meta\.json"):
        contexts.find("lab", env, config(env))
    with pytest.raises(Failed, match="DOCKER_HOST: invalid bind address format: gopher://x"):
        contexts.current({**env, "DOCKER_HOST": "gopher://x"}, config(env))


def test_the_engine_over_ssh_is_reached_by_its_own_client() -> None:
    assert " ".join(ssh_command("ssh://me@h:22/run/d.sock")) == (
        "ssh -l me -p 22 -T -- h docker --host unix:///run/d.sock system dial-stdio"
    )
    for bad in ("ssh://-oProxyCommand=x", "ssh://u:p@h"):
        with pytest.raises(ValueError, match="an address of ssh"):
            ssh_command(bad)


# Which builder


def test_a_name_of_the_store_comes_before_that_of_a_context(env: dict[str, str]) -> None:
    add_context(env, "lab", "unix:///lab.sock")
    assert builders.lookup("lab", env, config(env)).driver == ""
    node = StoredNode(name="lab0", endpoint="unix:///x.sock")
    with Store(env, config(env)).transaction() as change:
        change.save(StoredBuilder(name="lab", driver="remote", nodes=(node,)))
    assert builders.lookup("lab", env, config(env)).driver == "remote"


@contextmanager
def answering(path: Path, status: str) -> Iterator[str]:
    """The address of an engine that answers every request with `status`."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"unix://{path}"
    thread.join()
    server.close()


@pytest.mark.parametrize(("status", "driver"), [("101 UPGRADED", "docker"), ("404 Not Found", "docker-container")])
def test_an_engine_without_buildkit_gets_it_in_a_container(
    env: dict[str, str], tmp_path: Path, status: str, driver: str
) -> None:
    with answering(tmp_path / "s", status) as host:
        env["DOCKER_HOST"] = host
        found = builders.choose("", env, config(env))
    assert (found.name, found.driver, found.nodes[0].name) == ("default", driver, "default")


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (StoredNode(name="n", endpoint="unix:///x", files={"a": b""}), "setting config file is not supported"),
        (StoredNode(name="n", endpoint="unix:///x", flags=("-a",)), "setting buildkit flags is not supported"),
    ],
)
def test_a_remote_daemon_is_configured_by_who_runs_it(env: dict[str, str], node: StoredNode, reason: str) -> None:
    stored = StoredBuilder(name="far", driver="remote", nodes=(node,))
    with pytest.raises(Failed, match=f"{reason} for remote driver"):
        builders.make_driver(stored, node, env, config(env))


# Making builders


def test_no_builder_is_made_with_certificates_of_the_environment(env: dict[str, str]) -> None:
    env |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_HOST": "tcp://h:2376"}
    with pytest.raises(Failed, match="could not create a builder instance with TLS data loaded from environment"):
        asyncio.run(create.create(create.Wanted(name="a"), env, config(env), Diagnostics()))


def test_a_cluster_gets_an_endpoint_of_its_own_for_each_node(env: dict[str, str]) -> None:
    wanted = create.Wanted(name="k", driver="kubernetes")
    builder = StoredBuilder(name="k", driver="kubernetes")
    first, second = (create._endpoint(wanted, builder, {**env, "KUBECONFIG": "/a b"}, config(env)) for _ in "ab")
    assert first.startswith("kubernetes:///k?deployment=buildkit-")
    assert first.endswith("&kubeconfig=%2Fa+b")
    assert first != second


def test_a_change_of_settings_is_warned_of(env: dict[str, str]) -> None:
    sink = Diagnostics()
    make = create.Wanted(name="far", driver="remote", endpoint="unix:///a", platforms=("linux/arm64",))
    more = create.Wanted(name="far", append=True, endpoint="unix:///b", platforms=("linux/arm64",))
    for wanted in (make, more):
        asyncio.run(create.create(wanted, env, config(env), sink))
    assert not sink.items
    change = create.Wanted(name="far", node="far0", endpoint="unix:///c")
    asyncio.run(create.create(change, env, config(env), sink))
    assert [one.message for one in sink.items] == ["new settings may not be used until builder is restarted"]


# Words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"), (3599, "59 minutes"),
        (3600, "About an hour"), (47 * 3600, "47 hours"), (72 * 3600, "3 days"), (14 * 86400, "2 weeks"),
        (70 * 86400, "2 months"), (800 * 86400, "2 years"),
    ],
)  # fmt: skip
def test_how_long_ago(seconds: float, text: str) -> None:
    assert amounts.roughly(seconds) == text


def test_filters_are_told_in_the_words_of_the_daemon() -> None:
    found = parse_filters(["id=abc", "type!=regular", "description~=x", "until=1h", "shared=true"])
    assert found.texts == ["description~=x,id~=abc,shared==true,type!=regular"]
    assert found.age == 3600 * 10**9


def test_filters_of_the_configuration_are_added_unless_contradicted() -> None:
    defaults = {"pruneFilters": ["label=a", "until=1h", "word"]}
    assert default_filters(defaults, ["type=x"]) == ["type=x", "label=a", "until=1h"]
    assert default_filters(defaults, ["label!=a"]) == ["label!=a", "until=1h"]


def test_a_document_is_laid_out_with_values_before_tables() -> None:
    document = {"b": {"x": [1, {"y": 2.0}]}, "a": [{"z": "é\n"}, {}], "c": True, "d e": []}
    assert toml.dumps(document) == (
        'c = true\n"d e" = []\n\n[[a]]\n  z = "é\\n"\n\n[[a]]\n\n[b]\n  x = [1, { y = 2.0 }]\n'
    )
