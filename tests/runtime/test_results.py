"""What a run leaves behind and shows: metadata, indexes of layouts, credentials, progress."""

import base64
import dataclasses
import json
import os
import subprocess
from io import StringIO
from pathlib import Path

import pytest

from bakec.ir.diagnostics import Exit, Failed
from bakec.ir.plan import JobId, TargetName
from bakec.ir.platforms import full_name
from bakec.runtime import builders, dockerconfig, layout, metadata, report, vcs
from bakec.runtime.buildkit.proto.control_pb2 import StatusResponse, Vertex, VertexLog, VertexStatus, VertexWarning
from bakec.runtime.drivers.docker import DockerDriver
from bakec.runtime.drivers.remote import RemoteDriver, command_for
from bakec.runtime.progress.display import make_display
from bakec.runtime.progress.plain import Plain
from bakec.runtime.progress.trace import Trace, size, stamp, with_prefix
from bakec.runtime.results import JobResult, Outcome, RunResult
from bakec.runtime.store import Store

# The metadata file


def result(**response: str) -> JobResult:
    return JobResult(id=JobId("app"), target=TargetName("app"), outcome=Outcome.BUILT, response=response)


def test_values_in_base64_that_are_json_are_shown_as_json() -> None:
    descriptor = base64.b64encode(b'{"size":1}').decode()
    listed = base64.b64encode(b'[{"a":1}]').decode()
    plain = base64.b64encode(b'"text"').decode()
    document = json.loads(metadata.render([result(d=descriptor, l=listed, p=plain, n="not base64!", e="")], {}))
    assert document == {"app": {"d": {"size": 1}, "l": [{"a": 1}], "p": plain, "n": "not base64!", "e": ""}}


def test_the_file_is_indented_sorted_and_has_no_line_feed_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "meta.json"
    metadata.write(path, [result(b="2", a="1")], {})
    assert path.read_text() == '{\n  "app": {\n    "a": "1",\n    "b": "2"\n  }\n}'
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["meta.json"]


def test_warnings_are_in_the_file_where_the_environment_asks_for_them() -> None:
    found = VertexWarning(vertex="sha256:1", level=1, short=b"text", detail=[b"more"], url="https://example.com")
    found.info.filename = "Dockerfile"
    found.ranges.add().start.line = 3
    warned = dataclasses.replace(result(a="1"), warnings=(metadata.warning(found),))

    document = json.loads(metadata.render([warned], {"BUILDX_METADATA_WARNINGS": "true"}))
    assert document["buildx.build.warnings"] == [
        {
            "vertex": "sha256:1",
            "level": 1,
            "short": base64.b64encode(b"text").decode(),
            "detail": [base64.b64encode(b"more").decode()],
            "url": "https://example.com",
            "sourceInfo": {"filename": "Dockerfile"},
            "range": [{"start": {"line": 3}, "end": {}}],
        }
    ]
    assert "buildx.build.warnings" not in metadata.render([warned], {})


# Layouts


