"""Trees of files on their way to the daemon and back: patterns, walks, transfers, and what is refused."""

import asyncio
import hashlib
import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_call import MemoryCall, run_call

from bakec.ir.plan import Secret
from bakec.runtime.buildkit import wire
from bakec.runtime.buildkit.patterns import Matcher, clean
from bakec.runtime.buildkit.proto.content_pb2 import COMMIT, WRITE, WriteContentRequest
from bakec.runtime.buildkit.rpc import UNAVAILABLE, RpcError
from bakec.runtime.buildkit.services import content, filesend, filesync, secrets
from bakec.runtime.buildkit.services.filesend import Directory, TreeWriter
from bakec.runtime.buildkit.tree import DIRECTORY, SYMLINK, Single, Walk, follow_links, go_mode, make_filter

# Patterns: what the reference's matcher says (its answers, found by running it)


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        (["*.log"], "a.log", True),
        (["*.log"], "sub/a.log", False),
        (["**/*.log"], "a.log", True),
        (["**/*.log"], "sub/deep/a.log", True),
        (["**"], "anything/at/all", True),
        (["sub"], "sub/below", True),
        (["sub/**"], "sub", False),
        (["sub/**"], "sub/below", True),
        (["a/**/b"], "a/b", True),
        (["a/**/b"], "a/x/y/b", True),
        (["*", "!keep"], "keep", False),
        (["*", "!keep"], "other", True),
        (["!keep", "*"], "keep", True),
        (["sub", "!sub/keep"], "sub/keep", False),
        (["file.?"], "file.c", True),
        (["file.?"], "file.cc", False),
        (["[ab].txt"], "b.txt", True),
        (["[^ab].txt"], "b.txt", False),
        (["a+b(c)"], "a+b(c)", True),
        (["\\*"], "*", True),
        (["\\*"], "x", False),
        ([" padded "], "padded", True),
        (["./here/../there"], "there", True),
        (["/rooted"], "rooted", False),
        (["**/x"], "x", True),
        (["**suffix"], "a/b.suffix", True),
    ],
)
def test_patterns(patterns: list[str], path: str, expected: bool) -> None:
    assert Matcher(patterns).match(path, ())[0] is expected


@pytest.mark.parametrize("pattern", ["!", "[", "a[b"])
def test_a_pattern_without_a_meaning_is_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Matcher([pattern])


@given(st.text(alphabet="a./", max_size=12))
def test_cleaning_a_path_twice_changes_nothing_more(path: str) -> None:
    assert clean(clean(path)) == clean(path)


# Walks


def tree(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def walk(root: Path, **patterns: list[str]) -> list[str]:
    chosen = {"include": [], "exclude": [], "follow": [], **patterns}
    return [os.fsdecode(stat.path) for stat in Walk(str(root), make_filter(str(root), **chosen))]


def test_a_walk_is_depth_first_by_name(tmp_path: Path) -> None:
    tree(tmp_path, "b", "a/z", "a-b", "a/b/c", "ä", "Z")
    assert walk(tmp_path) == ["Z", "a", "a/b", "a/b/c", "a/z", "a-b", "b", "ä"]


def test_directories_on_the_way_to_an_included_file_are_sent(tmp_path: Path) -> None:
    tree(tmp_path, "a/b/wanted", "a/b/other", "c/d")
    assert walk(tmp_path, include=["a/b/wanted"]) == ["a", "a/b", "a/b/wanted"]


def test_excluded_directories_are_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "node_modules/x/y", "src/a")
    looked: list[str] = []
    real = os.scandir
    monkeypatch.setattr("os.scandir", lambda path: (looked.append(str(path)), real(path))[1])
    assert walk(tmp_path, exclude=["node_modules"]) == ["src", "src/a"]
    assert not any("node_modules" in path for path in looked)


def test_an_exception_inside_of_an_excluded_directory_is_found(tmp_path: Path) -> None:
    tree(tmp_path, "out/a", "out/keep/b", "src")
    assert walk(tmp_path, exclude=["out", "!out/keep"]) == ["out", "out/keep", "out/keep/b", "src"]


def test_hard_links_are_sent_once(tmp_path: Path) -> None:
    tree(tmp_path, "one")
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    first, second = Walk(str(tmp_path), make_filter(str(tmp_path), include=[], exclude=[], follow=[]))
    assert (first.link, first.size) == (b"", 3)
    assert (second.link, second.size) == (b"one", 0)


