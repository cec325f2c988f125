"""Jobs that are LLB already: what a frontend would have made, submitted as it stands in the plan."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import (
    Exporter,
    Job,
    JobId,
    LlbSolve,
    LocalDir,
    Plan,
    PlatformBuild,
    TargetName,
)
from bakec.runtime.buildkit.wire import number, tagged
from bakec.runtime.engine import run_plan
from bakec.runtime.options import RunOptions

CONFIG = b'{"architecture":"amd64","os":"linux","config":{"Env":["MADE=from LLB"]},"rootfs":{"type":"layers"}}'


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def copy_of_a_context(mount: str = "context") -> dict[str, bytes]:
    """The ops of `FROM scratch` and `COPY file /copied`, in order."""
    source = tagged(11, b"") or b"\x5a\x00"
    source += tagged(3, tagged(1, f"local://{mount}".encode()))
    copy = tagged(1, b"/file") + tagged(2, b"/copied") + number(4, (1 << 64) - 1) + number(8, 1)
    action = b"\x08" + b"\xff" * 9 + b"\x01" + tagged(4, copy)
    files = tagged(1, tagged(1, digest(source).encode())) + b"\x5a\x00" + tagged(4, tagged(2, action))
    end = tagged(1, tagged(1, digest(files).encode()))
    return {digest(op): op for op in (source, files, end)}


def test_local_sources_get_the_session_that_serves_them(engine: Mapping[str, str], project: Path) -> None:
    ops = copy_of_a_context()
    jobs = []
    for name in ("one", "two"):
        (project / name).mkdir()
        (project / name / "file").write_text(f"the file of {name}")
        jobs.append(
            Job(
                id=JobId(name),
                target=TargetName(name),
                solve=LlbSolve(builds=(PlatformBuild(platform="linux/amd64", ops=tuple(ops), config=CONFIG),)),
                locals=(LocalDir(name="context", path=name),),
                exports=(Exporter(type="local", dest=f"out-{name}"),),
            )
        )
    plan = Plan(requested=("one", "two"), jobs=tuple(jobs), ops=ops)
    result = run_plan(plan, RunOptions(root=project, env=engine, progress="quiet"))

    assert result.exit is Exit.OK, result.diagnostics
    # The ops of both are the same bytes; without sessions of their own one would get the files of the other.
    for name in ("one", "two"):
        assert (project / f"out-{name}/copied").read_text() == f"the file of {name}"


def test_an_image_has_the_configuration_of_the_plan(engine: Mapping[str, str], project: Path) -> None:
    (project / "here").mkdir()
    (project / "here/file").write_text("content")
    ops = copy_of_a_context()
    made = Job(
        id=JobId("image"),
        target=TargetName("image"),
        solve=LlbSolve(builds=(PlatformBuild(platform="linux/amd64", ops=tuple(ops), config=CONFIG),)),
        locals=(LocalDir(name="context", path="here"),),
        tags=("bakec-test/llb",),
    )
    plan = Plan(requested=("image",), jobs=(made,), ops=ops)
    result = run_plan(plan, RunOptions(root=project, env=engine, progress="quiet"))

    from real_plans import inspect

    assert result.exit is Exit.OK, result.diagnostics
    assert inspect(engine, "bakec-test/llb")["Config"]["Env"] == ["MADE=from LLB"]


def test_an_empty_definition_is_an_image_without_layers(engine: Mapping[str, str], project: Path) -> None:
    empty = Job(
        id=JobId("empty"),
        target=TargetName("empty"),
        solve=LlbSolve(builds=(PlatformBuild(platform="linux/amd64", ops=(), config=CONFIG),)),
        tags=("bakec-test/empty",),
    )
    result = run_plan(Plan(requested=("empty",), jobs=(empty,)), RunOptions(root=project, env=engine, progress="quiet"))
    assert result.exit is Exit.OK, result.diagnostics
