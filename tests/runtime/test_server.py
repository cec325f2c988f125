"""The session's gRPC server on a pipe in memory, called by h2's own client: what a daemon does to it."""

import asyncio
from collections.abc import Callable

import h2.config
import h2.connection
import h2.events
import pytest

from bakec.runtime.buildkit.rpc import RpcError
from bakec.runtime.buildkit.server import Call, Server, Services, unary
from bakec.runtime.buildkit.services import health
from bakec.runtime.buildkit.wire import FRAME, frame
from bakec.runtime.drivers.fake import make_pipe


class Peer:
    """A daemon's end: sends one request, and collects what comes back."""

    def __init__(self, services: Services) -> None:
        self.pipe, self._theirs = make_pipe()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.server = asyncio.create_task(Server(self._theirs, services).run())
        self.h2.initiate_connection()
        self.bodies: dict[int, bytearray] = {}
        self.trailers: dict[int, dict[str, str]] = {}
        self.headers: dict[int, int] = {}
        self.take = True

    def flush(self) -> None:
        self.pipe.write(self.h2.data_to_send())

    def request(self, path: str, *headers: tuple[str, str]) -> int:
        stream = self.h2.get_next_available_stream_id()
        base = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", path)]
        self.h2.send_headers(stream, [*base, ("content-type", "application/grpc"), *headers])
        self.bodies[stream] = bytearray()
        self.flush()
        return stream

    def send(self, stream: int, data: bytes, *, end: bool = False) -> None:
        self.h2.send_data(stream, data, end_stream=end)
        self.flush()

    async def until(self, done: Callable[[], bool]) -> None:
        """Read and answer as HTTP/2 asks for, until `done`."""
        async with asyncio.timeout(10):
            while not done():
                for event in self.h2.receive_data(await self.pipe.read()):
                    self._handle(event)
                self.flush()

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            if self.take:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if isinstance(event, h2.events.TrailersReceived):
            self.trailers[event.stream_id] = {key.decode(): value.decode() for key, value in event.headers}
        if isinstance(event, h2.events.ResponseReceived):
            headers = {key.decode(): value.decode() for key, value in event.headers}
            if "grpc-status" in headers:
                self.trailers[event.stream_id] = headers

    def messages(self, stream: int) -> list[bytes]:
        data, found = bytes(self.bodies[stream]), []
        while data:
            _, size = FRAME.unpack_from(data)
            found.append(data[FRAME.size : FRAME.size + size])
            data = data[FRAME.size + size :]
        return found

    async def call(
        self, path: str, *messages: bytes, headers: tuple[tuple[str, str], ...] = ()
    ) -> tuple[str, list[bytes]]:
        stream = self.request(path, *headers)
        self.send(stream, b"".join(map(frame, messages)), end=True)
        await self.until(lambda: stream in self.trailers)
        return self.trailers[stream]["grpc-status"], self.messages(stream)

    async def close(self) -> None:
        self.pipe.close()
        await asyncio.wait((self.server,))


async def echo(call: Call) -> None:
    while messages := await call.receive():
        await call.send(b"".join(map(frame, messages)))


def on_peer(services: Services, check: Callable[[Peer], object]) -> None:
    async def main() -> None:
        peer = Peer(services)
        try:
            await check(peer)
        finally:
            await peer.close()

    asyncio.run(main())


def test_health_is_answered() -> None:
    async def check(peer: Peer) -> None:
        assert await peer.call("/grpc.health.v1.Health/Check", b"") == ("0", [b"\x08\x01"])

    on_peer(health.services(), check)


def test_a_method_that_is_not_served_is_unimplemented() -> None:
    async def check(peer: Peer) -> None:
        assert await peer.call("/nobody.Knows/This", b"") == ("12", [])

    on_peer({}, check)


