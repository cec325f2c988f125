"""What each attribute of a target becomes in a build request."""

# ruff: noqa: E501 - a case a line

from pathlib import Path

import pytest

from bakec.ir.diagnostics import Failed
from bakec.ir.plan import Cache, Exporter, FrontendSolve, LocalDir, Need, Secret, Ssh
from tests.definitions.compiling import attrs_of, job_of, plan_of

PLAIN = {"filename": "Dockerfile"}


@pytest.mark.parametrize(
    ("attributes", "attrs"),
    [
        ("", {}),
        ('args = { A = "a,b", B = null }', {"build-arg:A": "a,b"}),
        ('labels = { "org.l" = "v" }', {"label:org.l": "v"}),
        ('target = "stage"', {"target": "stage"}),
        ('target = ""', {}),
        ('platforms = ["linux/amd64", "linux/arm64/v8,arm"]', {"platform": "linux/amd64,linux/arm64,linux/arm/v7"}),
        ('no-cache-filter = ["a", "b"]', {"no-cache": "a,b"}),
        ('no-cache-filter = ["a"]\nno-cache = true', {"no-cache": ""}),
        ('network = "host"', {"force-network-mode": "host"}),
        ('network = "none"', {"force-network-mode": "none"}),
        ('network = "default"', {}),
        ('shm-size = "64m"', {"shm-size": "67108864"}),
        ('ulimits = ["nofile=1024:2048", "core=0", "nofile=1"]', {"ulimit": "core=0:0,nofile=1:1"}),
        ('extra-hosts = { b = "1.2.3.4", a = "[::1],1.1.1.1" }', {"add-hosts": "a=::1,a=1.1.1.1,b=1.2.3.4"}),
        ('resources = { memory = "512m", memory-swap = "-1", cpu-quota = 50000, cpu-shares = 0, cpuset-cpus = "0,1" }',
         {"memory": "536870912", "memswap": "-1", "cpuquota": "50000", "cpusetcpus": "0,1"}),
        ('attest = ["type=provenance,mode=max,b=x", "type=sbom,disabled=true"]',
         {"attest:provenance": "type=provenance,b=x,mode=max"}),
        ('call = "check"', {"requestid": "frontend.lint", "frontend.caps": "moby.buildkit.frontend.subrequests+forward"}),
        ('call = "outline"', {"requestid": "frontend.outline", "frontend.caps": "moby.buildkit.frontend.subrequests+forward"}),
        ('call = "build"', {}),
        ('contexts = { a = "docker-image://b" }',
         {"context:a": "docker-image://b", "frontend.caps": "moby.buildkit.frontend.contexts+forward"}),
        ('contexts = { a = "sub" }', {"frontend.caps": "moby.buildkit.frontend.contexts+forward"}),
        ('context = "https://github.com/u/r.git#main"', {"context": "https://github.com/u/r.git#main"}),
        ('context = "https://github.com/u/r.git?ref=main"',
         {"context": "https://github.com/u/r.git?ref=main", "frontend.caps": "moby.buildkit.frontend.gitquerystring"}),
        ('dockerfile = "sub/my.Dockerfile"', {"filename": "my.Dockerfile"}),
        ('context = "https://github.com/u/r.git"\ndockerfile = "sub/D"',
         {"context": "https://github.com/u/r.git", "filename": "sub/D"}),
        ('dockerfile = "https://host/D"', {"filename": "https://host/D", "dockerfilekey": "dockerfile"}),
    ],
)  # fmt: skip
def test_frontend_attributes(attributes: str, attrs: dict[str, str], tmp_path: Path) -> None:
    assert attrs_of(attributes, tmp_path) == {**PLAIN, **attrs}


def test_an_attestation_with_a_comma_is_quoted(tmp_path: Path) -> None:
    attributes = 'attest = [{ type = "provenance", builder-id = "a,b" }]'
    assert attrs_of(attributes, tmp_path)["attest:provenance"] == 'type=provenance,"builder-id=a,b"'


def test_a_frontend_of_its_own(tmp_path: Path) -> None:
    solve = job_of('args = { BUILDKIT_SYNTAX = "user/frontend:1 extra" }', tmp_path).solve
    assert isinstance(solve, FrontendSolve)
    assert (solve.frontend, solve.attrs["source"], solve.attrs["cmdline"]) == (
        "gateway.v0", "user/frontend:1", "user/frontend:1 extra",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("attributes", "folders"),
    [
        ("", {"context": ".", "dockerfile": "."}),
        ('context = "./web/"', {"context": "web", "dockerfile": "web"}),
        ('context = "web"\ndockerfile = "../docker/D"', {"context": "web", "dockerfile": "web/../docker"}),
        ('context = "web"\ndockerfile = "cwd://D"', {"context": "web", "dockerfile": "."}),
        ('dockerfile-inline = "FROM scratch"', {"context": "."}),
        ('context = "https://github.com/u/r.git"', {}),
        ('contexts = { a = "../x/", b = "target:app2", c = "oci-layout://o" }', {"context": ".", "dockerfile": ".", "a": "../x"}),
    ],
)  # fmt: skip
def test_local_folders(attributes: str, folders: dict[str, str], tmp_path: Path) -> None:
    text = f'target "app" {{\n{attributes}\n}}\ntarget "app2" {{\n}}\n'
    job = next(job for job in plan_of(text, tmp_path).jobs if job.id == "app")
    assert set(job.locals) == {LocalDir(name=name, path=path) for name, path in folders.items()}


