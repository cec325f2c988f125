"""Plans for tests: one in which every field of every record is set, and ways to make others."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from bakec import compile_files
from bakec.ir.plan import (
    Cache,
    Dockerfile,
    Exporter,
    FrontendSolve,
    Group,
    InputFile,
    InputVariable,
    Job,
    JobId,
    LlbSolve,
    LocalDir,
    Need,
    OpMeta,
    OriginRecord,
    Pin,
    Plan,
    PlatformBuild,
    Secret,
    Ssh,
    Target,
    TargetName,
)


def op(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


SOURCE, STEP, END = b"source op", b"exec op", b"terminal op"

EVERYTHING = Plan(
    requested=("default",),
    files=(InputFile(path="docker-bake.hcl", digest=op(b"text")),),
    variables=(InputVariable(name="VERSION", source="environment", value="1.2", origin=1),),
    origins=(
        OriginRecord(kind="environment", name="VERSION"),
        OriginRecord(kind="variable", name="VERSION", file="docker-bake.hcl", line=1, inputs=(0,)),
        OriginRecord(kind="literal", file="docker-bake.hcl", line=9),
        OriginRecord(kind="template", file="docker-bake.hcl", line=9, inputs=(1, 2)),
    ),
    inherits={"app": ("_common",)},
    groups=(Group(name="default", targets=("app",), description="everything"),),
    targets=(
        Target(
            name=TargetName("app"),
            view={"context": ".", "tags": ["app:1.2"], "resources": {"cpu-shares": 512}, "pull": True},
            origins={"tags[0]": 3},
        ),
        Target(name=TargetName("base"), view={"context": "base", "target": None}, linked=True),
    ),
    ops={op(SOURCE): SOURCE, op(STEP): STEP, op(END): END},
    op_meta={
        op(STEP): OpMeta(
            description={"llb.customname": "[2/2] RUN make"},
            caps=("exec.meta.base",),
            ignore_cache=True,
            progress_group=("id", "name", False),
            places=((0, 2, 2),),
        )
    },
    dockerfiles=(Dockerfile(path="base/Dockerfile", text=b"FROM scratch\nRUN make\n"),),
    jobs=(
        Job(
            id=JobId("base"),
            target=TargetName("base"),
            solve=LlbSolve(
                builds=(
                    PlatformBuild(
                        platform="linux/amd64",
                        ops=(op(SOURCE), op(STEP), op(END)),
                        config=b'{"os":"linux"}',
                        base_config=b"{}",
                        epoch="1700000000",
                        meta={op(SOURCE): OpMeta(caps=("source.local",))},
                    ),
                ),
                attrs={"attest:sbom": "type=sbom"},
                builder="linux/amd64",
            ),
            provenance_default=False,
        ),
        Job(
            id=JobId("app"),
            target=TargetName("app"),
            solve=FrontendSolve(
                frontend="dockerfile.v0", attrs={"filename": "Dockerfile"}, reason="alpine is not pinned"
            ),
            platforms=("linux/amd64",),
            needs=(Need(context="base", job=JobId("base")),),
            tags=("app:1.2",),
            exports=(Exporter(type="local", attrs={"mode": "copy"}, dest="out"),),
            cache_from=(Cache(type="registry", attrs={"ref": "app:cache"}),),
            cache_to=(Cache(type="local", attrs={"dest": "cache"}),),
            locals=(LocalDir(name="context", path="."),),
            oci_layouts={"layout": "images/base"},
            dockerfile_inline="FROM scratch",
            secrets=(Secret(id="token", src="token.txt", env="TOKEN"),),
            ssh=(Ssh(id="default", paths=("agent.sock",)),),
            entitlements=("network.host",),
            pull=True,
            call="lint",
            description="the application",
        ),
    ),
    lock=(Pin(ref="alpine:3", digest=op(b"alpine"), origin="bakec.lock"),),
    features=("llb",),
)
"""Every field of every record holds something that is not its default."""


def compiled(folder: Path, text: str, env: Mapping[str, str] | None = None, **options: object) -> Plan:
    """The plan of the definitions `text`, standing in `folder`."""
    (folder / "docker-bake.hcl").write_text(text)
    return compile_files("docker-bake.hcl", root=folder, env=env or {}, **options)  # type: ignore[arg-type]
