"""The remote driver: a plain BuildKit endpoint, here one that passes every connection on to the engine's own."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from real_plans import BASE, Runner, docker, job

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter, Secret
from bakec.runtime.drivers.base import SocketPipe
from bakec.runtime.drivers.docker import DockerDriver


@pytest.fixture
def endpoint(containerd_engine: Mapping[str, str], tmp_path: Path) -> Iterator[str]:
    """The address of the endpoint, served by a loop in a thread."""
    engine = DockerDriver(containerd_engine["DOCKER_HOST"])
    path = tmp_path / "buildkit.sock"
    loop = asyncio.new_event_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def pump(source: SocketPipe, sink: SocketPipe) -> None:
        try:
            while data := await source.read():
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, outside = SocketPipe(reader, writer), await engine.dial()
        tasks.update((loop.create_task(pump(inside, outside)), loop.create_task(pump(outside, inside))))

    async def stop() -> None:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    server = loop.run_until_complete(asyncio.start_unix_server(accept, str(path)))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"unix://{path}"
    asyncio.run_coroutine_threadsafe(stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


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


def test_an_endpoint_where_nobody_is_gives_one_clear_error(run: Runner, tmp_path: Path) -> None:
    result = run(job("one", BASE), builder=f"unix://{tmp_path}/nobody.sock")

    assert result.exit is Exit.DRIVER
    assert [each.rule.code for each in result.diagnostics] == ["BK702"]
