"""A plain BuildKit at an address: one that passes every connection on to an engine's own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bakec.runtime.drivers.base import SocketPipe
from bakec.runtime.drivers.docker import DockerDriver


async def pump(source: SocketPipe, sink: SocketPipe) -> None:
    try:
        while data := await source.read():
            sink.write(data)
            await sink.drain()
    except OSError:
        return  # the other side has gone
    finally:
        sink.close()


@contextmanager
def serving(start: Callable[[], Awaitable[asyncio.Server]]) -> Iterator[asyncio.Server]:
    """A server on a loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def end(server: asyncio.Server) -> None:
    server.close()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.05)  # closing takes a few turns of the loop


@contextmanager
def passing_on(host: str, path: Path) -> Iterator[str]:
    """The address of a plain BuildKit on a socket at `path`: that of the engine at `host`."""
    engine = DockerDriver(host)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, outside = SocketPipe(reader, writer), await engine.dial()
        await asyncio.gather(pump(inside, outside), pump(outside, inside))

    with serving(lambda: asyncio.start_unix_server(accept, str(path))):
        yield f"unix://{path}"
