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
from contextlib import contextmanager
from pathlib import Path

import pytest
from real_plans import BASE, Runner, docker, job, plan
from registry_proxy import Moods, encoded, moody

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Exporter, Job, Target
from bakec.runtime.results import Outcome, RunResult
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
    engine: Mapping[str, str], project: Path, place: Path, run: Runner, monkeypatch: pytest.MonkeyPatch
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
    monkeypatch.setenv("TMPDIR", str(place))
    assert run(tagged("bakec-test/k0", "next")).exit is Exit.OK


def tagged(name: str, mark: str) -> Job:
    text = f"FROM scratch\nCOPY <<EOF /mark\n{mark}\nEOF\nENV MARK={mark}\n"
    return job(name.rpartition("/")[2], text, tags=(name,))


def save(project: Path, jobs: Sequence[Job]) -> None:
    targets = tuple(Target(name=each.target, view={}) for each in jobs)
    (project / "plan.msgpack").write_bytes(dataclasses.replace(plan(*jobs), targets=targets).dump())


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


def kill_when_begun(pid: int, journal: Path, name: str) -> None:
    """Kill the engine in the middle of a job."""
    while not journal.exists() or f'"start": "{name}"' not in journal.read_text():
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(pid, signal.SIGKILL)


def test_an_engine_that_is_restarted_in_the_middle(project: Path, own_engine: Mapping[str, str], run: Runner) -> None:
    jobs = (
        job("quick", BASE, tags=("bakec-test/quick",)),
        job("slow", BASE + 'RUN ["/bin/sleep", "4"]\n', tags=("bakec-test/slow",)),
    )
    pid, root = int(own_engine["BAKEC_TEST_ENGINE_PID"]), f"/tmp/bakec-own-{os.getpid()}"
    killer = threading.Thread(target=kill_when_begun, args=(pid, project / "journal", "slow"))
    killer.start()
    lost = run(*jobs, env=own_engine, journal=project / "journal", jobs=1)
    killer.join()
    assert [each.rule.code for each in lost.diagnostics] == ["BK702"]
    assert lost.jobs[0].outcome.is_success

    subprocess.run((str(ROOT / "scripts/engine"), "start", "--root", root, "--tmpfs"), check=True)
    result = run(*jobs, env=own_engine, journal=project / "journal", resume=True)
    assert result.exit is Exit.OK, result.diagnostics
    assert [each.outcome for each in result.jobs] == [Outcome.DONE, Outcome.BUILT]
    # The script gives the new engine an empty store; what the journal calls done is not looked for in it.
    docker(own_engine, "image", "inspect", "bakec-test/slow")


@pytest.fixture
def registry(engine: Mapping[str, str]) -> Iterator[Moods]:
    with moody(engine["BAKEC_TEST_REGISTRY"]) as moods:
        yield moods


@pytest.fixture
def other_registry(containerd_engine: Mapping[str, str]) -> Iterator[Moods]:
    """That of the engine whose builder pushes by itself."""
    with moody(containerd_engine["BAKEC_TEST_REGISTRY"]) as moods:
        yield moods


def pushed(moods: Moods, dockerfile: str = "FROM scratch\nENV A=1\n") -> Job:
    return job("pushed", dockerfile, tags=(f"{moods.address}/bakec-test/mood",), exports=(Exporter(type="registry"),))


def codes(result: RunResult) -> list[str]:
    return [each.rule.code for each in result.diagnostics]


def test_a_registry_that_fails_twice_is_tried_again(run: Runner, registry: Moods) -> None:
    registry.failures = 2
    result = run(pushed(registry), retries=Retries(3), deadline=60)

    assert result.exit is Exit.OK, [each.message for each in result.diagnostics]
    assert registry.failures == 0
    assert result.jobs[0].digest.startswith("sha256:")