def test_an_error_of_a_handler_is_its_status() -> None:
    async def refuse(_metadata: object, _request: bytes) -> bytes:
        raise RpcError(5, "no such thing: ü\n")

    async def check(peer: Peer) -> None:
        status, _ = await peer.call("/a.B/C", b"x")
        (stream,) = peer.trailers
        assert status == "5"
        assert peer.trailers[stream]["grpc-message"] == "no such thing: %C3%BC%0A"

    on_peer({"/a.B/C": unary(refuse)}, check)


@pytest.mark.parametrize("size", [0, 1, 16_384, 70_000, 3_000_000])
def test_messages_of_any_size_come_back_whole(size: int) -> None:
    message = bytes(index % 251 for index in range(size))

    async def check(peer: Peer) -> None:
        stream = peer.request("/a.B/Echo")
        data = frame(message)
        while data:
            room = min(len(data), 16_384, peer.h2.local_flow_control_window(stream))
            if room <= 0:
                await peer.until(lambda: peer.h2.local_flow_control_window(stream) > 0)
                continue
            peer.send(stream, data[:room])
            data = data[room:]
        peer.h2.end_stream(stream)
        peer.flush()
        await peer.until(lambda: stream in peer.trailers)
        assert peer.messages(stream) == [message]

    on_peer({"/a.B/Echo": echo}, check)


def test_a_writer_waits_for_the_window_of_a_slow_reader() -> None:
    sent = 0

    async def flood(call: Call) -> None:
        nonlocal sent
        for _ in range(40):
            await call.send(frame(bytes(10_000)))
            sent += 1

    async def check(peer: Peer) -> None:
        peer.take = False
        stream = peer.request("/a.B/Flood")
        await peer.until(lambda: len(peer.bodies[stream]) >= 65_535)
        assert sent < 10
        peer.take = True
        peer.h2.acknowledge_received_data(len(peer.bodies[stream]), stream)
        peer.flush()
        await peer.until(lambda: stream in peer.trailers)
        assert len(peer.messages(stream)) == 40

    on_peer({"/a.B/Flood": flood}, check)


def test_two_writers_of_one_stream_do_not_mix_their_messages() -> None:
    async def both(call: Call) -> None:
        first = call.send(frame(b"a" * 100_000) * 3)
        await asyncio.gather(first, call.send(frame(b"b" * 100_000) * 3))

    async def check(peer: Peer) -> None:
        stream = peer.request("/a.B/Both")
        await peer.until(lambda: stream in peer.trailers)
        assert sorted({bytes(set(message)) for message in peer.messages(stream)}) == [b"a", b"b"]
        assert len(peer.messages(stream)) == 6

    on_peer({"/a.B/Both": both}, check)


def test_a_long_list_of_patterns_fits_into_the_headers() -> None:
    async def count(metadata: dict[str, list[str]], _request: bytes) -> bytes:
        return str(len(metadata["exclude-patterns"])).encode()

    async def check(peer: Peer) -> None:
        patterns = tuple(("exclude-patterns", f"some/folder/number-{index}/*.tmp") for index in range(5000))
        assert await peer.call("/a.B/Count", b"", headers=patterns) == ("0", [b"5000"])

    on_peer({"/a.B/Count": unary(count)}, check)


def test_a_call_that_is_reset_ends_its_handler() -> None:
    ended = asyncio.Event()

    async def wait(call: Call) -> None:
        try:
            await call.receive()
        finally:
            ended.set()

    async def check(peer: Peer) -> None:
        stream = peer.request("/a.B/Wait")
        await asyncio.sleep(0.05)
        peer.h2.reset_stream(stream)
        peer.flush()
        await asyncio.wait_for(ended.wait(), 5)
        assert (await peer.call("/grpc.health.v1.Health/Check", b""))[0] == "0"

    on_peer({"/a.B/Wait": wait, **health.services()}, check)


def test_a_message_that_claims_to_be_huge_is_refused() -> None:
    async def check(peer: Peer) -> None:
        stream = peer.request("/a.B/Echo")
        peer.send(stream, FRAME.pack(0, 1 << 31))
        assert (await peer.call("/grpc.health.v1.Health/Check", b""))[0] == "0"

    on_peer({"/a.B/Echo": echo, **health.services()}, check)
