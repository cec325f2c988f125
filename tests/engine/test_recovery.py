"""What is left when something goes wrong in the middle of a run: an engine, a registry, a disk, this program."""

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from real_plans import BASE, Runner, docker, job, plan

from bakec import api
from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter, Target
from bakec.runtime import history
from bakec.runtime.results import Outcome
from bakec.runtime.retry import Retries

ROOT = Path(__file__).resolve().parents[2]


def command(project: Path, env: Mapping[str, str], *flags: str) -> subprocess.Popen[str]:
    """`bakec run plan.msgpack` in the project's folder."""
    env = {**env, "PYTHONPATH": str(ROOT), "TMPDIR": tempfile.gettempdir()}
    argv = [sys.executable, "-m", "bakec", "run", "plan.msgpack", "--progress=plain", *flags]
    return subprocess.Popen(argv, cwd=project, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_a_client_killed_at_any_moment_can_be_resumed(
    engine: Mapping[str, str], project: Path, place: Path, run: Runner
) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    moments = random.Random(seed)
    for round_ in range(20):
        jobs = [
            job(f"k{index}", BASE + f"ENV ROUND={seed}-{round_}-{index}\n", tags=(f"bakec-test/k{index}",))
            for index in range(4)
        ]
        targets = tuple(Target(name=each.target, view={}) for each in jobs)
        saved = dataclasses.replace(plan(*jobs), targets=targets)
        (project / "plan.msgpack").write_bytes(api.dump(saved))
        with command(project, engine, "--jobs=1") as killed:
            time.sleep(moments.uniform(0.2, 1.5))
            killed.kill()
        with command(project, engine, "--resume", "--jobs=1") as resumed:
            said = resumed.communicate()[0]
        assert resumed.returncode == 0, said
        for index in range(4):
            found = json.loads(docker(engine, "image", "inspect", f"bakec-test/k{index}"))[0]
            assert f"ROUND={seed}-{round_}-{index}" in found["Config"]["Env"]
        assert {each.outcome for each in history.read(project / "plan.msgpack.journal").jobs} <= {"built", "cached"}
        (project / "plan.msgpack.journal").unlink()
    # What is killed cannot clean up after itself: the next run does, once it is sure that nobody is there.
    assert list(place.iterdir())
    for orphan in place.iterdir():
        os.utime(orphan, (0, 0))
    assert run(job("next", BASE)).exit is Exit.OK


def test_an_engine_that_is_restarted_in_the_middle(project: Path, own_engine: Mapping[str, str], run: Runner) -> None:
    jobs = (
        job("quick", BASE, tags=("bakec-test/quick",)),
        job("slow", BASE + 'RUN ["/bin/sleep", "4"]\n', tags=("bakec-test/slow",)),
    )
    pid, root = int(own_engine["BAKEC_TEST_ENGINE_PID"]), f"/tmp/bakec-own-{os.getpid()}"
    killer = threading.Timer(3, os.kill, (pid, signal.SIGKILL))
    killer.start()
    lost = run(*jobs, env=own_engine, journal=project / "journal", jobs=1)
    assert [each.rule.code for each in lost.diagnostics] == ["BK702"]
    assert lost.jobs[0].outcome.is_success

    subprocess.run((str(ROOT / "scripts/engine"), "start", "--root", root, "--tmpfs"), check=True)
    result = run(*jobs, env=own_engine, journal=project / "journal", resume=True)
    assert result.exit is Exit.OK, result.diagnostics
    assert [each.outcome for each in result.jobs] == [Outcome.DONE, Outcome.BUILT]
    # The script gives the new engine an empty store; what the journal calls done is not looked for in it.
    docker(own_engine, "image", "inspect", "bakec-test/slow")


class Proxy(BaseHTTPRequestHandler):
    """A registry in front of the real one that refuses the first writes, or everybody."""

    protocol_version = "HTTP/1.1"
    real = ""
    failures = 0
    refuses = False

    def handle_any(self) -> None:
        body = self.body()
        if type(self).refuses:
            self.answer(401, {"WWW-Authenticate": 'Basic realm="test"'}, b'{"errors":[{"code":"UNAUTHORIZED"}]}')
            return
        if self.command in ("POST", "PUT") and type(self).failures > 0:
            type(self).failures -= 1
            self.answer(500, {}, b"out of order")
            return
        upstream = HTTPConnection(self.real)
        given = {key: ", ".join(self.headers.get_all(key)) for key in self.headers}
        kept = {key: value for key, value in given.items() if key.lower() != "transfer-encoding"}
        upstream.request(self.command, self.path, body or None, kept)
        found = upstream.getresponse()
        data = found.read()
        drop = ("content-length", "transfer-encoding", "connection")
        headers = {key: value for key, value in found.getheaders() if key.lower() not in drop}
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
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(length if self.command == "HEAD" else len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.close_connection = True

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def registry(engine: Mapping[str, str]) -> Iterator[type[Proxy]]:
    handler = type("OneProxy", (Proxy,), {"real": engine["BAKEC_TEST_REGISTRY"]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    handler.address = f"127.0.0.1:{server.server_port}"
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_registry_that_fails_twice_is_tried_again(run: Runner, registry: type[Proxy]) -> None:
    registry.failures = 2
    pushed = job("steady", BASE, tags=(f"{registry.address}/bakec-test/steady",), exports=(Exporter(type="registry"),))
    result = run(pushed, retries=Retries(3), deadline=60)

    assert result.exit is Exit.OK, [each.message for each in result.diagnostics]
    assert registry.failures == 0
    assert result.jobs[0].digest.startswith("sha256:")


def test_a_registry_that_refuses_us_is_one_clear_error(run: Runner, registry: type[Proxy]) -> None:
    registry.refuses = True
    pushed = job("refused", BASE, tags=(f"{registry.address}/bakec-test/no",), exports=(Exporter(type="registry"),))
    result = run(pushed, deadline=60)

    assert result.exit is Exit.PUBLISH
    assert [each.rule.code for each in result.diagnostics] == ["BK704"]


def test_a_disk_that_is_full_is_one_clear_error(run: Runner, project: Path) -> None:
    (project / "out").mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=64k", "none", str(project / "out")), check=True)
    try:
        result = run(job("full", BASE, exports=(Exporter(type="local", dest="out"),)))
    finally:
        subprocess.run(("umount", str(project / "out")), check=True)

    assert result.exit is Exit.BUILD
    (problem,) = result.diagnostics
    assert "No space left on device" in problem.message or "no space left on device" in problem.message