def test_followed_paths_bring_what_their_links_lead_to(tmp_path: Path) -> None:
    tree(tmp_path, "real/file", "other/data")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "absolute").symlink_to("/other/data")
    (tmp_path / "outside").symlink_to("../../etc")
    assert follow_links(str(tmp_path), ["link/file"]) == ["link", "real/file"]
    assert follow_links(str(tmp_path), ["absolute"]) == ["absolute", "other/data"]
    assert follow_links(str(tmp_path), ["outside/passwd"]) == ["etc/passwd", "outside"]
    assert follow_links(str(tmp_path), ["."]) == []
    assert walk(tmp_path, follow=["l*"]) == ["link", "real", "real/file"]


def test_modes_are_those_of_go(tmp_path: Path) -> None:
    tree(tmp_path, "file")
    (tmp_path / "file").chmod(0o4755)
    assert go_mode((tmp_path / "file").stat().st_mode) == 0o755 | 1 << 23
    assert go_mode(tmp_path.stat().st_mode) & DIRECTORY


# The wire


@given(
    path=st.binary(min_size=1, max_size=40),
    mode=st.integers(0, 2**32 - 1),
    size=st.integers(0, 2**62),
    mtime=st.integers(-(2**62), 2**62),
    link=st.binary(max_size=40),
)
def test_a_stat_survives_the_wire(path: bytes, mode: int, size: int, mtime: int, link: bytes) -> None:
    stat = wire.Stat(path, mode, size, mtime, link)
    assert wire.read_stat(wire.encode_stat(stat)) == stat


@given(st.binary(max_size=60))
def test_bytes_that_are_no_message_are_a_wire_error_or_read(data: bytes) -> None:
    try:
        wire.read_packet(data)
    except wire.WireError:
        return


# Sending


def sent(root: Path, requests: int, **metadata: list[str]) -> tuple[list[str], dict[int, bytes]]:
    """What a daemon gets that asks for the first files of a walk: the paths, and the contents by number."""
    paths: list[str] = []
    contents: dict[int, bytes] = {}
    finished: set[int] = set()

    def answer(message: bytes) -> list[bytes]:
        packet = wire.read_packet(message)
        if packet.type == wire.DATA:
            contents[packet.id] = contents.get(packet.id, b"") + packet.data
            if not packet.data:
                finished.add(packet.id)
            return [wire.fin_packet()] if len(finished) == requests else []
        if packet.type != wire.STAT:
            return []
        if packet.stat is None:
            wanted = [index for index, path in enumerate(paths) if (root / path).is_file()][:requests]
            return [wire.request_packet(index) for index in wanted] or [wire.fin_packet()]
        paths.append(os.fsdecode(wire.read_stat(packet.stat).path))
        return []

    handler = filesync.services({"context": root})["/moby.filesync.v1.FileSync/DiffCopy"]
    call = MemoryCall({"dir-name": ["context"], **metadata}, answer)
    asyncio.run(run_call(handler, call))
    return paths, contents


def test_contents_are_sent_as_they_are_asked_for(tmp_path: Path) -> None:
    tree(tmp_path, "a", "b/c", "d")
    (tmp_path / "large").write_bytes(os.urandom(3_000_000))
    paths, contents = sent(tmp_path, 4)

    assert paths == ["a", "b", "b/c", "d", "large"]
    assert {paths[index]: data for index, data in contents.items()} == {
        name: (tmp_path / name).read_bytes() for name in ("a", "b/c", "d", "large")
    }


