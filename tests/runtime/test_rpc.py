"""What both kinds of channel keep: the one of the library, and ours on pipes that somebody else has opened."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import h2.config
import h2.connection
import h2.events
import pytest
from google.protobuf.any_pb2 import Any
from h2.settings import SettingCodes
from hypothesis import example, given
from hypothesis import strategies as st

from bakec.ir.diagnostics import Failed
from bakec.runtime import errors
from bakec.runtime.buildkit import rpc
from bakec.runtime.buildkit.client import Client, PipeChannel
from bakec.runtime.buildkit.control import Control
from bakec.runtime.buildkit.grpc_channel import GrpcChannel
from bakec.runtime.buildkit.proto.gateway_pb2 import Status
from bakec.runtime.buildkit.rpc import Channel, RpcError
from bakec.runtime.buildkit.server import Call, Server, Services, unary
from bakec.runtime.buildkit.wire import frame
from bakec.runtime.drivers.base import Endpoint, Pipe, SocketPipe, unreachable
from bakec.runtime.drivers.fake import make_pipe

Maker = Callable[[Services], AbstractAsyncContextManager[Channel]]


@asynccontextmanager
async def on_pipe(services: Services) -> AsyncIterator[Channel]:
    servers = []

    async def dial() -> Pipe:
        ours, theirs = make_pipe()
        servers.append(asyncio.create_task(Server(theirs, services).run()))
        return ours

    channel = PipeChannel(dial)
    yield channel
    await channel.close()
    await asyncio.gather(*servers)


@asynccontextmanager
async def of_library(services: Services) -> AsyncIterator[Channel]:
    servers = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        servers.append(asyncio.create_task(Server(SocketPipe(reader, writer), services).run()))

    with tempfile.TemporaryDirectory() as folder:
        listener = await asyncio.start_unix_server(accept, f"{folder}/socket")
        channel = GrpcChannel(Endpoint(address=f"unix:{folder}/socket"))
        yield channel
        await channel.close()
        listener.close()
        for server in servers:
            server.cancel()  # errors of the library keep their connection open
        await asyncio.gather(*servers, return_exceptions=True)


BOTH = pytest.mark.parametrize("make", [on_pipe, of_library])


async def echo(call: Call) -> None:
    while messages := await call.receive():
        await call.send(b"".join(map(frame, messages)))


async def say_twice(metadata: Mapping[str, list[str]], request: bytes) -> bytes:
    return b"".join(metadata["name"][0].encode() for _ in range(2)) + request


def check(make: Maker, services: Services, work: Callable[[Channel], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20), make(services) as channel:
            await work(channel)

    asyncio.run(main())


@BOTH
def test_a_call_has_one_reply(make: Maker) -> None:
    async def work(channel: Channel) -> None:
        assert await channel.call("/a.B/C", b"?", (("name", "x"),), seconds=10) == b"xx?"

    check(make, {"/a.B/C": unary(say_twice)}, work)


@BOTH
@pytest.mark.parametrize("size", [0, 1, 100_000, 20_000_000])
def test_messages_of_any_size_pass_both_ways(make: Maker, size: int) -> None:
    async def work(channel: Channel) -> None:
        message = b"m" * size
        stream = await channel.stream("/a.B/Echo")
        for _ in range(2):
            await stream.write(message)
        assert [await stream.read(), await stream.read()] == [message, message]
        await stream.end()
        assert await stream.read() is None
        stream.cancel()

    check(make, {"/a.B/Echo": echo}, work)


@BOTH
def test_an_error_has_its_code_and_its_words(make: Maker) -> None:
    async def refuse(_metadata: object, _request: bytes) -> bytes:
        raise RpcError(rpc.NOT_FOUND, "no such thing: ü\n 100%")

    async def work(channel: Channel) -> None:
        with pytest.raises(RpcError, match="no such thing: ü\n 100%") as caught:
            await channel.call("/a.B/C", b"")
        assert (caught.value.code, caught.value.details) == (rpc.NOT_FOUND, b"")
        with pytest.raises(RpcError) as caught:
            await channel.call("/a.B/Missing", b"")
        assert caught.value.code == rpc.UNIMPLEMENTED

    check(make, {"/a.B/C": unary(refuse)}, work)


@BOTH
def test_a_call_takes_no_longer_than_it_may(make: Maker) -> None:
    async def wait(_call: Call) -> None:
        await asyncio.sleep(60)

    async def work(channel: Channel) -> None:
        with pytest.raises(RpcError) as caught:
            await channel.call("/a.B/C", b"", seconds=0.1)
        assert caught.value.code == rpc.DEADLINE_EXCEEDED

    check(make, {"/a.B/C": wait}, work)


@BOTH
def test_the_other_side_hears_that_a_call_was_given_up(make: Maker) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def wait(_call: Call) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def work(channel: Channel) -> None:
        call = asyncio.create_task(channel.call("/a.B/C", b""))
        await begun.wait()
        call.cancel()
        await ended.wait()
        ended.clear()
        begun.clear()
        stream = await channel.stream("/a.B/C")
        await begun.wait()
        stream.cancel()
        await ended.wait()

    check(make, {"/a.B/C": wait}, work)


@BOTH
def test_writing_to_a_call_that_has_ended_is_an_error(make: Maker) -> None:
    async def end(_call: Call) -> None:
        raise RpcError(rpc.UNKNOWN, "enough")

    async def work(channel: Channel) -> None:
        stream = await channel.stream("/a.B/C")
        with pytest.raises(RpcError):
            while True:
                await stream.write(b"more")
                await asyncio.sleep(0.01)
        stream.cancel()

    check(make, {"/a.B/C": end}, work)


@BOTH
def test_many_calls_at_once(make: Maker) -> None:
    async def work(channel: Channel) -> None:
        calls = (channel.call("/a.B/C", b"%d" % index, (("name", "n"),)) for index in range(500))
        assert await asyncio.gather(*calls) == [b"nn%d" % index for index in range(500)]

    check(make, {"/a.B/C": unary(say_twice)}, work)


def test_an_answer_that_is_no_message_is_an_error() -> None:
    async def nonsense(_metadata: object, _request: bytes) -> bytes:
        return b"\xff\xff"

    async def work(channel: Channel) -> None:
        with pytest.raises(RpcError, match="the answer is no ListWorkersResponse"):
            await Control(channel).workers()

    check(on_pipe, {"/moby.buildkit.v1.Control/ListWorkers": unary(nonsense)}, work)


# Of our own: what may be at the other end of a pipe


class Strange:
    """A daemon that answers as it is told to: h2's own server end."""

    def __init__(self, answer: Callable[[h2.connection.H2Connection, int], None], most: int = 250) -> None:
        self.answer = answer
        self.most = most
        self.dialed = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def dial(self) -> Pipe:
        self.dialed += 1
        ours, theirs = make_pipe()
        self.tasks.append(asyncio.create_task(self._serve(theirs)))
        return ours

    async def _serve(self, pipe: Pipe) -> None:
        peer = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        peer.initiate_connection()
        peer.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self.most})
        while True:
            pipe.write(peer.data_to_send())
            data = await pipe.read()
            if not data:
                return
            for event in peer.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    self.answer(peer, event.stream_id)
            if peer.state_machine.state is h2.connection.ConnectionState.CLOSED:
                pipe.write(peer.data_to_send())
                pipe.close()
                return