def test_links_are_needs(tmp_path: Path) -> None:
    text = 'target "app" {\n  contexts = { x = "target:base" }\n}\ntarget "base" {\n}\n'
    base, app = plan_of(text, tmp_path).jobs
    assert (base.id, app.id, app.needs) == ("base", "app", (Need(context="x", job=base.id),))


@pytest.mark.parametrize(
    ("output", "exporter"),
    [
        ("type=registry", Exporter(type="image", attrs={"push": "true", "unpack": "false"})),
        ("type=registry,push=false", Exporter(type="image", attrs={"push": "true", "unpack": "false"})),
        ("type=image,push=true", Exporter(type="image", attrs={"push": "true"})),
        ("type=docker", Exporter(type="docker")),
        ("type=local,dest=out", Exporter(type="local", dest="out")),
        ("out", Exporter(type="local", dest="out")),
        ("-", Exporter(type="tar", dest="-")),
        ("type=oci,dest=o.tar", Exporter(type="oci", dest="o.tar")),
    ],
)
def test_exporters(output: str, exporter: Exporter, tmp_path: Path) -> None:
    assert job_of(f'output = ["{output}"]', tmp_path).exports == (exporter,)


def test_annotations_are_on_every_exporter(tmp_path: Path) -> None:
    attributes = 'annotations = ["a=b", "index,manifest[linux/amd64]:c=d"]\noutput = ["type=image", "type=oci,dest=o"]'
    wanted = {"annotation.a": "b", "annotation-index.c": "d", "annotation-manifest[linux/amd64].c": "d"}
    assert [dict(export.attrs) for export in job_of(attributes, tmp_path).exports] == [wanted, wanted]


def test_caches(tmp_path: Path) -> None:
    job = job_of('cache-from = ["u/a,u/b"]\ncache-to = [{ type = "registry", ref = "u/c", mode = "max" }]', tmp_path)
    assert job.cache_from == (
        Cache(type="registry", attrs={"ref": "u/a"}), Cache(type="registry", attrs={"ref": "u/b"}),
    )  # fmt: skip
    assert job.cache_to == (Cache(type="registry", attrs={"mode": "max", "ref": "u/c"}),)


def test_secrets_and_agents_are_names_only(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2")
    job = job_of('secret = ["id=a,src=token", "id=b,env=B"]\nssh = ["default", "k=key1,key2"]', tmp_path)
    assert job.secrets == (Secret(id="a", src="token"), Secret(id="b", env="B"))
    assert job.ssh == (Ssh(id="default", paths=()), Ssh(id="k", paths=("key1", "key2")))


@pytest.mark.parametrize(
    ("attributes", "name", "value"),
    [
        ('tags = ["u/a", "u/a:1"]', "tags", ("u/a", "u/a:1")),
        ("pull = true", "pull", True),
        ('entitlements = ["network.host"]', "entitlements", ("network.host",)),
        ('network = "host"', "entitlements", ("network.host",)),
        ('description = "why"', "description", "why"),
        ('call = "check"', "call", "check"),
        ('dockerfile-inline = "FROM scratch"', "dockerfile_inline", "FROM scratch"),
        ('attest = ["type=provenance,disabled=true"]', "provenance_default", False),
        ('attest = ["type=sbom"]', "provenance_default", True),
        ('contexts = { o = "oci-layout://dir:tag" }', "oci_layouts", {"o": "dir:tag"}),
    ],
)  # fmt: skip
def test_other_fields_of_a_job(attributes: str, name: str, value: object, tmp_path: Path) -> None:
    assert getattr(job_of(attributes, tmp_path), name) == value


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ('args = { BUILDKIT_SYNTAX = " " }', "empty BUILDKIT_SYNTAX build-arg is invalid"),
        ('shm-size = "x"', "invalid value x for membytes key shm-size"),
        ('ulimits = ["nofile=2:1"]', "ulimit soft limit must be less than or equal to hard limit: 2 > 1"),
        ('ulimits = ["files=1"]', "invalid ulimit type: files"),
        ('resources = { memory = "1x" }', 'invalid value "1x" for resource memory: invalid suffix: \'x\''),
    ],
)  # fmt: skip
def test_what_a_builder_cannot_take(attributes: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(Failed) as failure:
        job_of(attributes, tmp_path)
    assert str(failure.value).startswith(message)
