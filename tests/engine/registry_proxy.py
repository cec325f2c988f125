"""A registry in front of the real one that has a bad day, as its `moods` say."""

import base64
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "the-token-of-the-test"
DROPPED = ("content-length", "transfer-encoding", "connection")


@dataclass
class Moods:
    """What is wrong with it, and what was asked of it."""

    failures: int = 0
    """So many writes are answered with 500."""
    login: str = ""
    """`user:password` that everybody must give."""
    by_token: bool = False
    """The login is for a token, which is good for the rest."""
    seconds: float = 0.0
    """How long it thinks about each request."""
    lies: bool = False
    """Blobs are not what they are called."""
    address: str = ""
    logins: list[str] = field(default_factory=list)
    """What was given as `Authorization`, in order."""


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # who tries TLS first shall see that this is not
    real = ""
    moods = Moods()

    def handle_any(self) -> None:
        body = self.body()
        time.sleep(self.moods.seconds)
        if self.path.startswith("/token"):
            self.give_token(body)
        elif not self.is_known():
            scheme = f'Bearer realm="http://{self.moods.address}/token",service="test"'
            wanted = scheme if self.moods.by_token else 'Basic realm="test"'
            self.answer(401, {"WWW-Authenticate": wanted}, b'{"errors":[{"code":"UNAUTHORIZED"}]}')
        elif self.command in ("POST", "PUT") and self.moods.failures > 0:
            self.moods.failures -= 1
            self.answer(500, {}, b"out of order")
        else:
            self.pass_on(body)

    def is_known(self) -> bool:
        if not self.moods.login:
            return True
        given = self.headers.get("Authorization", "")
        self.moods.logins.append(given)
        return given == (f"Bearer {TOKEN}" if self.moods.by_token else f"Basic {encoded(self.moods.login)}")

    def give_token(self, body: bytes) -> None:
        """For the login in the header, or in the form of OAuth."""
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        given = self.headers.get("Authorization") or f"Form {form.get('username')}:{form.get('password')}"
        self.moods.logins.append(given)
        if given in (f"Basic {encoded(self.moods.login)}", f"Form {self.moods.login}"):
            self.answer(200, {}, json.dumps({"token": TOKEN, "access_token": TOKEN, "expires_in": 300}).encode())
        else:
            self.answer(401, {}, b'{"details":"incorrect username or password"}')

    def pass_on(self, body: bytes) -> None:
        upstream = HTTPConnection(self.real)
        given = {key: ", ".join(self.headers.get_all(key)) for key in self.headers}
        kept = {key: value for key, value in given.items() if key.lower() not in ("transfer-encoding", "authorization")}
        upstream.request(self.command, self.path, body or None, kept)
        found = upstream.getresponse()
        data = found.read()
        if self.moods.lies and self.command == "GET" and "/blobs/" in urlsplit(self.path).path:
            data = data[:-1] + bytes([data[-1] ^ 1])
        headers = {key: value for key, value in found.getheaders() if key.lower() not in DROPPED}
        self.answer(found.status, headers, data, int(found.headers.get("Content-Length") or 0))
        upstream.close()

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815 - names of the library

    def answer(self, status: int, headers: Mapping[str, str], data: bytes, length: int = 0) -> None:
        try:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Connection", "close")
            self.send_header("Content-Length", str(length if self.command == "HEAD" else len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)
        except OSError:
            pass  # the daemon did not wait for the answer
        self.close_connection = True

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


def encoded(login: str) -> str:
    return base64.b64encode(login.encode()).decode()


@contextmanager
def moody(real: str) -> Iterator[Moods]:
    """Serve what the registry at `real` serves."""
    moods = Moods()
    handler = type("OneProxy", (Proxy,), {"real": real, "moods": moods})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    moods.address = f"127.0.0.1:{server.server_port}"
    try:
        yield moods
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
