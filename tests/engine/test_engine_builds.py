"""Plans made by hand, built on the real engine, and looked at with its own client."""

import dataclasses
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from real_plans import BASE, Runner, docker, inspect, job, serving

from bakec.ir.diagnostics import Exit
from bakec.ir.plan import Cache, Exporter, FrontendSolve, Job, JobId, LocalDir, Secret, Ssh, TargetName
from bakec.runtime.results import Outcome

ROOT = Path(__file__).resolve().parents[2]


def test_a_target_without_an_output_becomes_an_image(run: Runner, engine: Mapping[str, str]) -> None:
    result = run(job("single", BASE + 'ENV GREETING=hello\nCMD ["/bin/env"]\n', tags=("bakec-test/single",)))

    assert result.exit is Exit.OK
    assert "GREETING=hello" in docker(engine, "run", "--rm", "bakec-test/single")
    assert result.jobs[0].digest == inspect(engine, "bakec-test/single")["Id"]


def test_build_arguments_labels_and_target_reach_the_frontend(run: Runner, engine: Mapping[str, str]) -> None:
    text = BASE + "FROM scratch AS chosen\nARG VERSION\nENV V=$VERSION\nFROM scratch AS other\nENV V=other\n"
    attrs = {"build-arg:VERSION": "1.2.3", "label:made.by": "bakec", "target": "chosen"}
    result = run(job("args", text, attrs=attrs, tags=("bakec-test/args",)))

    config = inspect(engine, "bakec-test/args")["Config"]
    assert result.exit is Exit.OK
    assert "V=1.2.3" in config["Env"]
    assert config["Labels"] == {"made.by": "bakec"}


def test_a_chain_of_linked_targets_passes_files_and_configuration_on(run: Runner, engine: Mapping[str, str]) -> None:
    middle = 'FROM base\nRUN ["/bin/sh", "-c", "echo middle > /trail"]\nENV FROM_MIDDLE=yes\n'
    last = 'FROM middle\nRUN ["/bin/sh", "-c", "echo last >> /trail"]\nCMD ["/bin/sh", "-c", "cat /trail; env"]\n'
    result = run(
        job("base", BASE + "ENV FROM_BASE=yes\n", exports=(Exporter(type="cacheonly"),)),
        job("middle", middle, needs=("base",), exports=(Exporter(type="cacheonly"),)),
        job("last", last, needs=("middle",), tags=("bakec-test/chain",)),
    )

    printed = docker(engine, "run", "--rm", "bakec-test/chain")
    assert result.exit is Exit.OK
    assert printed.startswith("middle\nlast\n")
    assert "FROM_BASE=yes" in printed
    assert "FROM_MIDDLE=yes" in printed


def test_a_chain_is_built_with_one_slot(run: Runner) -> None:
    diamond = [
        job("base", BASE),
        job("left", 'FROM base\nRUN ["/bin/touch", "/left"]\n', needs=("base",)),
        job("right", 'FROM base\nRUN ["/bin/touch", "/right"]\n', needs=("base",)),
        job("both", "FROM left\nCOPY --from=right /right /right\n", needs=("left", "right")),
    ]
    assert run(*diamond, jobs=1).exit is Exit.OK


def test_a_named_context_that_is_a_directory(run: Runner, project: Path, engine: Mapping[str, str]) -> None:
    (project / "extra").mkdir()
    (project / "extra/file").write_text("from the extra context")
    text = BASE + 'COPY --from=more file /file\nCMD ["/bin/cat", "/file"]\n'
    contexts = (LocalDir(name="context", path="context"), LocalDir(name="more", path="extra"))
    caps = {"frontend.caps": "moby.buildkit.frontend.contexts+forward"}
    result = run(job("named", text, attrs=caps, locals=contexts, tags=("bakec-test/named",)))

    assert result.exit is Exit.OK
    assert docker(engine, "run", "--rm", "bakec-test/named") == "from the extra context"


def test_secrets_are_there_for_the_step_and_nowhere_else(run: Runner, project: Path, engine: Mapping[str, str]) -> None:
    (project / "token").write_text("file-secret-value")
    text = BASE + (
        "RUN --mount=type=secret,id=one --mount=type=secret,id=two "
        '["/bin/sh", "-c", "cat /run/secrets/one /run/secrets/two | /bin/sha256sum > /sum; cat /run/secrets/one"]\n'
        'CMD ["/bin/cat", "/sum"]\n'
    )
    secrets = (Secret(id="one", env="TOKEN_ONE"), Secret(id="two", src="token"))
    env = {**engine, "TOKEN_ONE": "env-secret-value"}
    result = run(job("secret", text, secrets=secrets, tags=("bakec-test/secret",)), env=env)

    assert result.exit is Exit.OK
    wanted = hashlib.sha256(b"env-secret-valuefile-secret-value").hexdigest()
    assert docker(engine, "run", "--rm", "bakec-test/secret").split()[0] == wanted
    assert "env-secret-value" not in run.text
    assert "***" in run.text or "CACHED" in run.text