def test_without_retries_a_registry_that_fails_is_one_clear_error(run: Runner, registry: Moods) -> None:
    registry.failures = 99
    result = run(pushed(registry), deadline=60)

    assert (result.exit, codes(result)) == (Exit.PUBLISH, ["BK704"])
    assert "500 Internal Server Error" in result.diagnostics[0].message


def test_a_registry_that_fails_twice_while_a_builder_pushes(
    run: Runner, other_registry: Moods, containerd_engine: Mapping[str, str]
) -> None:
    other_registry.failures = 2
    result = run(pushed(other_registry), retries=Retries(3), env=containerd_engine)

    assert result.exit is Exit.OK, [each.message for each in result.diagnostics]
    assert other_registry.failures == 0


def test_a_registry_that_refuses_us_is_one_clear_error(run: Runner, registry: Moods) -> None:
    registry.login = "somebody:else"
    result = run(pushed(registry), deadline=60, retries=Retries(5))

    assert (result.exit, codes(result)) == (Exit.PUBLISH, ["BK704"])
    assert result.jobs[0].attempts == 1


@pytest.mark.parametrize("how", ["file", "helper", "wrong"])
@pytest.mark.parametrize("by_token", [False, True], ids=["basic", "token"])
def test_a_login_of_the_docker_client_is_used(
    run: Runner, other_registry: Moods, containerd_engine: Mapping[str, str], tmp_path: Path, how: str, by_token: bool
) -> None:
    other_registry.login, other_registry.by_token = "me:secret-of-mine", by_token
    env = logged_in(tmp_path, containerd_engine, other_registry.address, how)
    result = run(pushed(other_registry), env=env)

    assert other_registry.logins
    if how == "wrong":
        assert (result.exit, codes(result)) == (Exit.PUBLISH, ["BK704"])
    else:
        assert result.exit is Exit.OK, [each.message for each in result.diagnostics]
    assert "secret-of-mine" not in run.text + repr(result)


def logged_in(folder: Path, env: Mapping[str, str], host: str, how: str) -> dict[str, str]:
    """The environment of a user whose configuration, or whose helper, knows the login."""
    config = folder / "docker"
    config.mkdir()
    entry = {"auth": encoded("me:wrong" if how == "wrong" else "me:secret-of-mine")}
    values = {"credHelpers": {host: "test"}} if how == "helper" else {"auths": {host: entry}}
    (config / "config.json").write_text(json.dumps(values))
    helper = folder / "bin/docker-credential-test"
    helper.parent.mkdir()
    answer = json.dumps({"ServerURL": host, "Username": "me", "Secret": "secret-of-mine"})
    helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
    helper.chmod(0o755)
    return {**env, "DOCKER_CONFIG": str(config), "PATH": f"{helper.parent}:{env['PATH']}"}


@pytest.mark.parametrize(("timeout", "outcome"), [(0.0, Exit.OK), (0.8, Exit.DEADLINE)])
def test_a_slow_registry_is_waited_for_as_long_as_asked_for(
    run: Runner, registry: Moods, timeout: float, outcome: Exit
) -> None:
    registry.seconds = 0.3
    result = run(pushed(registry), timeout=timeout)

    assert result.exit is outcome
    assert codes(result) == ([] if outcome is Exit.OK else ["BK714"])


def test_an_image_that_is_not_what_its_digest_says(
    run: Runner, other_registry: Moods, containerd_engine: Mapping[str, str]
) -> None:
    assert run(pushed(other_registry, "FROM scratch\nCOPY busybox /\n"), env=containerd_engine).exit is Exit.OK
    name = f"{other_registry.address}/bakec-test/mood"
    docker(containerd_engine, "image", "rm", "-f", name)
    docker(containerd_engine, "builder", "prune", "--all", "--force")
    other_registry.lies = True
    lied = run(job("lied", f'FROM {name}\nRUN ["/busybox", "true"]\n', pull=True), env=containerd_engine)
    unknown = run(job("unknown", f"FROM {name}@sha256:{'0' * 64}\nENV A=1\n"), env=containerd_engine)

    for result in (lied, unknown):
        assert (result.exit, codes(result)) == (Exit.BUILD, ["BK703"])
    assert "digest" in lied.diagnostics[0].message
    assert "not found" in unknown.diagnostics[0].message


