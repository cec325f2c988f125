"""Plans made by hand and the engine's own client, for the tests of this folder."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bakec.ir.plan import FrontendSolve, Job, JobId, LocalDir, Need, Plan, TargetName
from bakec.runtime.results import RunResult

Runner = Callable[..., RunResult]
BASE = 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "/bin"]\n'


def job(
    name: str,
    dockerfile: str | None,
    *,
    needs: tuple[str, ...] = (),
    attrs: Mapping[str, str] | None = None,
    **fields: object,
) -> Job:
    """A job whose Dockerfile is text; `needs` are jobs and the contexts of the same names."""
    linked = {"frontend.caps": "moby.buildkit.frontend.contexts+forward"} if needs else {}
    solve = FrontendSolve(
        frontend="dockerfile.v0",
        attrs={"filename": "Dockerfile", "dockerfilekey": "dockerfile", **linked, **(attrs or {})},
    )
    fields.setdefault("locals", (LocalDir(name="context", path="context"),))
    return Job(
        id=JobId(name),
        target=TargetName(name),
        solve=solve,
        needs=tuple(Need(context=each, job=JobId(each)) for each in needs),
        dockerfile_inline=dockerfile,
        **fields,
    )


def plan(*jobs: Job) -> Plan:
    return Plan(requested=tuple(each.target for each in jobs), jobs=jobs)


def docker(env: Mapping[str, str], *arguments: str, cwd: Path | None = None) -> str:
    command = ("docker", *arguments)
    done = subprocess.run(command, env=dict(env), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def inspect(env: Mapping[str, str], name: str, *, kind: str = "image") -> dict[str, object]:
    return json.loads(docker(env, kind, "inspect", name))[0]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A web server for a folder; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