def test_a_secret_file_that_is_missing_stops_the_run_before_it_begins(run: Runner) -> None:
    result = run(job("secret", BASE, secrets=(Secret(id="gone", src="nowhere"),)))

    assert result.exit is Exit.BUILD
    assert [each.rule.code for each in result.diagnostics] == ["BK708"]
    assert "failed to stat nowhere: No such file or directory" in result.diagnostics[0].message


def test_an_ssh_agent_answers_inside_of_a_build(run: Runner, project: Path) -> None:
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(project / "key")), check=True)
    text = BASE + 'RUN --mount=type=ssh ["/bin/sh", "-c", "test -S $SSH_AUTH_SOCK && echo agent is here"]\n'
    result = run(job("ssh", text, ssh=(Ssh(id="default", paths=("key",)),), attrs={"no-cache": ""}))

    assert result.exit is Exit.OK, result.diagnostics
    assert "agent is here" in run.text


def test_files_are_written_by_the_local_and_tar_exporters(run: Runner, project: Path) -> None:
    text = "FROM scratch\nCOPY tree /\n"
    tree = project / "context/tree"
    (tree / "deep/er").mkdir(parents=True)
    (tree / "deep/er/ünicode name").write_text("content")
    (tree / "empty").touch(mode=0o640)
    (tree / "link").symlink_to("deep/er")
    local = run(job("files", text, exports=(Exporter(type="local", dest="out"),)))
    archive = run(job("files", text, exports=(Exporter(type="tar", dest="sub/out.tar"),)))

    assert (local.exit, archive.exit) == (Exit.OK, Exit.OK)
    assert (project / "out/deep/er/ünicode name").read_text() == "content"
    assert (project / "out/empty").stat().st_mode & 0o777 == 0o640
    assert (project / "out/link").readlink() == Path("deep/er")
    listing = subprocess.run(("tar", "tf", str(project / "sub/out.tar")), capture_output=True, check=True)
    assert b"link" in listing.stdout


def test_dockerignore_and_used_paths_decide_what_is_sent(run: Runner, project: Path) -> None:
    context = project / "context"
    for name in ("keep.txt", "drop.log", "keep.log", "node_modules/x/y", "src/a.py", "src/b.pyc"):
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text(name)
    (context / ".dockerignore").write_text("**/*.log\n!keep.log\nnode_modules\n**/*.pyc\nbusybox\n")
    result = run(job("ignored", "FROM scratch\nCOPY . /\n", exports=(Exporter(type="local", dest="out"),)))

    found = sorted(str(path.relative_to(project / "out")) for path in (project / "out").rglob("*") if path.is_file())
    assert result.exit is Exit.OK
    assert found == [".dockerignore", "keep.log", "keep.txt", "src/a.py"]


def test_a_context_that_targets_share_is_sent_once(run: Runner, project: Path) -> None:
    (project / "context/large").write_bytes(os.urandom(1_000_000))
    jobs = [job(f"n{index}", f"FROM scratch\nCOPY large /\nENV N={index}\n") for index in range(5)]
    result = run(*jobs)

    sent = re.findall(r"transferring context: ([\d.]+)MB", run.text)
    assert result.exit is Exit.OK
    assert run.text.count("load build context") == 1
    assert float(sent[-1]) == pytest.approx(1.0, abs=0.1)


def test_a_failing_command_is_a_failed_build_with_its_line(run: Runner) -> None:
    result = run(job("broken", BASE + 'ENV A=1\nRUN ["/bin/sh", "-c", "echo to be seen; exit 3"]\nENV B=2\n'))

    (problem,) = result.diagnostics
    assert result.exit is Exit.BUILD
    assert problem.message.endswith("did not complete successfully: exit code: 3")
    assert problem.subject.line == 5
    assert problem.subject.text == 'RUN ["/bin/sh", "-c", "echo to be seen; exit 3"]'
    assert "to be seen" in run.text


