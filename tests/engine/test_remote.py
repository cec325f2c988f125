"""The remote driver: a plain BuildKit endpoint, here one that passes every connection on to the engine's own."""

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from real_plans import BASE, Runner, docker, job
from relays import passing_on, pump, serving

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter, Secret
from bakec.runtime.drivers.base import SocketPipe


@pytest.fixture
def endpoint(containerd_engine: Mapping[str, str], tmp_path: Path) -> Iterator[str]:
    """The address of the endpoint."""
    with passing_on(containerd_engine["DOCKER_HOST"], tmp_path / "buildkit.sock") as address:
        yield address


def test_a_context_and_a_secret_pass_through_the_stream_of_the_session(
    run: Runner, project: Path, endpoint: str
) -> None:
    (project / "context/large").write_bytes(bytes(range(256)) * 40_000)
    text = BASE + 'COPY large /large\nRUN --mount=type=secret,id=s ["/bin/sh", "-c", "cat /run/secrets/s > /copy"]\n'
    (project / "s").write_text("told in the session")
    secrets = (Secret(id="s", src="s"),)
    exports = (Exporter(type="local", dest="out"),)
    result = run(job("remote", text, secrets=secrets, exports=exports), builder=endpoint)

    assert result.exit is Exit.OK, result.diagnostics
    assert (project / "out/large").read_bytes() == (project / "context/large").read_bytes()
    assert (project / "out/copy").read_text() == "told in the session"


def test_linked_targets_on_a_remote_builder(run: Runner, endpoint: str) -> None:
    jobs = [job("base", BASE), *(job(f"n{index}", "FROM base\n", needs=("base",)) for index in range(5))]
    assert run(*jobs, builder=endpoint).exit is Exit.OK


def test_an_image_is_loaded_into_the_docker_engine(run: Runner, engine: Mapping[str, str], endpoint: str) -> None:
    exports = (Exporter(type="docker"),)
    load = job(
        "load",
        BASE + 'CMD ["/bin/echo", "loaded"]\n',
        tags=("bakec-test/load",),
        exports=exports,
        provenance_default=False,
    )
    result = run(load, builder=endpoint)

    assert result.exit is Exit.OK, result.diagnostics
    assert docker(engine, "run", "--rm", "bakec-test/load") == "loaded\n"


RELAY = """#!{python}
import socket, sys, threading
open({log!r}, "w").write(" ".join(sys.argv[1:]))
daemon = socket.socket(socket.AF_UNIX)
daemon.connect({path!r})
def out():
    while data := daemon.recv(65536):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
threading.Thread(target=out, daemon=True).start()
while data := sys.stdin.buffer.read1(65536):
    daemon.sendall(data)
"""
COMMANDS = {
    "ssh://me@host:2222/run/b.sock": "ssh -l me -p 2222 -- host buildctl --addr unix:///run/b.sock dial-stdio",
    "docker-container://name": "docker exec -i name buildctl dial-stdio",
    "kube-pod://pod?context=c&namespace=n&container=b": (
        "kubectl --context=c --namespace=n exec --container=b -i pod -- buildctl dial-stdio"
    ),
}


def program(folder: Path, env: Mapping[str, str], name: str, text: str) -> dict[str, str]:
    """The environment in which `name` is that program."""
    path = folder / "bin" / name
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o755)
    return {**env, "PATH": f"{path.parent}:{env['PATH']}"}


@pytest.mark.parametrize("address", COMMANDS)
def test_a_daemon_behind_the_standard_streams_of_a_command(
    run: Runner, engine: Mapping[str, str], endpoint: str, tmp_path: Path, address: str
) -> None:
    name, _, arguments = COMMANDS[address].partition(" ")
    relay = RELAY.format(python=sys.executable, path=endpoint.removeprefix("unix://"), log=f"{tmp_path}/arguments")
    env = program(tmp_path, engine, name, relay)
    exports = (Exporter(type="local", dest="out"),)
    result = run(job("far", BASE, exports=exports), builder=address, env=env)

    assert result.exit is Exit.OK, result.diagnostics
    assert (tmp_path / "out/bin/busybox").exists()
    assert (tmp_path / "arguments").read_text() == arguments