def test_an_index_replaces_what_had_the_same_name(tmp_path: Path) -> None:
    layout.write_index(tmp_path, {"digest": "sha256:1"}, [])
    layout.write_index(tmp_path, {"digest": "sha256:2"}, ["example.com/app:1"])
    layout.write_index(tmp_path, {"digest": "sha256:3"}, [])

    assert layout.find_digest(tmp_path, "latest") == "sha256:3"
    assert layout.find_digest(tmp_path, "example.com/app:1") == "sha256:2"
    assert layout.find_digest(tmp_path, "1") == "sha256:2"
    assert len(layout.read_index(tmp_path)) == 2
    assert json.loads((tmp_path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}


# The Docker client's configuration


def config(folder: Path, **values: object) -> dockerconfig.DockerConfig:
    (folder / "config.json").write_text(json.dumps(values))
    return dockerconfig.load({"DOCKER_CONFIG": str(folder), "PATH": str(folder)})


def test_credentials_of_the_file(tmp_path: Path) -> None:
    login = base64.b64encode(b"me:pass:word").decode()
    found = config(tmp_path, auths={"https://r.example.com/v1/": {"auth": login}, "t": {"identitytoken": "tok"}})

    assert found.credentials("r.example.com") == ("me", "pass:word")
    assert found.credentials("t") == ("", "tok")
    assert found.credentials("unknown") == ("", "")
    assert "pass" not in repr(found) + repr(found.credentials("r.example.com"))


def test_credentials_of_docker_hub_have_a_key_of_their_own(tmp_path: Path) -> None:
    login = base64.b64encode(b"me:hub").decode()
    found = config(tmp_path, auths={"https://index.docker.io/v1/": {"auth": login}})
    assert found.credentials("registry-1.docker.io").secret == "hub"
    assert found.auth_for_push("library/app")["password"] == "hub"


def test_a_credential_helper_is_asked(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-mine"
    helper.write_text('#!/bin/sh\nread host\necho "{\\"Username\\": \\"<token>\\", \\"Secret\\": \\"for $host\\"}"\n')
    helper.chmod(0o755)
    found = config(tmp_path, credHelpers={"r.example.com": "mine", "x.example.com": "absent"})
    assert found.credentials("r.example.com") == ("", "for r.example.com")
    assert found.credentials("x.example.com") == ("", "")


def test_the_identity_of_the_machine_is_made_once(tmp_path: Path) -> None:
    env = {"DOCKER_CONFIG": str(tmp_path)}
    store = Store(env, dockerconfig.load(env))
    first = store.node_id()
    assert len(first) == 16
    assert store.node_id() == first


@pytest.mark.parametrize(
    ("image", "host"),
    [("app", "docker.io"), ("me/app", "docker.io"), ("localhost/app", "localhost"), ("h:5000/app:1", "h:5000")],
)
def test_the_registry_of_an_image(image: str, host: str) -> None:
    assert dockerconfig.registry_of(image) == host


# Builders


def test_the_engine_of_the_docker_client_is_the_default(tmp_path: Path) -> None:
    env = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_HOST": "unix:///some.sock"}
    found = builders.choose("", env, dockerconfig.load(env))
    assert (found.name, found.driver) == ("default", "docker")
    assert found.nodes[0].driver == DockerDriver("unix:///some.sock")


def test_a_builder_of_the_store_and_the_current_one(tmp_path: Path) -> None:
    env = {"DOCKER_CONFIG": str(tmp_path)}
    store = tmp_path / "buildx"
    (store / "instances").mkdir(parents=True)
    node = {"Name": "far0", "Endpoint": "unix:///far.sock", "DriverOpts": {"default-load": "true"}}
    (store / "instances/far").write_text(json.dumps({"Name": "far", "Driver": "remote", "Nodes": [node]}))
    named = builders.choose("Far", env, dockerconfig.load(env))
    assert (named.name, named.driver) == ("far", "remote")
    assert named.nodes[0].driver.features({}).default_load

    (store / "current").write_text(json.dumps({"Key": "unix:///var/run/docker.sock", "Name": "far"}))
    assert builders.choose("", env, dockerconfig.load(env)).name == "far"
    assert builders.choose("default", env, dockerconfig.load(env)).driver == "docker"


def test_a_builder_has_the_nodes_of_the_store_with_their_platforms(tmp_path: Path) -> None:
    env = {"DOCKER_CONFIG": str(tmp_path)}
    (tmp_path / "buildx/instances").mkdir(parents=True)
    arm = {"architecture": "arm", "os": "linux", "variant": "v7"}
    nodes = [
        {"Name": "far0", "Endpoint": "unix:///a.sock", "Platforms": None},
        {"Name": "far1", "Endpoint": "unix:///b.sock", "Platforms": [arm]},
    ]
    document = {"Name": "far", "Driver": "remote", "Nodes": nodes}
    (tmp_path / "buildx/instances/far").write_text(json.dumps(document))

    found = builders.choose("far", env, dockerconfig.load(env)).nodes
    assert [(node.name, node.driver.place) for node in found] == [
        ("far0", "unix:///a.sock"),
        ("far1", "unix:///b.sock"),
    ]
    assert [list(map(full_name, node.platforms)) for node in found] == [[], ["linux/arm/v7"]]


def test_every_node_of_a_builder_has_to_make_sense(tmp_path: Path) -> None:
    env = {"DOCKER_CONFIG": str(tmp_path)}
    (tmp_path / "buildx/instances").mkdir(parents=True)
    bad = {"Name": "far1", "Endpoint": "unix:///b.sock", "DriverOpts": {"colour": "red"}}
    document = {"Name": "far", "Driver": "remote", "Nodes": [{"Endpoint": "unix:///a.sock"}, bad]}
    (tmp_path / "buildx/instances/far").write_text(json.dumps(document))
    with pytest.raises(Failed, match="invalid driver option colour for remote driver"):
        builders.choose("far", env, dockerconfig.load(env))


@pytest.mark.parametrize(
    ("name", "code"),
    [("nobody", "BK711"), ("gopher://x", "BK712"), ("ssh://u:p@h", "BK712"), ("docker-container://-x", "BK712")],
)
def test_builders_that_cannot_be(tmp_path: Path, name: str, code: str) -> None:
    env = {"DOCKER_CONFIG": str(tmp_path)}
    with pytest.raises(Failed) as caught:
        builders.choose(name, env, dockerconfig.load(env))
    assert caught.value.diagnostics[0].rule.code == code
    assert caught.value.exit is Exit.DRIVER


@pytest.mark.parametrize(
    ("address", "command"),
    [
        ("docker-container://c", "docker exec -i c buildctl dial-stdio"),
        ("docker-container://c?context=x", "docker --context=x exec -i c buildctl dial-stdio"),
        ("kube-pod://p?namespace=n", "kubectl --namespace=n exec -i p -- buildctl dial-stdio"),
        ("ssh://me@h:22/run/b.sock", "ssh -l me -p 22 -- h buildctl --addr unix:///run/b.sock dial-stdio"),
    ],
)
def test_addresses_that_need_a_command(address: str, command: str) -> None:
    assert " ".join(command_for(address)) == command


def test_certificates_come_in_pairs(tmp_path: Path) -> None:
    (tmp_path / "cert").write_text("cert")
    with pytest.raises(Failed, match="missing keys cacert, key"):
        RemoteDriver("tcp://h:1", {"cert": str(tmp_path / "cert")})
    with pytest.raises(Failed, match="non-absolute path 'x' provided for key"):
        RemoteDriver("tcp://h:1", {"key": "x"})


# Git


def test_what_git_says(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    folder = tmp_path / "repo/sub"
    folder.mkdir(parents=True)
    steps = (
        ("init", "-q"),
        ("remote", "add", "origin", "https://me:secret@example.com/r.git"),
        ("-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "first"),
    )
    for step in steps:
        subprocess.run(("git", "-C", str(folder.parent), *step), env=env, check=True)
    found = vcs.find_checkout(folder, env)
    attrs = vcs.attrs_of(found, {"BUILDX_GIT_LABELS": "1"}, {"context": folder}, folder / "Dockerfile")

    assert len(attrs["vcs:revision"]) == 40
    assert attrs["vcs:localdir:context"] == "sub"
    assert attrs["label:com.docker.image.source.entrypoint"] == "sub/Dockerfile"
    assert attrs["vcs:source"] == "https://xxxxx:xxxxx@example.com/r.git"
    assert vcs.find_checkout(folder, {**env, "BUILDX_GIT_INFO": "0"}) is None
    assert vcs.find_checkout(tmp_path, env) is None


# Progress


def vertex(name: str, start: float | None = None, end: float | None = None, **fields: object) -> Vertex:
    made = Vertex(digest=f"sha256:{name}", name=name, **fields)
    if start is not None:
        made.started.FromNanoseconds(int(start * 1e9))
    if end is not None:
        made.completed.FromNanoseconds(int(end * 1e9))
    return made


def shown(*responses: StatusResponse, masks: tuple[bytes, ...] = (), prefix: str = "") -> str:
    stream = StringIO()
    display = Plain(stream, Trace(masks), "heading")
    for response in responses:
        display.update(prefix, response)
        display.tick()
    display.close()
    return stream.getvalue()


def test_a_step_from_start_to_end() -> None:
    log = VertexLog(vertex="sha256:[1/2] RUN make", msg=b"one\ntwo\nunfini")
    log.timestamp.FromNanoseconds(int(100.25e9))
    text = shown(
        StatusResponse(vertexes=[vertex("[1/2] RUN make", 100)]),
        StatusResponse(logs=[log]),
        StatusResponse(vertexes=[vertex("[1/2] RUN make", 100, 101.5)]),
        prefix="app",
    )
    assert text == ("#0 heading\n\n#1 [app 1/2] RUN make\n#1 0.250 one\n#1 0.250 two\n#1 1.500 unfini\n#1 DONE 1.5s\n")


def test_two_steps_at_once_are_told_apart() -> None:
    text = shown(
        StatusResponse(vertexes=[vertex("a", 1)]),
        StatusResponse(vertexes=[vertex("b", 1, 2)]),
        StatusResponse(vertexes=[vertex("a", 1, 3)]),
    )
    assert text.splitlines()[2:] == ["#1 a", "#1 ...", "", "#2 b", "#2 DONE 1.0s", "", "#1 a", "#1 DONE 2.0s"]


@pytest.mark.parametrize(
    ("fields", "ending"),
    [
        ({"cached": True}, "CACHED"),
        ({"error": "it broke"}, "ERROR: it broke"),
        ({"error": "x: context canceled"}, "CANCELED"),
    ],
)
def test_how_a_step_ends(fields: dict[str, object], ending: str) -> None:
    assert shown(StatusResponse(vertexes=[vertex("a", 1, 2, **fields)])).splitlines()[-1] == f"#1 {ending}"


def test_transfers_are_shown_with_their_sizes() -> None:
    status = VertexStatus(ID="transferring context:", vertex="sha256:a", current=1_234_567, total=2_000_000)
    status.timestamp.FromSeconds(3)
    status.started.FromSeconds(1)
    status.completed.FromSeconds(3)
    text = shown(StatusResponse(vertexes=[vertex("a", 1, 3)], statuses=[status]))
    assert "#1 transferring context: 1.23MB / 2.00MB 2.0s done" in text


@pytest.mark.parametrize("mode", ["plain", "rawjson", "tty"])
def test_secrets_are_shown_in_no_mode(mode: str) -> None:
    stream = StringIO()
    display = make_display(mode, stream, (b"s3cret",))
    log = VertexLog(vertex="sha256:a", msg=b"the s3cret is out\n")
    error = vertex("a", 1, 2, error="failed with s3cret")
    display.update("", StatusResponse(vertexes=[error], logs=[log]))
    display.tick()
    display.close()
    assert stream.getvalue()
    assert "s3cret" not in stream.getvalue()
    assert base64.b64encode(b"the s3cret").decode()[:8] not in stream.getvalue()


def chunks(text: bytes, at: int) -> tuple[bytes, bytes]:
    return text[:at], text[at:]


@pytest.mark.parametrize("mode", ["plain", "rawjson", "tty"])
@pytest.mark.parametrize("cut", range(1, 24))
def test_a_secret_that_is_cut_by_messages_is_not_shown(mode: str, cut: int) -> None:
    """All but it is shown, whatever a message ends with."""
    stream = StringIO()
    display = make_display(mode, stream, (b"s3cret-of-mine", b"s3c-other"))
    display.update("", StatusResponse(vertexes=[vertex("a", 1)]))
    for part in chunks(b"it s3cret-of-mine is s3c", cut):
        display.update("", StatusResponse(logs=[VertexLog(vertex="sha256:a", msg=part)]))
    display.update("", StatusResponse(vertexes=[vertex("a", 1, 2)]))
    display.tick()
    display.close()
    shown = stream.getvalue()
    if mode == "rawjson":
        logs = [log for line in shown.splitlines() for log in json.loads(line).get("logs", ())]
        shown = b"".join(base64.b64decode(log["data"]) for log in logs).decode()
        assert shown == "it *** is s3c"
    assert "cret" not in shown
    assert "mine" not in shown


def test_quiet_shows_nothing() -> None:
    stream = StringIO()
    display = make_display("quiet", stream, ())
    display.update("", StatusResponse(vertexes=[vertex("a", 1, 2)]))
    display.close()
    assert stream.getvalue() == ""


def test_rawjson_is_one_object_a_line() -> None:
    stream = StringIO()
    display = make_display("rawjson", stream, ())
    display.update("app", StatusResponse(vertexes=[vertex("[1/1] x", 1, 2.5, cached=True)]))
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {
        "vertexes": [
            {
                "digest": "sha256:[1/1] x",
                "name": "[app 1/1] x",
                "started": "1970-01-01T00:00:01Z",
                "completed": "1970-01-01T00:00:02.5Z",
                "cached": True,
            }
        ]
    }


@pytest.mark.parametrize(("name", "expected"), [("[1/2] x", "[app 1/2] x"), ("exporting", "[app] exporting")])
def test_targets_are_named_before_their_steps(name: str, expected: str) -> None:
    assert with_prefix("app", name) == expected
    assert with_prefix("", name) == name


def test_numbers_for_people() -> None:
    assert [stamp(value) for value in (0.0434, 12.346, 123.46)] == ["0.043", "12.35", "123.5"]
    assert [size(value) for value in (0, 999, 1234, 5_678_000)] == ["0B", "999B", "1.23kB", "5.68MB"]


# The report


def test_the_report_has_a_line_for_each_job() -> None:
    jobs = (
        result(),
        JobResult(
            id=JobId("web"),
            target=TargetName("web"),
            outcome=Outcome.FAILED,
            seconds=12.34,
            attempts=3,
        ),
    )
    assert report.render(RunResult(jobs=jobs, exit=Exit.BUILD, seconds=13)) == (
        "app  built           0.0s\nweb  failed after 3 attempts    12.3s\n1 built, 1 failed in 13.0s\n"
    )


def test_a_step_that_was_introduced_has_its_target_and_its_line_whoever_tells_of_it_first() -> None:
    stream = StringIO()
    display = Plain(stream, Trace(()), "")
    display.introduce("sha256:[1/1] COPY a b", "base", "base/Dockerfile:2")
    display.introduce("sha256:[1/1] COPY a b", "app", "base/Dockerfile:2")
    display.update("app", StatusResponse(vertexes=[vertex("[1/1] COPY a b", 1, 2)]))
    display.tick()
    assert "#1 [base 1/1] COPY a b  base/Dockerfile:2\n" in stream.getvalue()