def test_a_target_that_uses_a_broken_one_is_skipped_and_others_go_on(run: Runner) -> None:
    result = run(
        job("broken", "FROM scratch\nCOPY missing /\n"),
        job("child", "FROM broken\n", needs=("broken",)),
        job("fine", BASE),
        keep_going=True,
    )
    outcomes = {each.target: each.outcome for each in result.jobs}
    assert result.exit is Exit.BUILD
    assert outcomes["broken"] is Outcome.FAILED
    assert outcomes["child"] is Outcome.SKIPPED
    assert outcomes["fine"].is_success


def test_a_second_run_is_all_cached(run: Runner) -> None:
    jobs = [job(f"again{index}", BASE + f'RUN ["/bin/touch", "/again{index}"]\n') for index in range(5)]
    run(*jobs)
    result = run(*jobs)

    assert [each.outcome for each in result.jobs] == [Outcome.CACHED] * 5


def test_a_hundred_jobs_in_one_plan(run: Runner, engine: Mapping[str, str]) -> None:
    """Half of them alone, the others in chains of ten from one base; each makes the image that it was asked for."""
    marks = {f"bakec-test/hundred{index}": f"MARK={index}" for index in range(100)}
    alone = [job(f"n{index}", f"FROM scratch\nENV MARK={index}\n") for index in range(50)]
    chained = [
        job(f"n{index}", f"FROM {need}\nENV MARK={index}\n", needs=(need,))
        for index in range(50, 100)
        for need in ("base" if index % 10 == 0 else f"n{index - 1}",)
    ]
    tagged = [dataclasses.replace(each, tags=(f"bakec-test/hundred{each.id[1:]}",)) for each in (*alone, *chained)]
    result = run(job("base", BASE), *tagged)

    assert result.exit is Exit.OK
    assert {each.outcome.is_success for each in result.jobs} == {True}
    found = json.loads(docker(engine, "image", "inspect", *marks))
    assert {image["RepoTags"][0].partition(":")[0]: image["Config"]["Env"][-1] for image in found} == marks