@pytest.mark.parametrize("bad", [{"blobs": True}, {"index": True}], ids=str)
def test_a_layout_that_is_not_what_its_digests_say(
    run: Runner, project: Path, containerd_engine: Mapping[str, str], bad: Mapping[str, bool]
) -> None:
    made = (Exporter(type="oci", dest="layout", attrs={"tar": "false"}),)
    text = "FROM scratch\nCOPY busybox /\n"
    assert run(job("made", text, exports=made), env=containerd_engine).exit is Exit.OK
    index = project / "layout/index.json"
    if "index" in bad:
        index.write_text(index.read_text().replace('"sha256:', '"sha256:0000', 1))
    for blob in (project / "layout/blobs/sha256").iterdir() if "blobs" in bad else ():
        blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    caps = {"frontend.caps": "moby.buildkit.frontend.contexts+forward"}
    result = run(job("user", "FROM made\nENV A=1\n", attrs=caps, oci_layouts={"made": "layout"}), env=containerd_engine)

    assert result.exit is Exit.BUILD
    assert len(result.diagnostics) == 1


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """A disk of its own at `folder`, on which hardly anything fits."""
    folder.mkdir(exist_ok=True)
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)), check=True)
    try:
        (folder / "filling").write_bytes(bytes(60 << 10))
        yield
    finally:
        subprocess.run(("umount", str(folder)), check=True)


@pytest.mark.parametrize(
    ("exporter", "extra"),
    [
        (Exporter(type="local", dest="disk/out"), {}),
        (Exporter(type="tar", dest="disk/out.tar"), {}),
    ],
    ids=["local", "tar"],
)
def test_a_full_disk_for_the_result_is_one_clear_error(
    run: Runner, project: Path, exporter: Exporter, extra: Mapping[str, object]
) -> None:
    with full(project / "disk"):
        result = run(job("full", BASE, exports=(exporter,)), retries=Retries(3))

    assert result.exit is Exit.BUILD
    (problem,) = result.diagnostics
    assert "no space left on device" in problem.message.lower()
    assert result.jobs[0].attempts == 1


@pytest.mark.parametrize(("option", "code"), [("journal", "BK716"), ("metadata_file", "BK715"), ("log_dir", "BK722")])
def test_a_full_disk_for_what_is_told_of_a_run_is_one_clear_error(
    run: Runner, project: Path, option: str, code: str
) -> None:
    with full(project / "disk"):
        (project / "disk/rest").write_bytes(bytes(4 << 10))
        result = run(job("full", "FROM scratch\nENV A=1\n"), **{option: project / "disk/file"})

    assert result.exit is Exit.USAGE
    assert codes(result) == [code]
    assert "No space left on device" in result.diagnostics[0].message


def test_an_engine_whose_disk_is_full_goes_on_when_it_has_room(
    run: Runner, project: Path, own_engine: Mapping[str, str]
) -> None:
    def resize(size: str) -> None:
        data = f"/tmp/bakec-own-{os.getpid()}/data"
        inside = ("nsenter", "--target", own_engine["BAKEC_TEST_ENGINE_PID"], "--mount")
        subprocess.run((*inside, "mount", "-o", f"remount,size={size}", data), check=True)

    large = job("large", BASE + 'RUN ["/bin/dd", "if=/dev/zero", "of=/large", "bs=1M", "count=64"]\n', tags=("large",))
    resize("32M")
    lost = run(large, env=own_engine, journal=project / "journal")
    resize("1G")
    result = run(large, env=own_engine, journal=project / "journal", resume=True)

    assert (lost.exit, codes(lost)) == (Exit.BUILD, ["BK703"])
    assert result.exit is Exit.OK, result.diagnostics
    docker(own_engine, "image", "inspect", "large")