def test_a_command_that_fails_is_quoted(run: Runner, engine: Mapping[str, str], tmp_path: Path) -> None:
    text = "#!/bin/sh\necho 'Warning: known hosts' >&2\necho 'host: Permission denied (publickey).' >&2\nexit 255\n"
    result = run(job("far", BASE), builder="ssh://host", env=program(tmp_path, engine, "ssh", text))

    assert (result.exit, [each.rule.code for each in result.diagnostics]) == (Exit.DRIVER, ["BK701"])
    assert result.diagnostics[0].message.endswith("at ssh://host: host: Permission denied (publickey).")


def test_a_daemon_at_a_port(run: Runner, endpoint: str) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside = SocketPipe(reader, writer)
        outside = SocketPipe(*await asyncio.open_unix_connection(endpoint.removeprefix("unix://")))
        await asyncio.gather(pump(inside, outside), pump(outside, inside))

    with serving(lambda: asyncio.start_server(accept, "127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert run(job("far", BASE, exports=(Exporter(type="cacheonly"),)), builder=address).exit is Exit.OK


def test_a_command_that_is_not_there(run: Runner, engine: Mapping[str, str]) -> None:
    result = run(job("far", BASE), builder="ssh://host", env={**engine, "PATH": "/nonexistent"})
    assert result.exit is Exit.DRIVER


def test_a_daemon_over_tls(run: Runner, engine: Mapping[str, str], endpoint: str, tmp_path: Path) -> None:
    """A client certificate is asked for, and the name of the server is not that of its address."""
    make_certificates(tmp_path)
    options = {
        "cacert": str(tmp_path / "ca.pem"),
        "cert": str(tmp_path / "client.pem"),
        "key": str(tmp_path / "client.key"),
        "servername": "builder.example",
    }
    with tls_front(tmp_path, endpoint.removeprefix("unix://")) as port:
        store = tmp_path / "store/instances"
        store.mkdir(parents=True)
        node = {"Name": "tls0", "Endpoint": f"tcp://127.0.0.1:{port}", "DriverOpts": options}
        (store / "tls").write_text(json.dumps({"Name": "tls", "Driver": "remote", "Nodes": [node]}))
        env = {**engine, "BUILDX_CONFIG": str(store.parent)}
        exports = (Exporter(type="cacheonly"),)
        good = run(job("tls", BASE, exports=exports), builder="tls", env=env)
        node["DriverOpts"] = {**options, "servername": "other.example"}
        (store / "tls").write_text(json.dumps({"Name": "tls", "Driver": "remote", "Nodes": [node]}))
        bad = run(job("tls", BASE, exports=exports), builder="tls", env=env)

    assert good.exit is Exit.OK, good.diagnostics
    assert bad.exit is Exit.DRIVER


def make_certificates(folder: Path) -> None:
    """An authority, and certificates of a server and a client signed by it."""

    def openssl(*arguments: str) -> None:
        subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2")
    for name in ("server", "client"):
        alternative = "subjectAltName=DNS:builder.example"
        subject = ("-subj", f"/CN={name}", "-addext", alternative)
        openssl("req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", *subject)
        signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy")
        openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-out", f"{name}.pem", "-days", "2")


@contextmanager
def tls_front(folder: Path, behind: str) -> Iterator[int]:
    """A TLS server that passes each connection on to a unix socket; gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside = SocketPipe(reader, writer)
        outside = SocketPipe(*await asyncio.open_unix_connection(behind))
        try:
            await asyncio.gather(pump(inside, outside), pump(outside, inside))
        finally:
            writer.transport.abort()  # a client that is gone will not end TLS in order

    with serving(lambda: asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)) as server:
        yield server.sockets[0].getsockname()[1]


def test_an_endpoint_where_nobody_is_gives_one_clear_error(run: Runner, tmp_path: Path) -> None:
    result = run(job("one", BASE), builder=f"unix://{tmp_path}/nobody.sock")

    assert result.exit is Exit.DRIVER
    assert [each.rule.code for each in result.diagnostics] == ["BK702"]