def test_a_small_context_takes_two_visits_to_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each visit costs more than a small file: one for the tree, and one for all that is asked for at once."""
    tree(tmp_path, "a", "b")
    visits: list[object] = []
    to_thread = asyncio.to_thread

    async def counted(function: Callable[..., object], *args: object) -> object:
        visits.append(function)
        return await to_thread(function, *args)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    sent(tmp_path, 2)
    assert len(visits) == 2


def of_text(**metadata: list[str]) -> tuple[list[str], list[bytes]]:
    """What a daemon gets of a Dockerfile that is on no disk."""
    text = Single("Dockerfile", b"FROM scratch\n" * 50_000, 10**18 + 7)
    stats: list[wire.Stat] = []
    contents: list[bytes] = []

    def answer(message: bytes) -> list[bytes]:
        packet = wire.read_packet(message)
        if packet.type == wire.STAT and packet.stat is not None:
            stats.append(wire.read_stat(packet.stat))
        elif packet.type == wire.STAT:
            return [wire.request_packet(0) if stats else wire.fin_packet()]
        elif packet.type == wire.DATA:
            contents.append(packet.data)
            return [] if packet.data else [wire.fin_packet()]
        return []

    handler = filesync.services({"dockerfile": text})["/moby.filesync.v1.FileSync/DiffCopy"]
    asyncio.run(run_call(handler, MemoryCall({"dir-name": ["dockerfile"], **metadata}, answer)))
    assert all(stat == wire.Stat(b"Dockerfile", 0o644, len(text.data), text.mtime) for stat in stats)
    assert not contents or b"".join(contents) == text.data
    return [os.fsdecode(stat.path) for stat in stats], contents


@pytest.mark.parametrize(
    ("patterns", "is_sent"),
    [
        ({}, True),
        ({"followpaths": ["Dockerfile", "Dockerfile.dockerignore", "dockerfile"]}, True),
        ({"followpaths": ["dockerfile"]}, False),
        ({"followpaths": ["/etc/../Dockerfile"]}, True),
        ({"include-patterns": ["Docker*"]}, True),
        ({"include-patterns": ["*.yaml"]}, False),
        ({"exclude-patterns": ["Docker*"]}, False),
    ],
)
def test_a_text_is_sent_as_a_file_alone_in_its_directory(patterns: dict[str, list[str]], is_sent: bool) -> None:
    paths, contents = of_text(**patterns)

    assert paths == (["Dockerfile"] if is_sent else [])
    assert len(contents) == (4 if is_sent else 0)


def test_a_text_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(asyncio, "to_thread")
    assert of_text()[0] == ["Dockerfile"]


def test_patterns_that_are_not_ascii_come_quoted(tmp_path: Path) -> None:
    tree(tmp_path, "größe", "other")
    quoted = {"include-patterns": ["gr%C3%B6%C3%9Fe"], "include-patterns-encoded": ["1"]}
    assert sent(tmp_path, 0, **quoted)[0] == ["größe"]


def test_a_directory_that_was_not_offered_is_refused(tmp_path: Path) -> None:
    handler = filesync.services({"context": tmp_path})["/moby.filesync.v1.FileSync/DiffCopy"]
    with pytest.raises(RpcError, match='no access allowed to dir "secret"'):
        asyncio.run(run_call(handler, MemoryCall({"dir-name": ["secret"]}, lambda _: [])))


# Receiving


def announce(path: str, mode: int, link: bytes = b"") -> bytes:
    return wire.stat_packet(wire.encode_stat(wire.Stat(path.encode(), mode, 0, 10**18, link)))


def piece(file: int, data: bytes = b"") -> bytes:
    """The message of a piece of a file, without the frame."""
    return wire.data_head(file, len(data))[wire.FRAME.size :] + data


def test_a_tree_is_written_with_its_modes_and_times(tmp_path: Path) -> None:
    writer = TreeWriter(tmp_path)
    reply = writer.take(
        [announce("d", DIRECTORY | 0o750), announce("d/f", 0o640), announce("d/l", SYMLINK | 0o777, b"f"), b""]
    )
    assert reply == wire.frame(wire.request_packet(1))
    assert writer.take([piece(1, b"hello"), piece(1)]) == wire.frame(wire.fin_packet())
    writer.take([wire.fin_packet()])
    writer.finish(mirror=False)

    assert writer.finished
    assert (tmp_path / "d/f").read_text() == "hello"
    assert (tmp_path / "d/f").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "d/f").stat().st_mtime_ns == 10**18
    assert (tmp_path / "d").stat().st_mtime_ns == 10**18
    assert (tmp_path / "d/l").readlink() == Path("f")


@pytest.mark.parametrize("path", ["../evil", "/evil", "a/../../evil", "unannounced/evil", "..", "a//b", "."])
def test_nothing_is_written_outside_of_announced_directories(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(RpcError, match="refused"):
        TreeWriter(root).take([announce(path, 0o644)])
    assert not (tmp_path / "evil").exists()


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "d").symlink_to(outside)
    writer = TreeWriter(root)
    writer.take([announce("d", DIRECTORY | 0o755), announce("d/f", 0o644)])

    assert list(outside.iterdir()) == []
    assert (root / "d").is_dir()
    assert not (root / "d").is_symlink()
    with pytest.raises(RpcError, match="refused"):
        writer.take([announce("l", SYMLINK | 0o777, b"../outside"), announce("l/f", 0o644)])


def test_a_mirror_deletes_what_was_not_sent(tmp_path: Path) -> None:
    tree(tmp_path, "old", "kept/old", "gone/deep")
    writer = TreeWriter(tmp_path)
    writer.take([announce("kept", DIRECTORY | 0o755), announce("new", 0o644), b""])
    writer.take([piece(1)])
    writer.finish(mirror=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept", "new"]


def test_a_mirror_needs_a_daemon_that_sends_everything_at_once(tmp_path: Path) -> None:
    handler = filesend.services({0: Directory(path=tmp_path, mirror=True)}, [])["/moby.filesync.v1.FileSend/DiffCopy"]
    with pytest.raises(RpcError, match="multi-platform local export"):
        asyncio.run(run_call(handler, MemoryCall({}, lambda _: [])))


def test_a_stream_becomes_a_file_with_its_folders(tmp_path: Path) -> None:
    target = filesend.to_file(tmp_path / "deep/er/out.tar")
    handler = filesend.services({3: target}, [])["/moby.filesync.v1.FileSend/DiffCopy"]
    call = MemoryCall({"buildkit-attachable-exporter-id": ["3"]}, lambda _: [])
    call.feed([wire.bytes_message(b"first "), wire.bytes_message(b"second")], end=True)
    asyncio.run(run_call(handler, call))
    assert (tmp_path / "deep/er/out.tar").read_text() == "first second"


# Blobs and secrets


def test_a_blob_is_not_believed_to_be_what_it_claims(tmp_path: Path) -> None:
    store = content.Store(tmp_path)
    write = store.claim("ref", 0)
    write.begin(store)
    write.append(0, b"other")
    with pytest.raises(RpcError, match="unexpected digest"):
        write.commit(store, "sha256:" + "0" * 64)


def writing(data: bytes) -> list[bytes]:
    """The requests of a daemon that writes a blob."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    requests = (
        WriteContentRequest(action=WRITE, ref="layer", data=data),
        WriteContentRequest(action=COMMIT, ref="layer", expected=digest, total=len(data)),
    )
    return [request.SerializeToString() for request in requests]


