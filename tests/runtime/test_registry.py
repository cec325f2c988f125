"""The client of registries, against one in this process that is as difficult as real ones are."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bakec.ir.llb.references import Reference
from bakec.runtime.dockerconfig import Credentials
from bakec.runtime.merge import OCI_INDEX, _descriptor
from bakec.runtime.registry import Manifest, Registry, RegistryError

BODY = b'{"schemaVersion": 2, "manifests": []}'
DIGEST = "sha256:" + hashlib.sha256(BODY).hexdigest()
INDEX = Manifest(OCI_INDEX, BODY, DIGEST)
BASIC = "Basic " + base64.b64encode(b"me:word").decode()


class Server(ThreadingHTTPServer):
    """Answers with `manifest`; refuses whoever is not `wanted`, and fails the first `failures` times."""

    wanted = ""
    challenge = ""
    failures = 0
    manifest = BODY

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server_port}"
        self.log: list[str] = []

    @property
    def name(self) -> Reference:
        return Reference(self.host, "team/app", "1")


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.path.startswith("/token"):
            self._log("token", self.headers.get("Authorization", ""))
            return self._answer(200, b'{"token": "T"}')
        return self._serve(200, self.server.manifest)

    def do_POST(self) -> None:
        self._log("token", self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer(200, b'{"access_token": "T"}')

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._serve(201, b"")

    def _serve(self, code: int, body: bytes) -> None:
        if self.server.failures:
            self.server.failures -= 1
            return self._answer(500, b"")
        if self.headers.get("Authorization", "") != self.server.wanted:
            return self._answer(401, b"", challenge=self.server.challenge)
        self._log(self.command, self.path)
        return self._answer(code, body)

    def _answer(self, code: int, body: bytes, challenge: str = "") -> None:
        self.send_response(code)
        self.send_header("Content-Type", OCI_INDEX)
        self.send_header("Content-Length", str(len(body)))
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(body)

    def _log(self, *words: str) -> None:
        self.server.log.append(" ".join(words))

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def no_login(_host: str) -> Credentials:
    return Credentials()


def login(_host: str) -> Credentials:
    return Credentials("me", "word")


def test_an_index_is_pushed_by_its_tag_and_read_by_its_digest(server: Server) -> None:
    with Registry(no_login) as registry:
        registry.push(server.name, INDEX)
        assert registry.manifest(server.name.pinned(DIGEST)) == INDEX
    assert server.log == ["PUT /v2/team/app/manifests/1", f"GET /v2/team/app/manifests/{DIGEST}"]


def test_a_registry_that_fails_twice_is_asked_again(server: Server) -> None:
    server.failures = 2
    with Registry(no_login) as registry:
        registry.push(server.name, INDEX)
    assert server.log == ["PUT /v2/team/app/manifests/1"]


def test_a_login_is_given_where_it_is_asked_for(server: Server) -> None:
    server.wanted, server.challenge = BASIC, 'Basic realm="here"'
    with Registry(login) as registry:
        registry.push(server.name, INDEX)
    assert len(server.log) == 1


@pytest.mark.parametrize(
    ("look_up", "asked"),
    [
        (login, f"token {BASIC}"),
        (no_login, "token "),
        (lambda _: Credentials("", "kept"), "refresh_token=kept"),
    ],
)
def test_a_token_is_fetched_once(server: Server, look_up: Callable[[str], Credentials], asked: str) -> None:
    server.wanted = "Bearer T"
    server.challenge = f'Bearer realm="http://{server.host}/token",service="s"'
    with Registry(look_up) as registry:
        registry.push(server.name, INDEX)
        registry.push(server.name, INDEX)
    tokens = [line for line in server.log if line.startswith("token")]
    assert len(tokens) == 1
    assert asked in tokens[0]


def test_a_login_is_for_one_registry(server: Server) -> None:
    with Server() as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.01,))
        thread.start()
        asked: list[str] = []

        def look_up(host: str) -> Credentials:
            asked.append(host)
            return Credentials("me", host)

        for each in (server, other):
            each.challenge = 'Basic realm="here"'
            each.wanted = "Basic " + base64.b64encode(f"me:{each.host}".encode()).decode()
        with Registry(look_up) as registry:
            registry.push(server.name, INDEX)
            registry.push(other.name, INDEX)
        other.shutdown()
        thread.join()
    assert asked == [server.host, other.host]


def test_only_the_registry_that_is_called_insecure_is(server: Server) -> None:
    with Registry(no_login, insecure=server.host) as registry:
        assert registry._root("example.com") == "https://example.com"
    with Registry(no_login, insecure="example.com") as registry:
        assert registry._root("example.com") == "http://example.com"


def test_the_file_of_another_program_gives_no_login(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.wanted, server.challenge = BASIC, 'Basic realm="here"'
    with Registry(login) as registry:
        registry.push(server.name, INDEX)
    assert len(server.log) == 1


def test_a_refused_login_is_told(server: Server) -> None:
    server.wanted, server.challenge = BASIC, 'Basic realm="here"'
    with Registry(no_login) as registry, pytest.raises(RegistryError, match="wants a login: `docker login"):
        registry.push(server.name, INDEX)


def test_a_registry_that_is_not_there_is_told() -> None:
    with Registry(no_login) as registry, pytest.raises(RegistryError, match="does not answer"):
        registry.push(Reference("127.0.0.1:1", "a", "1"), INDEX)


def test_bytes_that_are_not_those_of_the_digest_are_refused(server: Server) -> None:
    server.manifest = BODY + b" "
    with Registry(no_login) as registry, pytest.raises(RegistryError, match="has other bytes"):
        registry.manifest(server.name.pinned(DIGEST))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"manifests": 3}', b'{"manifests": [4]}', b"\xff"])
def test_what_is_no_image_is_told(server: Server, body: bytes) -> None:
    server.manifest = body
    response = {"containerimage.digest": "sha256:" + hashlib.sha256(body).hexdigest()}
    with Registry(no_login) as registry:
        if body == b"{}":
            assert _descriptor(registry, server.name, response) == []
            return
        with pytest.raises(RegistryError, match="is no image"):
            _descriptor(registry, server.name, response)


def test_a_node_that_says_nothing_of_what_it_pushed_is_told(server: Server) -> None:
    with Registry(no_login) as registry, pytest.raises(RegistryError, match="did not say what it pushed"):
        _descriptor(registry, server.name, {})


def test_an_answer_that_is_no_descriptor_is_told(server: Server) -> None:
    told = base64.b64encode(json.dumps([1]).encode()).decode()
    with Registry(no_login) as registry, pytest.raises(RegistryError, match="is no image"):
        _descriptor(registry, server.name, {"containerimage.descriptor": told})
