"""A plan says the same on every machine, and nothing of the machine it was made on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bakec import Plan, compile_files, digest
from bakec.ir.verify import problems
from tests.plan.samples import compiled

DEFINITIONS = """\
variable "VERSION" { default = "1.0" }
variable "SERVICES" { default = ["web", "api", "jobs", "Äpfel"] }
group "default" { targets = ["service", "tools"] }
target "_common" {
  labels = { vendor = "example", "org.opencontainers.image.version" = VERSION }
  platforms = ["linux/arm64", "linux/amd64"]
}
target "service" {
  matrix   = { index = [1, 2, 3], mode = ["debug", "release"] }
  inherits = ["_common"]
  name     = "service-${index}-${mode}"
  tags     = formatlist("example/%s:%s", SERVICES, "${VERSION}-${mode}")
  args     = { for name in SERVICES : upper(name) => "${index}" }
}
target "tools" {
  contexts = { base = "target:service-1-debug" }
  output   = ["type=local,dest=out", "type=image"]
}
"""
RUN = "import sys; from bakec.__main__ import entry; entry()"


@pytest.mark.parametrize(
    ("folder", "env"),
    [
        ("one", {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C"}),
        ("another/deeper", {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}),
        ("third place", {"PYTHONHASHSEED": "77", "TZ": "America/Lima", "LANG": "de_DE.UTF-8", "HOME": "/nowhere"}),
    ],
)
def test_the_same_inputs_give_the_same_bytes(folder: str, env: dict[str, str], tmp_path: Path) -> None:
    place = tmp_path / folder
    place.mkdir(parents=True)
    (place / "docker-bake.hcl").write_text(DEFINITIONS, "utf-8")

    command = [sys.executable, "-c", RUN, "compile", "-o", "-"]
    done = subprocess.run(command, cwd=place, env={"PATH": os.environ["PATH"], **env}, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout == compiled(tmp_path, DEFINITIONS).dump()


CANARIES = {
    "environment": "canary-environment-1f3a",
    "file": "canary-file-77b2",
    "unrelated": "canary-unrelated-9c0d",
    "home": "/home/canary-home-42ee",
}


def test_nothing_of_the_machine_and_no_secret_gets_in(tmp_path: Path) -> None:
    root = tmp_path / "canary-folder-5d6e"
    (root / "app").mkdir(parents=True)
    (root / "secret.txt").write_text(CANARIES["file"])
    text = f"""
    variable "USED" {{ default = "x" }}
    variable "UNUSED" {{ default = "y" }}
    target "default" {{
      context    = "{root}/app"
      dockerfile = "{root}/app/Dockerfile"
      contexts   = {{ more = "{root}/more", layout = "oci-layout://{root}/layout" }}
      secret     = ["id=a,src=secret.txt", "id=b,env=TOKEN", "id=c,src={root}/secret.txt"]
      ssh        = ["default={root}/agent.sock"]
      cache-from = ["type=local,src={root}/cache"]
      cache-to   = ["type=local,dest={root}/cache"]
      output     = ["type=local,dest={root}/out", "type=tar,dest=out.tar"]
      args       = {{ USED = USED }}
    }}
    """
    env = {"TOKEN": CANARIES["environment"], "UNUSED": CANARIES["unrelated"], "HOME": CANARIES["home"], "USED": "ok"}
    (root / "docker-bake.hcl").write_text(text)

    plan = compile_files(root / "docker-bake.hcl", root=root, env=env)
    data = plan.dump()

    for what, canary in {**CANARIES, "folder": root.name, "place": str(tmp_path), "host": os.uname().nodename}.items():
        assert canary.encode() not in data, what
    (job,) = plan.jobs
    assert [local.path for local in job.locals] == ["app", "app", "more"]
    assert [secret.src for secret in job.secrets] == ["secret.txt", "", "secret.txt"]
    assert job.oci_layouts == {"layout": "layout"}
    assert [export.dest for export in job.exports] == ["out", "out.tar"]
    assert (job.cache_from[0].attrs, job.cache_to[0].attrs) == ({"src": "cache"}, {"dest": "cache"})


def test_the_provenance_of_many_targets_costs_less_than_the_targets(tmp_path: Path) -> None:
    """Every value has its whole history; interned, that is less than the values themselves."""
    import msgpack

    from bakec.ir.codec import wire

    plan = compiled(tmp_path, many(5000))
    body = wire(plan)
    targets = sum(len(msgpack.packb(target["view"])) for target in body["targets"])
    provenance = len(msgpack.packb(body["origins"])) + sum(
        len(msgpack.packb(target["origins"])) for target in body["targets"]
    )

    assert len(plan.targets) == 5000
    assert all(set(target.origins) >= {"args.GO_VERSION", "tags[0]", "tags[1]", "context"} for target in plan.targets)
    assert provenance < targets


def many(count: int) -> str:
    names = ", ".join(f'"svc-{number}"' for number in range(count))
    services = "".join(
        f"""
target "svc-{number}" {{
  inherits = ["_common"]
  context  = "services/svc-{number}"
  args     = {{ GO_VERSION = GO_VERSION, NAME = "svc-{number}", PORT = {8000 + number} }}
  tags     = [image("svc-{number}"), "${{REGISTRY}}/svc-{number}:latest"]
}}"""
        for number in range(count)
    )
    return f"""\
variable "GO_VERSION" {{ default = "1.24" }}
variable "REGISTRY" {{ default = "registry.example.com/team" }}
function "image" {{
  params = [name]
  result = "${{REGISTRY}}/${{name}}:1.0"
}}
group "default" {{ targets = [{names}] }}
target "_common" {{
  platforms = ["linux/amd64", "linux/arm64"]
  labels = {{ "org.opencontainers.image.source" = "https://example.com/src" }}
}}
{services}
"""


def test_what_the_compiler_makes_is_sound(tmp_path: Path) -> None:
    plan = compiled(tmp_path, DEFINITIONS)

    assert list(problems(plan)) == []
    assert Plan.load(plan.dump()) == plan


def test_a_digest_says_what_a_plan_means_not_who_wrote_it(tmp_path: Path) -> None:
    one = compiled(tmp_path, 'target "default" {}')

    assert digest(one) == digest(compiled(tmp_path, 'target "default" {}'))
    assert digest(one) != digest(compiled(tmp_path, 'target "default" { tags = ["x"] }'))
