"""What the container of a builder is made of on engines that are not at hand: an engine in memory answers and notes."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bakec.ir.diagnostics import Failed
from bakec.runtime.drivers import container
from bakec.runtime.drivers.base import SILENT, Images, Pipe
from bakec.runtime.drivers.container import ContainerDriver, OutputPipe
from bakec.runtime.github import FILE, actions_context


class Bytes:
    """A stream that ends after its pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def write(self, data: bytes) -> None:
        del data

    async def drain(self) -> None:
        return

    def close(self) -> None:
        self._pieces.clear()


class MemoryEngine:
    """Answers what `info` says; a container with GPUs starts if `has_gpus`. `asked` is what was asked, in order."""

    place = "unix:///engine.sock"
    images: Images

    def __init__(self, info: dict[str, Any], *, has_gpus: bool = False) -> None:
        self.info = info
        self.has_gpus = has_gpus
        self.asked: list[tuple[str, str, Any]] = []

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        self.asked.append((method, path, body))
        if path == "/info":
            return 200, self.info
        if path.startswith("/containers/buildx") and path.endswith("/json"):
            return 404, {"message": "No such container"}
        if path == "/containers/probe/start" and not self.has_gpus:
            return 500, {"message": "could not select device driver"}
        return 200, {"Id": "probe", "ExitCode": 0}

    async def stream(self, method: str, path: str, headers: Sequence[tuple[str, str]] = ()) -> tuple[int, Pipe]:
        self.asked.append((method, path, dict(headers)))
        return 200, Bytes(b'{"status":"Pull complete","id":"a"}\n{"sta', b'tus":"done"}\n')

    async def hijack(self, method: str, path: str, headers: Sequence[tuple[str, str]], body: object = None) -> Pipe:
        del method, path, headers, body
        return Bytes()

    async def close(self) -> None:
        return


def made(info: dict[str, Any], *, has_gpus: bool = False, **fields: Any) -> tuple[dict[str, Any], MemoryEngine]:
    """The request that made the container, and the engine it was made on."""
    engine = MemoryEngine(info, has_gpus=has_gpus)
    asyncio.run(ContainerDriver(engine, "n0", **fields).open(SILENT))
    bodies = {path: body for _, path, body in engine.asked}
    return bodies["/containers/create?name=buildx_buildkit_n0"], engine


def test_the_group_of_processes_is_chosen_only_where_groups_are_files() -> None:
    options = {"cgroup-parent": "/mine"}
    assert made({"CgroupDriver": "cgroupfs"})[0]["HostConfig"]["CgroupParent"] == "/docker/buildx"
    assert made({"CgroupDriver": "cgroupfs"}, options=options)[0]["HostConfig"]["CgroupParent"] == "/mine"
    assert "CgroupParent" not in made({"CgroupDriver": "systemd"}, options=options)[0]["HostConfig"]


def test_users_are_not_mapped_twice() -> None:
    assert made({"SecurityOptions": ["name=seccomp", "name=userns"]})[0]["HostConfig"]["UsernsMode"] == "host"
    assert "UsernsMode" not in made({"SecurityOptions": ["name=seccomp"]})[0]["HostConfig"]


def test_gpus_are_asked_for_where_the_engine_has_them() -> None:
    requests = [{"Count": -1, "Capabilities": [["gpu"]]}]
    assert made({}, has_gpus=True)[0]["HostConfig"]["DeviceRequests"] == requests

    body, engine = made({})
    assert "DeviceRequests" not in body["HostConfig"]
    assert ("DELETE", "/containers/probe?v=1&force=1", None) in engine.asked


def test_the_libraries_of_windows_are_there_for_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "WSL_LIBRARIES", str(tmp_path))
    mount = {"Type": "bind", "Source": str(tmp_path), "Target": str(tmp_path), "ReadOnly": True}
    assert mount in made({}, env={"WSL_DISTRO_NAME": "Debian"})[0]["HostConfig"]["Mounts"]
    assert mount not in made({})[0]["HostConfig"]["Mounts"]


@pytest.mark.parametrize(
    ("image", "pulled"),
    [
        ("", "moby%2Fbuildkit%3Abuildx-stable-1"),
        ("r:5000/kit", "r%3A5000%2Fkit%3Alatest"),
        ("kit@sha256:ab", "kit%40sha256%3Aab"),
    ],
)
def test_one_image_is_pulled_with_its_credentials(image: str, pulled: str) -> None:
    asked: list[str] = []

    def login(name: str) -> dict[str, str]:
        asked.append(name)
        return {"username": "me"}

    _, engine = made({}, options={"image": image} if image else {}, login=login)
    sent = next(body for _, path, body in engine.asked if path == f"/images/create?fromImage={pulled}")
    assert sent == {"X-Registry-Auth": "eyJ1c2VybmFtZSI6ICJtZSJ9"}
    assert asked == [image or container.IMAGE]


@pytest.mark.parametrize(
    ("text", "size"), [("64m", 64 << 20), ("1.5g", 3 << 29), ("1 GiB", 1 << 30), ("7", 7), ("2kb", 2048)]
)
def test_sizes(text: str, size: int) -> None:
    assert made({}, options={"memory": text})[0]["HostConfig"]["Memory"] == size


def test_swap_may_be_without_limit() -> None:
    assert made({}, options={"memory-swap": "-1"})[0]["HostConfig"]["MemorySwap"] == -1


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "a/", "a\\b", "."])
def test_no_file_is_put_elsewhere(name: str) -> None:
    with pytest.raises(Failed, match="invalid config file path"):
        made({}, files={name: b""})


def test_a_file_and_a_folder_of_one_name() -> None:
    with pytest.raises(Failed, match='config file path "certs" conflicts with directory'):
        made({}, files={"certs": b"", "certs/ca.pem": b""})


def test_an_event_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    env = {"GITHUB_ACTIONS": "1", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(tmp_path / "none")}
    with pytest.raises(Failed, match="cannot read the event of the workflow"):
        made({}, more_files=lambda: actions_context(env))
    made({}, more_files=lambda: actions_context(env), options={"provenance-add-gha": "false"})


def test_what_a_workflow_says_of_itself(tmp_path: Path) -> None:
    (tmp_path / "event").write_text("{}")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(tmp_path / "event")}
    runner = {f"RUNNER_{name}": name for name in ("OS", "ARCH", "ENVIRONMENT", "TRACKING_ID", "NAME")}
    actor = {"GITHUB_ACTOR": "me", "GITHUB_ACTOR_ID": "1"}
    found = json.loads(actions_context({**env, **actor, **runner, "ImageOS": "a", "ImageVersion": "b"})[FILE])
    assert found["github_runner_image_os"] == "a"
    assert found["github_runner_os"] == "OS"
    assert "github_actor" not in found, "a group is noted only when it is whole"
    assert actions_context({}) == {}


def test_output_comes_in_pieces_of_two_streams() -> None:
    framed = b"\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x03err\x01\0\0\0\0\0\0\x01!"

    async def read(*streams: int) -> bytes:
        pipe = OutputPipe(Bytes(framed[:5], framed[5:13], framed[13:]), *streams)
        found = b""
        while piece := await pipe.read():
            found += piece
        return found

    assert asyncio.run(read(1)) == b"out!"
    assert asyncio.run(read(1, 2)) == b"outerr!"