def test_an_engine_that_dies_is_one_clear_error(own_engine: Mapping[str, str], run: Runner) -> None:
    sleep = BASE + 'RUN ["/bin/sleep", "60"]\n'
    killer = threading.Timer(3, _kill, (int(own_engine["BAKEC_TEST_ENGINE_PID"]),))
    killer.start()
    started = time.monotonic()
    result = run(job("one", sleep), job("two", sleep), env=own_engine)

    assert result.exit is Exit.DRIVER
    assert [each.rule.code for each in result.diagnostics] == ["BK702"]
    assert time.monotonic() - started < 20


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_no_engine_at_all_is_one_clear_error(run: Runner, engine: Mapping[str, str], tmp_path: Path) -> None:
    result = run(job("one", BASE), env={**engine, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"})

    assert result.exit is Exit.DRIVER
    assert "No such file or directory" in result.diagnostics[0].message


def test_an_interrupt_stops_the_builds(engine: Mapping[str, str], project: Path) -> None:
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from real_plans import BASE, job, plan\n"
        "from bakec.runtime.engine import run_plan\n"
        "from bakec.runtime.options import RunOptions\n"
        'text = BASE + \'RUN ["/bin/sleep", "4242"]\\n\'\n'
        "sys.exit(run_plan(plan(job('one', text)), RunOptions(root=Path(sys.argv[2]), progress='plain')).exit)\n"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent), str(project)]
    env = {**engine, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "4242" in line:
                break
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.stderr.read()

    assert process.returncode == Exit.INTERRUPTED
    assert is_stopped("/bin/sleep 4242")


@pytest.mark.parametrize("limit", ["timeout", "deadline", "idle"])
def test_a_time_limit_stops_the_builds(run: Runner, limit: str) -> None:
    result = run(job("slow", BASE + 'RUN ["/bin/sleep", "4343"]\n', attrs={"no-cache": ""}), **{limit: 2.0})

    assert result.exit is Exit.DEADLINE
    assert len(result.diagnostics) == 1
    assert is_stopped("/bin/sleep 4343")


def is_stopped(step: str) -> bool:
    """Whether a step that would go on for an hour ends soon. The daemon kills it when it hears that the build is given
    up, for which nobody waits."""
    end = time.monotonic() + 10
    while step in (running := processes()) and time.monotonic() < end:
        time.sleep(0.05)
    return step not in running


def processes() -> str:
    return subprocess.run(("ps", "-eo", "args"), capture_output=True, text=True, check=True).stdout


def test_pushing_from_a_classic_engine_goes_through_its_own_api(run: Runner, engine: Mapping[str, str]) -> None:
    name = f"{engine['BAKEC_TEST_REGISTRY']}/bakec-test/pushed"
    exports = (Exporter(type="registry"),)
    result = run(job("pushed", BASE, tags=(f"{name}:one", f"{name}:two"), exports=exports))

    assert result.exit is Exit.OK, result.diagnostics
    assert f"pushing {name}:two with docker" in run.text
    (found,) = result.jobs
    assert f"{name}@{found.digest}" in inspect(engine, f"{name}:one")["RepoDigests"]
    assert found.response["containerimage.config.digest"] == inspect(engine, f"{name}:one")["Id"]


def test_a_registry_that_is_not_there_is_a_failure_to_publish(run: Runner) -> None:
    exports = (Exporter(type="image", attrs={"push": "true"}),)
    result = run(job("lost", BASE, tags=("127.0.0.1:9/nobody",), exports=exports))

    assert result.exit is Exit.PUBLISH
    assert [each.rule.code for each in result.diagnostics] == ["BK704"]


def test_the_metadata_file_says_what_the_exporters_said(run: Runner, project: Path) -> None:
    result = run(job("meta", BASE, tags=("bakec-test/meta",)), metadata_file=project / "meta.json")

    text = (project / "meta.json").read_text()
    document = json.loads(text)
    assert result.exit is Exit.OK
    assert document["meta"]["image.name"] == "docker.io/bakec-test/meta"
    assert document["meta"]["containerimage.digest"].startswith("sha256:")
    assert list(document["meta"]) == sorted(document["meta"])
    assert text == json.dumps(document, indent=2)


def test_the_metadata_file_says_how_a_result_was_made(run: Runner, project: Path, engine: Mapping[str, str]) -> None:
    def provenance(mode: str) -> dict[str, object]:
        env = {**engine, "BUILDX_METADATA_PROVENANCE": mode}
        made = job("made", BASE, attrs={"build-arg:A": "1"}, exports=(Exporter(type="cacheonly"),))
        assert run(made, metadata_file=project / "meta.json", env=env).exit is Exit.OK
        return json.loads((project / "meta.json").read_text())["made"].get("buildx.build.provenance", {})

    short, whole, none = map(provenance, ("min", "max", "disabled"))
    assert short["invocation"]["parameters"]["args"]["build-arg:A"] == "1"
    assert {*whole} == {*short, "buildConfig", "metadata"}
    assert none == {}


def test_a_dockerfile_at_a_url_is_fetched_by_the_builder(run: Runner, project: Path) -> None:
    (project / "site").mkdir()
    (project / "site/Dockerfile").write_text("FROM scratch\nCOPY word /word\n")
    (project / "context/word").write_text("of the context")
    with serving(project / "site") as site:
        attrs = {"filename": f"{site}/Dockerfile", "dockerfilekey": "dockerfile"}
        missing = {**attrs, "filename": f"{site}/none"}
        good = job("good", None, attrs=attrs, exports=(Exporter(type="local", dest="out"),))
        result = run(good, job("bad", None, attrs=missing), keep_going=True)

    assert [each.outcome.is_success for each in result.jobs] == [True, False]
    assert (project / "out/word").read_text() == "of the context"
    assert f"cannot load Dockerfile {site}/none" in result.diagnostics[0].message


def test_what_the_builder_cannot_do_is_said_before_anything_runs(run: Runner) -> None:
    result = run(job("cache", BASE, cache_to=(Cache(type="local", attrs={"dest": "cache"}),)))

    assert "Cache export is not supported for the docker driver" in result.diagnostics[0].message
    assert run.text == "" or "BASE" not in run.text


def test_the_same_dockerfile_gives_the_image_that_buildx_makes(
    run: Runner, project: Path, engine: Mapping[str, str]
) -> None:
    text = BASE + 'WORKDIR /srv\nENV A=b\nEXPOSE 80\nUSER 1000\nENTRYPOINT ["/bin/sh"]\n'
    (project / "Dockerfile").write_text(text)
    solve = FrontendSolve(frontend="dockerfile.v0", attrs={"filename": "Dockerfile", "label:x": "y"})
    folders = (LocalDir(name="context", path="context"), LocalDir(name="dockerfile", path="."))
    ours = Job(id=JobId("same"), target=TargetName("same"), solve=solve, locals=folders, tags=("bakec-test/ours",))
    assert run(ours).exit is Exit.OK
    command = ("buildx", "build", "-q", "--label", "x=y", "-f", str(project / "Dockerfile"), "-t", "bakec-test/theirs")
    docker(engine, *command, str(project / "context"))

    assert inspect(engine, "bakec-test/ours")["Id"] == inspect(engine, "bakec-test/theirs")["Id"]