def test_two_streams_do_not_write_one_blob_at_once(tmp_path: Path) -> None:
    """Both manifests of an image of two platforms may hold the same layer."""
    store = content.Store(tmp_path)
    write = content.services({"export": store})["/containerd.services.content.v1.Content/Write"]
    requests = writing(b"the layer")
    later = iter(requests[1:])
    slow = MemoryCall({"buildkit-attachable-store-id": ["export"]}, lambda _answer: list(itertools.islice(later, 1)))
    other = MemoryCall({"buildkit-attachable-store-id": ["export"]}, lambda _answer: [])
    slow.feed(requests[:1])
    other.feed(requests)

    async def run() -> list[object]:
        return await asyncio.gather(write(slow), write(other), return_exceptions=True)

    came = asyncio.run(run())
    assert [type(each) for each in came] == [type(None), RpcError]
    assert came[1].code == UNAVAILABLE
    assert store.blob("sha256:" + hashlib.sha256(b"the layer").hexdigest()).read_bytes() == b"the layer"


def test_what_was_not_finished_is_removed(tmp_path: Path) -> None:
    store = content.Store(tmp_path)
    store.claim("ref", 0).begin(store)
    assert list(tmp_path.rglob(".ingest-*"))
    store.discard()
    assert not list(tmp_path.rglob(".ingest-*"))


@pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "md5:0", "sha256:" + "g" * 64, ""])
def test_only_a_digest_names_a_blob(tmp_path: Path, digest: str) -> None:
    with pytest.raises(RpcError, match="invalid digest"):
        content.Store(tmp_path).blob(digest)


@pytest.mark.parametrize(
    ("secret", "env", "expected"),
    [
        (Secret(id="a", env="A", src="file"), {"A": "from env"}, b"from env"),
        (Secret(id="a", env="UNSET"), {}, b""),
        (Secret(id="a", src="file"), {}, b"from file"),
        (Secret(id="file"), {"file": "from env"}, b"from env"),
        (Secret(id="file"), {}, b"from file"),
    ],
)
def test_where_a_secret_comes_from(tmp_path: Path, secret: Secret, env: Mapping[str, str], expected: bytes) -> None:
    (tmp_path / "file").write_text("from file")
    assert secrets.read(secret, tmp_path, env) == expected