HEADERS = [(":status", "200"), ("content-type", "application/grpc")]


def fails_with(strange: Strange) -> RpcError:
    async def main() -> RpcError:
        channel = PipeChannel(strange.dial)
        async with asyncio.timeout(10):
            with pytest.raises(RpcError) as caught:
                await channel.call("/a.B/C", b"?")
            await channel.close()
            await asyncio.gather(*strange.tasks)
        return caught.value

    return asyncio.run(main())


def test_details_come_in_a_trailer() -> None:
    wanted = Status(code=9, message="it failed", details=[Any(type_url="x/errdefs.Source", value=b"{}")])

    def answer(peer: h2.connection.H2Connection, stream: int) -> None:
        encoded = b"CAkSCWl0IGZhaWxlZBoWChB4L2VycmRlZnMuU291cmNlEgJ7fQ"
        peer.send_headers(stream, HEADERS)
        peer.send_headers(
            stream,
            [("grpc-status", "9"), ("grpc-message", "it%20failed"), ("grpc-status-details-bin", encoded)],
            end_stream=True,
        )

    error = fails_with(Strange(answer))
    assert (error.code, str(error)) == (9, "it failed")
    assert errors.read_status(error) == wanted


def test_details_that_make_no_sense_are_left_out() -> None:
    def answer(peer: h2.connection.H2Connection, stream: int) -> None:
        trailers = [("grpc-status", "2"), ("grpc-message", "bad"), ("grpc-status-details-bin", "/w")]
        peer.send_headers(stream, [*HEADERS, *trailers], end_stream=True)

    assert errors.read_status(fails_with(Strange(answer))) == Status(code=2, message="bad")


