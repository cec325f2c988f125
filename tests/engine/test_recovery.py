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
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from real_plans import BASE, Runner, docker, job, plan

from bakec import api
from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter, Job, Target
from bakec.runtime.results import Outcome
from bakec.runtime.retry import Retries

ROOT = Path(__file__).resolve().parents[2]


def command(project: Path, env: Mapping[str, str], *flags: str) -> subprocess.Popen[str]:
    """`bakec run plan.msgpack` in the project's folder."""
    env = {**env, "PYTHONPATH": str(ROOT), "TMPDIR": tempfile.gettempdir()}
    argv = [sys.executable, "-m", "bakec", "run", "plan.msgpack", "--progress=plain", *flags]
    return subprocess.Popen(argv, cwd=project, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


ROUNDS = int(os.environ.get("BAKEC_RECOVERY_ROUNDS", "50"))
SEED = int(os.environ.get("BAKEC_RECOVERY_SEED") or random.randrange(1 << 30))


def test_a_client_killed_at_any_moment_can_be_resumed(
    engine: Mapping[str, str], project: Path, place: Path, run: Runner
) -> None:
    """Every image is there in the end, and nothing that was finished is built again. One client starts while the
    builds of another that was killed may still be going on."""
    print("BAKEC_RECOVERY_SEED", SEED)
    moments = random.Random(SEED)
    (project / "context/busybox").unlink()  # what is sent is small, and the kill may come anywhere
    longest = 1.0
    for round_ in range(ROUNDS):
        marks = {f"bakec-test/k{index}": f"{SEED}-{round_}-{index}" for index in range(4)}
        save(project, [tagged(name, mark) for name, mark in marks.items()])
        with command(project, engine, "--jobs=1") as killed:
            time.sleep(moments.uniform(0.0, longest))
            killed.kill()
        before = ended(project)
        began = time.monotonic()
        with command(project, engine, "--resume", "--jobs=2") as resumed:
            said = resumed.communicate()[0]
        longest = 0.9 * longest + 0.12 * (time.monotonic() - began)  # a kill after the end would show nothing
        assert resumed.returncode == 0, said
        assert images_of(engine, marks) == marks
        assert ended(project) == Counter(dict.fromkeys((f"k{index}" for index in range(4)), 1)), (before, said)
        (project / "plan.msgpack.journal").unlink()
    # What is killed cannot clean up after itself: the next run does, once it is sure that nobody is there.
    for orphan in place.iterdir():
        os.utime(orphan, (0, 0))
    assert run(tagged("bakec-test/k0", "next")).exit is Exit.OK


def tagged(name: str, mark: str) -> Job:
    text = f"FROM scratch\nCOPY <<EOF /mark\n{mark}\nEOF\nENV MARK={mark}\n"
    return job(name.rpartition("/")[2], text, tags=(name,))


def save(project: Path, jobs: Sequence[Job]) -> None:
    targets = tuple(Target(name=each.target, view={}) for each in jobs)
    (project / "plan.msgpack").write_bytes(api.dump(dataclasses.replace(plan(*jobs), targets=targets)))


def ended(project: Path) -> "Counter[str]":
    """How often the journal says of each job that it was finished."""
    path = project / "plan.msgpack.journal"
    lines = path.read_text().splitlines() if path.exists() else []
    entries = [json.loads(line) for line in lines if line.endswith("}")]
    return Counter(entry["end"] for entry in entries if "response" in entry)


def images_of(env: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The marks of images."""
    found = json.loads(docker(env, "image", "inspect", *names))
    return {image["RepoTags"][0].partition(":")[0]: image["Config"]["Env"][-1].removeprefix("MARK=") for image in found}


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
