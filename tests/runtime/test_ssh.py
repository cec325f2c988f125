"""SSH agents of the client inside of builds, with a real `ssh-agent`: what passes, what does not, and what is left."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from memory_call import MemoryCall, run_call

from bakec.ir.plan import Ssh
from bakec.runtime.buildkit.rpc import RpcError
from bakec.runtime.buildkit.services import ssh
from bakec.runtime.buildkit.wire import bytes_message, read_bytes_message

LIST, REMOVE_ALL, LOCK = (bytes((0, 0, 0, 1, kind)) for kind in (11, 19, 22))
FAILURE = b"\x00\x00\x00\x01\x05"
FORWARD = "/moby.sshforward.v1.SSH/ForwardAgent"
CHECK = "/moby.sshforward.v1.SSH/CheckAgent"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "key")


def make_key(path: Path, passphrase: str = "") -> Path:
    command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", f"comment of {path.name}", "-f", str(path))
    subprocess.run(command, check=True)
    return path


def env_of(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **more}


def answers(sockets: Mapping[str, str], *messages: bytes, name: str = "default") -> bytes:
    """What an agent says inside of a build to pieces of requests that come one after the other."""
    said: list[bytes] = []

    def take(message: bytes) -> list[bytes]:
        said.append(read_bytes_message(message))
        return []

    call = MemoryCall({"buildkit.ssh.id": [name]}, take)
    call.feed([bytes_message(message) for message in messages], end=True)
    asyncio.run(run_call(ssh.services(sockets)[FORWARD], call))
    return b"".join(said)


def with_agents(root: Path, *forwards: Ssh, env: Mapping[str, str], requests: tuple[bytes, ...] = (LIST,)) -> bytes:
    async def ask() -> bytes:
        async with ssh.agents(forwards, root, env) as sockets:
            return await asyncio.to_thread(answers, sockets, *requests)

    return asyncio.run(ask())


@pytest.fixture
def agent(tmp_path: Path, key: Path) -> Iterator[str]:
    """The socket of the user's own agent, which has the key."""
    socket = f"{tmp_path}/agent"
    with subprocess.Popen(("ssh-agent", "-D", "-a", socket), stdout=subprocess.DEVNULL) as process:
        try:
            add = ("ssh-add", "-q", str(key))
            # The socket is there a moment before the agent listens on it.
            while subprocess.run(
                add, env=env_of(SSH_AUTH_SOCK=socket), stderr=subprocess.DEVNULL, check=False
            ).returncode:
                assert process.poll() is None
            yield socket
        finally:
            process.terminate()


def test_keys_of_the_users_agent_are_listed(tmp_path: Path, agent: str) -> None:
    assert b"comment of key" in with_agents(tmp_path, Ssh(id="default"), env=env_of(SSH_AUTH_SOCK=agent))
    assert b"comment of key" in with_agents(tmp_path, Ssh(id="default", paths=("agent",)), env=env_of())


def test_a_request_may_come_in_pieces(agent: str) -> None:
    pieces = answers({"default": agent}, LIST[:2], LIST[2:] + LIST[:3], LIST[3:])
    assert pieces.count(b"comment of key") == 2


@pytest.mark.parametrize("request_", [REMOVE_ALL, LOCK, b"\x00\x00\x00\x02\x11x"], ids=["remove", "lock", "add"])
def test_a_build_cannot_change_the_agent(agent: str, request_: bytes) -> None:
    assert answers({"default": agent}, request_) == FAILURE
    assert b"comment of key" in answers({"default": agent}, LIST)


def test_a_request_that_claims_to_be_huge_is_refused(agent: str) -> None:
    with pytest.raises(RpcError, match="oversized"):
        answers({"default": agent}, b"\xff\xff\xff\xff\x0b")


def test_keys_in_files_are_served_by_an_agent_of_our_own(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with the build, and its folder with it."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    make_key(tmp_path / "second")
    said = with_agents(tmp_path, Ssh(id="default", paths=("key", "second")), env=env_of())

    assert b"comment of key" in said
    assert b"comment of second" in said
    assert list(folder.iterdir()) == []
    end = time.monotonic() + 20
    while str(folder) in processes():
        assert time.monotonic() < end


def processes() -> str:
    return subprocess.run(("ps", "-eo", "args"), capture_output=True, text=True, check=True).stdout


def test_an_id_that_was_not_given_is_told(agent: str) -> None:
    call = MemoryCall({}, lambda _answer: [])
    call.feed([b"\x0a\x05other"], end=True)
    with pytest.raises(RpcError, match="unset ssh forward key other"):
        asyncio.run(run_call(ssh.services({"default": agent})[CHECK], call))


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        ((), "invalid empty ssh agent socket"),
        (("none",), "No such file or directory"),
        (("locked",), "cannot load .*locked"),
        (("key", "agent"), "invalid combination of keys and sockets"),
        (("agent", "agent"), "only single socket allowed"),
    ],
)
def test_what_cannot_be_forwarded_is_one_error(tmp_path: Path, agent: str, paths: tuple[str, ...], reason: str) -> None:
    make_key(tmp_path / "locked", "a passphrase")
    with pytest.raises(ssh.SshError, match=reason):
        with_agents(tmp_path, Ssh(id="default", paths=paths), env=env_of())