@pytest.mark.parametrize(
    ("headers", "code", "words"),
    [
        ([(":status", "404")], rpc.UNKNOWN, "HTTP status 404"),
        (HEADERS, rpc.INTERNAL, "the call ended without a status"),
        ([*HEADERS, ("grpc-status", "x")], rpc.INTERNAL, "the call ended without a status"),
        ([*HEADERS, ("grpc-status", "1" * 5000)], rpc.INTERNAL, "the call ended without a status"),
        ([*HEADERS, ("grpc-status", "0")], rpc.INTERNAL, "expected exactly one reply"),
        ([*HEADERS, ("grpc-status", "7")], 7, "code 7 of gRPC"),
    ],
)
def test_an_answer_without_a_reply_says_what_is_wrong(headers: list[tuple[str, str]], code: int, words: str) -> None:
    error = fails_with(Strange(lambda peer, stream: peer.send_headers(stream, headers, end_stream=True)))
    assert (error.code, str(error)) == (code, words)


def test_a_message_that_is_too_long_is_refused_at_its_first_bytes() -> None:
    def answer(peer: h2.connection.H2Connection, stream: int) -> None:
        peer.send_headers(stream, HEADERS)
        peer.send_data(stream, b"\0\xff\xff\xff\xff")

    error = fails_with(Strange(answer))
    assert (error.code, str(error)) == (rpc.RESOURCE_EXHAUSTED, "compressed or oversized message")


@pytest.mark.parametrize(
    ("number", "code"), [(8, rpc.CANCELLED), (7, rpc.UNAVAILABLE), (2, rpc.INTERNAL), (99, rpc.INTERNAL)]
)
def test_a_call_that_is_cut_off_has_an_error(number: int, code: int) -> None:
    error = fails_with(Strange(lambda peer, stream: peer.reset_stream(stream, number)))
    assert error.code == code


def test_a_connection_that_ends_is_unavailable() -> None:
    error = fails_with(Strange(lambda peer, _stream: peer.close_connection()))
    assert (error.code, str(error)) == (rpc.UNAVAILABLE, "the connection was closed")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "the connection was closed"),
        (b"\0\0\0\x08\0\0\0\0\0", "the other side broke the protocol"),
    ],
)
def test_what_is_not_http_2_is_unavailable(data: bytes, words: str) -> None:
    async def main() -> None:
        async def dial() -> Pipe:
            ours, theirs = make_pipe()
            theirs.write(data)
            theirs.close()
            return ours

        channel = PipeChannel(dial)
        with pytest.raises(RpcError, match=words) as caught:
            await channel.call("/a.B/C", b"?")
        assert caught.value.code == rpc.UNAVAILABLE
        await channel.close()

    asyncio.run(main())


