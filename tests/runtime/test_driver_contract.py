"""What every driver keeps. A new driver is one more line in `DRIVERS`."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bakec.ir.diagnostics import Exit, Failed
from bakec.runtime.buildkit.channel import connect
from bakec.runtime.buildkit.control import Control, Gateway
from bakec.runtime.buildkit.proto import control_pb2 as control
from bakec.runtime.buildkit.proto import gateway_pb2 as gateway
from bakec.runtime.buildkit.session import Session, make_id
from bakec.runtime.drivers.base import Driver, SocketPipe
from bakec.runtime.drivers.docker import DockerDriver
from bakec.runtime.drivers.fake import FakeDriver
from bakec.runtime.drivers.kubernetes import KubernetesDriver
from bakec.runtime.drivers.remote import RemoteDriver
from tests.kubernetes import buildctl
from tests.kubernetes.api_server import ApiServer

Maker = Callable[[], AbstractAsyncContextManager[Driver]]


def engine_host() -> str:
    host = os.environ.get("DOCKER_HOST", "")
    if not host:
        pytest.fail('no engine: run `eval "$(scripts/engine env)"` first')
    return host


@asynccontextmanager
async def fake() -> AsyncIterator[Driver]:
    yield FakeDriver()


@asynccontextmanager
async def docker() -> AsyncIterator[Driver]:
    yield DockerDriver(engine_host())


@asynccontextmanager
async def relayed(*, tcp: bool) -> AsyncIterator[str]:
    """The address of a plain BuildKit endpoint: each connection is upgraded by the engine behind it."""
    engine = DockerDriver(engine_host())
    tasks = set()

    async def pump(source: SocketPipe, sink: SocketPipe) -> None:
        try:
            while data := await source.read():
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, outside = SocketPipe(reader, writer), await engine.dial()
        tasks.update((asyncio.create_task(pump(inside, outside)), asyncio.create_task(pump(outside, inside))))

    with tempfile.TemporaryDirectory() as folder:
        if tcp:
            server = await asyncio.start_server(accept, "127.0.0.1", 0)
            address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        else:
            server = await asyncio.start_unix_server(accept, f"{folder}/buildkit")
            address = f"unix://{folder}/buildkit"
        yield address
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # closing takes a turn of the loop


@asynccontextmanager
async def remote_unix() -> AsyncIterator[Driver]:
    async with relayed(tcp=False) as address:
        yield RemoteDriver(address)


@asynccontextmanager
async def remote_tcp() -> AsyncIterator[Driver]:
    async with relayed(tcp=True) as address:
        yield RemoteDriver(address)


@asynccontextmanager
async def kubernetes() -> AsyncIterator[Driver]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ApiServer(buildctl.write(folder / "commands", engine_host())) as server:
            yield KubernetesDriver(node="node", url=server.url(folder), env={})


REAL = pytest.mark.engine
DRIVERS = [
    pytest.param(fake, id="fake"),
    pytest.param(docker, id="docker", marks=REAL),
    pytest.param(remote_unix, id="remote-unix", marks=REAL),
    pytest.param(kubernetes, id="kubernetes", marks=REAL),
    pytest.param(remote_tcp, id="remote-tcp", marks=REAL),
]
NOWHERE = Path(__file__).parent / "kubeconfig"
"""Leads to a port that nobody listens on."""
UNREACHABLE = [
    pytest.param(lambda: DockerDriver("unix:///nonexistent/docker.sock"), id="docker-unix"),
    pytest.param(lambda: DockerDriver("tcp://127.0.0.1:9"), id="docker-tcp"),
    pytest.param(lambda: KubernetesDriver(node="node", env={"KUBECONFIG": str(NOWHERE)}), id="kubernetes"),
]


@pytest.mark.parametrize("make", DRIVERS)
def test_it_lists_workers(make: Maker) -> None:
    async def check() -> None:
        async with make() as driver, connect(driver) as connection:
            workers = await Control(connection.channel).workers()
            assert workers[0].ID
            assert driver.features(workers[0].Labels)

    asyncio.run(check())


@pytest.mark.parametrize("make", DRIVERS)
def test_it_carries_a_build_and_its_status(make: Maker) -> None:
    async def check() -> None:
        async with make() as driver, connect(driver) as connection:
            ref, service = make_id(), Control(connection.channel)
            bridge = Gateway(connection.channel, ref)
            submitted = asyncio.create_task(service.solve(control.SolveRequest(Ref=ref)))
            assert (await bridge.ping()).LLBCaps
            await bridge.finish(gateway.ReturnRequest(result=gateway.Result()))
            assert await submitted == {}

    asyncio.run(check())


@pytest.mark.parametrize("make", DRIVERS)
def test_it_carries_a_session_that_ends_with_its_block(make: Maker) -> None:
    async def check() -> None:
        async with make() as driver, connect(driver) as connection:
            session = Session("key")
            async with session.open(connection.dial_session):
                await asyncio.sleep(0.1)
            assert await Control(connection.channel).workers()

    asyncio.run(check())


@pytest.mark.parametrize("make", DRIVERS)
def test_it_bears_many_calls_at_once(make: Maker) -> None:
    async def check() -> None:
        async with make() as driver, connect(driver) as connection:
            service = Control(connection.channel)
            lists = await asyncio.gather(*(service.workers() for _ in range(50)))
            assert all(lists)

    asyncio.run(check())


@pytest.mark.parametrize("make", UNREACHABLE)
def test_a_daemon_that_is_not_there_is_told_with_its_address(make: Callable[[], Driver]) -> None:
    driver = make()

    async def check() -> None:
        async with connect(driver):
            pass

    with pytest.raises(Failed) as caught:
        asyncio.run(check())
    assert caught.value.exit is Exit.DRIVER
    assert driver.place in str(caught.value)