def recorded() -> bytes:
    """What a daemon says to one call."""
    peer = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    peer.initiate_connection()
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    client.initiate_connection()
    client.send_headers(1, [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", "/a.B/C")])
    client.end_stream(1)
    peer.receive_data(client.data_to_send())
    peer.ping(b"12345678")
    peer.send_headers(1, HEADERS)
    peer.send_data(1, frame(b"the answer"))
    peer.send_headers(1, [("grpc-status", "0"), ("grpc-message", "all is well")], end_stream=True)
    return peer.data_to_send()


SAID = recorded()


async def say(pipe: Pipe, said: bytes) -> None:
    """Say something when a call has come, and leave."""
    peer = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    ended = False
    while not ended:
        ended = any(isinstance(event, h2.events.StreamEnded) for event in peer.receive_data(await pipe.read()))
    pipe.write(said)
    pipe.close()


async def outcome(said: bytes) -> bytes | RpcError:
    tasks = []

    async def dial() -> Pipe:
        ours, theirs = make_pipe()
        tasks.append(asyncio.create_task(say(theirs, said)))
        return ours

    channel = PipeChannel(dial)
    try:
        async with asyncio.timeout(10):
            return await channel.call("/a.B/C", b"?")
    except RpcError as error:
        return error
    finally:
        await channel.close()


@given(
    changes=st.lists(st.tuples(st.integers(0, len(SAID) - 1), st.binary(max_size=3), st.integers(0, 3)), max_size=4),
    end=st.integers(0, len(SAID)) | st.just(len(SAID)),
)
@example(changes=[], end=len(SAID))
def test_whatever_a_daemon_says_is_a_reply_or_an_error(changes: list[tuple[int, bytes, int]], end: int) -> None:
    """Bytes are changed, put in and taken out, and the rest is cut off."""
    said = bytearray(SAID[:end])
    for at, new, old in changes:
        said[at : at + old] = new

    found = asyncio.run(outcome(bytes(said)))
    assert isinstance(found, bytes | RpcError)
    assert found == b"the answer" or bytes(said) != SAID


def test_a_broken_connection_is_replaced() -> None:
    def answer(peer: h2.connection.H2Connection, stream: int) -> None:
        if strange.dialed == 1:
            peer.close_connection()
        else:
            peer.send_headers(stream, HEADERS)
            peer.send_data(stream, frame(b"!"))
            peer.send_headers(stream, [("grpc-status", "0")], end_stream=True)

    strange = Strange(answer)

    async def main() -> None:
        channel = PipeChannel(strange.dial)
        with pytest.raises(RpcError):
            await channel.call("/a.B/C", b"?")
        assert await channel.call("/a.B/C", b"?") == b"!"
        assert strange.dialed == 2
        await channel.close()

    asyncio.run(main())


def codes(found: Iterable[object]) -> list[object]:
    """Of the errors that calls have ended with; anything else as it is."""
    return [each.code if isinstance(each, RpcError) else each for each in found]


def test_no_more_calls_at_once_than_the_daemon_takes() -> None:
    """Of the first calls no more than any sensible daemon takes, since it has not said anything yet."""
    open_calls: list[int] = []

    def answer(peer: h2.connection.H2Connection, stream: int) -> None:
        open_calls.append(stream)
        if len(open_calls) == strange.most:
            for each in open_calls:
                peer.send_headers(each, [*HEADERS, ("grpc-status", "5")], end_stream=True)
            open_calls.clear()

    strange = Strange(answer, most=50)

    async def main() -> None:
        channel = PipeChannel(strange.dial)
        async with asyncio.timeout(10):
            first = await asyncio.gather(*(channel.call("/a.B/C", b"?") for _ in range(50)), return_exceptions=True)
            more = await asyncio.gather(*(channel.call("/a.B/C", b"?") for _ in range(300)), return_exceptions=True)
        assert codes((*first, *more)) == [rpc.NOT_FOUND] * 350
        await channel.close()

    asyncio.run(main())


def test_calls_that_wait_for_room_hear_of_the_end() -> None:
    def answer(peer: h2.connection.H2Connection, _stream: int) -> None:
        if peer.open_inbound_streams >= 100:
            peer.close_connection()

    async def main() -> None:
        channel = PipeChannel(Strange(answer, most=100).dial)
        async with asyncio.timeout(10):
            found = await asyncio.gather(*(channel.call("/a.B/C", b"?") for _ in range(150)), return_exceptions=True)
        assert codes(found) == [rpc.UNAVAILABLE] * 150
        await channel.close()

    asyncio.run(main())


def test_a_call_that_no_daemon_takes_hears_of_the_end() -> None:
    async def main() -> None:
        ours, theirs = make_pipe()
        client = Client(ours)
        running = asyncio.create_task(client.run())
        daemon = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        daemon.initiate_connection()
        daemon.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 0})
        theirs.write(daemon.data_to_send())
        await asyncio.sleep(0.05)
        call = asyncio.create_task(client.open("/a.B/C", ()))
        await asyncio.sleep(0.05)
        assert not call.done()
        theirs.close()
        async with asyncio.timeout(10):
            with pytest.raises(RpcError, match="the connection was closed"):
                await call
            await running

    asyncio.run(main())


def test_one_who_gives_up_takes_the_connection_from_nobody() -> None:
    async def main() -> None:
        may_open = asyncio.Event()

        async def dial() -> Pipe:
            await may_open.wait()
            ours, theirs = make_pipe()
            servers.append(asyncio.create_task(Server(theirs, {"/a.B/C": unary(say_twice)}).run()))
            return ours

        servers: list[asyncio.Task[None]] = []
        channel = PipeChannel(dial)
        calls = [asyncio.create_task(channel.call("/a.B/C", b"", (("name", "n"),))) for _ in range(2)]
        await asyncio.sleep(0)
        calls[0].cancel()
        may_open.set()
        assert await calls[1] == b"nn"
        await channel.close()
        await asyncio.gather(*servers)

    asyncio.run(main())


def test_a_driver_that_cannot_connect_says_why() -> None:
    async def main() -> None:
        async def dial() -> Pipe:
            raise unreachable("fake://", "it was killed")

        channel = PipeChannel(dial)
        with pytest.raises(RpcError, match="it was killed") as caught:
            await channel.call("/a.B/C", b"?")
        assert caught.value.code == rpc.UNAVAILABLE
        assert isinstance(caught.value.__cause__, Failed)
        await channel.close()

    asyncio.run(main())
